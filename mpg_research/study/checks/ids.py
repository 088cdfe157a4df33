"""What can be wrong or odd with the ids that link the tables: families, episodes, organisations, workers."""

import re
from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem, did_you_mean
from mpg_research.frames import distinct_values, is_among
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.findings import LISTED_PER_CHECK, Findings
from mpg_research.study.tables.columns import CODES_TOGETHER, Table, values_line
from mpg_research.study.tables.direct_identifiers import passes_eleven_test
from mpg_research.study.tables.identifiers import split_id

__all__ = [
    "check_episode_ids",
    "check_families",
    "check_lost_digits",
    "check_organisation_of_file",
    "check_organisations",
    "check_pseudonyms",
    "check_spelling",
]

MANY_STRANGERS = 5
MANY_ELSEWHERE = 0.5
#: Tables kept beside the help, whose export may hold families that the study does not.
KEPT_BESIDE = frozenset({"decisions", "domains", "goals"})
_LOST_DIGITS = re.compile(r"\d([.,]\d+)?[eE]\+?\d{1,3}")
_NINE = re.compile(r"[0-9]{8,9}")
_SHORTEST = 8
MANY_LIKE_BSN = 0.5  # of random nine-digit numbers one in eleven passes the test by chance


def check_organisations(name: str, table: Table, config: StudyConfig, findings: Findings) -> None:
    """Organisations that are not declared, where study.toml declares them."""
    if not config.organisations or "organisation" not in table.frame:
        return
    keys = table.frame["organisation"]
    unknown = (keys.notna() & ~keys.isin(list(config.organisations))).to_numpy(dtype=bool)

    codes = [str(key) for key in pd.unique(keys[unknown])]

    def remedy(key: str) -> str:
        line = values_line(
            "organisation", codes if len(codes) <= CODES_TOGETHER else [key], list(config.organisations)
        )
        hint = did_you_mean(key, config.organisations)
        return (
            f"{hint} Correct the cell, declare it ([organisations.KEY] with a name), or recode it in "
            f"[tables.{name}]: {line}."
        ).strip()

    findings.add_values(
        "unknown_organisation", table.places, "organisation", unknown, keys.to_numpy(dtype=object),
        lambda key: f'the undeclared organisation "{key}"',
        expected=f"one of {', '.join(config.organisations)}", remedy=remedy,
    )  # fmt: skip
    if name != "episodes":
        return
    for key in sorted(set(config.organisations) - set(distinct_values(keys.dropna()))):
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
                    file=table.places.file_of(place), row=table.places.row_of(place),
                    column=table.places.column_of("organisation", place),
                    severity="warning", code="similar_organisations",
                )
            )  # fmt: skip


def check_families(name: str, table: Table, families: pd.Series, findings: Findings) -> NDArray[np.bool_]:
    """Families in this table that have no episode; gives the rows that are left out for it.

    In a table kept beside the help (:data:`KEPT_BESIDE`) they are a warning, and their rows are left out,
    unless half of the families or more are unknown, or their ids look like known ones written in another way.
    In any other table they are an error, and no row is left out.
    """
    if "family" not in table.frame:
        return np.zeros(len(table.frame), dtype=bool)
    given = table.frame["family"]
    unknown = (given.notna() & ~is_among(given, families.unique())).to_numpy(dtype=bool)
    if not unknown.any():
        return unknown
    strangers = given[unknown].unique()
    difference = _how_they_differ(strangers, families.dropna().unique())
    half = len(strangers) >= given.nunique() / 2
    leave_out = name in KEPT_BESIDE and not half and not difference
    severity: Literal["error", "warning"] = "warning" if leave_out else "error"
    hint = "These rows are left out. " if leave_out else difference
    if (half and len(strangers) >= MANY_STRANGERS) or len(strangers) > LISTED_PER_CHECK:
        place = int(np.flatnonzero(unknown)[0])
        findings.add(
            Problem(
                found=(
                    f"{len(strangers)} of the {given.nunique()} families here have no episode, "
                    f'such as "{strangers[0]}"; the table episodes has ids such as "{families.iloc[0]}"'
                ),
                expected="families that occur in the table episodes",
                remedy=f"{hint}Write the ids in one way in both files, or add the episodes.",
                file=table.places.file_of(place), row=table.places.row_of(place),
                column=table.places.column_of("family", place), code="unknown_family", severity=severity,
            ),
            times=int(unknown.sum()),
        )  # fmt: skip
        return unknown & leave_out
    findings.add_values(
        "unknown_family", table.places, "family", unknown, given.to_numpy(dtype=object),
        lambda family: f"family {family} has no episode",
        expected="families that occur in the table episodes",
        remedy=f"{hint}Add the episode, or correct the id.", severity=severity,
    )  # fmt: skip
    return unknown & leave_out


