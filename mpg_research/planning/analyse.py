"""The mixed model of a planned study, as the package would fit it, and what it says of the question."""

from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.mixed.covariance.random_part import DIAGONAL, FULL
from mpg_research.mixed.covariance.structures import CAR1
from mpg_research.mixed.distributions import t_quantile
from mpg_research.mixed.inference.tests import make_inference
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.solution import MixedSolution, solve
from mpg_research.planning.draw import Drawn
from mpg_research.planning.inputs import Inputs

__all__ = ["FIXED_BELOW", "Answer", "answer", "fit_drawn", "models_workers"]

#: Fewer organisations than this are compared as fixed effects, as the package does.
FIXED_BELOW = 10
#: Workers enter the model from this many on, with as many families each, as in the growth model.
_WORKERS, _FAMILIES_PER_WORKER = 10, 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the fit says of each combination, all shape (rows,): NaN where it did not converge."""

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    converged: bool

    def half_width(self, alpha: float) -> FloatArray:
        """Half the width of the interval of level 1 - alpha."""
        found: FloatArray = np.asarray(t_quantile(1.0 - alpha / 2.0, self.df) * self.std_error)
        return found


def models_workers(inputs: Inputs) -> bool:
    """Whether the model has workers, as the growth model by default: where there are enough of them."""
    n = inputs.organisations * inputs.workers
    return inputs.workers > 1 and n >= _WORKERS and inputs.families >= _FAMILIES_PER_WORKER * n


def _line(months: FloatArray) -> FloatArray:
    return np.column_stack([np.ones_like(months), months])


def fit_drawn(
    inputs: Inputs, drawn: Drawn, *, fixed: bool, extra: FloatArray | None, near: MixedSolution | None = None
) -> MixedSolution:
    """Fit the straight-line model to a simulated study.

    Parameters
    ----------
    inputs : Inputs
    drawn : Drawn
    fixed : bool
        Whether organisations have a level and a slope each, else one common line and, from two organisations
        on, random ones.
    extra : array, shape (rows,), optional
        A property of families whose bearing on the change is asked: it enters with its product with months.
    near : MixedSolution, optional
        Where the search begins (the truth); a fit of the same terms.
    """
    line = _line(drawn.months)
    k = inputs.organisations
    if fixed and k > 1:
        member = drawn.organisation[:, None] == np.arange(k)
        x = np.concatenate([member, member * drawn.months[:, None]], axis=1).astype(float)
    else:
        x = line
    if extra is not None:
        x = np.column_stack([x, extra, extra * drawn.months])
    names = tuple(f"x{place}" for place in range(x.shape[1]))
    own = line if inputs.sd_slope > 0 else line[:, :1]
    terms = [_term("family", own, drawn.family)]
    if models_workers(inputs):
        terms.append(_term("worker", line, drawn.worker, diagonal=True))
    if not fixed and k > 1:
        terms.append(_term("organisation", line, drawn.organisation))
    residual = None
    if inputs.serial > 0:
        columns = {"months": drawn.months, "family": drawn.family}
        residual = CAR1("months", within="family").bind(columns)
    problem = MixedProblem(drawn.score, x, names, tuple(terms), None, residual)
    if near is None or len(terms) > 1:
        return solve(problem)
    return solve(problem, near=near)


def _term(group: str, z: FloatArray, codes: np.ndarray, *, diagonal: bool = False) -> RandomTerm:
    levels, inside = np.unique(codes, return_inverse=True)
    names = ("(Intercept)", "months")[: z.shape[1]]
    return RandomTerm(group, names, z, inside, tuple(levels.tolist()), DIAGONAL if diagonal else FULL)


def answer(solution: MixedSolution, rows: FloatArray) -> Answer:
    """Estimates of combinations of the fixed effects with Kenward-Roger's errors and degrees of freedom."""
    empty = np.full(len(rows), np.nan)
    if not solution.converged:
        return Answer(empty, empty, empty, False)
    inference = make_inference(solution, "kenward-roger", None)
    variance = np.sum((rows @ inference.covariance) * rows, axis=1)
    return Answer(rows @ inference.beta, np.sqrt(variance), inference.single_df(rows), True)
