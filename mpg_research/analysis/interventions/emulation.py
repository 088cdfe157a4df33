"""The emulation on frames: person-time, chances and comparisons for every intervention and month."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mpg_research.analysis.interventions.chances import Chances, fit_way, history_columns
from mpg_research.analysis.interventions.estimators import (
    Comparison,
    GFormula,
    Verdict,
    compare_strategies,
    g_formula_of,
    judge,
)
from mpg_research.analysis.interventions.person_time import PersonTime, cut_courses
from mpg_research.analysis.interventions.protocol import STABILITY, TrialLimits, TrialProtocol
from mpg_research.analysis.interventions.trials import Trials, start_trials
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.study.model import FlowStep, SampleFlow

__all__ = ["Answer", "Emulation", "TrialData", "emulate", "trial_flow"]

#: Columns of the history at a wave that the models of the outcome use, and that balance is judged by.
N_BASELINE = 4


@dataclass(frozen=True, slots=True)
class TrialData:
    """What an emulation is computed from; courses are 0, 1, ...

    Attributes
    ----------
    rows : DataFrame
        course, months, score; sorted by both.
    starts : DataFrame
        course, months, code of the interventions.
    until : ndarray, shape (courses,)
        Months to the end of help, or to the last moment seen.
    ended : ndarray of bool, shape (courses,)
        Whether help had ended then.
    reach : ndarray, shape (courses,)
        Months for which the course could have been seen.
    family, organisation, cluster : ndarray, shape (courses,)
        Keys of families and organisations; a number for those who share a worker.
    case_mix : ndarray, shape (courses, q)
    case_mix_names : tuple of str, length q
    sign : float
        -1 where lower scores are better, else 1.
    eligible : ndarray of bool, shape (waves,), optional
        Waves that meet another rule of standing still than "no progress".
    axis : float
        Units of the study's time axis in a month: tables speak of moments as the study does.
    """

    rows: pd.DataFrame = field(repr=False)
    starts: pd.DataFrame = field(repr=False)
    until: FloatArray
    ended: BoolArray
    reach: FloatArray
    family: np.ndarray
    organisation: np.ndarray
    cluster: IntArray
    case_mix: FloatArray
    case_mix_names: tuple[str, ...] = ()
    sign: float = -1.0
    eligible: BoolArray | None = None
    axis: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One intervention, one month: a verdict, and the numbers behind it.

    Attributes
    ----------
    what : str
        Code of the intervention, or "any".
    month : float
    stability : bool
        Whether the outcome is that the score is not worse.
    verdict : Verdict
    found : Comparison
    by_g_formula : GFormula or None
        Where the verdict is that there is a number.
    baseline : ndarray, shape (n, k)
        What was known at the start of each trial.
    change : ndarray, shape (n,)
        Outcome less score at the start.
    """

    what: str
    month: float
    stability: bool
    verdict: Verdict
    found: Comparison = field(repr=False)
    by_g_formula: GFormula | None
    baseline: FloatArray = field(repr=False)
    change: FloatArray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Emulation:
    """All comparisons of a study.

    Attributes
    ----------
    data : TrialData
    time : PersonTime
    chances : Chances
    answers : tuple of Answer
    trials : mapping of month to Trials, as a tuple of pairs
    names : tuple of str
        Of the columns of ``baseline``.
    without : tuple of str
        Organisations that recorded no intervention at an eligible wave, or nothing else: left out.
    stable : float
        Points by which a score may be worse and still count as not worse.
    """

    data: TrialData = field(repr=False)
    time: PersonTime = field(repr=False)
    chances: Chances = field(repr=False)
    answers: tuple[Answer, ...]
    trials: tuple[tuple[float, Trials], ...] = field(repr=False)
    names: tuple[str, ...]
    without: tuple[str, ...]
    stable: float


