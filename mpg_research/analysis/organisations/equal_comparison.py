"""Is the comparison one of equals? Case-mix differences, standardisation both ways, and within against
between.

Tables
------
- ``case_mix_difference(organisation, variable, level, standardised_difference)``: mean (or share) of an
  organisation's families less that of all others, in standard deviations.
- ``standardisation(organisation, indirect, direct, own_expected, all_expected)``: change at the primary
  month. ``direct``: what the study's average family would reach here, less the reference; ``indirect``:
  what the organisation's own families reach, less what they would reach at the reference. Without
  interactions of case mix and organisation the two agree. ``own_expected`` and ``all_expected`` are the
  values at the reference.
- ``within_between(variable, level, within, between, difference, std_error, p_value)``: slope of the change
  per unit of case mix among families of one organisation, and among organisations; Mundlak's contextual
  effect.
- ``worker_share(quantity, value)``: share of the variance between families that lies between workers. There
  is no list of workers.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research.analysis.columns import Column, coded, modelled, observed
from mpg_research.analysis.growth.estimate_tables import pooled_table, table_by_organisation
from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.growth.random_part import BEND, bend
from mpg_research.analysis.organisations.effects import OrganisationEffects
from mpg_research.analysis.organisations.ranks import organisation_table
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.statistics.providers.standardisation import Reference, standardised_difference

__all__ = [
    "case_mix_difference_table",
    "covariate_means",
    "standardisation_table",
    "within_between_table",
    "worker_share_table",
]


def case_mix_difference_table(frame: ModelFrame) -> ResultTable:
    """Standardised differences of each organisation's families from all others."""
    rows = []
    places = {code: (frame.episodes["organisation"] == code).to_numpy() for code in frame.organisations}
    sizes = frame.episodes.groupby("organisation")["family"].nunique()
    for variable in (name for name in frame.episodes.columns if name not in ("family", "organisation")):
        values = frame.episodes[variable]
        number = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)
        texts = values.astype(str)
        binary = number or set(texts.unique()) <= {"True", "False"}
        levels = [""] if binary else sorted(texts.unique())
        for level in levels:
            column = _numbers(values) if binary else (texts == level).to_numpy(float)
            for code, key in frame.organisations.items():
                mine = places[code]
                gap = standardised_difference(column[mine], column[~mine])
                rows.append((key, variable, level, gap, int(sizes[code])))
    columns = ["organisation", "variable", "level", "standardised_difference", "n_families"]
    declared = (
        coded("variable"),
        coded("level", adds_up="counts"),
        observed("standardised_difference", digits=2, follows="case_mix.mean_or_share"),
    )
    return table_by_organisation("case_mix_difference", pd.DataFrame(rows, columns=columns), declared)


def _numbers(values: pd.Series) -> FloatArray:
    """A column of numbers or of yes and no as numbers."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers: FloatArray = values.to_numpy(dtype=float, na_value=np.nan)
        return numbers
    return np.asarray(values.astype(str) == "True", dtype=float)


def covariate_means(frame: ModelFrame) -> FloatArray:
    """Mean of the model's centred case mix per organisation, each episode once, shape (g, k)."""
    columns = [covariate.column for covariate in frame.covariates]
    first = frame.data.drop_duplicates(["family", "episode"])
    means = first.groupby("organisation")[columns].mean().loc[list(frame.organisations)]
    found: FloatArray = means.to_numpy(dtype=float)
    return found


def standardisation_table(
    model: GrowthModel, effects: OrganisationEffects, *, reference: Reference = "mean"
) -> ResultTable:
    """Direct and indirect standardisation of the change at the month of ``effects``.

    Parameters
    ----------
    model : GrowthModel
    effects : OrganisationEffects
    reference : {"mean", "median"}
        The mean over all families of the study, or the median organisation.
    """
    month, frame = effects.month, model.frame
    means = covariate_means(frame)
    slopes = _change_slopes(model, month)
    own_shift = np.einsum("gk,gk->g", means, slopes)
    weights = effects.n_families / effects.n_families.sum()
    common = weights @ slopes
    level = weights @ effects.raw if reference == "mean" else float(np.median(effects.raw))
    own_expected = level + means @ common
    data = pd.DataFrame(
        {
            "organisation": list(effects.keys),
            "direct": effects.raw - level,
            "indirect": effects.raw + own_shift - own_expected,
            "own_expected": own_expected,
            "all_expected": np.full(len(effects.keys), level),
        }
    )
    names = ("direct", "indirect", "own_expected", "all_expected")
    return organisation_table(
        "standardisation", data, effects, [modelled(name, spread=True) for name in names]
    )


