"""What a reader of any result should know about how the study was read."""

from collections.abc import Mapping

import pandas as pd

from mpg_research.errors import Note
from mpg_research.instruments import Instrument
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.model import LeftOut

__all__ = ["reading_notes"]


def reading_notes(
    config: StudyConfig,
    instruments: Mapping[str, Instrument],
    scores: pd.DataFrame,
    counts: Mapping[str, int],
    n_assigned: int,
    without_consent: LeftOut | None = None,
) -> tuple[Note, ...]:
    """The notes of a study, in a fixed order.

    Parameters
    ----------
    config : StudyConfig
    instruments : mapping
        By key.
    scores : DataFrame
        As in :class:`~mpg_research.study.model.Study`.
    counts : mapping
        Findings by code.
    n_assigned : int
        Measurements that named no episode.
    without_consent : LeftOut or None
        What was left out, where a ground for using the data is asked for.

    Returns
    -------
    tuple of Note
    """
    notes: list[Note] = []
    if config.study.synthetic:
        notes.append(Note("synthetic_data", "These are synthetic data: no family stands behind them."))
    if without_consent is not None:
        notes.append(_about_consent(without_consent))
    notes += _time_notes(config, scores)
    if n_assigned and scores.groupby("family")["episode"].nunique().max() > 1:
        notes.append(
            Note(
                "assigned_by_date",
                f"{n_assigned} measurements named no episode; their date decided.",
                {"n_measurements": n_assigned},
            )
        )
    if counts.get("incomplete_date") and config.time.incomplete_dates == "middle":
        number = int(counts["incomplete_date"])
        text = f"{number} dates had no day; the middle of the month (or year) was taken."
        notes.append(Note("incomplete_dates", text, {"n_dates": number}, "caution"))
    for key, instrument in instruments.items():
        notes += _instrument_notes(key, instrument)
    return tuple(notes)


def _about_consent(out: LeftOut) -> Note:
    """How many families were left out for want of a ground to use their data."""
    if not out.n_families:
        return Note("all_consent", "All families in the files permit that their data are used.")
    text = f"{out.n_families} families without consent were left out before anything else."
    return Note("without_consent", text, {"n_families": out.n_families})


def _time_notes(config: StudyConfig, scores: pd.DataFrame) -> list[Note]:
    notes = []
    if config.time.axis_unit == "waves":
        notes.append(
            Note(
                "time_in_waves",
                "Time is counted in waves: the study does not say how long a wave lasts.",
                level="caution",
            )
        )
    elif config.time.kind == "dates":
        days = config.time.baseline_window_days
        notes.append(
            Note(
                "baseline_window",
                f"Measurements up to {days} days before the start of help count as time zero.",
                {"days": days},
            )
        )
    for phase, code, text in (
        ("before", "before_start", "measurements lie before the start and are left out of the course."),
        ("follow_up", "after_end", "measurements lie after the end: follow-up, not part of the course."),
        ("undated", "undated", "measurements have no date or no start of help and are left out."),
    ):
        number = int((scores["phase"] == phase).sum())
        if number:
            notes.append(Note(code, f"{number} {text}", {"n_measurements": number}))
    return notes


def _instrument_notes(key: str, instrument: Instrument) -> list[Note]:
    notes = []
    if instrument.missing_rule.decided_by == "study":
        most = instrument.missing_rule.max_missing
        notes.append(
            Note(
                "prorated_by_choice",
                f"{instrument.abbreviation}: up to {most} unanswered items are prorated; this is the "
                "study's own choice.",
                {"instrument": key, "max_missing": most},
            )
        )
    if instrument.norms is not None:
        code = "synthetic_norms" if instrument.synthetic_norms else "norms"
        made = " (made from synthetic data)" if instrument.synthetic_norms else ""
        notes.append(
            Note(
                code,
                f"T-scores of {instrument.abbreviation}{made} come from: {instrument.norms.source}",
                {"instrument": key, "source": instrument.norms.source},
                "caution" if instrument.synthetic_norms else "info",
            )
        )
    return notes
