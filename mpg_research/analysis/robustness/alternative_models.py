"""Other reasonable ways of computing the comparison of organisations."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.growth_model import (
    DEFAULT_RULE,
    GrowthModel,
    OrganisationRole,
    Shape,
    fit_growth,
)
from mpg_research.analysis.growth.model_frame import Covariate, ModelFrame, prepare_frame
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.organisations.effects import (
    FEWEST_RANDOM,
    OrganisationEffects,
    effects_of,
    many_organisations,
)
from mpg_research.analysis.organisations.equal_comparison import covariate_means
from mpg_research.analysis.robustness.same_conclusion import Verdict, beside_the_left_out, judge
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, NotApplicableError
from mpg_research.mixed.inference.tests import DfRule
from mpg_research.statistics.providers.ranks import Better
from mpg_research.statistics.providers.standardisation import Reference
from mpg_research.study.model import CourseFrame

__all__ = ["VARIANTS", "Setting", "ways_of", "without"]


#: The ways of computing, the primary one first.
VARIANTS = (
    "primary", "other_reference", "unadjusted", "fixed", "random", "mundlak", "straight_line",
    "dropouts_worse", "dropouts_much_worse", "small_left_out",
)  # fmt: skip
#: Baseline standard deviations by which families that stopped are taken to do worse.
_DELTAS = {"dropouts_worse": 0.25, "dropouts_much_worse": 0.5}
#: A family counts as seen at the month when it was measured at most this much earlier.
_WINDOW = 1.5
#: With more organisations than this a course for each of them is not tried.
_MOST_FIXED = 48


@dataclass(frozen=True, slots=True)
class Setting:
    """What all variants share."""

    course: CourseFrame
    month: float
    shape: Shape
    role: OrganisationRole
    df: DfRule
    level: float
    better: Better
    worker: bool | None
    reference: Reference = "mean"
    rule: GrowthRule = DEFAULT_RULE
    minimum_measured: int | None = None
    #: Smaller organisations are left out in one of the ways.
    minimum_families: int = 10
    #: The primary model: the others lie near it, so that is where their searches begin.
    primary: GrowthModel | None = None

    def judge(self, effects: OrganisationEffects, *, shift: FloatArray | None = None) -> Verdict:
        """What these effects say of every organisation against the reference."""
        return judge(effects, level=self.level, reference=self.reference, shift=shift)

    def judge_without(self, keys: list[str], primary: OrganisationEffects) -> Verdict:
        """What a fit without some organisations says of the others, the reference staying that of all."""
        found = self.effects(without(self.course, keys))
        every = beside_the_left_out(primary, found)
        return judge(every, level=self.level, reference=self.reference, judged=frozenset(found.keys))

    def effects(
        self, course: CourseFrame, *, role: OrganisationRole | None = None, shape: Shape | None = None
    ) -> OrganisationEffects:
        frame = prepare_frame(
            course, by_organisation=True, until=self.month, minimum_measured=self.minimum_measured
        )
        return self.effects_in(frame, role=role, shape=shape)

    def effects_in(
        self, frame: ModelFrame, *, role: OrganisationRole | None = None, shape: Shape | None = None
    ) -> OrganisationEffects:
        return effects_of(self.model_of(frame, role=role, shape=shape), self.month, better=self.better)

    def model_of(
        self, frame: ModelFrame, *, role: OrganisationRole | None = None, shape: Shape | None = None
    ) -> GrowthModel:
        """The growth model of a frame, as all variants have it but for what is asked for."""
        chosen = self.role if role is None else role
        if len(frame.organisations) < 2:
            raise NotApplicableError("Fewer than two organisations are left.", code="one_organisation")
        df: DfRule = self.df if chosen == "fixed" else "satterthwaite"
        model = fit_growth(
            frame, shape=shape or self.shape, organisation=chosen, worker=self.worker, df=df,
            level=self.level, rule=self.rule, near=self.primary,
        )  # fmt: skip
        if not model.converged:
            raise ModelError("The model did not converge.")
        return model


def ways_of(
    setting: Setting, frame: ModelFrame, primary: OrganisationEffects
) -> dict[str, Callable[[], Verdict]]:
    """Every variant but the primary one, computed when called; those that would be it again refuse."""

    def unadjusted() -> Verdict:
        if not setting.course.case_mix:
            raise ModelError("The primary analysis is not adjusted either.")
        return setting.judge(setting.effects(_without_case_mix(setting.course)))

    def straight_line() -> Verdict:
        if setting.shape == "linear":
            raise ModelError("The primary analysis is a straight line too.")
        return setting.judge(setting.effects_in(frame, shape="linear"))

    def random() -> Verdict:
        _is_another(setting, "random")
        if len(frame.organisations) < FEWEST_RANDOM:
            raise ModelError("So few organisations tell too little of how organisations are spread.")
        return setting.judge(setting.effects_in(frame, role="random"))

    def shifted(name: str) -> Callable[[], Verdict]:
        return lambda: setting.judge(primary, shift=_dropout_shift(setting, frame, _DELTAS[name]))

    def fixed() -> Verdict:
        _is_another(setting, "fixed")
        if len(frame.organisations) > _MOST_FIXED:
            raise ModelError("So many organisations are compared as random effects.")
        return setting.judge(setting.effects_in(frame, role="fixed"))

    def other_reference() -> Verdict:
        if len(primary.keys) < 3:
            raise ModelError("Of two organisations mean and median are the same.")
        other: Reference = "median" if setting.reference == "mean" else "mean"
        return replace(setting, reference=other).judge(primary)

    return {
        "other_reference": other_reference,
        "unadjusted": unadjusted,
        "fixed": fixed,
        "random": random,
        "mundlak": lambda: _mundlak(setting, frame),
        "straight_line": straight_line,
        "dropouts_worse": shifted("dropouts_worse"),
        "dropouts_much_worse": shifted("dropouts_much_worse"),
        "small_left_out": lambda: setting.judge_without(_small(frame, setting.minimum_families), primary),
    }


def _is_another(setting: Setting, role: OrganisationRole) -> None:
    if setting.role == role:
        raise ModelError("That is how the primary analysis has the organisations.")


def _without_case_mix(course: CourseFrame) -> CourseFrame:
    return replace(course, case_mix=(), data=course.data.dropna(subset=list(course.case_mix)))


def _small(frame: ModelFrame, minimum: int) -> list[str]:
    small = [frame.organisations[code] for code, n in frame.families_of.items() if n < minimum]
    if not small:
        raise ModelError("There are no small organisations.")
    return small


def without(course: CourseFrame, keys: list[str]) -> CourseFrame:
    """The scores without those of some organisations."""
    return replace(course, data=course.data[~course.data["organisation"].astype(str).isin(keys)])


def _dropout_shift(setting: Setting, frame: ModelFrame, delta: float) -> FloatArray:
    """Points by which each organisation's change gets worse when its families that stopped do."""
    if not frame.baseline.sd > 0:
        raise ModelError("There is no spread of scores at the start.")
    last = frame.data.groupby("family").agg(last=("months", "max"), organisation=("organisation", "first"))
    stopped = (last["last"] < setting.month - _WINDOW).groupby(last["organisation"]).mean()
    share = stopped.loc[list(frame.organisations)].to_numpy(dtype=float)
    sign = 1.0 if setting.better == "low" else -1.0
    shift = np.asarray(sign * delta * frame.baseline.sd * share, dtype=float)
    return shift


