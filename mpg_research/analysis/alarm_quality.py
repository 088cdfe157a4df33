"""How well the signals foretell how a course ends, beside the naive rule.

Tables of :class:`SignalQuality` (beside ``sample_flow``)
--------------------------------------------------------
- ``rules(rule, target, sensitivity, specificity, positive_value, negative_value, lead_time,
  alarms_per_family, n_bad, n_alarmed)``; each share with ``_low`` and ``_high``. Rules: ``naive`` (reliably
  worse than at intake, Jacobson-Truax), ``signals`` (off track), ``forecast`` (risk above a threshold chosen
  within the training organisations), ``forecast_as_many`` (threshold chosen to alarm as many families as the
  naive rule does there). Targets: the end asked for, and ``drop_out``.
- ``calibration(bin, predicted, observed, conf_low, conf_high)`` and ``calibration_summary(quantity, value)``:
  the risk at the last wave up to a landmark month, beside how the courses ended.
- ``decision_curve(threshold, forecast, everybody, nobody)``: net benefit per family.
- ``published(source, sensitivity, specificity)``: figures of another instrument, for orientation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.alarm_rules import (
    AHEAD,
    Target,
    alarm_quality,
    bad_outcome,
    best_threshold,
    highest_risk,
    outcome_margin,
    risk_of_waves,
    summarise_courses,
)
from mpg_research.analysis.alarms import Signals, signals
from mpg_research.analysis.courses import read_courses
from mpg_research.analysis.expectation_model import apply_model, code_case_mix, fit_expectation
from mpg_research.analysis.frame import BASELINE_MONTHS
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.analysis.score_error import measurement_error
from mpg_research.analysis.tables import describe_parameters, study_notes
from mpg_research.errors import ConfigError, NotApplicableError, Note
from mpg_research.statistics.calibration import calibrate, net_benefit
from mpg_research.statistics.proportions import wilson_interval
from mpg_research.statistics.reliable_change import improvement_sign
from mpg_research.study.model import Study

__all__ = ["DROP_OUT_REASONS", "SignalQuality", "evaluate_signals"]

FloatArray = NDArray[np.float64]
#: Ends of help that count as drop-out: early, by the client or by the provider (CBS codes 03 and 04).
DROP_OUT_REASONS = ("early_client", "early_provider")
#: Organisations are grouped into at most this many parts, so that the nested fits stay few.
_PARTS = 6
_BINS = 5
_THRESHOLDS = tuple(np.round(np.arange(0.05, 0.96, 0.05), 2))
_SHARES = ("sensitivity", "specificity", "positive_value", "negative_value")
#: Y-OQ, parent report: published sensitivity and specificity of its alarms (doi 10.1002/jclp.21963).
_PUBLISHED = ("Y-OQ, parent report (10.1002/jclp.21963)", 0.63, 0.83)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalQuality(Result):
    """What :func:`evaluate_signals` found; its tables are described in the module's docstring."""

    given: Signals = field(repr=False)
    kind: ClassVar[str] = "signal_quality"


