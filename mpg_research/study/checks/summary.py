"""The data-quality summary that `mpg check` prints."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from mpg_research.instruments import Instrument
from mpg_research.plurals import counted, words_counted
from mpg_research.study.model import SummaryLine
from mpg_research.study.scoring.scores import unused_scores

__all__ = ["summarise"]

IDLE_SHOWN = 6
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
    unit: tuple[str, str] | None = None,
) -> tuple[SummaryLine, ...]:
    """Count what is there: families, respondents, when was measured, completeness per item.

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
    unit : tuple of str, optional
        One and more of whom the study is about, in English, where that is not families.

    Returns
    -------
    tuple of SummaryLine
    """
    lines: list[SummaryLine] = []
    if "episodes" in tables:
        lines += _episodes(tables["episodes"], unit)
    if "measurements" in tables:
        lines += _measurements(tables["measurements"], instruments)
    if scores is not None:
        lines += _phases(scores)
    lines += _findings(counts, unread, unit, linked=linked, scored=scores is not None)
    return tuple(lines)


def _findings(
    counts: Mapping[str, int],
    unread: Sequence[str],
    unit: tuple[str, str] | None,
    *,
    linked: bool,
    scored: bool,
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
    ):
        number = int(counts.get(code, 0))
        if checked or number:
            yield SummaryLine(code, counted(number, text), number)
    if refused := int(counts.get("without_consent", 0)):
        text = f"{words_counted(refused, unit)} without consent, left out before anything else"
        yield SummaryLine("without_consent", text, refused)
    without = int(counts.get("family_without_measurements", 0))
    if scored:
        text = f"{words_counted(without, unit)} without measurements"
        yield SummaryLine("family_without_measurements", text, without)


def _count(code: str, number: int, words: str, part: str = "") -> SummaryLine:
    return SummaryLine(code, counted(number, words), float(number), part)


def _episodes(episodes: pd.DataFrame, unit: tuple[str, str] | None) -> Iterator[SummaryLine]:
    number = int(episodes["family"].nunique())
    yield SummaryLine("families", words_counted(number, unit), float(number))
    yield _count("episodes", len(episodes), "episodes of help")
    families = episodes.groupby("organisation")["family"].nunique()
    yield _count("organisations", len(families), "organisations")
    for key, number in families.items():
        text = f"{words_counted(int(number), unit)} in organisation {key}"
        yield SummaryLine("families_of_organisation", text, float(number), str(key))


def _measurements(measurements: pd.DataFrame, instruments: Mapping[str, Instrument]) -> Iterator[SummaryLine]:
    yield _count("measurements", len(measurements), "measurements")
    people = measurements[["family", "respondent"]].drop_duplicates()
    yield _count("respondents", len(people), "respondents")
    for respondent, number in people["respondent"].value_counts().sort_index().items():
        yield _count("respondents_of_kind", int(number), f"respondents: {respondent}", str(respondent))
    if pd.api.types.is_datetime64_any_dtype(measurements["date"]):
        yield from _when(measurements["date"].dropna())
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


def _when(dates: pd.Series) -> Iterator[SummaryLine]:
    """First and last date, measurements per year, and the months in between in which nobody was measured."""
    if dates.empty:
        return
    span = f"{dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}"
    yield SummaryLine("measured_between", f"measured from {span}", float(len(dates)), span)
    for year, number in dates.dt.year.value_counts().sort_index().items():
        yield _count("measurements_in_year", int(number), f"measurements in {year}", str(year))
    months = dates.dt.year * 12 + dates.dt.month - 1
    idle = sorted(set(range(int(months.min()), int(months.max()) + 1)) - set(months))
    if idle:
        named = ", ".join(f"{month // 12}-{month % 12 + 1:02d}" for month in idle[:IDLE_SHOWN])
        more = ", ..." if len(idle) > IDLE_SHOWN else ""
        text = f"nobody was measured in {counted(len(idle), 'months')} between ({named}{more})"
        yield SummaryLine("months_without_measurements", text, float(len(idle)))


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
