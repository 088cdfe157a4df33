"""Numbers rounded so coarsely that no exact number of families follows from them."""

import numpy as np

from mpg_research.analysis.result import ESTIMATE_COLUMNS
from mpg_research.disclosure.cells import Cells, is_text
from mpg_research.disclosure.released import ROUNDED, SUPPRESSED

__all__ = ["round_counts", "round_ratios"]

#: Numbers from a model, or about ranks: they fit many numbers of families, rounded or not.
MODEL_COLUMNS = frozenset(
    [
        *ESTIMATE_COLUMNS,
        *("standardised", "standardised_low", "standardised_high", "p_adjusted", "df_numerator"),
        *(
            "simultaneous_low",
            "simultaneous_high",
            "expected",
            "difference",
            "difference_low",
            "difference_high",
        ),
        *("raw", "raw_low", "raw_high", "comparison_low", "comparison_high"),
        *("shrunken", "shrunken_low", "shrunken_high", "reliability", "z", "z_adjusted"),
        *("rank", "expected_rank", "percentile", "best_third", "worst_third", "rank_low", "rank_high"),
        *("set_low", "set_high", "all_low", "all_high"),
        *("direct", "indirect", "own_expected", "all_expected"),
        *("joint_p_value", "different", "largest_shift", "still_named", "other_side", "newly_named"),
        *("ways", "named_in", "other_side_in", "left_out", "named_left_out"),
        *("adjusted_change", "adjusted_change_low", "adjusted_change_high"),
        *("robust_error", "robust_low", "robust_high", "error_ratio"),
    ]
)
#: Columns that are the difference of two others.
DIFFERENCES = {"observed_difference": ("share_observed", "expected_share")}
# A fraction of n families rounded to a step of 1/n or more fits several n, so it gives away neither the
# count nor n; unrounded, 0.2258 can only be 7/31.
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def round_counts(cells: Cells, rows: np.ndarray, column: str) -> None:
    """Round a count to tens in these rows (never to zero)."""
    values = cells.data[column].to_numpy(dtype=float)
    chosen = rows & np.isfinite(values) & (values > 0) & (cells.marks[column] != SUPPRESSED).to_numpy()
    cells.data.loc[chosen, column] = np.maximum(10.0, 10.0 * np.floor(values[chosen] / 10.0 + 0.5))
    cells.marks.loc[chosen, column] = ROUNDED


def round_ratios(cells: Cells, rows: np.ndarray, families: np.ndarray) -> None:
    """Round observed means and shares in these rows so coarsely that they fit several numbers of families."""
    steps = np.array([_step(number) for number in families])
    for column in cells.numbers:
        if column in MODEL_COLUMNS or column.startswith("n_") or is_text(cells.data[column]):
            continue
        values = cells.data[column].to_numpy(dtype=float)
        chosen = rows & np.isfinite(values)
        rounded = np.round(np.round(values / steps) * steps, 6)
        cells.data.loc[chosen, column] = rounded[chosen]
        cells.marks.loc[chosen, column] = ROUNDED
    _differences_of_rounded(cells, rows)
    _verdicts_of_rounded(cells, rows, steps)


def _differences_of_rounded(cells: Cells, rows: np.ndarray) -> None:
    """A difference beside its two rounded parts is that of the parts: it tells no more, and it adds up."""
    for difference, (first, second) in DIFFERENCES.items():
        if {difference, first, second} <= set(cells.numbers):
            chosen = rows & cells.data[[difference, first, second]].notna().all(axis=1).to_numpy()
            apart = (cells.data[first] - cells.data[second]).round(6)
            cells.data.loc[chosen, difference] = apart[chosen]


def _verdicts_of_rounded(cells: Cells, rows: np.ndarray, steps: np.ndarray) -> None:
    """A rounded difference lies in or outside the rounded range of chance as the exact ones did."""
    names = ("observed_difference", "observed_difference_low", "observed_difference_high")
    verdict = "observed_beyond_chance"
    if not {*names, verdict} <= set(cells.numbers):
        return
    apart, low, high = (cells.data[name].to_numpy(dtype=float) for name in names)
    said = cells.data[verdict].to_numpy(dtype=object)
    chosen = rows & np.isfinite(apart + low + high)
    inside = chosen & (said == "no")
    low = np.where(inside, np.minimum(low, apart), low)
    high = np.where(inside, np.maximum(high, apart), high)
    low = np.where(chosen & (said == "lower"), np.minimum(np.maximum(low, apart + steps), 0.0), low)
    high = np.where(chosen & (said == "higher"), np.maximum(np.minimum(high, apart - steps), 0.0), high)
    cells.data.loc[chosen, names[1]] = np.round(low[chosen], 6)
    cells.data.loc[chosen, names[2]] = np.round(high[chosen], 6)


def _step(families: float) -> float:
    smallest = 1 / families if families and families > 0 else 1.0
    return next((step for step in STEPS if step >= smallest), 1.0)
