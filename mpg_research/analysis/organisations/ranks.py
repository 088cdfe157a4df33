"""Ranks of organisations, only ever with their uncertainty; and estimates raw and shrunken side by side.

Tables
------
- ``ranks(organisation, rank, expected_rank, percentile, best_third, worst_third, rank_low, rank_high,
  set_low, set_high, all_low, all_high)``: rank 1 is the best; ``rank_low`` to ``rank_high`` over joint
  draws; ``set_*`` the ranks that the data do not exclude for one organisation, ``all_*`` for all together.
- ``raw_and_shrunken(organisation, raw, raw_low, raw_high, shrunken, shrunken_low, shrunken_high, reliability,
  comparison_low, comparison_high)``: change; two organisations whose comparison bars do not overlap differ
  at the stated level, on average over pairs, without correction for their number.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student_t

from mpg_research.analysis.columns import Column, ends, modelled
from mpg_research.analysis.growth.estimate_tables import table_by_organisation
from mpg_research.analysis.organisations.effects import OrganisationEffects
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.statistics.providers.rank_confidence_sets import rank_confidence_sets
from mpg_research.statistics.providers.ranks import draw_effects, rank_probabilities
from mpg_research.statistics.providers.shrinkage import reliability

__all__ = ["FEWEST_FOR_RANKS", "rank_table", "shrinkage_table"]


#: Below five organisations there is nothing that a rank or a funnel plot adds to the comparison itself.
FEWEST_FOR_RANKS = 5
#: Draws behind ranks; a probability is good to about a hundredth.
_DRAWS = 4000
_RANK = Column(name="rank", meaning="rank", digits=0, spread=True)
_RANKS = (
    _RANK,
    modelled("expected_rank", spread=True),
    modelled("percentile", digits=0, spread=True),
    modelled("best_third", percent=True, digits=0, spread=True),
    modelled("worst_third", percent=True, digits=0, spread=True),
    *ends(_RANK),
    *ends(_RANK, "set"),
    *ends(_RANK, "all"),
)
_RAW, _SHRUNKEN = modelled("raw"), modelled("shrunken")
_BOTH = (
    _RAW, *ends(_RAW), *ends(_RAW, "comparison", csv_only=True), _SHRUNKEN, *ends(_SHRUNKEN),
    modelled("reliability", digits=2),
)  # fmt: skip


def rank_table(effects: OrganisationEffects, *, level: float, seed: int = 0) -> ResultTable:
    """Ranks of the adjusted change with their uncertainty.

    Parameters
    ----------
    effects : OrganisationEffects
        Of five organisations or more. Random effects are drawn from their joint posterior; fixed ones
        from the joint distribution of their estimates.
    level : float
        Confidence level of the intervals, between 0 and 1.
    seed : int
        Of the draws.

    Returns
    -------
    ResultTable
    """
    covariance = effects.own_covariance
    if effects.role == "random":
        draws = draw_effects(effects.shrunken, effects.shrunken_covariance, n_draws=_DRAWS, rng=seed)
    else:
        draws = draw_effects(effects.raw, covariance, n_draws=_DRAWS, rng=seed)
    found = rank_probabilities(draws, better=effects.better, level=level)
    one, every = (
        rank_confidence_sets(
            effects.raw, covariance, level=level, simultaneous=together, better=effects.better, rng=seed
        )
        for together in (False, True)
    )  # fmt: skip
    data = pd.DataFrame(
        {
            "organisation": list(effects.keys),
            "rank": one.rank.astype(float),
            "expected_rank": found.expected_rank,
            "percentile": found.percentile,
            "best_third": found.best_third,
            "worst_third": found.worst_third,
            "rank_low": found.rank_low,
            "rank_high": found.rank_high,
            "set_low": one.low.astype(float),
            "set_high": one.high.astype(float),
            "all_low": every.low.astype(float),
            "all_high": every.high.astype(float),
        }
    )
    return organisation_table("ranks", data, effects, _RANKS)


def shrinkage_table(effects: OrganisationEffects, *, level: float) -> ResultTable:
    """Raw and shrunken changes side by side, with intervals and the reliability of each organisation."""
    raw_error = np.sqrt(np.diagonal(effects.raw_covariance))
    shrunken_error = np.sqrt(np.maximum(np.diagonal(effects.shrunken_covariance), 0.0))
    half = student_t.ppf(0.5 + level / 2, effects.df) * raw_error
    drawn = float(norm.ppf(0.5 + level / 2)) * shrunken_error
    bar = _comparison_half(effects, level)
    data = pd.DataFrame(
        {
            "organisation": list(effects.keys),
            "raw": effects.raw,
            "raw_low": effects.raw - half,
            "raw_high": effects.raw + half,
            "comparison_low": effects.raw - bar,
            "comparison_high": effects.raw + bar,
            "shrunken": effects.shrunken,
            "shrunken_low": effects.shrunken - drawn,
            "shrunken_high": effects.shrunken + drawn,
            "reliability": reliability(effects.std_error, tau2=effects.tau2),
        }
    )
    return organisation_table("raw_and_shrunken", data, effects, _BOTH)


def _comparison_half(effects: OrganisationEffects, level: float) -> FloatArray:
    """Half the width of bars whose overlap shows whether two organisations differ.

    Goldstein and Healy: with z * (s_i + s_j) averaged over pairs equal to the quantile times the mean
    standard error of a difference, pairs are judged at the stated level on average.
    """
    covariance = effects.own_covariance
    own = np.sqrt(np.diagonal(covariance))
    pair = np.triu_indices(len(own), 1)
    spread = np.sqrt(np.maximum(own[pair[0]] ** 2 + own[pair[1]] ** 2 - 2 * covariance[pair], 0.0))
    scale = float(spread.sum() / (own[pair[0]] + own[pair[1]]).sum())
    result: FloatArray = student_t.ppf(0.5 + level / 2, effects.df) * scale * own
    return result


def organisation_table(
    name: str, data: pd.DataFrame, effects: OrganisationEffects, columns: Iterable[Column]
) -> ResultTable:
    """A table with one row per organisation, about all its families."""
    return table_by_organisation(name, data.assign(n_families=effects.n_families.astype(int)), columns)
