"""What can be wrong with a formula on these data, in words, and the notes about what was left out."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import FormulaError, ModelError, Note
from mpg_research.mixed.covariance.protocol import ResidualStructure
from mpg_research.mixed.covariance.registered import STRUCTURES
from mpg_research.mixed.design.columns import ColumnData, missing_rows
from mpg_research.mixed.formula.parsed_terms import ParsedFormula
from mpg_research.mixed.formula.tokens import Call, Name, fail, names_in, render
from mpg_research.mixed.problem import RandomTerm

__all__ = [
    "aliased_notes",
    "check_arguments",
    "check_coefficient_names",
    "check_groups",
    "check_names",
    "check_numbers",
    "check_size",
    "missing_notes",
    "one_level_notes",
    "residual_parts",
]


#: What the fixed columns may leave of a random column, relative to its length, to count as spanning it.
SATURATED = 1e-8


def check_names(parsed: ParsedFormula, data: pd.DataFrame) -> None:
    """Refuse data that are no frame and names that are no column."""
    if not isinstance(data, pd.DataFrame):
        raise ModelError(f"The data must be a pandas DataFrame; found {type(data).__name__}.")
    known = [column for column in data.columns if isinstance(column, str)]
    present = set(known)
    for name in parsed.columns:
        if name.name not in present:
            close = get_close_matches(name.name, known, n=1)
            listed = ", ".join(known[:15]) + (" ..." if len(known) > 15 else "")
            hint = f"did you mean {close[0]!r}?" if close else f"the columns are {listed}."
            fail(name.token, f"the data have no column {name.name!r}; {hint}")
    if not len(data):
        raise ModelError("The data have no rows; there is nothing to fit.")


def check_arguments(
    data: pd.DataFrame,
    weights: str | None,
    extra_columns: tuple[str, ...],
    reference: Mapping[str, Any] | None,
    missing: str,
) -> None:
    """Refuse column names in other arguments that the data do not have."""
    if missing not in ("drop", "error"):
        raise ModelError(f"missing must be 'drop' or 'error'; found {missing!r}.")
    if weights is not None and not isinstance(weights, str):
        raise ModelError(f"weights must be the name of a column; found a {type(weights).__name__}.")
    if reference is not None and not isinstance(reference, Mapping):
        raise ModelError(
            f"reference must map columns to levels, such as {{'arm': 'usual'}}; found {reference!r}."
        )
    for what, names in (
        ("weights", (weights,) if weights is not None else ()),
        ("residual", extra_columns),
        ("reference", tuple(reference or ())),
    ):
        for name in names:
            if name not in data.columns:
                raise ModelError(f"{what} names the column {name!r}, which the data do not have.")


def residual_parts(residual: Any) -> tuple[ResidualStructure, ...]:
    """What a residual structure consists of, what ties residuals together first; anything else is refused."""
    if residual is None:
        return ()
    if isinstance(residual, ResidualStructure):
        return (residual,)
    given = tuple(residual) if isinstance(residual, tuple | list) else ()
    known = [part for part in given if isinstance(part, ResidualStructure)]
    tied = [part for part in known if part.series is not None]
    free = [part for part in known if part.series is None]
    if len(given) != 2 or len(tied) != 1 or len(free) != 1:
        raise ModelError(
            f"residual must be one of {', '.join(one.usage for one in STRUCTURES)}, or a tuple of one "
            f"structure of the series and one VarianceBy; found {residual!r}."
        )
    return (*tied, *free)


def check_groups(parsed: ParsedFormula, parts: tuple[ResidualStructure, ...]) -> None:
    """Refuse a formula without a random term where no residual structure ties rows together either."""
    if not parsed.random and all(part.series is None for part in parts):
        raise FormulaError(
            "The formula has no random term; expected at least one, such as (1 | family), or a residual "
            f'structure of series, such as residual=CompoundSymmetry(within="family"). Found: {parsed.text}'
        )


def check_numbers(parsed: ParsedFormula, factors: list[Any], columns: Mapping[str, ColumnData]) -> None:
    """Text columns cannot stand in arithmetic, nor be the outcome."""
    for factor in [parsed.response, *factors]:
        plain = isinstance(factor, Name) and factor is not parsed.response
        if plain or (isinstance(factor, Call) and factor.function == "C"):
            continue
        for name in names_in(factor):
            if columns[name.name].kind == "categorical":
                what = "the outcome" if factor is parsed.response else render(factor)
                fail(
                    name.token,
                    f"{what} needs numbers, but this column holds text or categories.",
                )


def check_size(y: FloatArray, x: FloatArray, random: tuple[RandomTerm, ...]) -> None:
    """Refuse too few rows, a constant outcome, and grouping factors that cannot carry a random term."""
    if len(y) <= x.shape[1]:
        raise ModelError(
            f"There are {len(y)} usable rows for {x.shape[1]} fixed coefficients; more rows are needed."
        )
    if np.all(y == y[0]):
        raise ModelError(
            f"The outcome has the same value ({y[0]:g}) in all {len(y)} rows; there is nothing to model."
        )
    for term in random:
        if len(term.levels) < 2:
            raise ModelError(
                f"The grouping factor {term.group!r} has {len(term.levels)} group; "
                "at least 2 are needed for a random term."
            )
        if len(term.levels) >= len(y) and term.term_names == ("Intercept",):
            raise ModelError(
                f"The grouping factor {term.group!r} has a group for every row ({len(y)}): its random "
                "intercept cannot be told apart from the residual. Leave the term out or group differently."
            )
        for k, name in enumerate(term.term_names):
            if not term.z[:, k].any():
                raise ModelError(
                    f"{name} is zero in every row, so that ({name} | {term.group}) says nothing; "
                    "leave it out."
                )
            if len(term.levels) <= x.shape[1] and _saturates(x, term, k):
                written = "1" if name == "Intercept" else f"0 + {name}"
                raise ModelError(
                    f"The fixed part already gives each of the {len(term.levels)} groups of {term.group!r} "
                    f"its own value of {name}, so a random one cannot be estimated beside it. Leave "
                    f"({written} | {term.group}) out, or take the groups out of the fixed part."
                )


def _saturates(x: FloatArray, term: RandomTerm, k: int) -> bool:
    """Whether the fixed columns span a random column within every group separately."""
    own = np.zeros((len(x), len(term.levels)))
    own[np.arange(len(x)), term.codes] = term.z[:, k]
    rest = own - x @ np.linalg.lstsq(x, own, rcond=None)[0]
    return bool(np.linalg.norm(rest) <= SATURATED * np.linalg.norm(own))


def check_coefficient_names(x_names: Sequence[str], random: tuple[RandomTerm, ...]) -> None:
    """Refuse two coefficients, or two columns of one random term, of the same name."""
    for names in (x_names, *(term.term_names for term in random)):
        twice = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
        if twice:
            raise ModelError(
                f"Two coefficients of the model would be called {twice[0]!r}; give the column another name."
            )


def one_level_notes(columns: Iterable[ColumnData]) -> tuple[Note, ...]:
    """A note for each categorical column of the fixed part that has one level only."""
    found = [column for column in columns if column.kind == "categorical" and len(column.levels) == 1]
    return tuple(
        Note(
            "one_level",
            f"{column.name} has one level only ({column.levels[0]}) in the rows used, so it has no effect to "
            "estimate.",
            {"column": column.name},
            "caution",
        )
        for column in found
    )


def missing_notes(
    data: pd.DataFrame, rows: NDArray[np.bool_], needed: Mapping[str, None], missing: str
) -> tuple[Note, ...]:
    """A note with the number of incomplete rows and the columns behind it; an error if asked for."""
    dropped = len(rows) - int(rows.sum())
    if not dropped:
        return ()
    counts = {name: int(missing_rows(data, [name]).sum()) for name in needed}
    detail = ", ".join(f"{name}: {count}" for name, count in counts.items() if count)
    if missing == "error":
        raise ModelError(f"{dropped} of {len(rows)} rows miss a value that the model needs ({detail}).")
    if dropped == len(rows):
        raise ModelError(f"No row is complete in the columns of the model ({detail}); nothing can be fitted.")
    text = f"{dropped} of {len(rows)} rows were left out because a value is missing ({detail})."
    return (
        Note("rows_dropped", text, {"n_dropped": dropped, "n_rows": len(rows), "missing_by_column": detail}),
    )


def aliased_notes(aliased: tuple[str, ...]) -> tuple[Note, ...]:
    """A note that names the columns other columns determine."""
    if not aliased:
        return ()
    text = (
        f"Left out of the model because other columns determine them: {', '.join(aliased)}. "
        "Their effects cannot be told apart from those of the columns that stayed."
    )
    return (Note("aliased_columns", text, {"columns": ", ".join(aliased)}, "caution"),)
