"""Fitting the growth model by its rule, and what to do where the data carry less."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.random_part import (
    BEND,
    SERIES,
    bend,
    family_part,
    family_term,
    serial_column,
    without_bend,
)
from mpg_research.analysis.growth.rule import FamilyPart, GrowthRule
from mpg_research.errors import ModelError, Note
from mpg_research.mixed import CAR1, DfRule, MixedFit, fit_mixed

__all__ = ["FittedRule", "fit_by_rule", "some_of_many"]

#: Below this correlation between residuals a month apart they count as independent.
LEAST_CORRELATION = 0.05
#: From this many families on, about so many of them say first whether residuals carry on.
_MANY_FAMILIES, _SOME_FAMILIES = 3_000, 600
_CARRIES_ON = CAR1("months", within=SERIES)


class _Fit(Protocol):
    def __call__(self, own: FamilyPart, *, serial: bool) -> "FittedRule": ...


@dataclass(frozen=True, slots=True)
class FittedRule:
    """A fit with the random part that the data carried.

    Attributes
    ----------
    fit : MixedFit
    formula : str
    families : {"spline", "bend", "line", "level"}
    correlation : float or None
        Between residuals of one series a month apart; None where they count as independent.
    data : DataFrame
        What was fitted: with the columns ``bend`` and ``series``.
    """

    fit: MixedFit
    formula: str
    families: FamilyPart
    correlation: float | None
    data: pd.DataFrame

    @property
    def residual(self) -> CAR1 | None:
        """The structure of the residuals."""
        return None if self.correlation is None else _CARRIES_ON


def fit_by_rule(
    fixed: str,
    others: list[str],
    data: pd.DataFrame,
    rule: GrowthRule,
    notes: list[Note],
    *,
    df: DfRule,
    level: float,
    near: MixedFit | None = None,
) -> FittedRule:
    """Fit ``score ~ fixed + families + others`` with residuals that carry on, and simplify where needed.

    Parameters
    ----------
    fixed : str
        The fixed part of the formula.
    others : list of str
        Random terms beside the families'.
    data : DataFrame
        score, months, family, respondent, episode and what the terms name.
    rule : GrowthRule
    notes : list of Note
        What there is to say is added here.
    df, level, near
        As in ``fit_mixed``.

    Notes
    -----
    The bend is left out where families have too few moments, or where the model does not converge with it;
    then the correlation of the residuals. With ``residual="auto"`` the residuals are taken as independent
    where their correlation is estimated below .05.
    """
    part, said = family_part(data, rule.families)
    notes += said
    data = data.copy()
    data[BEND], data[SERIES] = bend(data["months"].to_numpy(float)), serial_column(data)

    def fitted(own: FamilyPart, *, serial: bool) -> FittedRule:
        formula = f"score ~ {' + '.join([fixed, family_term(data, own), *others])}"
        residual = _CARRIES_ON if serial else None
        fit = fit_mixed(formula, data, method="REML", df=df, level=level, residual=residual, near=near)
        return FittedRule(fit, formula, own, _correlation_of(fit) if serial else None, data)

    serial = rule.residual != "independent" and part != "level"
    if serial and rule.residual == "auto":
        some = some_of_many(data, "family")
        serial = some is None or _carries_on_in_some(fixed, others, some, part)
    found = _first_that_converges(fitted, part, rule, serial=serial)
    if found.families != part:
        notes.append(without_bend())
    return found


def some_of_many(data: pd.DataFrame, group: str) -> pd.DataFrame | None:
    """The measurements of an even choice of groups, where there are thousands of them; else None.

    Some hundreds of families tell a correlation to a hundredth: where they show none, a long fit to all is
    spared.

    Parameters
    ----------
    data : DataFrame
    group : str
        Column of the family or course of each row.
    """
    groups = np.sort(data[group].unique())
    if len(groups) < _MANY_FAMILIES:
        return None
    return data[data[group].isin(groups[:: -(-len(groups) // _SOME_FAMILIES)])]


def _carries_on_in_some(fixed: str, others: list[str], some: pd.DataFrame, part: FamilyPart) -> bool:
    """Whether residuals of a part of the families carry on; True where that part cannot say."""
    within = [term for term in others if "family:" in term]
    formula = f"score ~ {' + '.join([fixed, family_term(some, part), *within])}"
    try:
        fit = fit_mixed(formula, some, method="REML", residual=_CARRIES_ON)
    except ModelError:
        return True
    return not fit.converged or _correlation_of(fit) >= LEAST_CORRELATION


def _first_that_converges(fitted: _Fit, part: FamilyPart, rule: GrowthRule, *, serial: bool) -> FittedRule:
    """Without the bend where that does not converge, then without the correlation of the residuals."""
    simpler: FamilyPart = "line" if part in ("spline", "bend") else part
    attempts = [(part, serial), (simpler, serial), (simpler, False)]
    found: FittedRule | None = None
    while attempts:
        own, carries_on = attempts.pop(0)
        try:
            found = fitted(own, serial=carries_on)
        except ModelError:
            if not carries_on:
                raise
            # Such as terms that cross within a family, of which no correlation can be estimated.
            attempts = [(part, False), (simpler, False)]
            continue
        if not found.fit.converged:
            continue
        absent = found.correlation is not None and found.correlation < LEAST_CORRELATION
        if rule.residual == "auto" and absent:
            found = fitted(own, serial=False)
            if not found.fit.converged:
                continue
        return found
    assert found is not None
    return found


def _correlation_of(fit: MixedFit) -> float:
    """Correlation of residuals a month apart, of a fit with ``CAR1``."""
    return float(fit.solution.residual_parameters[0])
