"""Comparing any providers on any outcome, adjusted for case mix: a frame in, one row per provider out.

For data that are not a study of courses: one row per client, an outcome, a provider, and case mix.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.providers.data import Missing, ProviderData, provider_data
from mpg_research.analysis.providers.shares import compare_shares
from mpg_research.analysis.providers.tables import (
    add_flags,
    difference_covariance,
    fit_random_providers,
    fixed_slopes,
    fixed_table,
    random_slopes,
    random_table,
)
from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError, ModelError, Note
from mpg_research.mixed import MixedFit
from mpg_research.statistics.providers.funnel import Funnel, make_funnel
from mpg_research.statistics.providers.overdispersion import Overdispersion
from mpg_research.statistics.providers.shrinkage import Rankability, minimum_size, rankability, reliability
from mpg_research.statistics.providers.standardisation import (
    FixedProviders,
    Reference,
    Standardised,
    fit_fixed_providers,
    standardise_providers,
)

__all__ = ["ProviderComparison", "compare_providers"]

Effects = Literal["fixed", "random"]

#: Fewest providers that a funnel plot says something about.
_FEWEST_FOR_FUNNEL = 5


@dataclass(frozen=True, slots=True)
class ProviderComparison:
    """What :func:`compare_providers` found.

    Attributes
    ----------
    providers : DataFrame
        One row per provider, in the order of their identifiers: ``provider, n, observed, expected, indirect,
        predicted, direct``; ``effect`` (fixed: the level, of a share the log odds ratio; random: the
        conditional mode), ``std_error`` of the difference, ``df, statistic, p_value, conf_low, conf_high``;
        ``reliability``; and from five providers on ``z, z_adjusted, flag, flag_adjusted,
        flag_false_discovery`` ("low", "high" or ""). ``flag`` says that ``p_value`` is below 1 - level and
        that the limits leave zero out; the other two flags stand only where it does. All are about the
        difference that the row shows: with random effects the shrunken one.
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
    notes : tuple of Note
        Clients and columns that were left out, and what the mixed model has to say.
    model : {"linear", "logistic"}
        Logistic: the outcome is yes or no, and all numbers are shares.
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
    notes: tuple[Note, ...] = ()
    model: Literal["linear", "logistic"] = "linear"

    @property
    def n_flagged(self) -> dict[str, int]:
        """Providers whose own test says so; of those, who is beyond overdispersion, and the FDR line."""
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
    missing: Missing = "refuse",
    level: float = 0.95,
) -> ProviderComparison:
    """Compare providers on a continuous outcome in a linear model, or on a yes/no outcome by their shares.

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
        What providers are compared with: the study mean (the mean of the levels, weighted by clients), the
        median of the levels, or a level of one's own (of a client whose case mix is 0 in every column).
        With random effects "mean" is the average provider of the model for the indirect difference, and the
        mean outcome observed for the direct one; the others are for fixed effects only.
    interactions : bool
        Slopes of the case mix differ between providers (fixed effects only).
    missing : {"refuse", "drop"}
        What to do with clients who lack a value: nothing goes on, or they are left out and counted in a note.
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
    ``indirect`` is the shrunken effect of the provider; statistic, p-value, limits and ``flag`` are those of
    the shrunken effect, with Satterthwaite's degrees of freedom. ``z_adjusted``, ``funnel`` and reliabilities
    are those of estimates that are not shrunken.

    An outcome of 0 and 1 is compared by shares, with the share of all clients as reference: ``indirect`` is
    the observed share less the one expected of the clients' case mix in a logistic model (see
    :func:`~mpg_research.statistics.providers.expected_shares.expected_shares`), and its standard error is the
    binomial one without differences between providers. With random effects, interactions or another reference
    the model stays linear, and a note says so.

    A column that is the same for all clients is left out, with a note; one that is the same
    for all clients of every provider can be adjusted for with random effects only.

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
    if missing not in ("refuse", "drop"):
        raise ConfigError(f"missing must be 'refuse' or 'drop'; found {missing!r}.")
    clients = provider_data(data, outcome, provider, tuple(case_mix), missing=missing)
    if len(clients.providers) < 2:
        raise ModelError(
            f"A comparison needs at least two providers; {provider!r} holds {len(clients.providers)}."
        )
    if clients.binary and effects == "fixed" and reference == "mean" and not interactions:
        return _compare_shares(clients, level=level)
    clients = replace(clients, notes=(*clients.notes, *_linear_notes(clients, outcome)))
    if effects == "fixed":
        return _compare_fixed(clients, reference, interactions=interactions, level=level)
    return _compare_random(clients, level=level)


def _linear_notes(clients: ProviderData, outcome: str) -> tuple[Note, ...]:
    """A caution where an outcome of two values is compared by a linear model."""
    values = np.unique(clients.outcome)
    if values.size != 2:
        return ()
    remedy = "effects='fixed' with reference='mean' compares shares by a logistic model"
    if not clients.binary:
        remedy = f"coded as 0 and 1, {remedy}"
    text = (
        f"{outcome} has two values only ({values[0]:g} and {values[1]:g}), but is compared by a linear "
        f"model, whose standard errors take every client to be equally uncertain; {remedy}."
    )
    return (Note("binary_by_linear_model", text, {"outcome": outcome}, "caution"),)


def _compare_shares(clients: ProviderData, *, level: float) -> ProviderComparison:
    found = compare_shares(clients, level=level)
    error = np.sqrt(np.diagonal(found.covariance))
    gap = found.table["indirect"].to_numpy(dtype=float)
    funnel = _funnel(gap, found.covariance, np.inf, level)
    text = (
        "The outcome is yes or no: shares are compared, and what is expected of a provider's clients is "
        "by a logistic model of their case mix (indirect standardisation)."
    )
    return _comparison(
        found.table, error, funnel,
        size=np.bincount(clients.codes), tau2=0.0 if funnel is None else funnel.overdispersion.tau2,
        level=level, slopes=found.slopes, residual_sd=found.spread, reference="mean",
        reference_value=float(clients.outcome.mean()), fit=None, effects="fixed", model="logistic",
        notes=(*clients.notes, Note("binary_outcome", text)),
    )  # fmt: skip


def _compare_fixed(
    clients: ProviderData, reference: Reference | float, *, interactions: bool, level: float
) -> ProviderComparison:
    fixed, at = _least_squares(clients, reference, interactions=interactions)
    error, funnel = _spread(fixed, at, reference, level)
    return _comparison(
        fixed_table(clients, fixed, at, error, level), error, funnel,
        size=fixed.size, tau2=0.0 if funnel is None else funnel.overdispersion.tau2, level=level,
        slopes=fixed_slopes(clients, fixed), residual_sd=fixed.residual_sd, reference=reference,
        reference_value=at.reference_value, fit=None, effects="fixed", notes=clients.notes,
    )  # fmt: skip


def _compare_random(clients: ProviderData, *, level: float) -> ProviderComparison:
    fit = fit_random_providers(clients, level=level)
    slopes = random_slopes(clients, fit)
    # Least squares cannot tell what is the same for all of a provider's clients from the provider: there
    # the mixed model's slope is taken out beforehand.
    shared = clients.between()
    given = clients.case_mix[:, shared] @ slopes["estimate"].to_numpy(dtype=float)[shared]
    within = replace(
        clients,
        outcome=clients.outcome - given + given.mean(),
        case_mix=clients.case_mix[:, ~shared],
        labels=tuple(label for label, same in zip(clients.labels, shared, strict=True) if not same),
    )
    fixed, at = _least_squares(within, "mean", interactions=False)
    error, funnel = _spread(fixed, at, "mean", level)
    return _comparison(
        random_table(clients, fit, level=level), error, funnel,
        size=fixed.size, tau2=float(fit.random["covariance"].iloc[0]), level=level,
        slopes=slopes, residual_sd=fit.residual_sd, reference="mean",
        reference_value=float(clients.outcome.mean()), fit=fit, effects="random",
        notes=(*clients.notes, *fit.notes),
    )  # fmt: skip


def _spread(
    fixed: FixedProviders, at: Standardised, reference: Reference | float, level: float
) -> tuple[FloatArray, Funnel | None]:
    """Standard errors of the differences by least squares, and their funnel plot."""
    covariance = difference_covariance(fixed, reference)
    return np.sqrt(np.diagonal(covariance)), _funnel(at.direct, covariance, fixed.df, level)


def _comparison(
    table: pd.DataFrame,
    error: FloatArray,
    funnel: Funnel | None,
    *,
    size: NDArray[np.int64],
    tau2: float,
    level: float,
    **own: Any,
) -> ProviderComparison:
    """The result, with what follows from the standard errors and the variance between providers."""
    table = table.assign(reliability=reliability(error, tau2=tau2))
    return ProviderComparison(
        providers=table if funnel is None else add_flags(table, funnel, level),
        tau2=tau2,
        overdispersion=None if funnel is None else funnel.overdispersion,
        funnel=funnel,
        rankability=rankability(error, tau2=tau2),
        minimum_n=minimum_size(error, size, tau2=tau2),
        level=level,
        **own,
    )


def _least_squares(
    clients: ProviderData, reference: Reference | float, *, interactions: bool
) -> tuple[FixedProviders, Standardised]:
    y, codes, x = clients.outcome, clients.codes, clients.case_mix
    try:
        fixed = fit_fixed_providers(y, codes, x, interactions=interactions)
        at = standardise_providers(y, codes, x, effect=fixed.effect, slopes=fixed.slopes, reference=reference)
    except ValueError as found:
        raise ModelError(f"The comparison of providers cannot be fitted: {found}.") from found
    return fixed, at


def _funnel(difference: FloatArray, covariance: FloatArray, df: float, level: float) -> Funnel | None:
    if difference.size < _FEWEST_FOR_FUNNEL:
        return None
    return make_funnel(difference, covariance, target=0.0, df=df, rate=1 - level)
