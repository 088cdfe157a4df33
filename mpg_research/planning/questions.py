"""The questions that a study can be planned for: which model, which combination, and what is counted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.mixed.distributions import t_p_value
from mpg_research.planning.analyse import FIXED_BELOW, Answer
from mpg_research.planning.draw import Drawn
from mpg_research.planning.inputs import Inputs
from mpg_research.statistics.providers.shrinkage import between_variance, rankability

__all__ = ["QUESTIONS", "Question", "question_named"]

Counted = Mapping[str, float]
_NOTHING = float("nan")


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes
    ----------
    name : str
    measures : tuple of str
        What is reported, in this order.
    fewest : int
        Organisations that it needs.
    has_effect : bool
        Whether an effect is looked for, which the plan must then give.
    always_fixed : bool
        Whether organisations are compared as fixed effects, however many there are.
    rows : callable
        The combinations of the fixed effects, shape (rows, p).
    count : callable
        What one simulated study says: a number per measure; None stands for a fit that did not converge.
    extra : callable, optional
        A property of each family, shape (families,).
    """

    name: str
    measures: tuple[str, ...]
    rows: Callable[[Inputs], FloatArray]
    count: Callable[[Inputs, Answer, FloatArray], Counted]
    fewest: int = 1
    has_effect: bool = True
    always_fixed: bool = False
    extra: Callable[[Inputs, np.random.Generator], FloatArray] | None = None

    def fixed(self, inputs: Inputs) -> bool:
        """Whether organisations are fixed effects in this plan."""
        return self.always_fixed or inputs.organisations < FIXED_BELOW

    def check(self, inputs: Inputs) -> None:
        """Refuse a plan that cannot answer it.

        Raises
        ------
        ConfigError
        """
        if self.has_effect and np.isnan(inputs.effect):
            raise ConfigError(
                f"Plan: no effect for the question {self.name}; give the smallest that would matter, in "
                "points from the first to the last wave: --set effect=-3, or effect under [inputs]. No "
                "default is taken: what matters is not for software to say."
            )
        if inputs.organisations < self.fewest:
            raise ConfigError(
                f"Plan: organisations = {inputs.organisations}; the question {self.name} needs {self.fewest} "
                "or more."
            )
        if not self.has_effect and inputs.sd_slope_organisation == 0:
            raise ConfigError(
                f"Plan: sd_slope_organisation = 0; the question {self.name} is about true differences "
                "between organisations, so it needs their spread, in points per month."
            )

    def own_part(self, inputs: Inputs, drawn: Drawn, rows: FloatArray) -> FloatArray:
        """What the organisations truly add to each combination, shape (rows,)."""
        k = inputs.organisations
        if not self.fixed(inputs) or k == 1:
            return np.zeros(len(rows))
        return np.asarray(rows[:, k : 2 * k] @ drawn.own_slopes)


def _slopes(inputs: Inputs, weights: FloatArray, *, extra: int = 0) -> FloatArray:
    """Combinations of the organisations' changes over the whole time, weights (rows, organisations)."""
    k = inputs.organisations
    change = inputs.last_month * weights
    nothing = np.zeros_like(change)
    parts = [nothing, change] if k > 1 else [nothing[:, :1], change[:, :1]]
    return np.concatenate([*parts, np.zeros((len(weights), extra))], axis=1)


def _mean_change(inputs: Inputs) -> FloatArray:
    if inputs.organisations >= FIXED_BELOW:
        return np.array([[0.0, inputs.last_month]])
    counts = inputs.family_counts()
    return _slopes(inputs, (counts / counts.sum())[None, :])


def _pair(inputs: Inputs) -> FloatArray:
    """The two smallest organisations: of them the data say least."""
    first, second = np.argsort(inputs.family_counts(), kind="stable")[:2]
    weights = np.zeros((1, inputs.organisations))
    weights[0, first], weights[0, second] = 1.0, -1.0
    return _slopes(inputs, weights)


def _distances(inputs: Inputs) -> FloatArray:
    """Every organisation's distance from the mean of all, the smallest one first."""
    k = inputs.organisations
    weights = np.eye(k) - 1.0 / k
    return _slopes(inputs, weights[np.argsort(inputs.family_counts(), kind="stable")])


