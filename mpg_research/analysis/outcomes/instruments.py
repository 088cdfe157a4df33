"""Several questionnaires side by side: each with its own course, and how the courses of a family go together.

Everything is turned so that up is better, and in standard deviations at the start: a gain of half is half
the spread between families when help began, whatever the questionnaire.

Tables of :class:`InstrumentComparison` (beside ``sample_flow``)
---------------------------------------------------------------
- ``instrument_change(instrument, direction, months, estimate, ..., gain, gain_low, gain_high)``: change since
  the start in points, as everywhere in the reports, and the same as a gain.
- ``instrument_curve(instrument, months, gain, gain_low, gain_high)``: for a figure.
- ``growth_together(instrument, effect, estimate, conf_low, conf_high)``: of the first questionnaire with each
  other one, the correlation over families of the gains per year (``slopes``) and of the levels at the start
  (``levels``).
- ``carried_over(instrument, path, estimate, std_error, conf_low, conf_high)``: what a swing away from the
  family's own course is followed by one moment later
  (:mod:`~mpg_research.statistics.two_outcomes.vector_swings`), in standard deviations at the start, without
  error of measurement: of the first questionnaire on the other one (``first_to_other``), the other way round,
  and of each on itself. Without rows where ``carried_verdict`` says why.
- ``together_settings(instrument, lag_months, carried_verdict, swing_share_first, swing_share_other)``: how
  far two moments lie apart; whether what carries over can be estimated ("estimated"), or why not: the items
  of a questionnaire are not known, so that its error is not ("no_items"); there are no swings beside error
  ("no_swings"); the model came to no answer ("not_converged"); and what share of the variance around the own
  course is no error.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import ESTIMATE, MONTHS, coded, ends, key_column, modelled
from mpg_research.analysis.growth.estimate_tables import add_standardised, estimate_rows
from mpg_research.analysis.growth.trajectory import TrajectoryFit, fit_course
from mpg_research.analysis.outcomes.together_tables import PATHS, put_together, sign_of, tables_together
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import MpgError, NotApplicableError, Note
from mpg_research.study.model import Study
from mpg_research.study.which_scores import Scores

__all__ = ["PATHS", "InstrumentComparison", "compare_instruments"]

_INSTRUMENT = key_column("instrument")
_GAIN = modelled("gain", digits=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentComparison(Result):
    """What :func:`compare_instruments` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "instruments"


def compare_instruments(
    study: Study,
    *,
    instruments: tuple[str, ...] | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    level: float = 0.95,
) -> InstrumentComparison:
    """Put several questionnaires side by side, and the first one together with each other one.

    Parameters
    ----------
    study : Study
        A loaded study.
    instruments : tuple of str, optional
        Keys of questionnaires, the first one primary; by default ``[analysis] instruments``.
    months : sequence of float, optional
        Moments to report, in months since the start; by default those of ``study.toml``.
    level : float
        Confidence level.

    Returns
    -------
    InstrumentComparison
        Tables ``instrument_change``, ``instrument_curve``, ``growth_together``, ``carried_over``,
        ``together_settings`` and ``sample_flow`` (the module says what each holds).

    Raises
    ------
    NotApplicableError
        If fewer than two questionnaires are asked for, or fewer than two have a course.

    Notes
    -----
    Each course is that of :func:`~mpg_research.analysis.growth.trajectory.fit_trajectory`: the same numbers.
    The two together: a level and a slope of both per family, all correlated, and swings around them that may
    carry over to the next moment, in the same and in the other questionnaire, beside an error of measurement
    whose variance the items tell (:func:`~mpg_research.instruments.error_within.error_within`); with very
    many families an even choice of them. Limits of a correlation are by the profile of the likelihood, and
    can be one. What comes first in time need not be the cause.

    Examples
    --------
    >>> from mpg_research import compare_instruments
    >>> compare_instruments.__name__
    'compare_instruments'
    """
    wanted = tuple(study.config.analysis.instruments if instruments is None else instruments)
    if len(wanted) < 2:
        raise NotApplicableError(
            f"Study {study.name} names {len(wanted)} questionnaires; side by side takes two. "
            "Name them in study.toml: [analysis] instruments.",
            code="one_instrument",
        )
    notes: list[Note] = []
    fits: dict[str, TrajectoryFit] = {}
    for key in wanted:
        try:
            found = fit_course(study, scores=_scores(study, key), months=months, level=level)
        except MpgError:
            found = None
        if found is not None and found.converged and found.baseline_sd > 0:
            fits[key] = found
        else:
            name = _name(study, key)
            text = f"{name} has too few measurements in this study for a course; it is left out."
            notes.append(Note("instrument_without_course", text, {"instrument": name}, "caution"))
    if len(fits) < 2 or wanted[0] not in fits:
        raise NotApplicableError(
            f"Of the {len(wanted)} questionnaires of study {study.name} {len(fits)} have measurements enough "
            "for a course. `mpg check` says what is left out of the measurements, and why.",
            code="one_instrument_measured",
        )
    change, curve = _course_tables(study, fits, level)
    together = [
        put_together(study, wanted[0], key, name=_name(study, key), level=level)
        for key in fits
        if key != wanted[0]
    ]
    if any(not len(part[0]) for part in together):
        text = "The courses of the questionnaires could not be put together: too few families have both."
        notes.append(Note("not_together", text, {}, "caution"))
    flow = fits[wanted[0]].flow
    parameters = {
        "level": level, "instruments": list(wanted), "months": _months(fits),
        "primary_month": fits[wanted[0]].primary_month, "time_unit": study.config.time.unit,
        "instrument_names": [_name(study, key) for key in fits],
    }  # fmt: skip
    return InstrumentComparison(
        tables=collect_tables([change, curve, *tables_together(together), sample_flow_table(flow)]),
        flow=flow,
        notes=(*study.notes, *notes),
        provenance=provenance_of(study, parameters=parameters),
        level=level,
    )


