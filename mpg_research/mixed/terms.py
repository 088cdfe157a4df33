"""Which combinations of coefficients a term stands for: type III tests that do not depend on coding."""

import numpy as np
from numpy.typing import NDArray

from mpg_research.errors import ModelError
from mpg_research.mixed.coding import build_matrix
from mpg_research.mixed.design import Design
from mpg_research.mixed.problem import MixedProblem

__all__ = ["term_matrix", "term_names"]

FloatArray = NDArray[np.float64]


def term_names(design: Design) -> tuple[str, ...]:
    """Names of the fixed terms that have a column in the model, without the intercept."""
    present = sorted(set(design.term_of_column))
    return tuple(design.fixed.terms[index] for index in present if design.fixed.terms[index] != "1")


def term_matrix(design: Design, problem: MixedProblem, name: str) -> FloatArray:
    """The matrix L of the type III hypothesis of a term, or of one coefficient, shape (q, p).

    Parameters
    ----------
    design : Design
    problem : MixedProblem
    name : str
        ``"months:organisation"`` (the order of the factors does not matter), or a coefficient's name.

    Raises
    ------
    ModelError
        If neither a term nor a coefficient has that name.

    Notes
    -----
    With X_s the same model coded by sum-to-zero contrasts, X_s beta_s = X beta. The hypothesis is that
    the entries of beta_s of the term are zero, so L is those rows of (X_s'X_s)^-1 X_s'X. They are turned
    so that each row is about one coefficient of the term, as in lmerTest: Satterthwaite's degrees of
    freedom of a joint test depend (slightly) on that choice.
    """
    index = _find_term(design, name)
    if index is None:
        if name in problem.x_names:
            return np.eye(len(problem.x_names))[[problem.x_names.index(name)]]
        known = ", ".join(repr(term) for term in term_names(design))
        raise ModelError(f"The model has no fixed term or coefficient {name!r}; its terms are {known}.")
    values = {key: column.values for key, column in design.columns.items()}
    coded, _, owners = build_matrix(design.fixed, values, len(problem.y), coding="sum")
    kept = design.kept.tolist()
    dropped = {owners[column] for column in range(coded.shape[1]) if column not in set(kept)}
    own_key = design.formula.fixed[index].key
    if any(own_key < design.formula.fixed[owner].key for owner in dropped):
        raise ModelError(
            f"{name}: the data lack some combinations of levels, so the type III hypothesis is not defined. "
            "Test chosen contrasts with test(L), or leave out the interaction."
        )
    coded = coded[:, kept]
    transform = np.linalg.lstsq(coded, problem.x, rcond=None)[0]
    transform[np.abs(transform) < 1e-10 * np.abs(transform).max()] = 0.0
    mine = [row for row, column in enumerate(kept) if owners[column] == index]
    if not mine:
        raise ModelError(
            f"{name}: every column of this term was left out of the model; there is nothing to test."
        )
    rows = transform[mine]
    own = [place for place, owner in enumerate(design.term_of_column) if owner == index]
    square = len(own) == len(rows) and np.linalg.cond(rows[:, own]) < 1e8
    return np.asarray(np.linalg.solve(rows[:, own], rows) if square else rows)


def _find_term(design: Design, name: str) -> int | None:
    names = design.fixed.terms
    if name in names:
        return names.index(name)
    wanted = sorted(part.strip() for part in name.split(":"))
    for index, term in enumerate(names):
        if sorted(term.split(":")) == wanted:
            return index
    return 0 if name == "Intercept" and names and names[0] == "1" else None
