"""Simulate the study that is planned, at every size asked for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from mpg_research.errors import ConfigError, ModelError
from mpg_research.mixed.search.solution import MixedSolution, solve
from mpg_research.parallel import simulate_in_chunks
from mpg_research.planning.analyse import Answer, answer, fit_drawn
from mpg_research.planning.closed_form import closed_form
from mpg_research.planning.draw import draw_effects
from mpg_research.planning.inputs import INPUTS, OURS, Inputs, Origin, change_inputs
from mpg_research.planning.questions import Question, question_named
from mpg_research.planning.smallest import Smallest, find_smallest

__all__ = ["Cell", "Measure", "Plan", "StudyPlan", "plan_study"]

#: Fewer simulations say too little, more belong on a cluster.
FEWEST, MOST = 50, 100_000
_MOST_CELLS = 60
_FAILED = Answer(np.empty(0), np.empty(0), np.empty(0), False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be simulated.

    Attributes
    ----------
    question : str
        One of :data:`mpg_research.planning.questions.QUESTIONS`.
    inputs : Inputs
    origins : mapping of str to Origin
        Where the value of each input comes from; ours where it does not say.
    vary : mapping of str to tuple
        Values of one or two inputs.
    draws : tuple of mapping
        What a study so far says of inputs, drawn from the sampling distribution of its estimates: each
        simulated study takes one of them. Empty where nothing was estimated.
    power : float
        Wanted, where the smallest number of families is asked for.
    smallest : bool
        Whether it is.
    simulations : int
        Per size.
    seed : int
    study : mapping of str to str
        Titles of the study at hand, by language; empty without one.
    ranges : mapping of str to (float, float)
        Of inputs that were estimated from it: between which 95 of 100 draws lie.
    units : mapping
        Whom that study is about, by language.
    synthetic : bool
        Whether that study is invented.
    """

    question: str
    inputs: Inputs
    origins: Mapping[str, Origin] = field(default_factory=dict)
    vary: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    draws: tuple[Mapping[str, float], ...] = ()
    power: float = 0.8
    smallest: bool = False
    simulations: int = 1000
    seed: int = 1
    study: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    units: Mapping[str, Any] = field(default_factory=dict)
    synthetic: bool = False

    def __post_init__(self) -> None:
        if not FEWEST <= self.simulations <= MOST:
            raise ConfigError(
                f"Plan: simulations = {self.simulations}; expected from {FEWEST} to {MOST:,} per size."
            )
        if not 0 < self.power < 1:
            raise ConfigError(f"Plan: power = {self.power}; expected a chance between 0 and 1, such as 0.8.")
        if self.power <= self.inputs.alpha:
            raise ConfigError(f"Plan: power = {self.power}; expected more than alpha, {self.inputs.alpha}.")
        if len(self.vary) > 2:
            raise ConfigError(f"Plan: {', '.join(self.vary)} vary; expected one or two inputs.")
        if math.prod(map(len, self.vary.values())) > _MOST_CELLS:
            raise ConfigError(f"Plan: more than {_MOST_CELLS} sizes; expected fewer values to vary.")
        if self.smallest and not question_named(self.question).has_effect:
            raise ConfigError(
                f"Plan: the question {self.question} has no power, so no smallest number of families for it; "
                "vary families instead."
            )
        if self.smallest and "families" in self.vary:
            raise ConfigError(
                "Plan: families vary and their smallest number is looked for; expected one of both."
            )

    def origin(self, name: str) -> Origin:
        """Where the value of an input comes from."""
        return self.origins.get(name, OURS)


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of one size.

    Attributes
    ----------
    estimate, mc_error : float
        From the simulation, and its Monte Carlo standard error.
    low, high : float
        Between which eight of ten simulated studies lie; NaN for shares.
    formula : float
        By formula; NaN where there is none.
    """

    estimate: float
    mc_error: float
    low: float = math.nan
    high: float = math.nan
    formula: float = math.nan


@dataclass(frozen=True, slots=True)
class Cell:
    """One size.

    Attributes
    ----------
    values : mapping of str to object
        Of the inputs that vary.
    inputs : Inputs
    measures : mapping of str to Measure
    n_failed : int
        Simulated studies whose model could not be fitted: they count as no finding, and not in widths.
    """

    values: Mapping[str, Any]
    inputs: Inputs
    measures: Mapping[str, Measure]
    n_failed: int


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What came of a plan.

    Attributes
    ----------
    plan : Plan
    cells : tuple of Cell
        In the order of the values; the last input varies fastest.
    smallest : tuple of Smallest
        One per value of what varies, where the smallest number of families was asked for.
    """

    plan: Plan
    cells: tuple[Cell, ...]
    smallest: tuple[Smallest, ...] = ()


