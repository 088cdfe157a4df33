"""Families whose data may not be used are left out of every file before anything is looked at.

A family counts only if every one of its rows in the table of episodes holds a value that permits; one that is
empty, or another value, does not. So do families that the table of episodes does not have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem, did_you_mean
from mpg_research.plurals import counted, words_counted
from mpg_research.study.config.lines import line_of_setting
from mpg_research.study.config.parts import files_together
from mpg_research.study.config.sections import ConsentConfig, TableConfig
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.files.read import RawTable
from mpg_research.study.findings import Findings
from mpg_research.study.tables.canonical import canonical_table, family_ids
from mpg_research.study.tables.sources import find_column
from mpg_research.study.tables.values import is_missing

__all__ = ["ConsentGiven", "find_consent"]

_FEW = 5


@dataclass(slots=True)
class ConsentGiven:
    """Which families permit that their data are used, and what was left out of the others.

    Attributes
    ----------
    permitted : frozenset of str
        Ids of the families whose rows stay.
    n_families : int
        Families in the table of episodes that were left out.
    n_empty : int
        Those among them of whom a row holds nothing.
    rows : dict of str to int
        Rows left out, by table; of measurements what they hold of measurements.
    unknown : dict of (str, str) to int
        Rows among them about families that the table of episodes does not have, by table and file.
    file : str
        The file or files with the episodes, for messages.
    """

    permitted: frozenset[str]
    n_families: int
    n_empty: int
    rows: dict[str, int] = field(default_factory=dict)
    unknown: dict[tuple[str, str], int] = field(default_factory=dict)
    file: str = ""
    _refused: frozenset[str] = frozenset()

    def keep(self, name: str, raw: RawTable, table: TableConfig, config: StudyConfig) -> RawTable:
        """The rows of a file that may be used.

        Parameters
        ----------
        name : str
            Of the table that is read from it.
        raw : RawTable
            The file.
        table : TableConfig
            How it is read.
        config : StudyConfig
            The study.

        Returns
        -------
        RawTable
            Rows without a family (a price, the score of a team) stay.
        """
        families = family_ids(name, raw, table, config)
        if families is None:
            return raw
        known = families.notna().to_numpy(dtype=bool)
        out = known & ~families.isin(self.permitted).to_numpy(dtype=bool)
        if not out.any():
            return raw
        left = _rows_of(raw, out)
        number = len(left.frame)
        if name == "measurements":  # a row of a wide file holds several
            built = canonical_table(name, left, table, config, Findings())
            number = len(built.frame) if built is not None else number
        self.rows[name] = self.rows.get(name, 0) + number
        strange = int((out & ~families.isin(self._refused).to_numpy(dtype=bool)).sum())
        if strange:
            self.unknown[name, raw.name] = self.unknown.get((name, raw.name), 0) + strange
        return _rows_of(raw, ~out)

    def problems(self, config: StudyConfig) -> list[Problem]:
        """What was left out, for whoever checks the study: numbers, never a row or a family.

        Parameters
        ----------
        config : StudyConfig
            The study.

        Returns
        -------
        list of Problem
            Warnings.
        """
        asked = config.consent
        assert asked is not None
        found, unit = [], config.study.english_unit
        file = self.file
        if self.n_families:
            other = self.n_families - self.n_empty
            found.append(
                Problem(
                    found=f"{words_counted(self.n_families, unit)} left out before anything else "
                    f"({self.n_empty} with an empty cell, {other} with another value); with them "
                    f"{counted(self.rows.get('measurements', 0), 'measurements')}",
                    expected=f"one of {_listed(asked.permits)} in every row, as [consent] permits says",
                    remedy="Nothing of them is checked, scored or counted further.",
                    file=file, column=asked.column, severity="warning", code="without_consent",
                )
            )  # fmt: skip
        for (_, other_file), number in self.unknown.items():
            found.append(
                Problem(
                    found=f"{counted(number, 'rows')} left out, about families that {file} does not have: "
                    "whether they permit it is not known",
                    remedy="Look whether the ids are written alike in both files.",
                    file=other_file,
                    severity="warning", code="consent_not_known",
                )
            )  # fmt: skip
        return found


def find_consent(
    files: Sequence[tuple[RawTable, TableConfig]], config: StudyConfig, findings: Findings
) -> ConsentGiven | None:
    """Which families permit that their data are used.

    Parameters
    ----------
    files : sequence of (RawTable, TableConfig)
        The files with the episodes, and how each is read.
    config : StudyConfig
        The study; its ``[consent]`` says what is asked.
    findings : Findings
        Receives what is wrong; then nothing else may be read.

    Returns
    -------
    ConsentGiven or None
        None where it cannot be known.
    """
    asked = config.consent
    assert asked is not None
    ids: list[object] = []
    values: list[tuple[str, ...]] = []
    for raw, table in files:
        if raw.frame.empty and len(files) > 1:
            continue
        names = [str(name) for name in raw.frame.columns]
        column = find_column(names, table.single_columns.get(asked.column, asked.column))
        families = family_ids("episodes", raw, table, config)
        if column is None or families is None:
            lacking = f'"{asked.column}"' if column is None else "for the family"
            what = f"{raw.name}: there is no column {lacking}"
            findings.add(_cannot_be_known(config, what, did_you_mean(asked.column, names)))
            return None
        ids += list(families)
        values += _texts(raw, column)
    file = files_together(raw.name for raw, _ in files)
    permits = {_text(value) for value in asked.permits}
    agrees = np.array([bool(permits & set(each)) for each in values], dtype=bool)
    if not agrees.any():
        what = f'{file}: no row of "{asked.column}" holds one of {_listed(asked.permits)}'
        findings.add(_cannot_be_known(config, what, "Correct [consent] permits, or the column."))
        return None
    empty = np.array([not each for each in values], dtype=bool)
    _warn_of_unused(file, asked, values, findings)
    of_family = pd.DataFrame({"family": pd.Series(ids, dtype=object), "agrees": agrees, "empty": empty})
    by_family = of_family.dropna(subset=["family"]).groupby("family", sort=False)
    refused = ~by_family["agrees"].all()
    return ConsentGiven(
        permitted=frozenset(refused.index[~refused]),
        n_families=int(refused.sum()),
        n_empty=int((refused & by_family["empty"].any()).sum()),
        file=file,
        _refused=frozenset(refused.index[refused]),
    )


def _rows_of(raw: RawTable, mask: NDArray[np.bool_]) -> RawTable:
    return replace(raw, frame=raw.frame[mask].reset_index(drop=True), rows=raw.rows[mask])


def _texts(raw: RawTable, column: str) -> list[tuple[str, ...]]:
    """What each cell says: its value and, in a file with labels, its label; nothing where it is empty."""
    labels = raw.labels.get(column, {})
    cells: list[tuple[str, ...]] = []
    for value in raw.frame[column]:
        said = [] if is_missing(value) else [value, *([labels[value]] if value in labels else [])]
        cells.append(tuple(text for each in said if (text := _text(each))))
    return cells


def _text(value: object) -> str:
    """A value as text, so that 1, 1.0 and "1" are the same, and "Ja " is "ja"."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return str(value).strip().casefold()


def _warn_of_unused(
    file: str, asked: ConsentConfig, values: Sequence[tuple[str, ...]], findings: Findings
) -> None:
    there = {text for each in values for text in each}
    unused = [value for value in asked.permits if _text(value) not in there]
    if unused:
        findings.add(
            Problem(
                found=f"no row holds {_listed(unused)}, which [consent] permits",
                remedy="Look whether it is written as in the file.",
                file=file, column=asked.column, severity="warning", code="consent_value_unused",
            )
        )  # fmt: skip


def _cannot_be_known(config: StudyConfig, found: str, remedy: str) -> Problem:
    asked = config.consent
    assert asked is not None
    return Problem(
        found=f"{found}, so whose data may be used is not known and no table is read",
        expected=f'a column "{asked.column}" with {_listed(asked.permits)} where the data may be used',
        remedy=remedy or "Export the column, or correct [consent] column.",
        file=config.file.name,
        row=line_of_setting(config.file, ("consent", "column")),
        code="consent_not_known",
    )


def _listed(values: Iterable[object]) -> str:
    texts = [f'"{value}"' for value in values]
    return " or ".join(texts[:_FEW]) + (" or others" if len(texts) > _FEW else "")
