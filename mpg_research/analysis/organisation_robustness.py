"""Does the conclusion about organisations stand when it is computed in other reasonable ways?

Tables of :class:`OrganisationRobustness` (beside ``sample_flow``)
-----------------------------------------------------------------
- ``robustness(variant, joint_p_value, compared, different, spread, largest_shift, agreement,
  conclusion)``: one row per way of computing. ``different`` organisations differ from the mean (Holm, at
  the stated level); ``spread`` is the standard deviation of the differences, ``largest_shift`` the largest
  change of one of them against the primary analysis (points), ``agreement`` the correlation with it.
  ``conclusion`` is "same" where the joint test and the set of organisations that differ are those of the
  primary analysis, "changed", or "not_possible".
- ``leave_one_out(organisation, joint_p_value, different, largest_shift, conclusion)``: the same without
  that organisation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import t as student_t

from mpg_research.analysis.frame import Covariate, ModelFrame, prepare_frame
from mpg_research.analysis.growth import OrganisationRole, Shape, fit_growth
from mpg_research.analysis.organisation_case_mix import covariate_means
from mpg_research.analysis.organisation_effects import OrganisationEffects, effects_of, many_organisations
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.analysis.tables import (
    FEW_FAMILIES,
    chosen_months,
    describe_parameters,
    pooled_table,
    study_notes,
)
from mpg_research.analysis.trajectory import primary_month_of
from mpg_research.errors import ModelError, NotApplicableError
from mpg_research.mixed import DfRule
from mpg_research.statistics import holm
from mpg_research.study.course import course_frame
from mpg_research.study.model import CourseFrame, Study

__all__ = ["VARIANTS", "OrganisationRobustness", "Verdict", "check_robustness", "judge"]

FloatArray = NDArray[np.float64]

#: The ways of computing, the primary one first.
VARIANTS = (
    "primary", "unadjusted", "fixed", "random", "mundlak", "straight_line", "dropouts_worse",
    "dropouts_much_worse", "small_left_out",
)  # fmt: skip
#: Baseline standard deviations by which families that stopped are taken to do worse.
_DELTAS = {"dropouts_worse": 0.25, "dropouts_much_worse": 0.5}
#: A family counts as seen at the month when it was measured at most this much earlier.
_WINDOW = 1.5
#: Up to this many organisations each is left out by a new fit; beyond, by taking it out of the comparison.
_REFITS = 12

_COLUMNS = [
    "variant", "joint_p_value", "compared", "different", "spread", "largest_shift", "agreement",
    "conclusion",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one way of computing says.

    Attributes
    ----------
    difference : dict of str to float
        Difference of each organisation's change from the mean of the organisations, points.
    joint_p_value : float
        Of the test that all organisations have the same change.
    different : frozenset of str
        Organisations that differ from the mean after Holm's correction, if the joint test says that any do.
    """

    difference: dict[str, float]
    joint_p_value: float
    different: frozenset[str]

    def agrees(self, other: "Verdict", level: float) -> bool:
        """Whether both lead to the same conclusion about the organisations that both have."""
        shared = set(self.difference) & set(other.difference)
        same_test = (self.joint_p_value < 1 - level) == (other.joint_p_value < 1 - level)
        return same_test and self.different & shared == other.different & shared


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRobustness(Result):
    """What :func:`check_robustness` found; its tables are described in the module's docstring."""

    month: float
    kind: ClassVar[str] = "organisation_robustness"


def judge(effects: OrganisationEffects, *, level: float, shift: FloatArray | None = None) -> Verdict:
    """Test the organisations against each other and against their mean.

    Parameters
    ----------
    effects : OrganisationEffects
    level : float
    shift : ndarray, shape (g,), optional
        Added to the changes, with their covariance as it is.
    """
    raw = effects.raw if shift is None else effects.raw + shift
    g = len(raw)
    contrast = np.eye(g) - 1.0 / g
    difference = contrast @ raw
    covariance = contrast @ effects.raw_covariance @ contrast
    error = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    p_values = 2 * student_t.sf(np.abs(difference / error), effects.df)
    statistic = float(difference @ np.linalg.pinv(covariance, hermitian=True) @ difference) / (g - 1)
    joint = float(f_distribution.sf(statistic, g - 1, min(float(np.min(effects.df)), 1e8)))
    adjusted = p_values if g == 2 else holm(p_values)
    found = frozenset(key for key, p in zip(effects.keys, adjusted, strict=True) if p < 1 - level)
    return Verdict(
        dict(zip(effects.keys, difference.tolist(), strict=True)),
        joint,
        found if joint < 1 - level else frozenset(),
    )