def check_organisation_of_file(
    name: str, table: Table, episodes: pd.DataFrame, config: StudyConfig, findings: Findings
) -> None:
    """Families in a file that study.toml calls an organisation's, who have no help of that organisation.

    An error from :data:`MANY_ELSEWHERE` of the file's families on, since then it is another one's export.
    """
    if "family" not in table.frame or "organisation" in table.frame:
        return
    if all("organisation" not in places.constants for places in table.places.each):
        return
    recoded = config.tables.episodes.values.get("organisation", {})
    family = table.frame["family"]
    known = set(episodes["family"].dropna())
    for places, rows in table.places.rows_of_each():
        written = places.constants.get("organisation")
        if written is None:
            continue
        organisation = recoded.get(str(written), str(written))
        own = set(episodes.loc[episodes["organisation"] == organisation, "family"])
        here = family.iloc[rows]
        there = set(here.unique()) & known
        elsewhere = sorted(there - own)
        if not elsewhere:
            continue
        place = int(rows[here.isin(elsewhere).to_numpy(dtype=bool).argmax()])
        other = episodes.loc[episodes["family"] == family.iloc[place], "organisation"].iloc[0]
        many = len(elsewhere) >= MANY_ELSEWHERE * len(there)
        findings.add(
            Problem(
                found=f'{len(elsewhere)} of the {len(there)} families here have no help of "{written}", of '
                f'which study.toml says that this file is: family {family.iloc[place]} is at "{other}"',
                expected=f'families of "{organisation}" in the table episodes',
                remedy="Put the right export there, or correct constants in study.toml.",
                file=places.file, row=table.places.row_of(place),
                column=table.places.column_of("family", place),
                severity="error" if many else "warning", code="organisation_of_file",
            ),
            times=len(elsewhere),
        )  # fmt: skip


def _how_they_differ(unknown: Iterable[str], known: Iterable[str]) -> str:
    """In what the ids of two tables differ, where that is leading zeros, capitals, or signs."""
    unknown, known = list(unknown), list(known)
    for what, alike in (
        ("leading zeros: export them as text in both files", lambda key: key.lstrip("0")),
        ("the end .0 of a number: export them as text", lambda key: key.removesuffix(".0")),
        ("capitals", str.casefold),
        ("spaces or signs", lambda key: re.sub(r"[\W_]+", "", key)),
        ("zeros, capitals or signs", lambda key: re.sub(r"[\W_]+", "", key).casefold().lstrip("0")),
    ):
        plain: dict[str, str] = {alike(key): key for key in known}
        pairs = [(key, plain[alike(key)]) for key in unknown if alike(key) and alike(key) in plain]
        if pairs:
            one, other = pairs[0]
            return f'The ids differ in {what} ("{one}" here, "{other}" in episodes). '
    return ""


def check_episode_ids(
    table: Table, episodes: pd.DataFrame, position: NDArray[np.int64], findings: Findings
) -> None:
    """Episodes named here that the family does not have; ``position`` is from ``assign_episodes``."""
    frame = table.frame
    if "episode" not in frame:
        return
    known_family = is_among(frame["family"], episodes["family"].unique())
    unknown = (position < 0) & (known_family & frame["episode"].notna()).to_numpy(dtype=bool)
    findings.add_rows(
        "unknown_episode", table.places, "episode", unknown,
        lambda place: "family {} has no episode {}".format(*frame[["family", "episode"]].iloc[place]),
        expected="episodes that occur in the table episodes",
        remedy="Correct it, or leave the cell empty: the date decides then.",
    )  # fmt: skip


def check_lost_digits(table: Table, findings: Findings) -> bool:
    """Ids such as 1,23E+15, which a spreadsheet has shortened: different families are then one."""
    families = table.frame["family"].astype(object)
    lost = families.notna() & families.astype(str).str.fullmatch(_LOST_DIGITS)
    if not lost.any():
        return False
    place = int(np.flatnonzero(lost.to_numpy(dtype=bool))[0])
    findings.add(
        Problem(
            found=f'{int(lost.sum())} ids are shortened numbers, such as "{families.iloc[place]}"',
            expected="ids with all their digits",
            remedy="The spreadsheet has lost digits: export the table again with the ids as text.",
            file=table.places.file_of(place), row=table.places.row_of(place),
            column=table.places.column_of("family", place), code="lost_digits",
        ),
        times=int(lost.sum()),
    )  # fmt: skip
    return True


def check_pseudonyms(name: str, table: Table, findings: Findings) -> None:
    """Single ids that may be citizen service numbers (BSN). They are not printed.

    Where most of a column is, that is an error already (:mod:`mpg_research.study.checks.direct_identifiers`).
    """
    if any(problem.code == "direct_identifier" for problem in findings.listed()):
        return
    for column in ("family", "worker", "rater"):
        if column not in table.frame:
            continue
        distinct = distinct_values(table.frame[column].dropna())
        parts = {key: (key, *split_id(key)) for key in distinct if len(key) >= _SHORTEST}
        digits = {key: [part for part in each if _NINE.fullmatch(part)] for key, each in parts.items()}
        numbers = [key for key in distinct if digits.get(key)]
        bsn = {key for key in numbers if any(passes_eleven_test(part) for part in digits[key])}
        if len(bsn) <= MANY_LIKE_BSN * len(numbers):
            bsn = set()
        if not bsn:
            continue
        mask = table.frame[column].isin(bsn).to_numpy(dtype=bool)
        place = int(mask.argmax())
        findings.add(
            Problem(
                found=f"{len(bsn)} ids look like a citizen service number (BSN)", expected="pseudonyms",
                remedy="Replace them by pseudonyms before the data come here: mpg pseudonymise.",
                file=table.places.file_of(place), row=table.places.row_of(place),
                column=table.places.column_of(column, place),
                severity="warning", code="unsafe_pseudonym",
            ),
            times=len(bsn),
        )  # fmt: skip
