"""The data-quality summary that `mpg check` prints."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from mpg_research.instruments import Instrument
from mpg_research.plurals import counted
from mpg_research.study.model import SummaryLine
from mpg_research.study.scores import unused_scores

__all__ = ["summarise"]

OTHER_RESPONDENT = (
    "scores in the course of another respondent than the family's declared one (used with respondents = "
    '"both")'
)


def summarise(
    tables: Mapping[str, pd.DataFrame],
    scores: pd.DataFrame | None,
    instruments: Mapping[str, Instrument],
    counts: Mapping[str, int],
    *,
    unread: Sequence[str] = (),
    linked: bool = True,
) -> tuple[SummaryLine, ...]:
    """Count what is there: families, respondents, measurements per month, completeness per item.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical tables that could be read.
    scores : DataFrame or None
        Scores, where the data hold no errors.
    instruments : mapping
        By key.
    counts : mapping
        Findings by code.
    unread : sequence of str
        Tables that could not be read: nothing is said of what they do not hold.
    linked : bool
        Whether measurements were put to episodes: duplicates among them show only then.

    Returns
    -------
    tuple of SummaryLine
    """
    lines: list[SummaryLine] = []
    if "episodes" in tables:
        lines += _episodes(tables["episodes"])
    if "measurements" in tables:
        lines += _measurements(tables["measurements"], instruments)
    if scores is not None:
        lines += _phases(scores)
    lines += _findings(counts, unread, linked=linked, scored=scores is not None)
    return tuple(lines)


def _findings(
    counts: Mapping[str, int], unread: Sequence[str], *, linked: bool, scored: bool
) -> Iterator[SummaryLine]:
    """How often the main checks found something; of what could not be checked, that."""
    for table in unread:
        yield SummaryLine(
            "not_checked",
            f"the table {table} could not be read as it should: not all its values were checked",
            float("nan"), table,
        )  # fmt: skip
    for code, text, checked in (
        ("out_of_range", "values out of range", not unread),
        ("duplicate_measurement", "duplicate measurements", linked),
        ("impossible_date", "impossible dates", not unread),
        ("date_in_future", "dates in the future", not unread),
        ("family_without_measurements", "families without measurements", scored),
    ):
        number = int(counts.get(code, 0))
        if checked or number:
            yield SummaryLine(code, counted(number, text), number)


def _count(code: str, number: int, words: str, part: str = "") -> SummaryLine:
    return SummaryLine(code, counted(number, words), float(number), part)


def _episodes(episodes: pd.DataFrame) -> Iterator[SummaryLine]:
    yield _count("families", episodes["family"].nunique(), "families")
    yield _count("episodes", len(episodes), "episodes of help")
    families = episodes.groupby("organisation")["family"].nunique()
    yield _count("organisations", len(families), "organisations")
    for key, number in families.items():
        yield _count("families_of_organisation", int(number), f"families in organisation {key}", str(key))


def _measurements(measurements: pd.DataFrame, instruments: Mapping[str, Instrument]) -> Iterator[SummaryLine]:
    yield _count("measurements", len(measurements), "measurements")
    people = measurements[["family", "respondent"]].drop_duplicates()
    yield _count("respondents", len(people), "respondents")
    for respondent, number in people["respondent"].value_counts().sort_index().items():
        yield _count("respondents_of_kind", int(number), f"respondents: {respondent}", str(respondent))
    if pd.api.types.is_datetime64_any_dtype(measurements["date"]):
        months = measurements["date"].dropna().dt.strftime("%Y-%m").value_counts().sort_index()
        for month, number in months.items():
            yield _count("measurements_in_month", int(number), f"measurements in {month}", str(month))
    for key, instrument in instruments.items():
        rows = measurements[measurements["instrument"] == key]
        if rows.empty:
            continue
        yield _count("measurements_of_instrument", len(rows), f"measurements of {key}", key)
        for item in instrument.items:
            if item in rows:
                share = float(rows[item].notna().mean())
                text = f"{key} {item}: {share:.1%} answered"
                yield SummaryLine("item_completeness", text, share, f"{key} {item}")


def _phases(scores: pd.DataFrame) -> Iterator[SummaryLine]:
    number = scores["phase"].value_counts()
    for phase, words in (
        ("before", "measurements before the start (outside the baseline window)"),
        ("baseline", "measurements in the baseline window"),
        ("course", "measurements during help"),
        ("follow_up", "measurements after the end"),
        ("undated", "measurements without a place in time"),
    ):
        yield _count("measurements_in_phase", int(number.get(phase, 0)), words, phase)
    yield _count("not_scored", int(scores["raw"].isna().sum()), "measurements without a score")
    yield _count("of_another_respondent", unused_scores(scores), OTHER_RESPONDENT)