@dataclass(frozen=True, slots=True)
class _Setting:
    """What all variants share."""

    course: CourseFrame
    month: float
    shape: Shape
    role: OrganisationRole
    df: DfRule
    level: float
    better: str
    worker: bool | None

    def effects(
        self, course: CourseFrame, *, role: OrganisationRole | None = None, shape: Shape | None = None
    ) -> OrganisationEffects:
        frame = prepare_frame(course, by_organisation=True)
        return self.effects_in(frame, role=role, shape=shape)

    def effects_in(
        self, frame: ModelFrame, *, role: OrganisationRole | None = None, shape: Shape | None = None
    ) -> OrganisationEffects:
        chosen = self.role if role is None else role
        if len(frame.organisations) < 2:
            raise NotApplicableError("Fewer than two organisations are left.", code="one_organisation")
        df: DfRule = self.df if chosen == "fixed" else "satterthwaite"
        model = fit_growth(
            frame, shape=shape or self.shape, organisation=chosen, worker=self.worker, df=df, level=self.level
        )
        if not model.converged:
            raise ModelError("The model did not converge.")
        return effects_of(model, self.month, better="low" if self.better == "low" else "high")


def check_robustness(
    study: Study,
    *,
    instrument: str | None = None,
    outcome: str | None = None,
    shape: Shape = "spline",
    case_mix: tuple[str, ...] | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    worker: bool | None = None,
    df: DfRule = "kenward-roger",
    level: float = 0.95,
) -> OrganisationRobustness:
    """Compute the comparison of organisations in several ways and see whether its conclusion stands.

    Parameters
    ----------
    study : Study
    instrument, outcome, shape, case_mix, respondents, episodes, months, worker, df, level
        As in :func:`~mpg_research.analysis.compare_organisations`.

    Returns
    -------
    OrganisationRobustness

    Raises
    ------
    ModelError
        If the primary comparison itself cannot be made.

    Notes
    -----
    The variants: no case mix; organisations as fixed and as random effects (not shrunken); random effects
    with the organisations' mean case mix beside the families' own (Mundlak 1978), the difference that hangs
    on the mean given back to the organisation; a straight line; families that stopped before the month
    taken to have changed a quarter or half of a baseline standard deviation for the worse (delta adjustment
    of a pattern-mixture model); organisations of fewer than ten families left out; each organisation left
    out.

    References
    ----------
    Mundlak, Y. (1978). On the pooling of time series and cross section data. *Econometrica*, 46, 69-85.
    https://doi.org/10.2307/1913646

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.analysis.organisation_robustness import check_robustness
    >>> from mpg_research.study import shipped_example
    >>> found = check_robustness(load_study(shipped_example()))  # doctest: +SKIP
    >>> found.tables["robustness"].data[["variant", "conclusion"]]  # doctest: +SKIP
    """
    from mpg_research.analysis.organisations import MANY_ORGANISATIONS

    columns = study.config.analysis.case_mix if case_mix is None else case_mix
    course = course_frame(
        study,
        instrument=instrument,
        outcome=outcome,
        respondents=respondents,
        episodes=episodes,
        case_mix=tuple(columns),
    )
    month = primary_month_of(study, chosen_months(study, months))
    frame = prepare_frame(course, by_organisation=True)
    better = "low" if study.instruments[course.instrument].direction == "higher_is_worse" else "high"
    role: OrganisationRole = "fixed" if len(frame.organisations) < MANY_ORGANISATIONS else "random"
    setting = _Setting(course, month, shape, role, df, level, better, worker)
    primary_effects = setting.effects_in(frame)
    primary = judge(primary_effects, level=level)
    ways = _ways(setting, frame, primary_effects)
    rows = [_row("primary", primary, primary, level)]
    rows += [_try(name, ways[name], primary, level) for name in VARIANTS[1:]]
    left_out = _leave_one_out(setting, frame, primary_effects, primary)
    data = pd.DataFrame(rows, columns=_COLUMNS)
    tables = [
        pooled_table("robustness", data, frame, keys=("variant",), values=tuple(_COLUMNS[1:])),
        *([left_out] if left_out is not None else []),
        sample_flow_table(frame.flow),
    ]
    parameters = describe_parameters(
        study, course, shape=shape, df=df, level=level, months=[month], primary_month=month, role=role
    )
    return OrganisationRobustness(
        month=month,
        tables=collect_tables(tables),
        flow=frame.flow,
        notes=(*study_notes(study, course.instrument, course.outcome), *frame.notes),
        provenance=provenance_of(
            study, parameters=parameters, instrument=course.instrument, outcome=course.outcome
        ),
        level=level,
        converged=True,
    )


def _ways(
    setting: _Setting, frame: ModelFrame, primary: OrganisationEffects
) -> dict[str, Callable[[], Verdict]]:
    """Every variant but the primary one, computed when called."""
    course, level = setting.course, setting.level

    def simply(**choices: OrganisationRole | Shape) -> Callable[[], Verdict]:
        role, shape = choices.get("role"), choices.get("shape")
        return lambda: judge(
            setting.effects_in(frame, role=role, shape=shape),  # type: ignore[arg-type]
            level=level,
        )

    def shifted(name: str) -> Callable[[], Verdict]:
        return lambda: judge(primary, level=level, shift=_dropout_shift(setting, frame, _DELTAS[name]))

    def fixed() -> Verdict:
        if len(frame.organisations) > 4 * _REFITS:
            raise ModelError("So many organisations are compared as random effects.")
        return judge(setting.effects_in(frame, role="fixed"), level=level)

    return {
        "unadjusted": lambda: judge(setting.effects(_without_case_mix(course)), level=level),
        "fixed": fixed,
        "random": simply(role="random"),
        "mundlak": lambda: _mundlak(setting, frame),
        "straight_line": simply(shape="linear"),
        "dropouts_worse": shifted("dropouts_worse"),
        "dropouts_much_worse": shifted("dropouts_much_worse"),
        "small_left_out": lambda: judge(setting.effects(_without_small(course, frame)), level=level),
    }


