"""The change of the average family at each organisation, raw and shrunken, with its joint covariance."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.growth.random_part import BEND
from mpg_research.arrays import FloatArray
from mpg_research.mixed.questions.group_predictions import GroupEffects, group_effects
from mpg_research.statistics.providers.ranks import Better
from mpg_research.statistics.providers.shrinkage import between_variance, shrink
from mpg_research.statistics.providers.simultaneous import simultaneous_critical

__all__ = [
    "FEWEST_RANDOM",
    "ManyOrganisations",
    "OrganisationEffects",
    "add_simultaneous",
    "effects_of",
    "end_level",
    "many_organisations",
]


#: With fewer organisations than this their spread cannot be estimated, so they are no random effects: the
#: error of a standard deviation from g values is about 1 / sqrt(2 (g - 1)) of it, of two 71 %, of five 35 %.
FEWEST_RANDOM = 5

#: Draws behind simultaneous limits: their quantile is good to about a hundredth.
_DRAWS = 50_000


@dataclass(frozen=True, slots=True)
class OrganisationEffects:
    """Adjusted change from the start to one month at g organisations.

    Attributes
    ----------
    keys : tuple of str, length g
    n_families : ndarray, shape (g,)
    month : float
    role : {"fixed", "random"}
        How organisations stand in the model.
    raw, shrunken : ndarray, shape (g,)
        In points.
    raw_covariance, shrunken_covariance : ndarray, shape (g, g)
    df : ndarray, shape (g,)
        Of the difference of each organisation from the mean.
    tau2 : float
        Variance of the change between organisations: of the model, or (fixed effects) by Paule and Mandel.
    better : {"low", "high"}
        Which change is the better one.
    """

    keys: tuple[str, ...]
    n_families: FloatArray
    month: float
    role: Literal["fixed", "random"]
    raw: FloatArray
    raw_covariance: FloatArray
    df: FloatArray
    shrunken: FloatArray
    shrunken_covariance: FloatArray
    tau2: float
    better: Better

    @property
    def std_error(self) -> FloatArray:
        """Standard errors of the raw changes less what all organisations share, shape (g,)."""
        return np.sqrt(np.maximum(np.diagonal(self.own_covariance), 1e-300))

    @property
    def own_covariance(self) -> FloatArray:
        """Covariance of the raw changes without the part that is common to all, shape (g, g).

        The uncertainty of the common course moves all organisations alike and tells nothing about their
        differences: every contrast is the same with and without it. Taken out is the mean covariance
        between organisations.
        """
        covariance = self.raw_covariance
        apart = ~np.eye(len(self.keys), dtype=bool)
        most = 0.9 * float(np.min(np.diagonal(covariance)))
        result: FloatArray = covariance - min(float(covariance[apart].mean()), most)
        return result


@dataclass(frozen=True, slots=True)
class ManyOrganisations:
    """Organisations as random effects: ``raw`` and ``shrunken`` effects in the order of the frame.

    ``df`` are the degrees of freedom of comparisons, by design. Raw are level and slope; how the course bends
    is drawn towards the common bend in both, since an organisation of a few families could not tell it of
    itself.
    """

    raw: GroupEffects = field(repr=False)
    shrunken: GroupEffects = field(repr=False)
    order: NDArray[np.intp]
    df: float

    def change(self, model: GrowthModel, month: float, *, shrink: bool) -> tuple[FloatArray, FloatArray]:
        """Change of the average family since the start: estimates (g,) and covariance (g, g)."""
        rows = model.mean_rows([0.0, month])
        own = model.organisation_row(month) - model.organisation_row(0.0)
        return self._predict(rows[1] - rows[0], own, shrink=shrink)

    def score(self, model: GrowthModel, month: float, *, shrink: bool) -> tuple[FloatArray, FloatArray]:
        """Expected score of the average family: estimates (g,) and covariance (g, g)."""
        return self._predict(model.mean_rows([month])[0], model.organisation_row(month), shrink=shrink)

    def _predict(
        self, fixed: FloatArray, random: FloatArray, *, shrink: bool
    ) -> tuple[FloatArray, FloatArray]:
        effects = self.shrunken if shrink else self.raw
        found = effects.predict(fixed, random)
        return found.estimate[self.order], found.covariance[np.ix_(self.order, self.order)]


def many_organisations(model: GrowthModel) -> ManyOrganisations:
    """Effects of the organisations of a model that has them as random level and slope."""
    groups = [term.group for term in model.fit.problem.random]
    index = groups.index("organisation")
    levels = [str(level) for level in model.fit.problem.random[index].levels]
    order = np.array([levels.index(code) for code in model.frame.organisations], dtype=np.intp)
    solution = model.fit.solution
    return ManyOrganisations(
        group_effects(solution, index, shrink=False, still_shrunken=(BEND,)),
        group_effects(solution, index),
        order,
        _degrees(model),
    )


def _degrees(model: GrowthModel) -> float:
    """Families (with workers in the model: workers) less organisations and case mix, at least 1.

    The unit whose courses scatter within organisations decides how well the error of a comparison is known.
    """
    unit = "worker" if model.worker else "family"
    within = int(model.fitted_data[unit].nunique()) - len(model.frame.organisations)
    return float(max(within - len(model.frame.covariates), 1))


def effects_of(
    model: GrowthModel, month: float, *, better: Better, many: ManyOrganisations | None = None
) -> OrganisationEffects:
    """Adjusted change from the start to ``month`` at each organisation.

    Parameters
    ----------
    model : GrowthModel
        With organisations as fixed or random effects.
    month : float
    better : {"low", "high"}
    many : ManyOrganisations, optional
        Of the same model, where it is there already.

    Returns
    -------
    OrganisationEffects
    """
    frame = model.frame
    keys = tuple(frame.organisations.values())
    sizes = np.array(list(frame.families_of.values()), dtype=float)
    if model.organisation == "random":
        many = many_organisations(model) if many is None else many
        raw, raw_covariance = many.change(model, month, shrink=False)
        shrunken, shrunken_covariance = many.change(model, month, shrink=True)
        index = [term.group for term in model.fit.problem.random].index("organisation")
        own = model.organisation_row(month) - model.organisation_row(0.0)
        tau2 = float(own @ model.fit.solution.random_covariance(index) @ own)
        df = np.full(len(keys), many.df)
        return OrganisationEffects(
            keys, sizes, month, "random", raw, raw_covariance, df, shrunken, shrunken_covariance, tau2, better
        )
    rows = model.organisation_rows([month])[:, 0] - model.organisation_rows([0.0])[:, 0]
    raw, raw_covariance = rows @ model.fit.solution.beta, rows @ model.fit.inference.covariance @ rows.T
    difference = model.estimate(rows - rows.mean(axis=0))
    spread = difference["std_error"].to_numpy(dtype=float)
    between = between_variance(raw, spread)
    drawn = shrink(raw, spread, mean=between.mean, tau2=between.tau2)
    return OrganisationEffects(
        keys, sizes, month, "fixed", raw, raw_covariance, difference["df"].to_numpy(dtype=float),
        drawn.estimate, np.diag(drawn.variance + (1 - drawn.reliability) ** 2 * between.mean_se**2),
        between.tau2, better,
    )  # fmt: skip


def end_level(
    model: GrowthModel, month: float, many: ManyOrganisations | None
) -> tuple[FloatArray, FloatArray]:
    """Expected score of the average family at each organisation (g,), not shrunken, and covariance (g, g)."""
    if many is not None:
        return many.score(model, month, shrink=False)
    rows = model.organisation_rows([month])[:, 0]
    return rows @ model.fit.solution.beta, rows @ model.fit.inference.covariance @ rows.T


def add_simultaneous(
    data: pd.DataFrame, months: list[float], covariances: list[FloatArray], level: float
) -> pd.DataFrame:
    """Limits that hold for all rows of a month together, at the smallest degrees of freedom among them."""
    critical = {}
    for month, covariance in zip(months, covariances, strict=True):
        df = float(data.loc[data["months"] == month, "df"].min())
        critical[month] = simultaneous_critical(covariance, df=df, level=level, n_draws=_DRAWS)
    half = data["months"].map(critical) * data["std_error"]
    return data.assign(simultaneous_low=data["estimate"] - half, simultaneous_high=data["estimate"] + half)