def evaluate_signals(
    study: Study,
    *,
    target: Target = "no_gain",
    landmark: float = 4.0,
    ahead: float = AHEAD,
    band: float = 0.8,
    reliability: float | str | None = None,
    case_mix: tuple[str, ...] | None = None,
    instrument: str | None = None,
    outcome: str | None = None,
    episodes: str | None = None,
    level: float = 0.95,
) -> SignalQuality:
    """Hold the signals against how the courses ended, on organisations that no part of them was fitted on.

    Parameters
    ----------
    study : Study
    target : {"no_gain", "deteriorated", "not_improved"}
        The bad end: last score no better than at intake, reliably worse, or not reliably better.
    landmark : float
        Month up to which the risk is read for calibration and decision curve.
    ahead, band : float
        As in :func:`mpg_research.analysis.signals`.
    reliability : float or {"published", "estimated"}, optional
    case_mix, instrument, outcome, episodes
        As elsewhere. One declared respondent per family.
    level : float

    Returns
    -------
    SignalQuality

    Raises
    ------
    ModelError
        With fewer than three organisations (nested cross-validation leaves out two at a time), or where all
        courses end the same way.

    Notes
    -----
    Outer loop: each part (an organisation, or with more than six a group of them) is judged by a model fitted
    on the others. Inner loop: within the others, thresholds are chosen on the risks of parts that were left
    out in turn. The last score of a course is its outcome: it never enters a signal.
    """
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    courses = read_courses(
        study,
        instrument=instrument,
        outcome=outcome,
        respondents="declared",
        episodes=episodes,
        case_mix=names,
    )
    if target not in ("no_gain", "deteriorated", "not_improved"):
        raise ConfigError(f"target = {target!r}; expected no_gain, deteriorated or not_improved.")
    sign = improvement_sign(courses.instrument.direction)
    error = measurement_error(study, courses, reliability)
    limit = 1.959963984540054 * float(np.sqrt(2)) * error.sem
    margin = outcome_margin(target, limit)
    rows, columns = code_case_mix(courses.rows, courses.frame.case_mix)
    given = signals(
        study, band=band, ahead=ahead, reliability=reliability, case_mix=case_mix, instrument=instrument,
        outcome=outcome, respondents="declared", episodes=episodes, level=level,
    )  # fmt: skip
    part = _parts(courses.units)[rows["course"].to_numpy()]
    outer, inner = _nested_risks(rows, columns, part, sign=sign, margin=margin, ahead=ahead)
    keep = _judged(rows)
    if not keep.any():
        raise NotApplicableError(
            "No course has an intake score and two more waves, so there is nothing to judge.",
            code="nothing_to_judge",
        )
    rows, part = rows[keep].reset_index(drop=True), part[keep]
    outer, inner = outer[keep], {label: risk[keep] for label, risk in inner.items()}
    off = (given.tables["waves"].data["signal"] == "off_track").to_numpy()[keep]
    bad = bad_outcome(rows, sign=sign, margin=margin)
    if bad.all() or not bad.any():
        raise NotApplicableError(
            f"All {len(bad)} courses end the same way ({target}), so nothing can be foretold.",
            code="nothing_to_judge",
        )
    first = rows.groupby("course")["score"].transform("first")
    naive = (sign * (rows["score"] - first) < -limit).to_numpy()
    alarms = {"naive": naive, "signals": off, **_forecast_alarms(rows, part, outer, inner, bad, naive)}
    units = rows.drop_duplicates("course").reset_index(drop=True)
    targets = {target: bad, **_drop_out(study, units)}
    at = _landmark(rows, landmark)
    risk, ended = outer[at], bad[np.searchsorted(units["course"].to_numpy(), rows["course"].to_numpy()[at])]
    tables = [
        _rule_table(rows, alarms, targets, units),
        *_calibration_tables(rows.iloc[at], risk, ended, level),
        _decision_table(rows.iloc[at], risk, ended),
        _published_table(units),
        sample_flow_table(courses.frame.flow),
    ]
    parameters = describe_parameters(
        study, courses.frame, target=target, landmark=landmark, ahead=ahead, band=band,
        reliability=error.reliability, reliability_origin=error.origin, threshold=limit, level=level,
        n_parts=len(set(part)),
    )  # fmt: skip
    return SignalQuality(
        given=given,
        tables=collect_tables(tables),
        flow=courses.frame.flow,
        notes=(
            *study_notes(study, courses.frame.instrument, courses.frame.outcome),
            *courses.notes,
            *_notes(bad, keep, courses.units),
        ),
        provenance=provenance_of(
            study, parameters=parameters, instrument=courses.frame.instrument, outcome=courses.frame.outcome
        ),
        level=level,
        converged=given.converged,
    )


def _parts(units: pd.DataFrame) -> NDArray[np.str_]:
    """The part of each course: its organisation, or a group of organisations of about equal size."""
    sizes = units.groupby("organisation").size().sort_values(ascending=False, kind="stable")
    if len(sizes) < 3:
        raise NotApplicableError(
            "Judging the signals leaves out two organisations at a time, so it takes three or more; this "
            f"study has {len(sizes)}.",
            code="few_organisations_for_signals",
        )
    filled = np.zeros(min(_PARTS, len(sizes)))
    home = {}
    for organisation, size in sizes.items():
        place = int(np.argmin(filled))
        filled[place] += size
        home[organisation] = str(place)
    return np.asarray(units["organisation"].map(home).to_numpy(dtype=str))


