"""Comparing any providers on any outcome, adjusted for case mix: a frame in, one row per provider out.

For data that are not a study of courses: one row per client, an outcome, a provider, and case mix.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student_t

from mpg_research.errors import ConfigError, DataError, ModelError
from mpg_research.mixed import MixedFit, fit_mixed
from mpg_research.statistics.funnel import Funnel, make_funnel
from mpg_research.statistics.overdispersion import Overdispersion
from mpg_research.statistics.shrinkage import Rankability, minimum_size, rankability, reliability
from mpg_research.statistics.standardisation import (
    FixedProviders,
    Reference,
    Standardised,
    fit_fixed_providers,
    standardise_providers,
)

__all__ = ["ProviderComparison", "compare_providers"]

FloatArray = NDArray[np.float64]
Effects = Literal["fixed", "random"]

#: Fewest providers that a funnel plot says something about.
_FEWEST_FOR_FUNNEL = 5


@dataclass(frozen=True, slots=True)
class ProviderComparison:
    """What :func:`compare_providers` found.

    Attributes
    ----------
    providers : DataFrame
        One row per provider, in the order of their names: ``provider, n, observed, expected, indirect,
        predicted, direct``; ``effect`` (fixed: the level; random: the conditional mode), ``std_error`` of the
        difference, ``df, statistic, p_value, conf_low, conf_high``; ``reliability``; and from five
        providers on ``z, z_adjusted, flag, flag_adjusted, flag_false_discovery`` ("low", "high" or "").
    slopes : DataFrame
        ``variable, estimate, std_error`` of the case mix (fixed with interactions: their weighted mean).
    tau2 : float
        Variance between providers: of the funnel (fixed) or of the model (random).
    residual_sd : float
    reference : str or float
    reference_value : float
        Mean outcome of the study's clients at the reference.
    overdispersion : Overdispersion or None
    funnel : Funnel or None
    rankability : Rankability
    minimum_n : float
        Clients from which a provider's result has reliability .7.
    fit : MixedFit or None
        The mixed model, with random effects.
    """

    providers: pd.DataFrame
    slopes: pd.DataFrame
    tau2: float
    residual_sd: float
    reference: Reference | float
    reference_value: float
    overdispersion: Overdispersion | None
    funnel: Funnel | None = field(repr=False)
    rankability: Rankability
    minimum_n: float
    fit: MixedFit | None = field(repr=False)
    effects: Effects = "fixed"
    level: float = 0.95

    @property
    def n_flagged(self) -> dict[str, int]:
        """Providers beyond the naive 95 % limits, those that allow for overdispersion, and the FDR line."""
        if self.funnel is None:
            return {}
        columns = {"naive": "flag", "adjusted": "flag_adjusted", "false_discovery": "flag_false_discovery"}
        return {name: int((self.providers[column] != "").sum()) for name, column in columns.items()}


def compare_providers(
    data: pd.DataFrame,
    *,
    outcome: str,
    provider: str,
    case_mix: tuple[str, ...] | list[str] = (),
    effects: Effects = "fixed",
    reference: Reference | float = "mean",
    interactions: bool = False,
    level: float = 0.95,
) -> ProviderComparison:
    """Compare providers on a continuous outcome in a linear model.

    Parameters
    ----------
    data : DataFrame
        One row per client.
    outcome, provider : str
        Columns.
    case_mix : sequence of str
        Columns to adjust for; text and categorical ones become indicators.
    effects : {"fixed", "random"}
        A level per provider by least squares, or a normal distribution of levels by REML.
    reference : {"mean", "median"} or float
        What providers are compared with: the study mean, the median provider, or a level. With random
        effects "mean" is the average provider of the model for the indirect difference, and the mean
        outcome observed for the direct one; the others are for fixed effects only.
    interactions : bool
        Slopes of the case mix differ between providers (fixed effects only).
    level : float
        Of the intervals and of the flags.

    Returns
    -------
    ProviderComparison

    Raises
    ------
    DataError
        If a column is missing or holds missing values.
    ConfigError
        If an option is impossible.
    ModelError
        If the data cannot carry the model.

    Notes
    -----
    ``indirect`` is observed minus expected of the provider's own clients; ``direct`` is what all clients
    would have at the provider, minus what they would have at the reference. In a linear model without
    interactions they agree. With random effects "observed" is the model's prediction, so that
    ``indirect`` is the shrunken effect of the provider.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"place": np.repeat(list("abcdef"), 30), "age": rng.normal(size=180)})
    >>> data["score"] = 50 + 2 * data["age"] + rng.normal(size=180) + 5 * (data["place"] == "f")
    >>> found = compare_providers(data, outcome="score", provider="place", case_mix=["age"])
    >>> found.providers.set_index("provider").loc["f", "flag"]
    'high'
    """
    if effects not in ("fixed", "random"):
        raise ConfigError(f"effects must be 'fixed' or 'random'; found {effects!r}.")
    if effects == "random" and (interactions or reference != "mean"):
        raise ConfigError(
            "With random effects the reference is the average provider and slopes are common; use "
            "effects='fixed' for interactions or another reference."
        )
    y, names, codes, x, labels = _columns(data, outcome, provider, tuple(case_mix))
    if len(names) < 2:
        raise ModelError(f"A comparison needs at least two providers; {provider!r} holds {len(names)}.")
    try:
        fixed = fit_fixed_providers(y, codes, x, interactions=interactions)
        at = standardise_providers(y, codes, x, effect=fixed.effect, slopes=fixed.slopes, reference=reference)
    except ValueError as found:
        raise ModelError(f"The comparison of providers cannot be fitted: {found}.") from found
    covariance = _difference_covariance(fixed, reference)
    funnel = None
    if len(names) >= _FEWEST_FOR_FUNNEL:
        funnel = make_funnel(at.direct, covariance, target=0.0, df=fixed.df, rate=1 - level)
    if effects == "fixed":
        tau2 = 0.0 if funnel is None else funnel.overdispersion.tau2
        table = _fixed_table(names, fixed, at, covariance, level)
        fit, slopes, sd = None, _fixed_slopes(labels, fixed, x), fixed.residual_sd
    else:
        fit, table, slopes = _random(y, names, codes, x, labels, level)
        tau2 = float(fit.random["covariance"].iloc[0])
        sd = fit.residual_sd
    error = np.sqrt(np.diagonal(covariance))
    table = table.assign(reliability=reliability(error, tau2=tau2))
    if funnel is not None:
        table = _flags(table, funnel, level)
    return ProviderComparison(
        providers=table,
        slopes=slopes,
        tau2=tau2,
        residual_sd=sd,
        reference=reference,
        reference_value=at.reference_value if effects == "fixed" else float(y.mean()),
        overdispersion=None if funnel is None else funnel.overdispersion,
        funnel=funnel,
        rankability=rankability(error, tau2=tau2),
        minimum_n=minimum_size(error, fixed.size, tau2=tau2),
        fit=fit,
        effects=effects,
        level=level,
    )


def _columns(
    data: pd.DataFrame, outcome: str, provider: str, case_mix: tuple[str, ...]
) -> tuple[FloatArray, list[str], NDArray[np.intp], FloatArray, list[str]]:
    """Outcome, provider names, provider codes, case-mix columns as numbers, and their labels."""
    missing = [name for name in (outcome, provider, *case_mix) if name not in data.columns]
    if missing:
        raise DataError(
            f"The data have no column {', '.join(map(repr, missing))}; found {list(map(str, data.columns))}."
        )
    gaps = [name for name in (outcome, provider, *case_mix) if data[name].isna().any()]
    if gaps:
        raise DataError(
            f"Values are missing in {', '.join(map(repr, gaps))}. Leave those rows out (and say how many), "
            "or fill them in, before comparing."
        )
    codes, found = pd.factorize(data[provider], sort=True)
    columns, labels = [], []
    for name in case_mix:
        values = data[name]
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            columns.append(values.to_numpy(dtype=float))
            labels.append(name)
            continue
        levels = (
            [level for level in values.cat.categories if (values == level).any()]
            if isinstance(values.dtype, pd.CategoricalDtype)
            else sorted(values.unique(), key=str)
        )
        for level in levels[1:]:
            columns.append((values == level).to_numpy(dtype=float))
            labels.append(f"{name}={level}")
    x = np.column_stack(columns) if columns else np.zeros((len(data), 0))
    return data[outcome].to_numpy(dtype=float), [str(key) for key in found], codes, x, labels


def _difference_covariance(fixed: FixedProviders, reference: Reference | float) -> FloatArray:
    """Covariance of the differences from the reference; one that is not the mean counts as known."""
    if reference != "mean":
        return fixed.covariance
    contrast = np.eye(fixed.size.size) - fixed.size / fixed.size.sum()
    result: FloatArray = contrast @ fixed.covariance @ contrast.T
    return result


def _fixed_table(
    names: list[str], fixed: FixedProviders, at: Standardised, covariance: FloatArray, level: float
) -> pd.DataFrame:
    error = np.sqrt(np.diagonal(covariance))
    half = student_t.ppf(0.5 + level / 2, fixed.df) * error
    statistic = at.direct / error
    return pd.DataFrame(
        {
            "provider": names,
            "n": fixed.size,
            "observed": at.observed,
            "expected": at.expected,
            "indirect": at.indirect,
            "predicted": at.predicted,
            "direct": at.direct,
            "effect": fixed.effect,
            "std_error": error,
            "df": float(fixed.df),
            "statistic": statistic,
            "p_value": 2 * student_t.sf(np.abs(statistic), fixed.df),
            "conf_low": at.direct - half,
            "conf_high": at.direct + half,
        }
    )


def _fixed_slopes(labels: list[str], fixed: FixedProviders, x: FloatArray) -> pd.DataFrame:
    weights = fixed.size / fixed.size.sum()
    error = np.zeros(0)
    if labels:
        means = np.stack([np.bincount(fixed.codes, column) / fixed.size for column in x.T], axis=1)
        within = x - means[fixed.codes]
        error = fixed.residual_sd * np.sqrt(np.diagonal(np.linalg.inv(within.T @ within)))
    return pd.DataFrame({"variable": labels, "estimate": weights @ fixed.slopes, "std_error": error})


def _random(
    y: FloatArray,
    names: list[str],
    codes: NDArray[np.intp],
    x: FloatArray,
    labels: list[str],
    level: float,
) -> tuple[MixedFit, pd.DataFrame, pd.DataFrame]:
    """Random effects of providers by REML."""
    columns = {f"x{number}": column for number, column in enumerate(x.T)}
    frame = pd.DataFrame({"y": y, "provider": pd.Categorical(codes), **columns})
    fit = fit_mixed(f"y ~ {' + '.join(['1', *columns])} + (1 | provider)", frame, level=level)
    effects = fit.random_effects("provider")
    order = np.argsort(np.asarray(effects.levels, dtype=int))
    mode, error = effects.modes[order, 0], effects.std_errors[order, 0]
    size = np.bincount(codes)
    fixed_part = fit.predict()["estimate"].to_numpy(dtype=float)
    expected = np.bincount(codes, fixed_part) / size
    predicted = mode + fixed_part.mean()
    half = student_t.ppf(0.5 + level / 2, np.inf) * error
    statistic = np.divide(mode, error, out=np.zeros_like(mode), where=error > 0)
    table = pd.DataFrame(
        {
            "provider": names,
            "n": size,
            "observed": np.bincount(codes, y) / size,
            "expected": expected,
            "indirect": mode,
            "predicted": predicted,
            "direct": predicted - y.mean(),
            "effect": mode,
            "std_error": error,
            "df": np.inf,
            "statistic": statistic,
            "p_value": 2 * student_t.sf(np.abs(statistic), np.inf),
            "conf_low": mode - half,
            "conf_high": mode + half,
        }
    )
    slopes = fit.fixed.iloc[1:].reset_index(drop=True)
    return (
        fit,
        table,
        slopes[["estimate", "std_error"]].assign(variable=labels)[["variable", "estimate", "std_error"]],
    )


def _flags(table: pd.DataFrame, funnel: Funnel, level: float) -> pd.DataFrame:
    def words(beyond: NDArray[np.bool_], z: FloatArray) -> NDArray[np.str_]:
        return np.where(beyond, np.where(z > 0, "high", "low"), "")

    found = funnel.false_discovery.flagged
    return table.assign(
        z=funnel.z,
        z_adjusted=funnel.z_adjusted,
        flag=words(funnel.beyond(level, adjusted=False), funnel.z),
        flag_adjusted=words(funnel.beyond(level), funnel.z_adjusted),
        flag_false_discovery=words(found, funnel.z_adjusted),
    )