def _change_slopes(model: GrowthModel, month: float) -> FloatArray:
    """Slope of the change at ``month`` on each covariate, per organisation, shape (g, k)."""
    frame = model.frame
    names = list(model.fit.problem.x_names)
    beta = model.fit.solution.beta
    found = np.zeros((len(frame.organisations), len(frame.covariates)))
    for k, covariate in enumerate(frame.covariates):
        for term in (f"months:{covariate.column}", f"{covariate.column}:months"):
            if term in names:
                found[:, k] += month * beta[names.index(term)]
        for g, code in enumerate(frame.organisations):
            for place, name in enumerate(names):
                parts = set(name.split(":"))
                if parts == {"months", covariate.column, f"organisation[T.{code}]"}:
                    found[g, k] += month * beta[place]
    return found


def within_between_table(model: GrowthModel, effects: OrganisationEffects) -> ResultTable:
    """Slopes of the change within organisations against those between organisations.

    The between slopes come from a weighted regression of the organisations' own changes (as their own
    families have them) on their mean case mix, one covariate at a time; with fewer than four organisations
    they are missing.
    """
    frame = model.frame
    means, slopes = covariate_means(frame), _change_slopes(model, effects.month)
    within = (effects.n_families / effects.n_families.sum()) @ slopes
    weights = 1 / (effects.std_error**2 + effects.tau2)
    rows = []
    for k, covariate in enumerate(frame.covariates):
        found = _weighted_slope(means[:, k], effects.raw, weights)
        context, error, p_value = found
        rows.append(
            (covariate.name, covariate.level, within[k], within[k] + context, context, error, p_value)
        )
    columns = ["variable", "level", "within", "between", "difference", "std_error", "p_value"]
    data = pd.DataFrame(rows, columns=columns)
    declared = (
        coded("variable"), coded("level"), modelled("within", digits=2),
        modelled("between", digits=2), modelled("difference"),
        modelled("std_error", digits=2, plain=False, is_error=True),
        Column(name="p_value", meaning="p", plain=False),
    )  # fmt: skip
    return pooled_table("within_between", data, frame, columns=declared)


def _weighted_slope(x: FloatArray, y: FloatArray, weights: FloatArray) -> tuple[float, float, float]:
    """Slope of y on x, its standard error and p-value; NaN where there are too few points."""
    centred = x - weights @ x / weights.sum()
    spread = float((weights * centred) @ centred)
    df = len(x) - 2
    if df < 2 or spread <= 1e-12 * float(weights.sum()):
        return float("nan"), float("nan"), float("nan")
    slope = float((weights * centred) @ y / spread)
    residual = y - weights @ y / weights.sum() - slope * centred
    error = float(np.sqrt(max(float(weights @ residual**2) / df, 1.0) / spread))
    return slope, error, float(2 * student_t.sf(abs(slope) / error, df))


def worker_share_table(model: GrowthModel, month: float) -> ResultTable:
    """Share of the variance between families of one organisation that lies between their workers."""
    rows: list[tuple[str, float]] = []
    if model.worker and model.families != "spline":
        parts = {group: _variance_parts(model, group, month) for group in ("worker", "family")}
        for place, name in enumerate(("level", "change")):
            worker, family = parts["worker"][place], parts["family"][place]
            total = worker + family
            rows.append((f"share_{name}", worker / total if total > 0 else float("nan")))
    data = pd.DataFrame(rows, columns=["quantity", "value"])
    columns = (coded("quantity"), modelled("value", percent=True, digits=1))
    return pooled_table("worker_share", data, model.frame, columns=columns)


def _variance_parts(model: GrowthModel, group: str, month: float) -> tuple[float, float]:
    """Variance of the level at the start, and of the change at ``month``, between the groups of a factor."""
    level, change = 0.0, 0.0
    row = {"Intercept": 0.0, "months": month, BEND: float(bend(np.array([month]))[0])}
    for index, term in enumerate(model.fit.problem.random):
        if term.group != group:
            continue
        covariance = model.fit.solution.random_covariance(index)
        own = np.array([row[name] for name in term.term_names])
        change += float(own @ covariance @ own)
        level += sum(
            float(covariance[place, place])
            for place, name in enumerate(term.term_names)
            if name == "Intercept"
        )
    return level, change
