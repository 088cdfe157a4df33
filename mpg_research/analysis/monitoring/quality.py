"""How well the signals foretell how a course ends, beside the naive rule and beside a study without change.

Tables of :class:`SignalQuality` (beside ``sample_flow``)
--------------------------------------------------------
- ``rules(rule, target, sensitivity, specificity, positive_value, negative_value, lead_time,
  alarms_per_family, n_bad, n_alarmed)``; each share with ``_low`` and ``_high``; a course counts as alarmed
  if any of its waves between the first and the last is. Rules: ``chance`` (the chance of a bad end reaches
  its limit), ``naive_as_many`` (change since intake, with a limit that alarms as many families of the other
  organisations as ``chance`` does there), ``naive`` (reliably worse than at intake, Jacobson-Truax),
  ``chance_as_many`` (with a limit that alarms as many as ``naive``), ``band`` (beyond the expected band or
  reliable deterioration). Targets: the end asked for (of the last score), ``own_line`` (the same end of the
  family's own line, without the swings and errors of single scores, as the model sees it with all scores:
  each course counts as bad as likely as it is, and ``n_bad`` is how many that makes), and ``drop_out``.
- ``without_change(figure, rule, target, in_study, without_change, difference, conf_low, conf_high)``:
  sensitivity, specificity, both together less one, and calibration slope, and what they come to in studies
  simulated like this one in which nobody truly changes; targets: the one asked for and ``own_line``.
  ``without_change_by_month(months, measure, target, ...)``: the same of the concordance at one measurement,
  of the chance and of the change since intake ("naive"). Both are empty with ``replicates=0``.
- ``words(class, share_ended_badly, ended_badly_low, ended_badly_high, share_line_bad)``: what became of the
  families that were off track, on track, or neither at their last measurement before the end.
- ``by_month(months, naive, chance, difference, conf_low, conf_high, n_bad)``: at one measurement, how often a
  family that ends badly has the higher change since intake, and the higher chance, than one that ends well.
- ``calibration(bin, predicted, observed, conf_low, conf_high)`` and ``calibration_summary(quantity, value)``:
  the chance at the last wave up to a landmark month, beside how the courses ended.
- ``decision_curve(acting_from, forecast, everybody, nobody)``: net benefit per family of acting on chances.
- ``published(source, sensitivity, specificity)``: figures of another instrument, for orientation; only where
  ``without_change`` stands beside it, since a study without any change gives much the same.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.data.quality import DROP_OUT_REASONS
from mpg_research.analysis.families.choices import DEFAULT_ERROR, ErrorModel, ReliabilityScoreKeywords
from mpg_research.analysis.monitoring.limits import compare_rules
from mpg_research.analysis.monitoring.performance import (
    OWN_LINE,
    beside_no_change,
    evidence_of,
    landmark_waves,
)
from mpg_research.analysis.monitoring.quality_tables import (
    calibration_tables,
    concordance_table,
    decision_table,
    published_table,
    rule_table,
    without_change_tables,
    words_table,
)
from mpg_research.analysis.monitoring.replicates import REPLICATES, AsShown, figures_without_change
from mpg_research.analysis.monitoring.rules import Target
from mpg_research.analysis.monitoring.signals import FALSE_ALARMS, ON_TRACK, Rule, Signals, signals
from mpg_research.analysis.result import Result, collect_tables, sample_flow_table, settings_table
from mpg_research.arrays import BoolArray
from mpg_research.errors import NotApplicableError, Note
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores, gather, refuse_parts

__all__ = ["RULES", "SignalQuality", "compare_rules", "evaluate_signals"]


RULES = ("chance", "naive_as_many", "naive", "chance_as_many", "band")
_FEW_EVENTS = 20
#: So that the same study gives the same figures.
_SEED = 9_001


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalQuality(Result):
    """What :func:`evaluate_signals` found; its tables are described in the module's docstring.

    Attributes
    ----------
    given : Signals
        The signals that were judged.
    """

    given: Signals = field(repr=False)
    kind: ClassVar[str] = "signal_quality"


def evaluate_signals(
    study: Study,
    *,
    rule: Rule = "chance",
    target: Target = "no_gain",
    false_alarms: float = FALSE_ALARMS,
    on_track: float = ON_TRACK,
    replicates: int = REPLICATES,
    landmark: float = 4.0,
    ahead: float | None = None,
    band: float = 0.8,
    error: ErrorModel = DEFAULT_ERROR,
    case_mix: tuple[str, ...] | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ReliabilityScoreKeywords],
) -> SignalQuality:
    """Hold the signals against how the courses ended, on organisations that no part of them was fitted on.

    Parameters
    ----------
    study : Study
        A loaded study.
    rule, target, false_alarms, on_track, ahead, band
        As in :func:`mpg_research.analysis.signals`: what is judged is what that shows. Every rule is judged
        whichever is shown.
    replicates : int
        Simulated studies without any true change that the figures are held against; 0 for none.
    landmark : float
        Month up to which the chance is read for calibration and decision curve.
    error : ErrorModel, optional
        How exact a score is: reliability and the spread it belongs to.
    case_mix : tuple of str, optional
        As in :func:`mpg_research.analysis.signals`.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. One declared respondent per family.
    level : float
        Of the intervals of the concordance and the calibration; those of the rules are 95 %.
    **older
        Parts of `scores` and `error` as keywords of their own:
        ``instrument``, ``outcome``, ``respondents``, ``episodes``,
        ``reliability``, ``sd``.

    Returns
    -------
    SignalQuality
        Tables ``rules``, ``by_month``, ``without_change``, ``without_change_by_month``,
        ``words``, ``calibration``, ``calibration_summary``, ``decision_curve``, ``published``,
        ``sample_flow`` and ``settings`` (the module says what each holds; some are there only
        where the study has what they need).

    Raises
    ------
    ModelError
        With fewer than three organisations (nested cross-validation leaves out two at a time), or where all
        courses end the same way.

    Notes
    -----
    Outer loop: each part (an organisation, or with more than six a group of them) is judged by a model fitted
    on the others. Inner loop: within the others, limits are learnt from chances by models that left out the
    part they are about too. Bad ends of the last score are partly foretold by chance alone: whoever scored
    too well at intake will likely end "no better". What that comes to is shown beside each figure, from
    studies simulated like this one in which nobody truly changes
    (:mod:`mpg_research.analysis.monitoring.replicates`), and the end of the family's own line is judged as
    well. The last score of a course is its outcome: it never enters a signal. Courses that
    still run have no outcome yet and are not judged.

    Examples
    --------
    >>> from mpg_research import load_study, evaluate_signals
    >>> from mpg_research.study import shipped_example
    >>> found = evaluate_signals(load_study(shipped_example()))
    >>> found.tables["rules"].data[["rule", "target", "sensitivity"]].shape[1]
    3
    """
    scores, error = gather(older, scores, error)
    refuse_parts(error, "error_sd", why="signals are judged by the error that this study shows.")
    if scores.respondents not in (None, "declared"):
        refuse_parts(scores, "respondents", why="signals are judged on one declared respondent per family.")
    _refuse_few(int(study.tables["episodes"]["organisation"].nunique()))
    given = signals(
        study, rule=rule, target=target, false_alarms=false_alarms, on_track=on_track, band=band, ahead=ahead,
        error=error, case_mix=case_mix, scores=replace(scores, respondents="declared"), level=level,
    )  # fmt: skip
    _refuse_few(given.answers.tables["waves"].data["organisation"].nunique())
    keep = given.foretold.judged
    if not keep.any():
        raise NotApplicableError(
            "No course that is over has an intake score and two more waves, so there is nothing to judge.",
            code="nothing_to_judge",
        )
    judged = given.foretold.only_judged()
    waves = given.tables["waves"].data[keep]
    rows = judged.rows
    units = rows.drop_duplicates("course").reset_index(drop=True)
    ended_badly = judged.bad[rows["wave"].to_numpy() == 0]
    if ended_badly.all() or not ended_badly.any():
        raise NotApplicableError(
            f"All {len(units)} courses end the same way ({target}), so nothing can be foretold.",
            code="nothing_to_judge",
        )
    threshold = _smallest_reliable(given)
    sign = improvement_sign(study.instruments[given.provenance.instrument].direction)
    index = sign * (rows.groupby("course")["score"].transform("first") - rows["score"]).to_numpy(dtype=float)
    alarms = {
        **compare_rules(judged, index=index, threshold=threshold, false_alarms=false_alarms),
        "band": (waves["beyond_band"] | waves["deteriorating"]).to_numpy(),
    }
    first = rows["wave"].to_numpy() == 0
    ends = {target: ended_badly, OWN_LINE: judged.line_bad[first]}
    at = landmark_waves(rows, landmark)
    asked = AsShown(
        rule=rule, target=target, threshold=threshold, false_alarms=false_alarms, ahead=ahead, band=band,
        error_sd=None, landmark=landmark,
    )  # fmt: skip
    without = figures_without_change(study, given, asked, replicates=replicates)
    evidence = evidence_of(rows, alarms, ends, {"chance": judged.chance, "naive": index}, landmark)
    beside = beside_no_change(
        evidence, units["family"].to_numpy(dtype=str), without.figures, level=level,
        rng=np.random.default_rng(_SEED),
    )  # fmt: skip
    tables = [
        rule_table(rows, alarms, {**ends, **_drop_out(study, units)}, units),
        concordance_table(
            rows, judged.chance, index, judged.bad, level, minimum=study.config.disclosure.minimum_families
        ),
        *without_change_tables(beside if without.figures else beside.iloc[:0], units),
        words_table(rows, waves["signal"].to_numpy(dtype=str), judged.bad, judged.line_bad, level),
        *calibration_tables(rows.iloc[at], judged.chance[at], judged.bad[at], level),
        decision_table(rows.iloc[at], judged.chance[at], judged.bad[at]),
        *([published_table(units)] if _is_beside(beside, rule, target) else []),
        sample_flow_table(given.flow),
        settings_table(
            {"threshold": threshold, "courses_simulated": without.n_courses},
            n_families=units["family"].nunique(),
            n_organisations=units["organisation"].nunique(),
        ),
    ]
    parameters = {
        **given.provenance.parameters, "landmark": landmark, "replicates": len(without.figures),
    }  # fmt: skip
    return SignalQuality(
        given=given,
        tables=collect_tables(tables),
        flow=given.flow,
        notes=(*given.notes, *_notes(ended_badly, given), *without.notes),
        provenance=replace(given.provenance, parameters=parameters),
        level=level,
        converged=given.converged,
    )


def _is_beside(beside: pd.DataFrame, rule: Rule, target: Target) -> bool:
    """Whether it is known what the rule that is shown gives without any true change."""
    mine = beside[(beside["figure"] == "both") & (beside["rule"] == rule) & (beside["target"] == target)]
    return bool(mine["without_change"].notna().any())


def _refuse_few(number: int) -> None:
    """Refuse fewer than three organisations: first those of the episodes, then those with a score."""
    if number < 3:
        raise NotApplicableError(
            "Judging the signals leaves out two organisations at a time, so it takes three or more; this "
            f"study has {number} with families to judge.",
            code="few_organisations_for_signals",
        )


def _smallest_reliable(given: Signals) -> float:
    """Smallest reliable change between two scores, by Jacobson and Truax."""
    return 1.959963984540054 * float(np.sqrt(2)) * given.answers.error.sem


def _drop_out(study: Study, units: pd.DataFrame) -> dict[str, BoolArray]:
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


def _notes(bad: BoolArray, given: Signals) -> list[Note]:
    n_all = int(given.foretold.rows["course"].nunique())
    text = (
        f"Judged are {len(bad)} of {n_all} courses: those that are over, with an intake score and two later."
    )
    notes = [Note("judged_courses", text, {"n_courses": len(bad), "n_all": n_all})]
    if min(bad.sum(), (~bad).sum()) < _FEW_EVENTS:
        text = (
            f"{int(bad.sum())} of {len(bad)} courses end badly: sensitivity and the like are very uncertain."
        )
        notes.append(Note("few_events", text, {"n_bad": int(bad.sum()), "n_courses": len(bad)}, "caution"))
    return notes
