"""Does an intervention help families whose help stands still? A target trial, or a refusal with its reason.

Tables of :class:`TargetTrial` (beside ``sample_flow`` and ``settings``)
-----------------------------------------------------------------------
- ``verdicts(intervention, months, estimable, n_treated, n_untreated, effective_treated, effective_untreated,
  overlap, imbalance)``: whether there is an answer ("answered"), or what stands in its way.
- ``differences(intervention, months, approach, ...)``: score with the intervention less score without, where
  there is an answer; approach "weighted" (the answer), "g_formula" (a second way) and "augmented".
- ``stability(intervention, months, approach, ...)``: where the goal is that the score does not rise:
  difference in the chance that it is not worse.
- ``before_after(intervention, months, comparison, ...)``: what a look without a trial would show: the change
  of those with an intervention ("before_after"), and that beside the others ("unadjusted").
- ``nothing_done(intervention, months, comparison, ...)``: the same two looks at families who started nothing
  and were drawn as if they had: what a useless intervention looks like.
- ``balance(intervention, months, variable, before, after, variance_ratio, distance)``: standardised
  differences between the strategies, before and after weighting.
- ``positivity(organisation, n_started, share_started)``: of the families whose help stood still, who got one
  within the time of grace.
- ``doubts(intervention, months, look, ...)`` and ``confounding(intervention, months, worse_by, ...)``: what
  speaks against an answer; ``explained_away(intervention, months, e_value, e_value_limit)``.
- ``protocol(element, target_element, emulation)`` and ``checklist(asked, place)``: what the trial would be
  and what stands for it here; where what the TARGET statement asks for is to be found.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.families.courses import COURSE_KEYS, Courses, read_courses, result_parts
from mpg_research.analysis.growth.help_periods import help_periods
from mpg_research.analysis.interventions.emulation import Emulation, TrialData, emulate, trial_flow
from mpg_research.analysis.interventions.protocol import ANY, TrialLimits, TrialProtocol
from mpg_research.analysis.interventions.records import OTHER_CODE, read_interventions
from mpg_research.analysis.interventions.trial_tables import trial_tables
from mpg_research.analysis.monitoring.expectation_model import case_mix_labels, code_case_mix
from mpg_research.analysis.result import Result
from mpg_research.errors import ConfigError, NotApplicableError, Note, did_you_mean
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.model import Study
from mpg_research.study.schemas import INTERVENTIONS
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["TargetTrial", "emulate_target_trial"]

_DELTAS = (-2.0, -1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrial(Result):
    """What :func:`emulate_target_trial` found; its tables are described in the module's docstring.

    Attributes
    ----------
    emulation : Emulation
        The trials, chances and comparisons behind the tables.
    protocol : TrialProtocol
    limits : TrialLimits
    """

    emulation: Emulation = field(repr=False)
    protocol: TrialProtocol
    limits: TrialLimits
    kind: ClassVar[str] = "target_trial"


def emulate_target_trial(
    study: Study,
    *,
    interventions: Sequence[str] | None = None,
    protocol: TrialProtocol | None = None,
    limits: TrialLimits | None = None,
    deltas: tuple[float, ...] = _DELTAS,
    replicates: int = 200,
    seed: int = 1,
    case_mix: tuple[str, ...] | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> TargetTrial:
    """Compare an intervention with none in families whose help stands still, as a trial would.

    Parameters
    ----------
    study : Study
        A loaded study.
    interventions : sequence of str, optional
        Codes of interventions, or "any"; by default "any" and each that was recorded.
    protocol : TrialProtocol, optional
        Who enters, what is compared, what is looked at; by default ours, with the weeks of grace of
        ``study.toml``.
    limits : TrialLimits, optional
        From when on there is no number.
    deltas : tuple of float
        Points by which those with an intervention might have been worse (or, negative, better) off than the
        others for reasons that nobody measured.
    replicates : int
        Of the bootstrap behind the g-formula's interval.
    seed : int
        Of everything that is drawn.
    case_mix : tuple of str, optional
        Columns of ``episodes`` that starts may hang on; by default those of ``study.toml``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Confidence level of the intervals, between 0 and 1.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    TargetTrial
        Tables ``verdicts``, ``differences``, ``stability``, ``before_after``, ``nothing_done``, ``balance``,
        ``positivity``, ``doubts``, ``confounding``, ``explained_away``, ``protocol``, ``checklist``,
        ``sample_flow`` and ``settings`` (the module says what each holds).

    Raises
    ------
    NotApplicableError
        If the study has no interventions, or no wave at which help stands still.
    ConfigError
        If a code is not known, or a choice is impossible.

    Notes
    -----
    A trial starts at every wave that meets the rule of standing still. Each follows two strategies, an
    intervention within the grace and none, until it leaves one of them; those that stay on one and have an
    outcome are weighted by the inverse of the chance of that, given the scores up to each moment (pooled
    logistic regressions of a start, of the end of help, and of a score in the window). The difference is a
    regression with these weights on what was known at the start; errors allow for families and workers. A
    worker's families count together, and a family with several workers counts with its first.

    Examples
    --------
    >>> from mpg_research import emulate_target_trial, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = emulate_target_trial(load_study(shipped_example()), interventions=["any"], replicates=20)
    >>> found.tables["verdicts"].data["estimable"].tolist()
    ['answered', 'imbalance']

    References
    ----------
    Hernán, M. A. & Robins, J. M. (2016). American Journal of Epidemiology, 183, 758-764.
    https://doi.org/10.1093/aje/kwv254

    Cashin, A. G. et al. (2025). Transparent reporting of observational studies emulating a target trial: the
    TARGET statement. JAMA, 334, 1084-1093. https://doi.org/10.1001/jama.2025.13350
    """
    (scores,) = gather(older, scores)
    chosen = protocol or TrialProtocol(grace_weeks=study.config.interventions.grace_weeks)
    bounds = limits or TrialLimits()
    if not deltas or not np.isfinite(deltas).all():
        raise ConfigError(f"deltas = {list(deltas)}; expected points, such as (-1.0, 0.0, 1.0).")
    if study.time_unit == "waves":
        raise NotApplicableError(
            "Times are waves of unknown length, so what came within some weeks of a wave is not known. Say "
            "how long a wave is: [time] months_per_unit in study.toml.",
            code="waves_of_unknown_length",
        )
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    courses = read_courses(study, scores=scores, case_mix=names)
    records = read_interventions(study, courses)
    if not len(records.frame):
        raise NotApplicableError(
            "The study has no interventions that lie within a course of scores, so that nothing can be "
            "compared. Add the table interventions (family, date, intervention), or see `mpg check`.",
            code="no_interventions_to_compare",
        )
    what = _asked(interventions, records.frame["code"], study)
    data = trial_data(study, courses, records.frame, protocol=chosen, scores=scores)
    emulation = emulate(
        data, what=what, protocol=chosen, limits=bounds, replicates=replicates,
        rng=np.random.default_rng([seed, 1]), level=level,
    )  # fmt: skip
    if not emulation.time.waves["eligible"].any():
        raise NotApplicableError(
            f"At no wave did help stand still (rule {chosen.stagnation}, looking back {chosen.lookback:g} "
            "months), so that no trial starts.",
            code="nobody_stands_still",
        )
    tables = trial_tables(
        emulation, protocol=chosen, limits=bounds, deltas=deltas,
        rng=np.random.default_rng([seed, 2]), level=level,
    )  # fmt: skip
    parameters = {
        "interventions": list(what), **asdict(chosen), "months": list(chosen.months), **asdict(bounds),
        "deltas": list(deltas), "replicates": replicates, "seed": seed, "case_mix": list(names),
        "axis": data.axis,
    }  # fmt: skip
    frame = replace(courses.frame, flow=trial_flow(emulation, courses.frame.flow))
    parts = result_parts(
        study, frame, tables=tables, notes=_notes(emulation),
        parameters=parameters, level=level,
        computed={"stable": emulation.stable},
    )  # fmt: skip
    return TargetTrial(emulation=emulation, protocol=chosen, limits=bounds, **parts)


def _asked(interventions: Sequence[str] | None, recorded: pd.Series, study: Study) -> tuple[str, ...]:
    if interventions is None:
        known = [code for code in sorted(recorded.unique()) if code != OTHER_CODE]
        return (ANY, *known)
    listed = {ANY, *INTERVENTIONS, *study.config.vocabularies.interventions}
    for code in interventions:
        if code not in listed:
            hint = did_you_mean(code, listed)
            raise ConfigError(
                f"interventions: {code!r} is in no list; expected any, one of the toolkit's eight or a code "
                f"of [vocabularies.interventions]. {hint}".rstrip()
            )
    if not interventions:
        raise ConfigError("interventions is empty; expected codes, or any.")
    return tuple(dict.fromkeys(interventions))


def trial_data(
    study: Study, courses: Courses, starts: pd.DataFrame, *, protocol: TrialProtocol, scores: Scores
) -> TrialData:
    """The frames that an emulation is computed from.

    Parameters
    ----------
    study : Study
        A loaded study.
    courses : Courses
        With the case mix.
    starts : DataFrame
        family, episode, months, code of the interventions.
    protocol : TrialProtocol
    scores : Scores
        Which scores the courses are of.
    """
    keys = ["family", "episode"]
    units = courses.units
    periods = help_periods(study, month=study.config.analysis.primary_month, scores=scores).rows
    lasted = periods.drop_duplicates(keys).set_index(keys)
    own = lasted.reindex(pd.MultiIndex.from_frame(units[keys].astype(str)))
    numbered = units[[*keys, "course"]].assign(**{name: units[name].astype(str) for name in keys})
    placed = starts.merge(numbered, on=keys, how="inner")
    mixed, columns = code_case_mix(units, courses.frame.case_mix)
    last = courses.rows.groupby("course")["months"].max().to_numpy(dtype=float)
    until = np.fmax(own["time"].to_numpy(dtype=float), last)
    first = courses.rows.drop_duplicates("family").set_index("family")["worker"]
    month = DAYS_PER_MONTH / float(study.config.time.days_per_axis_unit or np.nan)  # of the study's axis
    eligible = None
    if protocol.stagnation == "signal":
        eligible = _by_signal(study, courses, scores)
    return TrialData(
        rows=courses.rows[["course", "months", "score"]].assign(months=courses.rows["months"] / month),
        starts=placed.assign(months=placed["months"] / month)[["course", "months", "code"]],
        until=until / month,
        ended=own["ended"].fillna(False).to_numpy(dtype=bool),
        reach=np.fmax(own["reach"].to_numpy(dtype=float), until) / month,
        family=units["family"].to_numpy(dtype=str),
        organisation=units["organisation"].to_numpy(dtype=str),
        cluster=pd.factorize(units["family"].map(first))[0].astype(np.intp),
        case_mix=mixed[list(columns)].to_numpy(dtype=float).reshape(len(units), len(columns)),
        case_mix_names=case_mix_labels(units, courses.frame.case_mix),
        sign=float(improvement_sign(courses.instrument.direction)),
        eligible=eligible,
        axis=month,
    )


def _by_signal(study: Study, courses: Courses, scores: Scores) -> np.ndarray:
    """Waves whose signal is off track or may be standing still."""
    from mpg_research.analysis.monitoring.rules import CALLS
    from mpg_research.analysis.monitoring.signals import signals

    waves = signals(study, scores=scores).tables["waves"].data
    told = waves[waves["signal"].isin(CALLS)]
    keys = [*COURSE_KEYS, "months"]
    wanted = pd.MultiIndex.from_frame(told[keys].astype(dict.fromkeys(COURSE_KEYS, str)))
    return np.asarray(pd.MultiIndex.from_frame(courses.rows[keys]).isin(wanted), dtype=bool)


def _notes(emulation: Emulation) -> list[Note]:
    notes = []
    if emulation.without:
        n = len(emulation.without)
        text = (
            f"{n} organisations recorded no intervention for a family whose help stood still (or one for "
            "each of them): in their families nothing can be compared, and they are left out."
        )
        notes.append(Note("organisations_not_compared", text, {"n_organisations": n}, "caution"))
    return notes
