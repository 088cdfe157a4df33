"""Tables of a fit: fixed effects, variances, conditional modes, and the notes in plain words."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, Note
from mpg_research.mixed.distributions import normal_quantile
from mpg_research.mixed.html_table import html_table
from mpg_research.mixed.problem import MixedProblem
from mpg_research.mixed.search.solution import BoundaryFace, MixedSolution

__all__ = ["Convergence", "RandomEffects", "fit_notes", "random_effects", "variance_table"]


@dataclass(frozen=True, slots=True)
class Convergence:
    """Whether the optimiser reached the optimum, in words.

    Attributes
    ----------
    converged : bool
        True also where theta was given: nothing was to converge.
    message : str
    n_evaluations : int
        Of the objective with its gradient.
    largest_gradient : float
        Of the deviance in the engine's scale-free parameters.
    """

    converged: bool
    message: str
    n_evaluations: int
    largest_gradient: float

    def __bool__(self) -> bool:
        return self.converged

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """Conditional modes (BLUPs) of one grouping factor.

    Attributes
    ----------
    group : str
    terms : tuple of str, length q
    levels : tuple, length g
    modes : array, shape (g, q)
        In the unit of the outcome (per unit of the term).
    covariances : array, shape (g, q, q)
        Conditional covariances given the data and the estimated parameters; NaN between terms that
        were written as separate random terms.
    level : float
        Of the limits in ``frame``.
    """

    group: str
    terms: tuple[str, ...]
    levels: tuple[Any, ...]
    modes: FloatArray = field(repr=False)
    covariances: FloatArray = field(repr=False)
    level: float = 0.95

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def std_errors(self) -> FloatArray:
        """Conditional standard deviations, shape (g, q)."""
        return np.sqrt(np.maximum(np.diagonal(self.covariances, axis1=1, axis2=2), 0.0))

    @property
    def frame(self) -> pd.DataFrame:
        """One row per level and term: level, term, estimate, std_error, conf_low, conf_high."""
        q = len(self.terms)
        std_error = self.std_errors.ravel()
        half = normal_quantile(0.5 + self.level / 2) * std_error
        estimate = self.modes.ravel()
        return pd.DataFrame(
            {
                "level": [level for level in self.levels for _ in range(q)],
                "term": list(self.terms) * len(self.levels),
                "estimate": estimate,
                "std_error": std_error,
                "conf_low": estimate - half,
                "conf_high": estimate + half,
            }
        )

    @property
    def table(self) -> pd.DataFrame:
        """The modes, one row per level (the index) and one column per term."""
        index = pd.Index(list(self.levels), name=self.group)
        return pd.DataFrame(self.modes, index=index, columns=list(self.terms))

    def _repr_html_(self) -> str:
        return html_table(self.table, f"Conditional modes of {self.group}")


def variance_table(solution: MixedSolution) -> pd.DataFrame:
    """Variances and covariances of the random effects, one row each.

    Returns
    -------
    DataFrame
        group, term_1, term_2, covariance, sd, correlation. A variance has twice the same term, its
        sd, and no correlation; a covariance has its correlation and no sd.
    """
    rows: list[dict[str, Any]] = []
    for index, term in enumerate(solution.problem.random):
        covariance = solution.random_covariance(index)
        sd = np.sqrt(np.diagonal(covariance))
        for i, name in enumerate(term.term_names):
            rows.append(_variance_row(term.group, name, name, covariance[i, i], sd[i], np.nan))
        for i, j in zip(*term.structure.free(len(sd)), strict=True):
            if i == j:
                continue
            both = sd[i] * sd[j]
            correlation = float(np.clip(covariance[i, j] / both, -1, 1)) if both > 0 else np.nan
            names = term.term_names[j], term.term_names[i]
            rows.append(_variance_row(term.group, *names, covariance[i, j], np.nan, correlation))
    return pd.DataFrame(rows, columns=["group", "term_1", "term_2", "covariance", "sd", "correlation"])


def _variance_row(
    group: str, first: str, second: str, covariance: float, sd: float, correlation: float
) -> dict[str, Any]:
    return {
        "group": group,
        "term_1": first,
        "term_2": second,
        "covariance": float(covariance),
        "sd": float(sd),
        "correlation": correlation,
    }


def find_group(problem: MixedProblem, group: str) -> list[int]:
    """Indices of the random terms of a grouping factor; ``a:b`` also matches ``b:a``, and lme4's ``c:(b:a)``.

    Raises
    ------
    ModelError
    """
    found = [index for index, term in enumerate(problem.random) if term.group == group]
    if not found and isinstance(group, str):
        parts = sorted(group.replace("(", "").replace(")", "").split(":"))
        found = [i for i, term in enumerate(problem.random) if sorted(term.group.split(":")) == parts]
    if not found:
        known = ", ".join(dict.fromkeys(repr(term.group) for term in problem.random))
        raise ModelError(f"The model has no random term for {group!r}; it has {known}.")
    return found


def random_effects(solution: MixedSolution, group: str, level: float) -> RandomEffects:
    """Conditional modes of one grouping factor, with their conditional covariances."""
    indices = find_group(solution.problem, group)
    parts = [solution.conditional_modes(index) for index in indices]
    terms = [solution.problem.random[index] for index in indices]
    names = tuple(name for term in terms for name in term.term_names)
    if not names:
        raise ModelError(
            f"The model has no random effects of {group!r}, only a residual structure within it."
        )
    modes = np.hstack([part[0] for part in parts])
    covariances = np.full((len(modes), len(names), len(names)), np.nan)
    start = 0
    for _, own in parts:
        stop = start + own.shape[1]
        covariances[:, start:stop, start:stop] = own
        start = stop
    return RandomEffects(terms[0].group, names, terms[0].levels, modes, covariances, level)


def fit_notes(solution: MixedSolution) -> tuple[Note, ...]:
    """What a reader must know about the optimum: no convergence, or a fit on the boundary."""
    notes: list[Note] = []
    if not solution.converged:
        text = (
            f"The fit did not converge ({solution.message}); its numbers must not be used. "
            "Simplify the random part (fewer slopes, or || instead of |), or centre and rescale "
            "the predictors."
        )
        notes.append(Note("not_converged", text, {"reason": solution.message}, "stop"))
    for face in solution.faces:
        if face.is_singular:
            notes.append(_singular_note(face))
    structure = solution.problem.residual
    if structure is not None:
        for kind, name in structure.faces(solution.engine.delta(solution.internal)):
            text, level = _RESIDUAL_FACES.get(kind, AT_AN_END)
            notes.append(Note(kind, text.format(name=name), {"name": name}, level))
    return tuple(notes)


#: What is said of an end that a structure of one's own has given a name of its own.
AT_AN_END: tuple[str, Literal["info", "caution"]] = (
    "A parameter of the residual structure is estimated at an end of what it can be ({name}); its own "
    "uncertainty is not known.",
    "caution",
)
_RESIDUAL_FACES: dict[str, tuple[str, Literal["info", "caution"]]] = {
    "zero_correlation": (
        "The correlation between successive residuals is estimated as zero ({name}): what is left over at "
        "one moment says nothing about the next. The model is then that without the correlation.",
        "info",
    ),
    "zero_measurement_error": (
        "No measurement error beside the correlation was found ({name} is estimated as zero): the model is "
        "then that of the correlation alone.",
        "info",
    ),
    "unit_correlation": (
        "The correlation between successive residuals is estimated as almost one ({name}): what is left over "
        "hardly changes within a series and can hardly be told from a level of its own. Judge the random "
        "part and the correlation together, or leave one of them out.",
        "caution",
    ),
    "lowest_correlation": (
        "The correlation of the residuals of one series is estimated as low as it can be ({name}): what is "
        "left over adds up to nearly zero in every one of the longest series. See whether the outcome is a "
        "share of a fixed total.",
        "caution",
    ),
    "zero_residual_variance": (
        "The residual variance of a stratum is estimated as zero ({name}): the other effects reproduce its "
        "rows exactly. Its variance says nothing; give the stratum more rows, or one variance with another.",
        "caution",
    ),
}


def _singular_note(face: BoundaryFace) -> Note:
    zero = ", ".join(face.zero_sd)
    values: dict[str, str | int | float | bool] = {
        "group": face.group,
        "zero_sd": zero,
        "rank": face.rank,
        "size": face.size,
    }
    if zero and face.rank == face.size - len(face.zero_sd):
        text = (
            f"No variation between the groups of {face.group!r} was found in {zero}: its standard "
            "deviation is estimated as zero. That is not proof that there is none; "
            "with few groups it happens by chance."
        )
        return Note("zero_variance", text, values, "caution")
    text = (
        f"The random effects of {face.group!r} ({', '.join(face.term_names)}) are estimated as perfectly "
        f"dependent on each other ({face.rank} of {face.size} dimensions left): the data do not "
        "carry so rich a random part."
    )
    return Note("singular_fit", text, values, "caution")