def emulate(
    data: TrialData,
    *,
    what: Sequence[str],
    protocol: TrialProtocol,
    limits: TrialLimits,
    replicates: int = 200,
    rng: np.random.Generator | int = 0,
    level: float = 0.95,
) -> Emulation:
    """Emulate the target trials of the interventions asked for.

    Parameters
    ----------
    data : TrialData
    what : sequence of str
        Codes of interventions, and "any".
    protocol : TrialProtocol
    limits : TrialLimits
    replicates : int
        Of the bootstrap behind the g-formula's interval.
    rng : Generator or int
        Of that bootstrap.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Emulation
    """
    generator = np.random.default_rng(rng)
    time = cut_courses(
        data.rows, data.starts, until=data.until, ended=data.ended, protocol=protocol, sign=data.sign,
        eligible=data.eligible,
    )  # fmt: skip
    takes_part, without = _organisations_with_both(data, time)
    known, names = history_columns(time)
    extra, extra_names = _extra(data, takes_part)
    chances = fit_way(
        time, known, names, extra=extra, extra_names=extra_names,
        included=takes_part[time.pieces["course"].to_numpy()], limits=limits,
    )  # fmt: skip
    shown = [place for place, name in enumerate(chances.names) if _is_baseline(name, names)]
    eligible_scores = time.waves.loc[time.waves["eligible"], "score"]
    stable = protocol.stable
    if stable is None:
        stable = float(eligible_scores.std(ddof=1) / 2) if len(eligible_scores) > 1 else 0.0
    answers, trials = [], []
    for month in protocol.months:
        started, _ = start_trials(time, month=month, protocol=protocol, reach=data.reach)
        mine = started.of(takes_part[started.course])
        trials.append((month, mine))
        columns = chances.columns[mine.wave]
        change = mine.outcome - time.waves["score"].to_numpy()[mine.wave]
        for code in what:
            stability = code in STABILITY
            outcome = mine.outcome
            if stability:
                outcome = np.where(np.isfinite(change), data.sign * change >= -stable, np.nan)
            found = compare_strategies(
                chances, mine, what=code, protocol=protocol, limits=limits,
                clusters=data.cluster[mine.course], baseline=columns[:, :N_BASELINE],
                balanced=columns[:, shown], outcome=outcome.astype(float), level=level,
            )  # fmt: skip
            verdict = judge(found, data.family[mine.course], limits)
            by_g = None
            if verdict.fine:
                by_g = g_formula_of(
                    found, chances, columns[:, :N_BASELINE], replicates=replicates, rng=generator, level=level
                )
            answers.append(
                Answer(code, month, stability, verdict, found, by_g, columns[:, :N_BASELINE], change)
            )
    return Emulation(
        data, time, chances, tuple(answers), tuple(trials),
        tuple(chances.names[place] for place in shown), without, stable,
    )  # fmt: skip


def _is_baseline(name: str, history: tuple[str, ...]) -> bool:
    """Shown and judged: history but for what is the same for all, or another form of a column; case mix."""
    if name in history:
        return name in history[:N_BASELINE]
    return not name.startswith("organisation=")


def _organisations_with_both(data: TrialData, time: PersonTime) -> tuple[BoolArray, tuple[str, ...]]:
    """Courses of organisations with starts among the families at risk of one, and with none; the others."""
    pieces = time.pieces[time.pieces["at_risk"]]
    organisation = data.organisation[pieces["course"].to_numpy()]
    started = pieces["started"].to_numpy()
    names = np.unique(data.organisation)
    both = [
        str(name)
        for name in names
        if started[organisation == name].any() and not started[organisation == name].all()
    ]
    return np.isin(data.organisation, both), tuple(str(name) for name in names if str(name) not in both)


def _extra(data: TrialData, takes_part: BoolArray) -> tuple[FloatArray, tuple[str, ...]]:
    """Organisations (the largest without a column), then the case mix; per course."""
    names, sizes = np.unique(data.organisation[takes_part], return_counts=True)
    ordered = [str(name) for name in names[np.argsort(-sizes, kind="stable")]][1:]
    columns = [(data.organisation == name).astype(float) for name in ordered]
    columns += list(data.case_mix.T)
    stacked = np.column_stack(columns) if columns else np.zeros((len(data.organisation), 0))
    return stacked, (*(f"organisation={name}" for name in ordered), *data.case_mix_names)


def trial_flow(emulation: Emulation, before: SampleFlow) -> SampleFlow:
    """The flow of the courses, and from there to the trials.

    Parameters
    ----------
    emulation : Emulation
    before : SampleFlow
        Up to the courses.
    """
    steps = list(before.steps)
    waves, data = emulation.time.waves, emulation.data
    stages = [("standing_still", "at a wave at which help stands still", waves["still"].to_numpy())]
    stages.append(("eligible", "without an intervention before", waves["eligible"].to_numpy()))
    for code, text, chosen in stages:
        course = waves["course"].to_numpy()[chosen]
        steps.append(_step(code, text, int(chosen.sum()), data.family[course], course))
    month, trials = emulation.trials[0]
    text = f"that could be followed for {month:g} months, in organisations that record interventions"
    steps.append(_step("trials", text, len(trials.course), data.family[trials.course], trials.course))
    return SampleFlow(tuple(steps))


def _step(code: str, text: str, n: int, family: np.ndarray, course: np.ndarray) -> FlowStep:
    return FlowStep(code, text, n, len(np.unique(family)), len(np.unique(course)))