def plan_study(plan: Plan) -> StudyPlan:
    """Simulate the studies of a plan, through joblib.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    StudyPlan

    Raises
    ------
    ConfigError
        If the plan cannot answer its question.

    Examples
    --------
    >>> from mpg_research.planning import Inputs, Plan, plan_study
    >>> inputs = Inputs(families=60, organisations=2, effect=-6.0)
    >>> found = plan_study(Plan("mean_change", inputs, simulations=50)).cells[0].measures["power"]
    >>> found.estimate > 0.8
    True
    """
    question = question_named(plan.question)
    settings = [dict(zip(plan.vary, values, strict=True)) for values in product(*plan.vary.values())]
    each = [change_inputs(plan.inputs, **values) for values in settings]
    for inputs in each:
        question.check(inputs)
    if not plan.smallest:
        pairs = zip(settings, each, strict=True)
        return StudyPlan(plan, tuple(_cell(plan, question, values, inputs) for values, inputs in pairs))
    cells: list[Cell] = []
    found = []
    for values, inputs in zip(settings, each, strict=True):

        def simulate(
            families: int, values: dict[str, Any] = values, inputs: Inputs = inputs
        ) -> tuple[float, int]:
            changed = change_inputs(inputs, families=families)
            cells.append(_cell(plan, question, {**values, "families": families}, changed))
            return cells[-1].measures["power"].estimate, plan.simulations

        found.append(find_smallest(simulate, question, inputs, target=plan.power, values=values))
    return StudyPlan(plan, tuple(sorted(cells, key=_order(plan))), tuple(found))


def _order(plan: Plan) -> Any:
    def place(cell: Cell) -> tuple[Any, ...]:
        return *(plan.vary[name].index(cell.values[name]) for name in plan.vary), cell.inputs.families

    return place


def _cell(plan: Plan, question: Question, values: Mapping[str, Any], inputs: Inputs) -> Cell:
    """Simulate one size. Every size has the same stream of random numbers, so that curves are smooth."""
    given = {name for name in INPUTS if plan.origin(name).kind == "given"} | set(values)
    draws = [{name: value for name, value in one.items() if name not in given} for one in plan.draws]
    rows = simulate_in_chunks(partial(_chunk, question, inputs, draws), plan.simulations, plan.seed)
    counted = [row for chunk in rows for row in chunk]
    table = {name: np.array([row[name] for row in counted], dtype=float) for name in counted[0]}
    return Cell(values, inputs, _measures(question, inputs, table), int(table["failed"].sum()))


def _chunk(
    question: Question, inputs: Inputs, draws: Sequence[Mapping[str, float]], n: int, rng: np.random.Generator
) -> list[Mapping[str, float]]:
    near = None
    found = []
    for _ in range(n):
        one = inputs
        if draws:
            one = change_inputs(inputs, **draws[int(rng.integers(len(draws)))])
        counted, near = _one(question, one, rng, near)
        found.append(counted)
    return found


def _one(
    question: Question, inputs: Inputs, rng: np.random.Generator, near: MixedSolution | None
) -> tuple[Mapping[str, float], MixedSolution | None]:
    """One simulated study; the search begins at the truth, as ``near`` has it."""
    fixed = question.fixed(inputs)
    drawn = draw_effects(inputs, rng, fixed=fixed)
    extra = None if question.extra is None else question.extra(inputs, rng)[drawn.family]
    rows = question.rows(inputs)
    truth = question.own_part(inputs, drawn, rows)
    try:
        solution = fit_drawn(inputs, drawn, fixed=fixed, extra=extra, near=near)
        near = near or _at_truth(inputs, solution)
        said = answer(solution, rows)
    except (ModelError, np.linalg.LinAlgError):
        said = _FAILED
    return question.count(inputs, said, truth), near


def _at_truth(inputs: Inputs, solution: MixedSolution) -> MixedSolution | None:
    """The model of a fit evaluated at the true variances; None where it has more than the families' term."""
    if len(solution.problem.random) > 1 or inputs.serial > 0:
        return None
    root = np.linalg.cholesky(inputs.family_covariance() + 1e-9 * inputs.sd**2 * np.eye(2))
    root /= math.sqrt(inputs.residual_variance)
    theta = [root[0, 0], root[1, 0], root[1, 1]] if inputs.sd_slope > 0 else [root[0, 0]]
    return solve(solution.problem, theta=theta)


def _measures(question: Question, inputs: Inputs, table: Mapping[str, np.ndarray]) -> dict[str, Measure]:
    formula = closed_form(question, inputs)
    found = {}
    for name in question.measures:
        told = formula.get(name, math.nan)
        if name == "reliability":
            estimate, error = _ratio(table["cross"], table["square"])
            found[name] = Measure(estimate, error, formula=told)
            continue
        values = table[name][np.isfinite(table[name])]
        n = len(values)
        if not n:
            found[name] = Measure(math.nan, math.nan, formula=told)
        elif name in ("margin", "rankability"):
            low, high = np.quantile(values, [0.1, 0.9])
            error = float(values.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan
            found[name] = Measure(float(values.mean()), error, float(low), float(high), told)
        else:
            share = float(values.mean())
            shrunk = (values.sum() + 2.0) / (n + 4.0)  # not zero where no or every simulation has it
            found[name] = Measure(share, float(math.sqrt(shrunk * (1.0 - shrunk) / n)), formula=told)
    return found


def _ratio(top: np.ndarray, bottom: np.ndarray) -> tuple[float, float]:
    """The ratio of two sums over the simulations and its standard error."""
    keep = np.isfinite(top)
    top, bottom = top[keep], bottom[keep]
    if len(top) < 2 or not bottom.sum():
        return math.nan, math.nan
    ratio = float(top.sum() / bottom.sum())
    rest = top - ratio * bottom
    return ratio, float(rest.std(ddof=1) / math.sqrt(len(top)) / bottom.mean())
