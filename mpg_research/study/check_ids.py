"""What can be wrong or odd with the ids that link the tables: families, episodes, organisations, workers."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.study.columns import Table
from mpg_research.study.config import StudyConfig
from mpg_research.study.config_errors import did_you_mean
from mpg_research.study.findings import Findings

__all__ = [
    "check_episode_ids",
    "check_families",
    "check_organisations",
    "check_pseudonyms",
    "check_spelling",
]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_BSN_WEIGHTS = np.array([9, 8, 7, 6, 5, 4, 3, 2, -1])
MANY_LIKE_BSN = 0.5  # of random nine-digit numbers one in eleven passes the test by chance


def check_organisations(name: str, table: Table, config: StudyConfig, findings: Findings) -> None:
    """Organisations that are not declared, where study.toml declares them."""
    if not config.organisations or "organisation" not in table.frame:
        return
    keys = table.frame["organisation"]
    unknown = (keys.notna() & ~keys.isin(list(config.organisations))).to_numpy(dtype=bool)

    def found(place: int) -> str:
        return f'the organisation "{keys.iloc[place]}", which study.toml does not declare'

    distinct = pd.unique(keys[unknown])
    hints = [hint for key in distinct[:3] if (hint := did_you_mean(key, config.organisations))]
    findings.add_rows(
        "unknown_organisation", table.places, "organisation", unknown, found,
        expected=f"one of {', '.join(config.organisations)}",
        remedy=" ".join([*hints[:1], "Correct the cell, or declare it: [organisations.KEY] with a name."]),
    )  # fmt: skip
    if name != "episodes":
        return
    for key in sorted(set(config.organisations) - set(keys.dropna())):
        findings.add(
            Problem(
                found=f'no family has the organisation "{key}", which study.toml declares',
                remedy="There will be no report for it.",
                file=table.places.file, severity="warning", code="organisation_without_families",
            )
        )  # fmt: skip


def check_spelling(table: Table, findings: Findings) -> None:
    """Organisations whose keys differ in capitals, spaces or signs only: probably one organisation."""
    keys = table.frame["organisation"]
    alike: dict[str, list[str]] = {}
    for key in sorted(keys.dropna().unique()):
        alike.setdefault(re.sub(r"[\W_]+", "", key).casefold() or key, []).append(key)
    for group in alike.values():
        if len(group) > 1:
            place = int((keys == group[-1]).to_numpy(dtype=bool, na_value=False).argmax())
            listed = " and ".join(f'"{key}"' for key in group)
            findings.add(
                Problem(
                    found=f"{listed} are read as different organisations",
                    expected="one spelling for each organisation",
                    remedy="If they are one, correct the cells, or use [tables.episodes.values].",
                    file=table.places.file, row=int(table.places.rows[place]),
                    column=table.places.column_of("organisation", place),
                    severity="warning", code="similar_organisations",
                )
            )  # fmt: skip


def check_families(name: str, table: Table, families: pd.Series, findings: Findings) -> None:
    """Families in this table that have no episode."""
    if "family" not in table.frame:
        return
    given = table.frame["family"]
    unknown = (given.notna() & ~given.isin(families.unique())).to_numpy(dtype=bool)
    zeros = set(given[unknown].str.lstrip("0")) & set(families.str.lstrip("0")) if unknown.any() else set()
    hint = "The ids differ in leading zeros: export them as text in both files. " if zeros else ""
    findings.add_rows(
        "unknown_family", table.places, "family", unknown,
        lambda place: f"family {given.iloc[place]} has no episode",
        expected="families that occur in the table episodes",
        remedy=f"{hint}Add the episode, or correct the id.",
    )  # fmt: skip


def check_episode_ids(
    table: Table, episodes: pd.DataFrame, position: NDArray[np.int64], findings: Findings
) -> None:
    """Episodes named here that the family does not have; ``position`` is from ``assign_episodes``."""
    frame = table.frame
    if "episode" not in frame:
        return
    known_family = frame["family"].isin(episodes["family"].unique())
    unknown = ((position < 0) & known_family & frame["episode"].notna()).to_numpy(dtype=bool)
    findings.add_rows(
        "unknown_episode", table.places, "episode", unknown,
        lambda place: "family {} has no episode {}".format(*frame[["family", "episode"]].iloc[place]),
        expected="episodes that occur in the table episodes",
        remedy="Correct it, or leave the cell empty: the date decides then.",
    )  # fmt: skip


def check_pseudonyms(name: str, table: Table, findings: Findings) -> None:
    """Ids that look like a citizen service number (BSN) or an e-mail address. They are not printed."""
    for column in ("family", "worker"):
        if column not in table.frame:
            continue
        distinct = table.frame[column].dropna().unique()
        mails = {key for key in distinct if _EMAIL.fullmatch(key)}
        numbers = [key for key in distinct if key.isascii() and key.isdigit() and len(key) in (8, 9)]
        bsn = {key for key in numbers if _like_bsn(key)}
        if len(bsn) <= MANY_LIKE_BSN * len(numbers):
            bsn = set()
        if not (mails or bsn):
            continue
        what = "an e-mail address" if mails else "a citizen service number (BSN)"
        mask = table.frame[column].isin(mails | bsn).to_numpy(dtype=bool)
        row = int(table.places.rows[mask.argmax()])
        findings.add(
            Problem(
                found=f"{len(mails | bsn)} ids look like {what}", expected="pseudonyms",
                remedy="Replace them by pseudonyms before the data come here; see pseudonymise().",
                file=table.places.file, row=row, column=table.places.columns.get(column, column),
                severity="warning", code="unsafe_pseudonym",
            ),
            times=len(mails | bsn),
        )  # fmt: skip


def _like_bsn(text: str) -> bool:
    digits = np.array([int(digit) for digit in text.zfill(9)])
    total = int(digits @ _BSN_WEIGHTS)
    return total % 11 == 0 and bool(digits.any())
