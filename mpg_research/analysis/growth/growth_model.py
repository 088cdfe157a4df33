"""The growth model behind the trajectories and the comparison of organisations.

In lme4's language, with organisations as fixed effects, case mix x, and everything that can be asked for::

    score ~ spline(months) * organisation + x + months:x
            + (1 + months + bend | family) + (1 | family:respondent) + (1 | family:episode)
            + (1 + months || worker)

with ``bend = log(1 + months)``, and residuals that carry on within a series of a family, a respondent and an
episode: correlation phi^|months apart|. The spline has five knots equally spaced in the square root of time.
Case mix acts on the level and on the change, since organisations are compared on an adjusted *change*.
``shape="linear"`` puts ``months`` in the place of the spline. Random organisations are
``(1 + months + bend | organisation)``: they need not share the bend. What the data cannot carry is left out
by the rule of :mod:`~mpg_research.analysis.growth.rule`.

Real courses bend, families differ in how, and swings last: a straight line per family with independent
residuals found differences between equal organisations in a quarter to half of simulated studies.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.fitting import fit_by_rule
from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.growth.random_part import bend, known_workers, other_terms
from mpg_research.analysis.growth.rule import (
    KNOTS,
    FamilyPart,
    GrowthRule,
    KnotRule,
    ResidualRule,
    spline_knots,
    spline_term,
)
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, Note
from mpg_research.mixed import CAR1, DfRule, MixedFit
from mpg_research.mixed.design.bases import natural_spline_basis

__all__ = ["GrowthModel", "OrganisationRole", "Shape", "fit_growth"]

Shape = Literal["linear", "spline"]
OrganisationRole = Literal[False, "fixed", "random"]

#: A bend can be tested from this many different months on.
_FEWEST_KNOTS = 3
#: Every organisation's own line, beside a spline that all share.
_OWN_LINES = "months:organisation"
#: Column that says whose course bends in its own way; small organisations are one level of it.
_OWN_BEND = "own_bend"
_SHARED = "shared"
#: An organisation's course bends in its own way from so many times ``minimum_measured`` families on.
_FOR_OWN_BEND = 3
#: Level and slope: a family term of this rank lacks the bend at most.
_NEEDED_RANK = 2
#: p-value below which a straight line is said not to fit.
_BEND = 0.01

#: Random effects of a family.
_EFFECTS = {"level": 1, "line": 2, "bend": 3}
#: The growth model of every analysis unless another is asked for.
DEFAULT_RULE = GrowthRule()


@dataclass(frozen=True, slots=True)
class GrowthModel:
    """A fitted growth model and the linear combinations that questions are asked with.

    Attributes
    ----------
    frame : ModelFrame
    fit : MixedFit
        From ``mpg_research.mixed.fit_mixed``.
    formula : str
        As fitted, with the model's own column names.
    shape : {"linear", "spline"}
    organisation : {False, "fixed", "random"}
    worker : bool
        Whether workers have random effects.
    notes : tuple of Note
    families : {"spline", "bend", "line", "level"}
        What each family has of its own.
    correlation : float or None
        Between residuals of one series a month apart; None where they count as independent.
    rule : GrowthRule
        What was asked for.
    residual : CAR1 or None
        Structure of the residuals.
    fitted_data : DataFrame
        ``frame.data`` with the columns that the model adds.
    """

    frame: ModelFrame
    fit: MixedFit
    formula: str
    shape: Shape
    organisation: OrganisationRole
    worker: bool
    notes: tuple[Note, ...]
    families: FamilyPart
    correlation: float | None
    rule: GrowthRule
    residual: CAR1 | None
    fitted_data: pd.DataFrame = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the optimiser reached the optimum."""
        return bool(self.fit.convergence)

    def mean_rows(self, months: list[float]) -> FloatArray:
        """Combinations for the expected score of the average family, shape (months, p).

        With organisations as fixed effects every organisation weighs as its number of families.
        """
        if self.organisation != "fixed":
            return self._rows("months", {"months": months})
        sizes = np.array(list(self.frame.families_of.values()), dtype=float)
        return np.tensordot(sizes / sizes.sum(), self.organisation_rows(months), axes=1)

    def organisation_rows(self, months: list[float]) -> FloatArray:
        """Combinations for the average family at each organisation, shape (organisations, months, p)."""
        codes = list(self.frame.organisations)
        if _OWN_BEND not in self.fitted_data:
            rows = self._rows("organisation", {"organisation": codes, "months": months})
            return rows.reshape(len(codes), len(months), -1)
        whose = self.fitted_data.drop_duplicates("organisation").set_index("organisation")[_OWN_BEND]
        return np.array(
            [
                self._rows("months", {"organisation": [code], _OWN_BEND: [whose[code]], "months": months})
                for code in codes
            ]
        )

    def organisation_row(self, month: float) -> FloatArray:
        """Values of an organisation's random effects at a month: level, slope and, with a spline, bend."""
        row = [1.0, month]
        if self.shape == "spline":
            row.append(float(bend(np.array([month]))[0]))
        return np.array(row)

    def family_row(self, month: float) -> FloatArray:
        """Values of a family's own random effects at a month: level, slope and bend, as it has them."""
        if self.families == "spline":
            raise ModelError("A family's own spline has no level, slope and bend.")
        return np.array([1.0, month, float(bend(np.array([month]))[0])])[: _EFFECTS[self.families]]

    def _rows(self, variables: str, at: dict[str, list[str] | list[float]]) -> FloatArray:
        average = {covariate.column: [0.0] for covariate in self.frame.covariates}
        return self.fit.mean_combinations(variables, at={**at, **average})

    @property
    def decided(self) -> GrowthRule:
        """The rule with what was decided here: another model of these families need not find it again."""
        residual: ResidualRule = "independent" if self.residual is None else "car1"
        return replace(self.rule, families=self.families, residual=residual)

    def estimate(self, rows: FloatArray) -> pd.DataFrame:
        """Estimate, standard error, df, t, p and limits of combinations of the fixed effects."""
        return self.fit.estimate(rows)


