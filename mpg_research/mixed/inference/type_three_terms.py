"""Which combinations of coefficients a term stands for: type III tests that do not depend on coding."""

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.design.build import Design
from mpg_research.mixed.design.coding import build_matrix
from mpg_research.mixed.formula.tokens import Name, names_in
from mpg_research.mixed.problem import MixedProblem

__all__ = ["term_matrix", "term_names"]


#: What two sets of columns may differ in, relative to their length, to count as spanning the same space.
SAME_SPACE = 1e-8


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
    coded, owners = _sum_coded(design, problem)
    kept = design.kept.tolist()
    dropped = {owners[column] for column in range(coded.shape[1]) if column not in set(kept)}
    own_key = design.formula.fixed[index].key
    if any(own_key < design.formula.fixed[owner].key for owner in dropped):
        raise ModelError(
            f"{name}: the data lack some combinations of levels, so the type III hypothesis is not defined. "
            "Test chosen contrasts with test(L), or leave out the interaction."
        )
    if len(term_names(design)) == 1:
        return _only_term(design, problem, index)
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


def _sum_coded(design: Design, problem: MixedProblem) -> tuple[FloatArray, tuple[int, ...]]:
    """The model matrix by sum-to-zero contrasts, and the term of each column.

    A boolean that stands in terms as it is becomes -1/2 and 1/2, where that spans the same space.
    """
    values = {key: column.values for key, column in design.columns.items()}
    factors = [factor for term in design.formula.fixed for factor in term.factors]
    inside = {name.name for f in factors if not isinstance(f, Name) for name in names_in(f)}
    booleans = [c for c in design.fixed_columns if c.kind == "boolean" and c.name not in inside]
    centred = values | {column.name: column.values - 0.5 for column in booleans}
    coded, _, owners = build_matrix(design.fixed, centred, len(problem.y), coding="sum")
    if booleans:
        kept = coded[:, design.kept]
        rest = problem.x - kept @ np.linalg.lstsq(kept, problem.x, rcond=None)[0]
        if np.linalg.norm(rest) > SAME_SPACE * np.linalg.norm(problem.x):
            coded = build_matrix(design.fixed, values, len(problem.y), coding="sum")[0]
    return coded, owners


def _only_term(design: Design, problem: MixedProblem, index: int) -> FloatArray:
    """All coefficients of the only term, in the rows that lmerTest takes there: those of type I.

    Unit upper triangular U with X'X = U'DU.
    """
    upper = np.linalg.qr(problem.x, mode="r")
    own = [place for place, owner in enumerate(design.term_of_column) if owner == index]
    return np.asarray((upper / np.diagonal(upper)[:, None])[own])


def _find_term(design: Design, name: str) -> int | None:
    names = design.fixed.terms
    if name in names:
        return names.index(name)
    wanted = sorted(part.strip() for part in name.split(":"))
    for index, term in enumerate(names):
        if sorted(term.split(":")) == wanted:
            return index
    return 0 if name == "Intercept" and names and names[0] == "1" else None