def _scores(study: Study, key: str) -> Scores:
    """As everywhere, but in points where the questionnaire has no norms."""
    instrument = study.instruments.get(key)
    without = instrument is None or instrument.norms is None
    return Scores(instrument=key, outcome="raw" if without else None)


def _name(study: Study, key: str) -> str:
    instrument = study.instruments.get(key)
    return key if instrument is None else instrument.abbreviation


def _months(fits: dict[str, TrajectoryFit]) -> list[float]:
    every = pd.concat([fit.tables["change"].data["months"] for fit in fits.values()])
    return sorted(float(month) for month in every.unique())


def _course_tables(
    study: Study, fits: dict[str, TrajectoryFit], level: float
) -> tuple[ResultTable, ResultTable]:
    """Changes and curves as gains."""
    changes, curves = [], []
    for key, fit in fits.items():
        about = {"instrument": _name(study, key), "direction": study.instruments[key].direction}
        changes.append(_turned(fit.tables["change"].data, sign_of(study, key)).assign(**about))
        grid = [float(month) for month in fit.tables["mean_curve"].data["months"] if month > 0]
        rows = fit.model.mean_rows(grid) - fit.model.mean_rows([0.0])
        data = estimate_rows(fit.model, pd.DataFrame({"months": grid}), rows)
        frame = fit.model.frame
        behind = {"n_families": frame.n_families, "n_organisations": len(frame.organisations)}
        since = _turned(add_standardised(data, frame, level), sign_of(study, key)).assign(**about, **behind)
        start = since.head(1).assign(months=0.0, gain=0.0, gain_low=0.0, gain_high=0.0)
        curves += [start, since]
    gains = (_GAIN, *ends(_GAIN))
    names = ["gain", "gain_low", "gain_high", "n_families", "n_organisations"]
    change = pd.concat(changes, ignore_index=True)
    kept = ["instrument", "direction", "months", *ESTIMATE_COLUMNS, *names]
    direction = coded("direction", is_key=False)
    curve = pd.concat(curves, ignore_index=True)[["instrument", "months", *names]]
    return (
        ResultTable(
            "instrument_change", change[kept], columns=(_INSTRUMENT, direction, MONTHS, *ESTIMATE, *gains)
        ),
        ResultTable("instrument_curve", curve, columns=(_INSTRUMENT, MONTHS, *gains)),
    )


def _turned(data: pd.DataFrame, sign: float) -> pd.DataFrame:
    """Standardised changes as gains: up is better."""
    low, high = sign * data["standardised_low"], sign * data["standardised_high"]
    return data.assign(
        gain=sign * data["standardised"], gain_low=np.minimum(low, high), gain_high=np.maximum(low, high)
    )