def fit_growth(
    frame: ModelFrame,
    *,
    shape: Shape = "spline",
    organisation: OrganisationRole = False,
    worker: bool | None = None,
    interactions: bool = False,
    df: DfRule = "satterthwaite",
    level: float = 0.95,
    rule: GrowthRule = DEFAULT_RULE,
    near: GrowthModel | None = None,
) -> GrowthModel:
    """Fit the growth model of the module's docstring by REML.

    Parameters
    ----------
    frame : ModelFrame
    shape : {"linear", "spline"}
        Of the common course; a spline becomes a line, with a note, where the moments are too few.
    organisation : {False, "fixed", "random"}
        Organisations left out, with their own level and course, or as random level, slope and (spline) bend.
    worker : bool, optional
        Random level and slope per worker. By default with at least ten known workers and on average two
        families per worker; a family without a known one then counts as having one of its own.
    interactions : bool
        Whether the case mix acts differently at each organisation (fixed organisations only).
    df : {"satterthwaite", "kenward-roger", "residual", "normal"}
        Rule of the degrees of freedom.
    level : float
        Confidence level.
    rule : GrowthRule
        Knots, what each family has of its own, and residuals; ``GrowthRule.simple()`` is a straight line per
        family with independent residuals.
    near : GrowthModel, optional
        Of nearly the same measurements: only where the search begins (see ``fit_mixed``).

    Returns
    -------
    GrowthModel

    Raises
    ------
    ModelError
        If the data cannot carry the model.
    """
    if shape not in ("linear", "spline"):
        raise ModelError(f"shape must be 'linear' or 'spline'; found {shape!r}.")
    if organisation not in (False, "fixed", "random"):
        raise ModelError(f"organisation must be False, 'fixed' or 'random'; found {organisation!r}.")
    notes: list[Note] = []
    course, used_shape, bending = _course_part(frame, shape, organisation, rule.knots, notes)
    if interactions and organisation != "fixed":
        raise ModelError("Interactions of case mix and organisation need organisations as fixed effects.")
    fixed = " + ".join([course, *_case_mix_terms(frame, "organisation" if interactions else "")])
    data, with_worker = known_workers(frame.data, worker, notes)
    if bending:
        own = data["organisation"]
        data = data.assign(**{_OWN_BEND: own.where(own.isin(bending), _SHARED)})
    own_bend = organisation == "random" and used_shape == "spline"
    others = other_terms(frame, data, organisation, worker=with_worker, own_bend=own_bend)
    beside = None if near is None else near.fit
    found = fit_by_rule(fixed, others, data, rule, notes, df=df, level=level, near=beside)
    notes += [_readable(note, frame) for note in found.fit.notes if not _is_by_design(note, found.fit)]
    model = GrowthModel(
        frame, found.fit, found.formula, used_shape, organisation, with_worker, tuple(notes), found.families,
        found.correlation, rule, found.residual, found.data,
    )  # fmt: skip
    if used_shape == "linear":
        return replace(model, notes=(*notes, *_bend_notes(model)))
    return model