def _nested_risks(
    rows: pd.DataFrame,
    columns: Sequence[str],
    part: NDArray[np.str_],
    *,
    sign: float,
    margin: float,
    ahead: float,
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Risks by models without the wave's own part; and, per outer part, without that part too."""
    labels = sorted(set(part))
    outer = np.full(len(rows), np.nan)
    inner = {label: np.full(len(rows), np.nan) for label in labels}

    def risks(judged: str, without: set[str]) -> tuple[NDArray[np.intp], FloatArray]:
        model = models[frozenset(without)]
        positions = np.flatnonzero(part == judged)
        fold = apply_model(model, rows.iloc[positions], judged, positions)
        return positions, risk_of_waves(fold, sign=sign, margin=margin, ahead=ahead)

    models = {
        frozenset({one, two}): fit_expectation(rows[~np.isin(part, [one, two])], columns)
        for i, one in enumerate(labels)
        for two in labels[i:]
    }
    for one in labels:
        place, found = risks(one, {one})
        outer[place] = found
        for two in labels:
            if two != one:
                place, found = risks(two, {one, two})
                inner[one][place] = found
    return outer, inner


def _judged(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Waves of courses with an intake score, a wave to raise an alarm at, and a last one."""
    grouped = rows.groupby("course")["months"]
    early = grouped.transform("first") <= BASELINE_MONTHS
    return np.asarray(early & (grouped.transform("size") >= 3))


def _forecast_alarms(
    rows: pd.DataFrame,
    part: NDArray[np.str_],
    outer: FloatArray,
    inner: Mapping[str, FloatArray],
    bad: NDArray[np.bool_],
    naive: NDArray[np.bool_],
) -> dict[str, NDArray[np.bool_]]:
    """Alarms of the forecast, with thresholds from the inner loop."""
    best, as_many = np.zeros((2, len(rows)), dtype=bool)
    number = rows.groupby("course").ngroup().to_numpy()
    part_of_course = pd.Series(part).groupby(number).first().to_numpy()
    for label, risk in inner.items():
        mine = part == label
        if not mine.any() or mine.all():
            continue
        training, chosen = rows[~mine], part_of_course != label
        highest = highest_risk(training, risk[~mine])
        share = float(summarise_courses(training, naive[~mine])["alarmed"].mean())
        best[mine] = outer[mine] >= best_threshold(highest, bad[chosen])
        as_many[mine] = outer[mine] >= best_threshold(highest, bad[chosen], share=share)
    return {"forecast": best, "forecast_as_many": as_many}


def _drop_out(study: Study, units: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Drop-out by course, where reasons are known; courses without a reason count as no drop-out."""
    episodes = study.tables["episodes"]
    if "end_reason" not in episodes or episodes["end_reason"].notna().sum() == 0:
        return {}
    reasons = episodes.assign(
        family=episodes["family"].astype(str), episode=episodes["episode"].astype(str)
    ).set_index(["family", "episode"])["end_reason"]
    found = reasons.reindex(pd.MultiIndex.from_frame(units[["family", "episode"]]))
    dropped = found.isin(DROP_OUT_REASONS).to_numpy(dtype=bool)
    return {"drop_out": dropped} if dropped.any() else {}


def _landmark(rows: pd.DataFrame, landmark: float) -> NDArray[np.intp]:
    """Position of each course's last wave up to the landmark that is neither intake nor end."""
    wave = rows["wave"].to_numpy()
    last = rows.groupby("course")["wave"].transform("max").to_numpy()
    eligible = np.flatnonzero((wave > 0) & (wave < last) & (rows["months"].to_numpy() <= landmark))
    course = rows["course"].to_numpy()[eligible]
    return eligible[np.r_[course[1:] != course[:-1], True]] if len(eligible) else eligible


def _rule_table(
    rows: pd.DataFrame,
    alarms: Mapping[str, NDArray[np.bool_]],
    targets: Mapping[str, NDArray[np.bool_]],
    units: pd.DataFrame,
) -> ResultTable:
    found = []
    for target, bad in targets.items():
        for rule, alarm in alarms.items():
            quality = asdict(alarm_quality(summarise_courses(rows, alarm), bad))
            row = {"rule": rule, "target": target}
            for share in _SHARES:
                row[share], row[f"{share}_low"], row[f"{share}_high"] = quality[share]
            for name in ("lead_time", "alarms_per_family", "n_bad", "n_alarmed"):
                row[name] = quality[name]
            found.append(row)
    data = pd.DataFrame(found).assign(
        n_families=units["family"].nunique(), n_organisations=units["organisation"].nunique()
    )
    keys = ("rule", "target")
    values = tuple(c for c in data.columns if c not in (*keys, "n_families", "n_organisations"))
    return ResultTable("rules", data, keys=keys, values=values)


def _calibration_tables(
    at: pd.DataFrame, risk: FloatArray, ended: NDArray[np.bool_], level: float
) -> list[ResultTable]:
    order = np.argsort(risk, kind="stable")
    rows = []
    for number, members in enumerate(np.array_split(order, min(_BINS, max(len(order), 1))), start=1):
        if not len(members):
            continue
        share = wilson_interval([int(ended[members].sum())], [len(members)], level=level)
        mine = at.iloc[members]
        rows.append(
            (number, float(risk[members].mean()), float(share.estimate[0]), float(share.conf_low[0]),
             float(share.conf_high[0]), mine["family"].nunique(), mine["organisation"].nunique())
        )  # fmt: skip
    values = ("predicted", "observed", "conf_low", "conf_high")
    data = pd.DataFrame(rows, columns=["bin", *values, "n_families", "n_organisations"])
    summary = calibrate(risk, ended)
    quantities = pd.DataFrame(
        {
            "quantity": ["intercept", "slope", "brier", "brier_without_signal"],
            "value": [summary.intercept, summary.slope, summary.brier, summary.brier_of_mean],
            "n_families": at["family"].nunique(),
            "n_organisations": at["organisation"].nunique(),
        }
    )
    return [
        ResultTable("calibration", data, keys=("bin",), values=values),
        ResultTable("calibration_summary", quantities, keys=("quantity",), values=("value",)),
    ]


def _decision_table(at: pd.DataFrame, risk: FloatArray, ended: NDArray[np.bool_]) -> ResultTable:
    thresholds = np.array(_THRESHOLDS)
    data = pd.DataFrame(
        {
            "threshold": thresholds,
            "forecast": net_benefit(risk, ended, thresholds),
            "everybody": net_benefit(np.ones_like(risk), ended, thresholds),
            "nobody": 0.0,
            "n_families": at["family"].nunique(),
            "n_organisations": at["organisation"].nunique(),
        }
    )
    return ResultTable(
        "decision_curve", data, keys=("threshold",), values=("forecast", "everybody", "nobody")
    )


def _published_table(units: pd.DataFrame) -> ResultTable:
    data = pd.DataFrame([_PUBLISHED], columns=["source", "sensitivity", "specificity"]).assign(
        n_families=units["family"].nunique(), n_organisations=units["organisation"].nunique()
    )
    return ResultTable("published", data, keys=("source",), values=("sensitivity", "specificity"))


def _notes(bad: NDArray[np.bool_], keep: NDArray[np.bool_], units: pd.DataFrame) -> list[Note]:
    text = f"Judged are {len(bad)} of {len(units)} courses: those with an intake score and two later ones."
    notes = [Note("judged_courses", text, {"n_courses": len(bad), "n_all": len(units)})]
    if min(bad.sum(), (~bad).sum()) < 20:
        text = f"Only {int(bad.sum())} courses end badly: sensitivity and the like are very uncertain."
        notes.append(Note("few_events", text, {"n_bad": int(bad.sum())}, "caution"))
    return notes