def _without_case_mix(course: CourseFrame) -> CourseFrame:
    return replace(course, case_mix=(), data=course.data.dropna(subset=list(course.case_mix)))


def _without_small(course: CourseFrame, frame: ModelFrame) -> CourseFrame:
    small = [frame.organisations[code] for code, n in frame.families_of.items() if n < FEW_FAMILIES]
    if not small:
        raise ModelError("There are no small organisations.")
    return _without(course, small)


def _without(course: CourseFrame, keys: list[str]) -> CourseFrame:
    return replace(course, data=course.data[~course.data["organisation"].astype(str).isin(keys)])


def _dropout_shift(setting: _Setting, frame: ModelFrame, delta: float) -> FloatArray:
    """Points by which each organisation's change gets worse when its families that stopped do."""
    if not frame.baseline.sd > 0:
        raise ModelError("There is no spread of scores at the start.")
    last = frame.data.groupby("family").agg(last=("months", "max"), organisation=("organisation", "first"))
    stopped = (last["last"] < setting.month - _WINDOW).groupby(last["organisation"]).mean()
    share = stopped.loc[list(frame.organisations)].to_numpy(dtype=float)
    sign = 1.0 if setting.better == "low" else -1.0
    shift: FloatArray = sign * delta * frame.baseline.sd * share
    return shift


def _mundlak(setting: _Setting, frame: ModelFrame) -> Verdict:
    """Random effects with the organisations' mean case mix beside the families' own."""
    g, k = len(frame.organisations), len(frame.covariates)
    if not k or g < k + 3:
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
        level=setting.level,
    )  # fmt: skip
    many = many_organisations(model)
    effects = effects_of(model, setting.month, better="low" if setting.better == "low" else "high", many=many)
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
    return judge(replace(effects, raw=raw, raw_covariance=covariance), level=setting.level)


def _try(name: str, way: Callable[[], Verdict], primary: Verdict, level: float) -> tuple[object, ...]:
    try:
        return _row(name, way(), primary, level)
    except ModelError:
        return (name, *[float("nan")] * 6, "not_possible")


def _row(name: str, found: Verdict, primary: Verdict, level: float) -> tuple[object, ...]:
    shared = [key for key in primary.difference if key in found.difference]
    mine = np.array([found.difference[key] for key in shared])
    theirs = np.array([primary.difference[key] for key in shared])
    # Organisations that were left out move the mean: compared are the differences among those that stayed.
    gap = (mine - mine.mean()) - (theirs - theirs.mean())
    spread = mine.std() > 0 and theirs.std() > 0 and len(shared) > 2
    return (
        name,
        found.joint_p_value,
        len(shared),
        len(found.different),
        float(np.std(mine, ddof=1)),
        float(np.abs(gap).max()),
        float(np.corrcoef(mine, theirs)[0, 1]) if spread else float("nan"),
        "same" if found.agrees(primary, level) else "changed",
    )


def _leave_one_out(
    setting: _Setting, frame: ModelFrame, effects: OrganisationEffects, primary: Verdict
) -> ResultTable | None:
    keys = list(effects.keys)
    if len(keys) < 3:
        return None
    rows = []
    for place, key in enumerate(keys):
        others = _others(effects, place)
        try:
            if len(keys) <= _REFITS:
                others = setting.effects(_without(setting.course, [key]))
            row = _row(key, judge(others, level=setting.level), primary, setting.level)
        except ModelError:
            row = (key, *[float("nan")] * 6, "not_possible")
        rows.append((row[0], row[1], row[3], row[5], row[7], int(effects.n_families[place])))
    values = ("joint_p_value", "different", "largest_shift", "conclusion")
    data = pd.DataFrame(rows, columns=["organisation", *values, "n_families"])
    return ResultTable(
        "leave_one_out",
        data,
        keys=("organisation",),
        values=values,
        organisation_columns=("organisation",),
        parts_of_total=("organisation",),
    )


def _others(effects: OrganisationEffects, place: int) -> OrganisationEffects:
    """The effects without one organisation, everything else as it was estimated."""
    kept = np.arange(len(effects.keys)) != place
    return replace(
        effects,
        keys=tuple(key for key, keep in zip(effects.keys, kept, strict=True) if keep),
        n_families=effects.n_families[kept],
        raw=effects.raw[kept],
        raw_covariance=effects.raw_covariance[np.ix_(kept, kept)],
        df=effects.df[kept],
        shrunken=effects.shrunken[kept],
        shrunken_covariance=effects.shrunken_covariance[np.ix_(kept, kept)],
    )
