"""What the run must know of a session, written to the staging folder and never published as it is.

Of every result that was released it says what made it, the verdict on its model, whom it rests on and what
the gate did; of every table and figure that was shown, of which result and with how many cells hidden. All of
it is taken from what was released: numbers of cells, never what stood in them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpg_research._lazy import home_of
from mpg_research.reporting.files import json_bytes
from mpg_research.reporting.session.written import note_file
from mpg_research.reporting.store.stored import StoredResult
from mpg_research.writing import write_atomically

if TYPE_CHECKING:
    from mpg_research.disclosure.released import Released, ReleasedTable

__all__ = ["RECORD", "Record"]

#: The session's own record in the staging folder.
RECORD = "session.json"
#: Notes of a fit that say that a variance or correlation lies on its bound.
_SINGULAR = frozenset(
    {"singular_fit", "zero_variance", "zero_correlation", "unit_correlation", "lowest_correlation"}
)
#: Fields of the policy that are facts about a study and not rules.
_NO_RULES = frozenset({"has_comparison", "randomised"})


@dataclass(slots=True)
class Record:
    """What the run must know of a session; written anew after each result shown.

    Attributes
    ----------
    folder : Path or None
        Where it is written; ``None`` by hand.
    content : dict
        Organisations, results, what was shown of them, and the rules of the gate.
    """

    folder: Path | None
    content: dict[str, Any]
    _asked: list[tuple[Any, str, Mapping[str, Any]]] = field(default_factory=list)

    def write(self) -> None:
        """Write it to the folder, if there is one."""
        if self.folder is not None:
            content = json_bytes(self.content)
            note_file(self.folder, write_atomically(self.folder / RECORD, content, durable=False))

    def asked(self, result: Any, verb: str, options: Mapping[str, Any]) -> None:
        """Remember what a result was asked with, until it is shown.

        Parameters
        ----------
        result : AnalysisResult
            What came of it.
        verb : str
            Name of the analysis.
        options : mapping
            Its arguments after the study.
        """
        self._asked.append((result, verb, options))

    @property
    def asked_so_far(self) -> list[tuple[Any, str, Mapping[str, Any]]]:
        """Results with the verb and the options that they were asked with."""
        return self._asked

    def not_applicable(self, code: str, result: str, *, reason: str = "") -> None:
        """Note that a question did not arise, or that its model could not be fitted.

        Parameters
        ----------
        code : str
            The reason.
        result : str
            Name of the analysis.
        reason : str
            For who runs the study, and nobody else: it is published nowhere.
        """
        found = self.content.setdefault("not_applicable", [])
        if (item := {"code": code, "verb": result}) not in found:
            found.append(item)
        if reason:
            self.content.setdefault("not_fitted", {})[result] = reason
        self.write()

    def released(self, result: Any, released: "Released") -> str:
        """Note what made a result and what the gate let through of it.

        Parameters
        ----------
        result : AnalysisResult
            What the analysis returned.
        released : Released
            What its readers may know.

        Returns
        -------
        str
            The name under which it stands in the record.
        """
        verb, part, options = self._how_asked(result)
        described = _described(released, verb, part, options)
        self.content["rules"] = _rules(released)
        results = self.content["results"]
        base = f"{verb}.{part}" if part else verb or released.kind
        name, number = base, 2
        while name in results and results[name] != described:
            name, number = f"{base} ({number})", number + 1
        results[name] = described
        self.write()
        return name

    def shown(
        self, reference: str, kind: str, name: str, *, result: str, tables: Iterable["ReleasedTable"]
    ) -> None:
        """Note a table or figure that the page shows.

        Parameters
        ----------
        reference : str
            Its id.
        kind : {"tables", "figures"}
            What it is.
        name : str
            Name of its files, without ending.
        result : str
            Name of its result in the record.
        tables : iterable of ReleasedTable
            The released tables whose numbers it shows.
        """
        from mpg_research.disclosure.applied_rules import rules_applied

        shown = list(tables)
        self.content["shown"][reference] = {
            "kind": kind,
            "name": name,
            "result": result,
            "cells": {table.name: count_cells(table) for table in shown},
            "rules": list(dict.fromkeys(code for table in shown for code in rules_applied(table))),
        }
        self.write()

    def not_shown(self, kind: str, name: str, *, result: str) -> None:
        """Note a table or figure in whose place the page says why there is none.

        Parameters
        ----------
        kind : {"tables", "figures"}
            What it would have been.
        name : str
            Its name.
        result : str
            Name of its result in the record.
        """
        found = self.content.setdefault("not_shown", [])
        if (item := {"kind": kind, "name": name, "result": result}) not in found:
            found.append(item)
        self.write()

    def _how_asked(self, result: Any) -> tuple[str, str, Mapping[str, Any] | None]:
        """Verb, part and options of a result; without them where the notebook called a function itself."""
        for known, verb, options in self._asked:
            if known is result:
                return verb, "", options
            if isinstance(known, StoredResult) and isinstance(result, StoredResult):
                if known.key and result.key.startswith(f"{known.key}."):
                    return verb, result.key.removeprefix(f"{known.key}."), options
            elif not isinstance(known, StoredResult):
                for each in fields(known):
                    if getattr(known, each.name) is result:
                        return verb, each.name, options
        return "", "", None


def count_cells(table: "ReleasedTable") -> dict[str, int]:
    """How many cells with numbers a released table has, and of how many the gate did what.

    Parameters
    ----------
    table : ReleasedTable
        The table.

    Returns
    -------
    dict of str to int
        ``rows``, ``cells``, ``rows_suppressed``, and the number of cells by what was done to them
        (``suppressed``, ``rounded``).
    """
    numbers = table.marks.drop(columns=[key for key in table.keys if key in table.marks])
    done = Counter(str(mark) for column in numbers for mark in numbers[column].to_numpy(dtype=object) if mark)
    return {
        "rows": len(numbers),
        "cells": int(numbers.size),
        "rows_suppressed": int(table.data["suppressed"].sum()),
        "suppressed": 0,
        "rounded": 0,
        **dict(sorted(done.items())),
    }


def _described(
    released: "Released", verb: str, part: str, options: Mapping[str, Any] | None
) -> dict[str, Any]:
    provenance = released.provenance
    codes = {note.code for note in released.notes}
    described: dict[str, Any] = {
        "kind": released.kind,
        "verb": verb,
        "module": home_of("mpg_research.analysis", verb) if verb else "",
        "part": part,
        "options": {name: _json(value) for name, value in (options or {}).items()},
        "parameters": {name: _json(value) for name, value in provenance.parameters.items()},
        "level": released.level,
        "instrument": provenance.instrument,
        "outcome": provenance.outcome,
        "sample_flow": _flow(released),
        "notes": [{"code": note.code, "level": note.level} for note in released.notes],
        "withheld": [{"table": held.table, "code": held.code} for held in released.withheld],
    }
    if "formula" in provenance.parameters:
        singular = sorted(codes & _SINGULAR)
        described["model"] = {
            "converged": released.converged,
            "singular": bool(singular),
            "reasons": singular,
        }
    seed = provenance.parameters.get("seed")
    if seed is not None:
        described["seed"] = int(seed)
    return described


def _flow(released: "Released") -> list[dict[str, Any]]:
    table = released.tables.get("sample_flow")
    if table is None:
        return []
    rows = table.data.astype(object).where(table.data.notna(), None).to_dict("records")
    return [_plain({str(key): value for key, value in row.items()}) for row in rows]


def _rules(released: "Released") -> dict[str, Any]:
    """The rules that numbers or switches of the policy set."""
    policy = released.policy
    values = {each.name: getattr(policy, each.name) for each in fields(policy) if each.name not in _NO_RULES}
    return {name: value for name, value in values.items() if isinstance(value, bool | int | float)}


def _json(value: Any) -> Any:
    """A value as JSON has it; what JSON has no word for, as text."""
    if isinstance(value, Mapping):
        return {str(key): _json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [
            _json(each) for each in (value if isinstance(value, list | tuple) else sorted(value, key=str))
        ]
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, float) and value - value != 0:  # no number, or without end
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Python's own numbers and texts (numpy's are not JSON); counts as whole numbers."""
    plain = {key: value.item() if hasattr(value, "item") else value for key, value in row.items()}
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in plain.items()
    }