def _case_mix_terms(frame: ModelFrame, by: str = "") -> list[str]:
    columns = [covariate.column for covariate in frame.covariates]
    terms = [f"{column} + months:{column}" for column in columns]
    return terms + [f"{column}:{by} + months:{column}:{by}" for column in columns if by]


def _is_by_design(note: Note, fit: MixedFit) -> bool:
    """What is no news: a redundant line beside a common spline, and a bend that families do not need.

    Where swings carry on, the bend of the families often has nothing left to do; estimates at such a fit are
    right.
    """
    if note.code in ("singular_fit", "zero_variance", "design_degrees_of_freedom"):
        singular = [face for face in fit.solution.faces if face.is_singular]
        idle = [face.group for face in singular if face.group == "family" and face.rank >= _NEEDED_RANK]
        return len(idle) == len(singular) or (bool(idle) and note.values.get("group") == "family")
    if note.code in ("removed_margin", "numbers_as_levels"):
        return True  # about tests that are not made here, and about codes that are meant as such
    if f":{_OWN_BEND}[" in str(note.values.get("columns", "")):
        return note.code == "aliased_columns"
    columns = str(note.values.get("columns", "")).split(", ")
    return note.code == "aliased_columns" and all(name.startswith(_OWN_LINES) for name in columns)


def _bend_notes(model: GrowthModel) -> list[Note]:
    """A caution where the mean course bends: the straight line against a spline that contains it."""
    frame, rule = model.frame, model.rule
    n_knots = min(KNOTS, _different_months(frame))
    if n_knots < _FEWEST_KNOTS or not model.converged:
        return []
    if n_knots < KNOTS or not isinstance(rule.knots, str):
        rule = replace(rule, knots="root")
    months = frame.data["months"].to_numpy(dtype=float)
    terms = [spline_term(months, rule.knots, n_knots=n_knots), *_case_mix_terms(frame)]
    rule = replace(rule, families=model.families)
    others = other_terms(frame, frame.data, False, worker=False, own_bend=False)
    curve = fit_by_rule(" + ".join(terms), others, frame.data, rule, [], df="satterthwaite", level=0.95).fit
    last = float(months.max())
    moments = np.linspace(0.0, last, KNOTS + 1)
    average: dict[str, list[float]] = {covariate.column: [0.0] for covariate in frame.covariates}
    rows = curve.mean_combinations("months", at={"months": moments.tolist(), **average})
    share = (moments / last)[1:-1, None]
    test = curve.test(rows[1:-1] - (1 - share) * rows[0] - share * rows[-1])
    if not test.p_value < _BEND:
        return []
    return [
        Note(
            "course_bends",
            "The mean course is not a straight line, so the changes that a line gives are too small at some "
            f"moments and too large at others. With {KNOTS} different months or more, shape='spline' draws "
            "it as a curve.",
            {"p_value": test.p_value},
            "caution",
        )
    ]


def _readable(note: Note, frame: ModelFrame) -> Note:
    """The engine's note for a reader who knows the study's columns, not the model's."""
    if note.code == "design_degrees_of_freedom":
        # Its list of terms holds organisation codes, which are nobody's names.
        text = (
            "A variance between groups of families is estimated as zero. It may be there all the same, so "
            "the degrees of freedom are the cautious ones of the design."
        )
        return Note(note.code, text, {}, note.level)
    names = {covariate.column: covariate.name for covariate in frame.covariates}

    def rename(text: str) -> str:
        return re.sub(r"covariate_\d+", lambda found: names.get(found[0], found[0]), text)

    values = {key: rename(value) if isinstance(value, str) else value for key, value in note.values.items()}
    return replace(note, text=rename(note.text), values=values)


