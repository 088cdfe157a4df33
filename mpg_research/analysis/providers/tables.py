"""The tables of a provider comparison, with providers as fixed or as random effects."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

from mpg_research.analysis.providers.data import ProviderData
from mpg_research.arrays import FloatArray
from mpg_research.mixed import MixedFit, fit_mixed
from mpg_research.mixed.inference.information import information
from mpg_research.statistics.providers.funnel import Funnel
from mpg_research.statistics.providers.standardisation import FixedProviders, Reference, Standardised

__all__ = [
    "add_flags",
    "comparison_table",
    "difference_covariance",
    "fit_random_providers",
    "fixed_slopes",
    "fixed_table",
    "random_slopes",
    "random_table",
]


def difference_covariance(fixed: FixedProviders, reference: Reference | float) -> FloatArray:
    """Covariance of the differences from the reference; one that is not the mean counts as known."""
    if reference != "mean":
        return fixed.covariance
    contrast = np.eye(fixed.size.size) - fixed.size / fixed.size.sum()
    result: FloatArray = contrast @ fixed.covariance @ contrast.T
    return result


def fixed_table(
    data: ProviderData, fixed: FixedProviders, at: Standardised, std_error: FloatArray, level: float
) -> pd.DataFrame:
    """Providers with a level each."""
    numbers = {
        "observed": at.observed,
        "expected": at.expected,
        "indirect": at.indirect,
        "predicted": at.predicted,
        "direct": at.direct,
        "effect": fixed.effect,
    }
    return comparison_table(data, fixed.size, numbers, at.direct, std_error, float(fixed.df), level)


def fixed_slopes(data: ProviderData, fixed: FixedProviders) -> pd.DataFrame:
    """Slopes of the case mix; of providers with slopes of their own the mean, weighted by clients."""
    weights = fixed.size / fixed.size.sum()
    x, error = data.case_mix, np.zeros(0)
    if data.labels:
        means = np.stack([np.bincount(fixed.codes, column) / fixed.size for column in x.T], axis=1)
        within = x - means[fixed.codes]
        error = fixed.residual_sd * np.sqrt(np.diagonal(np.linalg.inv(within.T @ within)))
    return pd.DataFrame(
        {"variable": list(data.labels), "estimate": weights @ fixed.slopes, "std_error": error}
    )


def fit_random_providers(data: ProviderData, *, level: float) -> MixedFit:
    """``outcome ~ case mix + (1 | provider)`` by REML."""
    columns = {f"x{number}": column for number, column in enumerate(data.case_mix.T)}
    frame = pd.DataFrame({"y": data.outcome, "provider": pd.Categorical(data.codes), **columns})
    return fit_mixed(f"y ~ {' + '.join(['1', *columns])} + (1 | provider)", frame, level=level)


def random_table(data: ProviderData, fit: MixedFit, *, level: float) -> pd.DataFrame:
    """Providers drawn towards their mean."""
    effects = fit.random_effects("provider")
    order = np.argsort(np.asarray(effects.levels, dtype=int))
    mode, error = effects.modes[order, 0], effects.std_errors[order, 0]
    size = np.bincount(data.codes)
    fixed_part = fit.predict()["estimate"].to_numpy(dtype=float)
    predicted = mode + fixed_part.mean()
    numbers = {
        "observed": np.bincount(data.codes, data.outcome) / size,
        "expected": np.bincount(data.codes, fixed_part) / size,
        "indirect": mode,
        "predicted": predicted,
        "direct": predicted - data.outcome.mean(),
        "effect": mode,
    }
    return comparison_table(data, size, numbers, mode, error, _mode_degrees(fit, size), level)


def _mode_degrees(fit: MixedFit, size: NDArray[np.intp]) -> FloatArray:
    """Satterthwaite's degrees of freedom of the conditional variances of the modes.

    With variances t between and s within providers and n clients: C = t s / (s + n t), with derivatives
    (s / (s + n t))^2 in t and n (t / (s + n t))^2 in s. Without variance between providers there is
    nothing that a mode could be uncertain of, and s alone counts.
    """
    covariance = information(fit.solution).component_covariance
    between, within = float(fit.random["covariance"].iloc[0]), fit.residual_sd**2
    total = within + size * between
    gradient = np.column_stack([(within / total) ** 2, size * (between / total) ** 2])
    spread = np.einsum("gi,ij,gj->g", gradient, covariance, gradient)
    residual = np.full(size.size, float(fit.n_observations - len(fit.fixed)))
    variance = between * within / total
    return np.asarray(np.divide(2 * variance**2, spread, out=residual, where=spread > 0))


def random_slopes(data: ProviderData, fit: MixedFit) -> pd.DataFrame:
    """Slopes of the case mix in the mixed model."""
    found = fit.fixed.iloc[1:].reset_index(drop=True)[["estimate", "std_error"]]
    found.insert(0, "variable", list(data.labels))
    return found


def comparison_table(
    data: ProviderData,
    size: NDArray[np.intp],
    numbers: dict[str, FloatArray],
    difference: FloatArray,
    std_error: FloatArray,
    df: FloatArray | float,
    level: float,
) -> pd.DataFrame:
    """The numbers of the providers beside the test and the interval of their differences."""
    half = student_t.ppf(0.5 + level / 2, df) * std_error
    statistic = np.divide(difference, std_error, out=np.zeros_like(difference), where=std_error > 0)
    columns: dict[str, Any] = {
        "provider": data.providers,
        "n": size,
        **numbers,
        "std_error": std_error,
        "df": df,
        "statistic": statistic,
        "p_value": 2 * student_t.sf(np.abs(statistic), df),
        "conf_low": difference - half,
        "conf_high": difference + half,
    }
    return pd.DataFrame(columns)


def add_flags(table: pd.DataFrame, funnel: Funnel, level: float) -> pd.DataFrame:
    """The table with ``z, z_adjusted, flag, flag_adjusted, flag_false_discovery``.

    ``z`` and ``flag`` are the table's own test: flagged is who has a p-value below 1 - level, and limits that
    leave zero out. The other two flags stand only where that one does.
    """
    p_value, statistic = table["p_value"].to_numpy(dtype=float), table["statistic"].to_numpy(dtype=float)
    z = np.sign(statistic) * norm.isf(np.maximum(p_value, 1e-300) / 2)
    beyond = p_value < 1 - level
    side = np.where(z > 0, "high", "low")
    return table.assign(
        z=z,
        z_adjusted=funnel.z_adjusted,
        flag=np.where(beyond, side, ""),
        flag_adjusted=np.where(beyond & funnel.beyond(level), side, ""),
        flag_false_discovery=np.where(beyond & funnel.false_discovery.flagged, side, ""),
    )