def _with_extra(inputs: Inputs) -> FloatArray:
    """The change over the whole time per unit of the property of families."""
    fixed = 1 < inputs.organisations < FIXED_BELOW
    width = 2 * inputs.organisations if fixed else 2
    row = np.zeros((1, width + 2))
    row[0, -1] = inputs.last_month
    return row


def _test(inputs: Inputs, found: Answer, truth: FloatArray) -> Counted:
    """Power, false findings and the margin of the first combination."""
    if not found.converged:
        return {"power": 0.0, "wrong": 0.0, "margin": _NOTHING, "failed": 1.0}
    off = float(found.estimate[0] - truth[0])
    p = [
        float(t_p_value((off + effect) / found.std_error[0], found.df[0])) for effect in (inputs.effect, 0.0)
    ]
    return {
        "power": float(p[0] < inputs.alpha),
        "wrong": float(p[1] < inputs.alpha),
        "margin": float(found.half_width(inputs.alpha)[0]),
        "failed": 0.0,
    }


def _test_distances(inputs: Inputs, found: Answer, truth: FloatArray) -> Counted:
    """The same of the smallest organisation, and whether any at all is flagged where none differs."""
    if not found.converged:
        return {**_test(inputs, found, truth), "any_wrong": 0.0, "any_wrong_corrected": 0.0}
    p = t_p_value((found.estimate - truth) / found.std_error, found.df)
    smallest = float(np.min(p))
    return {
        **_test(inputs, found, truth),
        "any_wrong": float(smallest < inputs.alpha),
        "any_wrong_corrected": float(smallest * len(p) < inputs.alpha),
    }


def _reliability(inputs: Inputs, found: Answer, truth: FloatArray) -> Counted:
    """How far the estimates go with the truth; sums that are pooled over the simulations."""
    if not found.converged:
        return dict.fromkeys(("cross", "square", "rankability", "first_is_first"), _NOTHING) | {"failed": 1.0}
    tau2 = between_variance(found.estimate, found.std_error).tau2
    return {
        "cross": float(found.estimate @ truth),
        "square": float(found.estimate @ found.estimate),
        "rankability": rankability(found.std_error, tau2=tau2).percent / 100.0,
        "first_is_first": float(np.argmin(found.estimate) == np.argmin(truth)),
        "failed": 0.0,
    }


def _arms(inputs: Inputs, rng: np.random.Generator) -> FloatArray:
    """1 for the families that get the intervention: their share within every organisation."""
    arm = [rng.permutation(n) < round(n * inputs.treated) for n in inputs.family_counts()]
    return np.concatenate(arm).astype(float)


def _doses(inputs: Inputs, rng: np.random.Generator) -> FloatArray:
    """The dose of each family, in standard deviations."""
    return rng.standard_normal(inputs.families)


_TESTED = ("power", "wrong", "margin")
_ALL = (
    Question("mean_change", _TESTED, _mean_change, _test),
    Question("organisation_difference", _TESTED, _pair, _test, fewest=2, always_fixed=True),
    Question(
        "organisation_distance", (*_TESTED, "any_wrong", "any_wrong_corrected"), _distances, _test_distances,
        fewest=3, always_fixed=True,
    ),
    Question(
        "reliability", ("reliability", "rankability", "first_is_first"), _distances, _reliability,
        fewest=3, has_effect=False, always_fixed=True,
    ),
    Question("dose_slope", _TESTED, _with_extra, _test, extra=_doses),
    Question("intervention", _TESTED, _with_extra, _test, extra=_arms),
)  # fmt: skip
QUESTIONS: Mapping[str, Question] = {one.name: one for one in _ALL}


def question_named(name: str) -> Question:
    """A question by its name.

    Parameters
    ----------
    name : str

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in QUESTIONS:
        hint = did_you_mean(name, QUESTIONS)
        raise ConfigError(
            f"Plan: there is no question {name!r}; expected one of {', '.join(QUESTIONS)}. {hint}".rstrip()
        )
    return QUESTIONS[name]
