"""Client numbers that start again at each organisation: two families that a table would make one."""

from dataclasses import dataclass

import pandas as pd

from mpg_research.errors import Problem
from mpg_research.study.config.parts import episodes_as_said
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.findings import Findings
from mpg_research.study.tables.columns import Table

__all__ = ["check_restarting_ids"]

#: From this share of an organisation's ids on, found at another one too, they are no families that moved.
MANY_SHARED = 0.5
#: Of all ids in help at two organisations at the same time; and so many of them at least.
MANY_AT_ONCE, FEWEST = 0.2, 2
#: Numbers count from a low one on where so few are left out: span over number of ids.
DENSE = 1.2


@dataclass(frozen=True, slots=True)
class _Shared:
    """Ids that occur at several organisations."""

    ids: tuple[str, ...]
    at_once: tuple[str, ...]
    n_ids: int
    n_pairs: int
    most_of_an_organisation: float


def check_restarting_ids(table: Table, config: StudyConfig, findings: Findings) -> bool:
    """Whether ids start again at each organisation: one error with its cause and count.

    Parameters
    ----------
    table : Table
        The canonical episodes.
    config : StudyConfig
    findings : Findings
        Receives the problem.

    Returns
    -------
    bool
        Whether it was found; then what follows from it need not be said.

    Notes
    -----
    Families may move from one organisation to another, or be helped by two together. Numbers that start
    again show otherwise: of an organisation's ids half or more are another's too, or a fifth of all ids
    stand for help at two organisations at the same time. Ids of organisations that follow each other in time
    are judged by their numbers: where every organisation counts from the same low number, they start again.
    """
    family = episodes_as_said(config).columns.get("family", "family")
    if not isinstance(family, str) or config.study.shared_families:
        return False
    shared = _shared(table.frame)
    if len(shared.ids) < FEWEST:
        return False
    many = shared.most_of_an_organisation >= MANY_SHARED
    at_once = len(shared.at_once) >= FEWEST and (many or len(shared.at_once) >= MANY_AT_ONCE * shared.n_ids)
    certain = at_once or (many and _count_from_the_start(table.frame))
    if not certain and not many:
        return False
    source = table.places.columns.get("family", "family")
    organisation = table.places.columns.get("organisation", "organisation")
    example = shared.at_once[0] if shared.at_once else shared.ids[0]
    rows = (table.frame["family"] == example).to_numpy(dtype=bool)
    first = int(rows.argmax())
    where = ", ".join(sorted(set(table.frame["organisation"][rows].dropna())))
    when = f", {len(shared.at_once)} of them in help at two at the same time" if shared.at_once else ""
    findings.add(
        Problem(
            found=(
                f"the ids {'' if certain else 'may '}start again at each organisation: {len(shared.ids)} "
                f"of {shared.n_ids} occur at "
                f"several organisations{when} (such as {example}: {where}), so that {shared.n_pairs} "
                f"combinations of organisation and id would be read as {shared.n_ids} families"
            ),
            expected="one id for each family",
            remedy=f"{_how_to_join(table, organisation, source)} If organisations really help these families "
            "together: shared_families = true in [study].",
            file=table.places.file_of(first), row=table.places.row_of(first), column=source,
            severity="error" if certain else "warning", code="restarting_ids",
        ),
        times=len(shared.ids),
    )  # fmt: skip
    return certain


def _how_to_join(table: Table, organisation: str, source: str) -> str:
    """How study.toml makes the id of two columns; of several files, each may call them otherwise."""
    each = table.places.each
    alike = all(
        own.columns.get("family") == source and own.columns.get("organisation") == organisation
        for own in each
    )
    if len(each) > 1 and not alike:
        return (
            'Make the id of two parts, columns = { family = ["organisation", "client"] } in '
            '[tables.episodes], and in each source columns = { client = "..." } and constants = '
            '{ organisation = "..." }; in the sources of the other tables too.'
        )
    return (
        f'Make the id of both columns, columns = {{ family = ["{organisation}", "{source}"] }} in '
        "[tables.episodes]; the other tables follow and need both columns too."
    )


def _shared(episodes: pd.DataFrame) -> _Shared:
    known = episodes[["family", "organisation", "start", "end"]].dropna(subset=["family", "organisation"])
    pairs = known[["family", "organisation"]].drop_duplicates()
    at_several = pairs["family"].duplicated(keep=False)
    ids = tuple(sorted(pairs["family"][at_several].unique()))
    share = at_several.groupby(pairs["organisation"]).mean()
    size = pairs.groupby("organisation").size()
    large = share[size >= FEWEST + 1]
    both = _help(known[known["family"].isin(ids)])
    return _Shared(
        ids, both, int(pairs["family"].nunique()), len(pairs), float(large.max()) if len(large) else 0.0
    )


def _help(rows: pd.DataFrame) -> tuple[str, ...]:
    """Ids in help at two organisations at the same time."""
    left = rows.reset_index(drop=True).reset_index(names="_one")
    two = left.merge(left.rename(columns={"_one": "_two"}), on="family", suffixes=("", "_other"))
    two = two[(two["_one"] < two["_two"]) & (two["organisation"] != two["organisation_other"])]
    before = (two["end"] <= two["start_other"]) | (two["end_other"] <= two["start"])
    known = two["start"].notna() & two["start_other"].notna()
    return tuple(sorted(two["family"][~before & known].unique()))


def _count_from_the_start(episodes: pd.DataFrame) -> bool:
    """Whether the ids of nearly every organisation are numbers that run from the same low one on."""
    pairs = episodes[["family", "organisation"]].dropna().drop_duplicates()
    numbers = pd.to_numeric(pairs["family"].str.extract(r"(\d{1,9})\D*$")[0], errors="coerce")
    if numbers.isna().any():
        return False
    grouped = numbers.groupby(pairs["organisation"])
    size, low, high = grouped.size(), grouped.min(), grouped.max()
    dense = (high - low + 1 <= DENSE * size) & (low - low.min() <= 1)
    counted = size >= FEWEST + 1
    return bool(dense[counted].all() and counted.sum() >= FEWEST)
