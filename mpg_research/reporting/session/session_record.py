"""What the run must know of a session, written to the staging folder and never published as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpg_research.reporting.files import json_bytes
from mpg_research.reporting.session.written import note_file
from mpg_research.writing import write_atomically

__all__ = ["RECORD", "Record"]

#: The session's own record in the staging folder.
RECORD = "session.json"


@dataclass(slots=True)
class Record:
    """What the run must know of a session; written anew after each result shown.

    Attributes
    ----------
    folder : Path or None
        Where it is written; ``None`` by hand.
    content : dict
        Organisations, sample flow, notes, what was withheld, and seeds.
    """

    folder: Path | None
    content: dict[str, Any]

    def write(self) -> None:
        """Write it to the folder, if there is one."""
        if self.folder is not None:
            note_file(self.folder, write_atomically(self.folder / RECORD, json_bytes(self.content)))

    def not_applicable(self, code: str, result: str) -> None:
        """Note that a question did not arise."""
        self._add("notes", [{"code": code, "level": "caution", "result": result}])
        self.write()

    def released(self, released: Any) -> None:
        """Note sample flow, notes and what was withheld, as they were released: nothing that the gate held
        back.
        """
        flow = released.tables.get("sample_flow")
        if flow is not None:
            rows = flow.data.astype(object).where(flow.data.notna(), None).to_dict("records")
            self.content["sample_flow"][released.kind] = [_plain(row) for row in rows]
        of = {"result": released.kind}
        self._add("notes", [{"code": note.code, "level": note.level, **of} for note in released.notes])
        self._add("withheld", [{"table": held.table, "code": held.code, **of} for held in released.withheld])
        seed = released.provenance.parameters.get("seed")
        if seed is not None:
            self.content.setdefault("seeds", {})[released.kind] = int(seed)
        self.write()

    def _add(self, key: str, items: list[dict[str, Any]]) -> None:
        known = self.content.get(key, [])
        self.content[key] = known + [item for item in items if item not in known]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Python's own numbers and texts (numpy's are not JSON); counts as whole numbers."""
    plain = {str(key): value.item() if hasattr(value, "item") else value for key, value in row.items()}
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in plain.items()
    }
