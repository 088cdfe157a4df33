"""Simulated outcomes and the parametric bootstrap."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from scipy.sparse.linalg import splu

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.html_table import html_table
from mpg_research.mixed.inference.fit_tables import variance_table
from mpg_research.mixed.inference.row_equations import whitening
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.search.refit import refit, simulated_refits
from mpg_research.mixed.search.solution import MixedSolution
from mpg_research.parallel import simulate_in_chunks

__all__ = ["Bootstrap", "bootstrap", "simulate"]

Randomness = np.random.Generator | int


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Refits to outcomes simulated from a fit.

    Attributes
    ----------
    estimates : DataFrame
        The fit's own estimates: ``parameter`` as index, ``estimate``.
    draws : DataFrame, shape (n, parameters)
        One row per refit. Columns: the fixed terms; ``sd[group, term]``; ``sd[Residual]``;
        the parameters of a residual structure.
    level : float
    n_failed : int
        Refits that did not converge; they are left out.
    """

    estimates: pd.Series
    draws: pd.DataFrame = field(repr=False)
    level: float
    n_failed: int

    @property
    def frame(self) -> pd.DataFrame:
        """By parameter: estimate, bias, std_error (of the draws), conf_low and conf_high (percentiles)."""
        tail = (1 - self.level) / 2
        quantiles = self.draws.quantile([tail, 1 - tail])
        return pd.DataFrame(
            {
                "estimate": self.estimates,
                "bias": self.draws.mean() - self.estimates,
                "std_error": self.draws.std(ddof=1),
                "conf_low": quantiles.iloc[0],
                "conf_high": quantiles.iloc[1],
            }
        ).rename_axis("parameter")

    def _repr_html_(self) -> str:
        return html_table(self.frame, f"Parametric bootstrap, {len(self.draws)} refits")


def _generator(rng: Randomness) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ModelError(
            f"rng must be a whole number from zero (a seed) or a numpy Generator; found {rng!r}."
        ) from None


def simulate(solution: MixedSolution, n: int, rng: Randomness) -> FloatArray:
    """Outcomes drawn from the fitted model, new random effects and residuals in each.

    Returns
    -------
    array, shape (n, n_observations)
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise ModelError(f"n must be a whole number above zero; found {n!r}.")
    generator = _generator(rng)
    problem = solution.problem
    sd = np.sqrt(solution.sigma2)
    outcome = np.tile(problem.x @ solution.beta, (n, 1))
    for index, term in enumerate(problem.random):
        factor = sd * solution.relative_factor(index)
        effects = generator.standard_normal((n, len(term.levels), factor.shape[0])) @ factor.T
        outcome += np.einsum("nij,ij->ni", effects[:, term.codes], term.z)
    noise = splu(whitening(solution).tocsc()).solve(generator.standard_normal(outcome.shape).T * sd)
    return np.asarray(outcome + noise.T)


def bootstrap(solution: MixedSolution, n: int, rng: Randomness, level: float) -> Bootstrap:
    """Refit the model to ``n`` simulated outcomes."""
    if not isinstance(n, int | np.integer) or n < 2:
        raise ModelError(f"n must be a whole number of at least 2; found {n!r}.")
    estimates, generator = parameters(solution), _generator(rng)
    if solution.problem.residual is None or isinstance(solution.engine.route, NestedRoute):
        found = simulated_refits(solution, int(n), generator)
        values = np.column_stack([found.beta, found.random_sd, found.sigma, found.residual_parameters])
        draws = pd.DataFrame(values[found.converged], columns=estimates.index)
    else:
        chunks = simulate_in_chunks(partial(_simulated_chunk, solution), int(n), generator)
        draws = pd.DataFrame(np.concatenate(chunks), columns=estimates.index)
    if len(draws) < 2:
        raise ModelError(
            f"Only {len(draws)} of {n} refits converged; the bootstrap says nothing about this model."
        )
    return Bootstrap(estimates, draws, level, int(n) - len(draws))


def _simulated_chunk(solution: MixedSolution, n: int, generator: np.random.Generator) -> FloatArray:
    """Parameters of the refits to ``n`` outcomes that converged, (at most n, parameters)."""
    refits = (refit(solution, simulate(solution, 1, generator)[0]) for _ in range(n))
    values = [parameters(one).to_numpy() for one in refits if one.converged]
    return np.array(values).reshape(len(values), len(parameters(solution)))


def parameters(solution: MixedSolution) -> pd.Series:
    """Fixed effects and standard deviations by name."""
    values = dict(zip(solution.problem.x_names, solution.beta.tolist(), strict=True))
    table = variance_table(solution)
    for row in table[table["term_1"] == table["term_2"]].itertuples(index=False):
        values[f"sd[{row.group}, {row.term_1}]"] = row.sd
    values["sd[Residual]"] = float(np.sqrt(solution.sigma2))
    values |= dict(zip(solution.residual_names, solution.residual_parameters.tolist(), strict=True))
    return pd.Series(values, name="estimate")