def _mundlak(setting: Setting, frame: ModelFrame) -> Verdict:
    """Random effects with the organisations' mean case mix beside the families' own."""
    g, k = len(frame.organisations), len(frame.covariates)
    if not k or g < max(k + 3, FEWEST_RANDOM):
        raise ModelError("There are too few organisations for their mean case mix.")
    means = pd.DataFrame(
        covariate_means(frame),
        index=list(frame.organisations),
        columns=[f"covariate_{k + 1 + place}" for place in range(k)],
    )
    wide = frame.data.join(means, on="organisation")
    context = tuple(
        Covariate(f"{own.name} (organisation)", own.level, column, 0.0)
        for own, column in zip(frame.covariates, means.columns, strict=True)
    )
    both = replace(frame, data=wide, covariates=(*frame.covariates, *context))
    model = fit_growth(
        both, shape=setting.shape, organisation="random", worker=setting.worker, df="satterthwaite",
        level=setting.level, rule=setting.rule, near=setting.primary,
    )  # fmt: skip
    many = many_organisations(model)
    effects = effects_of(model, setting.month, better=setting.better, many=many)
    names = list(model.fit.problem.x_names)
    rows = model.mean_rows([0.0, setting.month])
    change = np.repeat((rows[1] - rows[0])[None, :], g, axis=0)
    for column in means.columns:
        for term in (f"months:{column}", f"{column}:months"):
            if term in names:
                change[:, names.index(term)] = setting.month * means[column].to_numpy(dtype=float)
    random = model.organisation_row(setting.month) - model.organisation_row(0.0)
    found = many.raw.predict(change[np.argsort(many.order)], random)
    raw = found.estimate[many.order]
    covariance = found.covariance[np.ix_(many.order, many.order)]
    return setting.judge(replace(effects, raw=raw, raw_covariance=covariance))