def _course_part(
    frame: ModelFrame,
    shape: Shape,
    organisation: OrganisationRole,
    knots: KnotRule | tuple[float, ...],
    notes: list[Note],
) -> tuple[str, Shape, list[str]]:
    """The common course and that of organisations, the shape that the months allow, and the organisations
    whose course bends in its own way where others' do not.
    """
    n_months = _different_months(frame)
    if shape == "spline" and n_months < KNOTS:
        shape = "linear"
        notes.append(
            Note(
                "straight_line",
                f"The course is drawn as a straight line: a curve needs measurements in {KNOTS} different "
                f"months (or waves), and there are {n_months}.",
                {"n_months": n_months, "needed": KNOTS},
            )
        )
    months = frame.data["months"].to_numpy(dtype=float)
    time = "months" if shape == "linear" else spline_term(months, knots, until=frame.until)
    if organisation != "fixed":
        return time, shape, []
    bending = [] if shape == "linear" else _with_a_bend(frame, knots)
    n, n_all = len(bending), len(frame.organisations)
    if shape == "linear" or n == n_all:
        return f"{time} * organisation", shape, []
    families = _FOR_OWN_BEND * (frame.minimum_measured or 0)
    if not bending:
        notes.append(
            Note(
                "shared_bend",
                f"Organisations have fewer than {families} families, were measured in fewer than {KNOTS} "
                "different months, or not up to the month asked for, so all organisations share the bend of "
                "the course and differ from it along a straight line.",
                {"needed": KNOTS, "families_needed": families},
            )
        )
        return f"{time} + organisation + {_OWN_LINES}", shape, []
    notes.append(
        Note(
            "small_share_bend",
            f"{n_all - n} of {n_all} organisations have fewer than {families} families, were measured in "
            f"fewer than {KNOTS} different months, or not up to the month asked for: they share the bend of "
            "the course and differ from it along a straight line.",
            {
                "n_organisations": n_all - n,
                "all_organisations": n_all,
                "needed": KNOTS,
                "families_needed": families,
            },
        )
    )
    return f"{time} + organisation + {time}:{_OWN_BEND} + {_OWN_LINES}", shape, bending


def _different_months(frame: ModelFrame) -> int:
    """Whole months with measurements."""
    return int(frame.data["months"].round().nunique())


def _with_a_bend(frame: ModelFrame, knots: KnotRule | tuple[float, ...]) -> list[str]:
    """The organisations large enough for a bend of their own, and measured at enough moments to see it.

    The knots are those of all measurements together. Seen is a curve whose value at the start, half-way and
    at the month asked for varies no more than a single measurement does: a (B'B)^-1 a' at most 1, B the
    organisation's rows of the basis.
    """
    different = frame.data["months"].round().groupby(frame.data["organisation"]).nunique()
    enough = _FOR_OWN_BEND * (frame.minimum_measured or 0)
    sizes = frame.families_of
    large = [code for code in frame.organisations if different[code] >= KNOTS and sizes[code] >= enough]
    if not large:
        return []
    months = frame.data["months"].to_numpy(dtype=float)
    memory: dict[str, Any] = {}
    last = min(float(months.max()), np.inf if frame.until is None else frame.until)
    at = spline_knots(months, until=frame.until) if knots == "root" else knots
    given = None if isinstance(at, str) else at
    basis = natural_spline_basis(months, memory, df=KNOTS, knots=given, name="months")
    asked = natural_spline_basis(np.array([0.0, last / 2, last]), memory, name="months")
    rows = frame.data.groupby("organisation").indices
    seen = []
    for code in large:
        _, size, directions = np.linalg.svd(basis[rows[code]], full_matrices=False)
        spread = (asked @ directions.T) / np.maximum(size, np.finfo(float).tiny)
        if np.all(np.sum(spread**2, axis=1) <= 1.0):
            seen.append(code)
    return seen
