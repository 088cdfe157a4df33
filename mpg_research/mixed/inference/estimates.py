"""Tables of estimates that can be compared with each other: means, slopes and their contrasts."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.design.estimability import Estimability
from mpg_research.mixed.distributions import t_p_value, t_quantile
from mpg_research.mixed.html_table import html_table
from mpg_research.mixed.inference.tests import COLUMNS, Inference, JointTest, estimate_rows, joint_test
from mpg_research.mixed.studentized_range import range_quantile, range_tail

__all__ = ["Estimates", "make_estimates"]

Adjust = Literal["holm", "tukey", "none"]
ADJUSTMENTS = ("holm", "tukey", "none")


@dataclass(frozen=True, slots=True)
class Estimates:
    """Linear combinations of the fixed effects, with what identifies each.

    Attributes
    ----------
    frame : DataFrame
        Key columns, then ``estimate, std_error, df, statistic, p_value, conf_low, conf_high``.
    matrix : array, shape (rows, p)
        The combination behind each row: estimate = matrix @ beta; NaN where the data cannot estimate it.
    covariance : array, shape (rows, rows)
        Of the estimates.
    compared : tuple of str
        Key columns that contrasts compare.
    within : tuple of str
        Key columns within which contrasts compare.
    level : float
        Of the confidence limits.
    adjust : str
        How p-values and limits were corrected for the number of comparisons.

    Notes
    -----
    Whether the data can estimate something is judged of every row for itself: two means that they cannot
    estimate can have a difference that they can.
    """

    frame: pd.DataFrame
    matrix: FloatArray = field(repr=False)
    covariance: FloatArray = field(repr=False)
    compared: tuple[str, ...]
    within: tuple[str, ...]
    level: float
    inference: Inference = field(repr=False)
    # The same combinations over all columns of the formula, how large they are, and what can be estimated.
    _full: FloatArray = field(repr=False)
    _size: FloatArray = field(repr=False)
    _estimability: Estimability = field(repr=False)
    adjust: str = "none"

    def __getitem__(self, column: str) -> pd.Series:
        return self.frame[column]

    @property
    def columns(self) -> pd.Index:
        """Names of the columns of the frame."""
        return self.frame.columns

    def __len__(self) -> int:
        return len(self.frame)

    def __iter__(self) -> Iterator[str]:
        return iter(self.frame.columns)

    def _repr_html_(self) -> str:
        return html_table(self.frame.set_index(self.frame.columns[0]), "Estimates")

    def contrasts(
        self,
        *,
        adjust: Adjust = "holm",
        method: Literal["pairwise", "reference", "mean"] = "pairwise",
        within: tuple[str, ...] | None = None,
    ) -> "Estimates":
        """Differences between the rows.

        Parameters
        ----------
        adjust : {"holm", "tukey", "none"}
            Correction of p-values for the number of comparisons, within each set that is compared.
            Limits go with it: Tukey's for "tukey", Bonferroni's for "holm" (Holm has none of its own).
        method : {"pairwise", "reference", "mean"}
            Every pair (first minus second); each against the first; each against the plain average.
        within : tuple of str, optional
            Compare only rows that agree on these key columns; by default those given in ``at`` or ``by``.

        Returns
        -------
        Estimates
            Key columns: ``contrast``, ``level_1``, ``level_2`` and the columns of ``within``.

        Raises
        ------
        ModelError
            If there is nothing to compare, or an option is unknown.
        """
        if adjust not in ADJUSTMENTS:
            raise ModelError(f"adjust must be one of {', '.join(ADJUSTMENTS)}; found {adjust!r}.")
        if adjust == "tukey" and method != "pairwise":
            raise ModelError("Tukey's correction is for all pairs; use adjust='holm' with other comparisons.")
        within = self.within if within is None else tuple(within)
        unknown = [name for name in within if name not in self.compared + self.within]
        if unknown:
            raise ModelError(f"within names {unknown[0]!r}, which is not a key column of these estimates.")
        compared = tuple(name for name in self.compared + self.within if name not in within)
        keys, rows, sets = self._differences(compared, within, method)
        if not rows:
            raise ModelError("There is nothing to compare: at least two estimates are needed in each set.")
        found = make_estimates(
            self._estimability,
            self.inference,
            self.level,
            keys,
            np.vstack(rows),
            ("contrast",),
            within,
            size=self._size,
        )
        table = found.frame.iloc[:, -len(COLUMNS) :].copy()
        for members, n_means in sets:
            _correct(table, members, n_means, adjust, self.level)
        frame = pd.concat([pd.DataFrame(keys), table], axis=1)
        return replace(found, frame=frame, adjust=adjust)

    def test(self) -> JointTest:
        """Joint F test that all rows are zero."""
        return joint_test(self.inference, self.matrix, "all estimates are zero")

    def _differences(
        self, compared: tuple[str, ...], within: tuple[str, ...], method: str
    ) -> tuple[list[dict[str, Any]], list[FloatArray], list[tuple[list[int], int]]]:
        labels = [", ".join(_label(value) for value in row) for row in _tuples(self.frame, compared)]
        groups: dict[tuple[Any, ...], list[int]] = {}
        for index, key in enumerate(_tuples(self.frame, within)):
            groups.setdefault(key, []).append(index)
        keys: list[dict[str, Any]] = []
        rows: list[FloatArray] = []
        sets: list[tuple[list[int], int]] = []
        for group, members in groups.items():
            start = len(rows)
            for first, second, row, other in _pairs(members, self._full, method):
                right = labels[second] if other is None else other
                contrast = f"{labels[first]} - {right}"
                keys.append(
                    {"contrast": contrast, "level_1": labels[first], "level_2": right}
                    | dict(zip(within, group, strict=True))
                )
                rows.append(row)
            sets.append((list(range(start, len(rows))), len(members)))
        return keys, rows, sets


def make_estimates(
    estimability: Estimability,
    inference: Inference,
    level: float,
    keys: list[dict[str, Any]],
    rows: FloatArray,
    compared: tuple[str, ...],
    within: tuple[str, ...],
    *,
    size: FloatArray | None = None,
) -> Estimates:
    """Estimates of combinations of all columns of the formula, shape (rows, all columns).

    ``size``, shape (all columns,), is that of the rows of which these are differences.
    """
    matrix = estimability.reduced(rows, size)
    covariance = matrix @ inference.covariance @ matrix.T
    table = estimate_rows(inference, matrix, level, covariance=covariance)
    frame = pd.concat([pd.DataFrame(keys), table], axis=1)
    found = np.max(np.abs(rows), axis=0) if size is None else size
    return Estimates(frame, matrix, covariance, compared, within, level, inference, rows, found, estimability)


def _tuples(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The rows of some columns, or of none: where pandas' itertuples depends on its version."""
    return [tuple(row) for row in zip(*(frame[name] for name in columns), strict=True)] or [()] * len(frame)


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pairs(
    members: list[int], matrix: FloatArray, method: str
) -> Iterator[tuple[int, int, FloatArray, str | None]]:
    if method == "pairwise":
        for first, second in combinations(members, 2):
            yield first, second, matrix[first] - matrix[second], None
    elif method == "reference":
        for member in members[1:]:
            yield member, members[0], matrix[member] - matrix[members[0]], None
    elif method == "mean":
        average = matrix[members].mean(axis=0)
        for member in members if len(members) > 1 else ():
            yield member, member, matrix[member] - average, "average"
    else:
        raise ModelError(f"method must be 'pairwise', 'reference' or 'mean'; found {method!r}.")


