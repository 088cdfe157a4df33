"""From a frame of clients to the numbers of a provider comparison."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import DataError, Note

__all__ = ["Missing", "ProviderData", "provider_data"]

Missing = Literal["refuse", "drop"]


@dataclass(frozen=True, slots=True)
class ProviderData:
    """What a comparison of g providers is computed from.

    Attributes
    ----------
    outcome : ndarray, shape (n,)
    codes : ndarray of int, shape (n,)
        Provider of each client: its place in ``providers``.
    providers : list, length g
        Identifiers as in the data, sorted.
    case_mix : ndarray, shape (n, k)
    labels : tuple of str, length k
        ``column``, or ``column=level`` for an indicator; the first level in the order of the categories (of
        text: the alphabet) has none.
    notes : tuple of Note
        Rows and columns that were left out.
    """

    outcome: FloatArray
    codes: NDArray[np.intp]
    providers: list[Any]
    case_mix: FloatArray
    labels: tuple[str, ...]
    notes: tuple[Note, ...]

    @property
    def binary(self) -> bool:
        """Whether the outcome is yes or no: 0 and 1, and both occur."""
        return bool(np.all((self.outcome == 0) | (self.outcome == 1)) and np.ptp(self.outcome) > 0)

    def between(self) -> NDArray[np.bool_]:
        """Which columns of the case mix are the same for all clients of a provider, shape (k,)."""
        first = np.zeros(len(self.providers), dtype=np.intp)
        first[self.codes[::-1]] = np.arange(len(self.codes))[::-1]
        result: NDArray[np.bool_] = np.all(self.case_mix == self.case_mix[first[self.codes]], axis=0)
        return result


def provider_data(
    data: pd.DataFrame, outcome: str, provider: str, case_mix: tuple[str, ...], *, missing: Missing
) -> ProviderData:
    """Check and code the columns of a comparison.

    Raises
    ------
    DataError
        If a column is missing, holds missing values that are not to be dropped, or an outcome that is no
        number.
    """
    wanted = (outcome, provider, *case_mix)
    absent = [name for name in wanted if name not in data.columns]
    if absent:
        raise DataError(
            f"The data have no column {', '.join(map(repr, absent))}; found {list(map(str, data.columns))}."
        )
    notes: list[Note] = []
    used = _complete(data[list(dict.fromkeys(wanted))], missing, notes)
    codes, found = _identifiers(used[provider])
    columns, labels = _columns(used, case_mix, notes)
    x = np.column_stack(columns) if columns else np.zeros((len(used), 0))
    return ProviderData(_numbers(used[outcome]), codes, found, x, tuple(labels), tuple(notes))


def _complete(data: pd.DataFrame, missing: Missing, notes: list[Note]) -> pd.DataFrame:
    gaps = data.isna()
    columns = [str(name) for name in data.columns if gaps[name].any()]
    if not columns:
        return data
    listed = ", ".join(map(repr, columns))
    if missing == "refuse":
        raise DataError(
            f"Values are missing in {listed}. Leave those rows out (missing='drop' does so, and says how "
            "many), or fill them in, before comparing."
        )
    kept = data[~gaps.any(axis=1)]
    if kept.empty:
        raise DataError(f"Every row has a missing value in one of {listed}, so nothing is left to compare.")
    lost = len(data) - len(kept)
    text = f"Left out: {lost} of {len(data)} clients with a missing value in {listed}."
    notes.append(Note("clients_left_out", text, {"n": lost, "n_all": len(data)}, "caution"))
    return kept


def _numbers(values: pd.Series) -> FloatArray:
    try:
        numbers: FloatArray = values.to_numpy(dtype=float)
    except (TypeError, ValueError):
        example = values.iloc[0]
        raise DataError(
            f"The outcome {values.name!r} must hold numbers; found {example!r} in its first row."
        ) from None
    return numbers


def _identifiers(values: pd.Series) -> tuple[NDArray[np.intp], list[Any]]:
    try:
        codes, found = pd.factorize(values, sort=True)
    except TypeError:
        codes, found = pd.factorize(values.astype(str), sort=True)
    return np.asarray(codes, dtype=np.intp), list(found)


def _columns(
    data: pd.DataFrame, names: tuple[str, ...], notes: list[Note]
) -> tuple[list[FloatArray], list[str]]:
    columns: list[FloatArray] = []
    labels: list[str] = []
    for name in names:
        values = data[name]
        if values.nunique() < 2:
            text = f"{name} is the same for all clients and was left out."
            notes.append(Note("constant_case_mix", text, {"name": name}))
            continue
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            columns.append(values.to_numpy(dtype=float))
            labels.append(name)
            continue
        for level in _levels(values)[1:]:
            columns.append((values == level).to_numpy(dtype=float))
            labels.append(f"{name}={level}")
    return columns, labels


def _levels(values: pd.Series) -> list[Any]:
    """Levels that occur, in the order of the categories or of their texts."""
    present = set(values.unique())
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [level for level in values.cat.categories if level in present]
    return sorted(present, key=str)
