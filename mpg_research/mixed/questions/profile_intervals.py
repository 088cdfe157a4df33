"""Profile-likelihood intervals: how far a parameter can move before the likelihood says no."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mpg_research.errors import ModelError
from mpg_research.mixed.distributions import chi2_quantile
from mpg_research.mixed.questions.bootstrap import parameters
from mpg_research.mixed.questions.profile_surface import Held, Surface, crossing
from mpg_research.mixed.search.solution import MixedSolution, solve

__all__ = ["profile_intervals"]


def profile_intervals(solution: MixedSolution, level: float) -> pd.DataFrame:
    """Limits at which the profiled likelihood falls by half a chi-square quantile.

    Parameters
    ----------
    solution : MixedSolution
        A REML fit is refitted by maximum likelihood first, as lme4 does.
    level : float

    Returns
    -------
    DataFrame
        By parameter: ``estimate`` (by maximum likelihood), ``conf_low``, ``conf_high``. Fixed terms,
        ``sd[group, term]``, ``correlation[group, first term, term]``, ``sd[Residual]`` and the
        parameters of a residual structure (empty where these hang together, as those of Unstructured
        do: use the bootstrap). A lower limit of zero means that the data allow no variance.

    References
    ----------
    Bates, D. M. & Watts, D. G. (1988). Nonlinear Regression Analysis and Its Applications, chapter 6.
    """
    best = solution if solution.method == "ML" else solve(solution.problem, method="ML")
    if not best.converged:
        raise ModelError(
            f"The maximum-likelihood fit did not converge ({best.message}); there is no profile."
        )
    estimates = parameters(best)
    rise = chi2_quantile(level, 1)
    rows: dict[str, tuple[float, float]] = {}
    for column, name in enumerate(best.problem.x_names):
        rows[name] = _fixed_limits(best, column, rise)
    surface = Surface(best)
    for term_index, term in enumerate(best.problem.random):
        for row, name in enumerate(term.term_names):
            rows[f"sd[{term.group}, {name}]"] = surface.sd_limits(Held("sd", term_index, row), rise)
        for row, name in enumerate(term.term_names[1:] if term.correlated else (), start=1):
            label = f"correlation[{term.group}, {term.term_names[0]}, {name}]"
            estimates[label], *limits = surface.correlation_limits(Held("correlation", term_index, row), rise)
            rows[label] = (limits[0], limits[1])
    rows["sd[Residual]"] = surface.sd_limits(Held("residual"), rise)
    for k, name in enumerate(best.residual_names):
        rows[name] = surface.structure_limits(Held("structure", row=k), rise)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["conf_low", "conf_high"])
    frame.insert(0, "estimate", estimates)
    return frame.rename_axis("parameter")


def _fixed_limits(best: MixedSolution, column: int, rise: float) -> tuple[float, float]:
    problem = best.problem
    x = np.delete(problem.x, column, axis=1)
    names = tuple(name for index, name in enumerate(problem.x_names) if index != column)

    def excess(value: float) -> float:
        moved = replace(problem, y=problem.y - value * problem.x[:, column], x=x, x_names=names)
        return float(solve(moved, method="ML").deviance - best.deviance - rise)

    step = float(np.sqrt(best.covariance[column, column]))
    centre = float(best.beta[column])
    return crossing(excess, centre, -step, rise), crossing(excess, centre, step, rise)