def _correct(table: pd.DataFrame, members: list[int], n_means: int, adjust: str, level: float) -> None:
    """Correct p-values and limits of one set of comparisons in place."""
    block = table.iloc[members]
    count = int(block["estimate"].notna().sum())
    if adjust == "none" or count < 2:
        return
    df, std_error = block["df"].to_numpy(), block["std_error"].to_numpy()
    estimate, statistic = block["estimate"].to_numpy(), np.abs(block["statistic"].to_numpy())
    if adjust == "tukey":
        p_value = np.array([_tukey_p(t, n_means, d) for t, d in zip(statistic, df, strict=True)])
        quantiles = {d: _tukey_quantile(level, n_means, d) for d in set(df.tolist())}
        critical = np.array([quantiles[d] for d in df.tolist()])
    else:
        p_value = holm(block["p_value"].to_numpy())
        critical = t_quantile(1 - (1 - level) / (2 * count), df)
    columns = [COLUMNS.index(name) for name in ("p_value", "conf_low", "conf_high")]
    table.iloc[members, columns] = np.column_stack(
        [p_value, estimate - critical * std_error, estimate + critical * std_error]
    )


def holm(p_values: FloatArray) -> FloatArray:
    """Holm's step-down correction; missing p-values stay missing and do not count.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal
    of Statistics, 6, 65-70.
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p_values[order]))
    return adjusted


def _tukey_p(t: float, n_means: int, df: float) -> float:
    """Tail of the studentised range at t * sqrt(2); with two means it is the t test itself."""
    return float(t_p_value(t, df)) if n_means == 2 else range_tail(t * np.sqrt(2), n_means, df)


def _tukey_quantile(level: float, n_means: int, df: float) -> float:
    if n_means == 2:
        return float(t_quantile(0.5 + level / 2, df))
    return float(range_quantile(level, n_means, df) / np.sqrt(2))
