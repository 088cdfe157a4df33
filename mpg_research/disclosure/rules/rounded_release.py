"""Every number that leaves, rounded once: the same in every table, page, language and report.

Counts go to the nearest five (or to the midpoint of six), shares are those of the rounded counts, means and
estimates have no more decimals than a page shows, and what is computed from such numbers is computed from the
rounded ones. A number is rounded by itself alone, so that laying reports side by side does not average the
rounding out. Only what an organisation may know of its own families stays as it is, in its own report.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mpg_research.analysis.columns import N_GROUP, Column
from mpg_research.arrays import FloatArray
from mpg_research.disclosure.rules.cells import Cells, counting
from mpg_research.disclosure.rules.following import hide_share
from mpg_research.disclosure.rules.organisation_rules import is_contrast
from mpg_research.disclosure.rules.rounding import RoundingRule, keep_verdicts, subtract_rounded, whole_steps
from mpg_research.disclosure.rules.small_numbers import base_of

__all__ = ["hide_whole_groups", "round_estimates", "round_release"]

_DIGITS_OF_P = 3
#: More decimals for an organisation about itself, so that its numbers are not those of the other reports.
_OWN_DIGITS = 3
#: Levels at which a p-value is judged: rounding never takes it to their other side.
_LEVELS = (0.001, 0.01, 0.05, 0.1)
#: Times the minimum from which families of all organisations together are no group that anyone belongs to.
_WHOLE_STUDY = 5
_EACH_OF_PEOPLE = ("families", "episodes", "courses")


def hide_whole_groups(cells: Cells, minimum: int) -> None:
    """Suppress shares of none or all: they say of every family of a group what it has, or has not.

    A group is an organisation, the reading one too, or fewer than five times ``minimum`` families of all
    organisations. It is judged by the numbers as they came in.
    """
    group = cells.every_row()
    if not cells.table.organisation_columns:
        group = ~(cells.exact("n_families") >= _WHOLE_STUDY * minimum)
    for column in cells.numbers:
        if cells.is_text(column):
            continue
        values = cells.exact(column)
        whole = (np.abs(values) < 1e-12) | (np.abs(values - 1) < 1e-12)
        for about, rows in cells.meanings(column):
            if about.ends or about.minus or not (about.meaning == "share" or _is_share_of_all(about)):
                continue
            chosen = rows & whole & group & _of_people(cells, about)
            chosen &= ~cells.hidden(column)
            if not chosen.any():
                continue
            if about.meaning == "share":
                hide_share(cells, chosen, column)
            else:  # the families of such a row are those that have it
                cells.hide_rows(chosen)
            cells.has_complement = True


def _is_share_of_all(about: Column) -> bool:
    return about.meaning == "mean" and about.percent


def _of_people(cells: Cells, about: Column) -> np.ndarray:
    """Rows in which a share is one of people: of measurements or items it says nothing of a family."""
    if about.meaning != "share" or about.of not in cells.data:
        return cells.every_row()
    return counting(cells, about.of, *_EACH_OF_PEOPLE)


def round_release(cells: Cells, own: np.ndarray, rule: RoundingRule) -> None:
    """Round every number of a table.

    Parameters
    ----------
    cells : Cells
        Small numbers are hidden already; rows as they came in.
    own : ndarray of bool, shape (n_rows,)
        Rows about the reading organisation alone: what comes from its own families stays exact, other
        numbers keep more decimals.
    rule : RoundingRule
        How counts are rounded.
    """
    table = _Rounded(cells, own, rule)
    for column in table.in_order():
        for about, rows in cells.meanings(column):
            table.round(column, about, rows)
    for column in cells.of_meaning("count"):
        table.round_counts(column)
    others = ~own
    subtract_rounded(cells, others, observed_only=True)
    keep_verdicts(cells, others, table.steps)


def round_estimates(cells: Cells, rows: np.ndarray, rule: RoundingRule) -> None:
    """Round what models say in rows about organisations without a name, where nothing else is rounded.

    The families behind an error would follow from it closer than from their number, rounded beside a label.

    Parameters
    ----------
    cells : Cells
        Small numbers are hidden already; rows as they came in.
    rows : ndarray of bool, shape (n_rows,)
        Which rows.
    rule : RoundingRule
        How the counts of these rows are rounded.
    """
    table = _Rounded(cells, cells.no_row(), rule)
    for column in table.in_order():
        for about, chosen in cells.meanings(column):
            if about.meaning in ("model", "p", "df"):
                table.round(column, about, rows & chosen)


@dataclass
class _Rounded:
    """The rounding of one table: its exact numbers stay at hand while they are replaced."""

    cells: Cells
    own: np.ndarray
    rule: RoundingRule

    @cached_property
    def families(self) -> FloatArray:
        """Families behind each row, exactly."""
        return self.cells.exact("n_families")

    @cached_property
    def steps(self) -> FloatArray:
        """The coarsest decimal step that fits several numbers of families, per row."""
        return whole_steps(self.families)

    def in_order(self) -> list[str]:
        """Columns other than counts: ratios last, since they are computed from what is rounded before."""
        cells = self.cells
        names = [name for name in cells.numbers if not cells.is_text(name)]
        names = [name for name in names if cells.about(name).meaning != "count"]
        return sorted(names, key=lambda name: bool(cells.about(name).ratio_of))

    def round(self, column: str, about: Column, rows: np.ndarray) -> None:
        """Round these rows of a column by what they mean."""
        rows = rows & ~self._exact(column, about) & ~np.isnan(self.cells.data[column])
        if not rows.any():
            return
        if about.is_amount and not about.ratio_of:
            return  # to the base of money, at the end
        if about.ratio_of and self._is_ratio(column, about, rows):
            self._divide(column, about, rows)
        elif about.meaning == "share" and not about.ends and not about.minus:
            self._share(column, about, rows)
        elif about.meaning == "share" and about.minus:
            return  # that of the rounded parts
        elif about.meaning in ("mean", "quantile", "money") and not about.minus:
            self._observed(column, about, rows)
        elif about.meaning == "model" or (about.meaning in ("mean", "share") and (about.minus or about.ends)):
            self._estimated(column, about, rows)
        elif about.meaning == "p":
            self.cells.put(rows, column, _round_p(self.cells.data[column]))
        elif about.meaning == "df":
            self.cells.put(rows, column, self._freedom(column))

    def _exact(self, column: str, about: Column) -> np.ndarray:
        """Rows in which a reader may know the number exactly: its own families, and nothing else, made it."""
        of_row = about.own or about.meaning == "share" or column == N_GROUP.name
        return self.own & (of_row and self._about_one())

    def _is_ratio(self, column: str, about: Column, rows: np.ndarray) -> bool:
        """Whether a column is what it is declared to be: the t of another hypothesis than zero is not."""
        if not {column, *about.ratio_of} <= self.cells.data.keys():
            return False
        parts = [self.cells.exact(name)[rows] for name in about.ratio_of]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = parts[0] / parts[1]
        known = np.isfinite(ratio)
        exact = self.cells.exact(column)[rows]
        return bool(np.allclose(ratio[known], exact[known], rtol=1e-6, equal_nan=True))

    def round_counts(self, column: str) -> None:
        """Round a count; zero stays zero, and nothing else becomes it."""
        values, about = self.cells.data[column], self.cells.about(column)
        rows = np.isfinite(values) & (values > 0) & ~self._exact(column, about)
        counts = self.cells.where(column, lambda about: about.meaning == "count")
        self.cells.put(rows & counts, column, self.rule.counts(values), mark=True)

    def _share(self, column: str, about: Column, rows: np.ndarray) -> None:
        """The share of the rounded counts; the ends of its interval move along."""
        share = self.cells.data[column]
        number = base_of(self.cells, about.of if about.of in self.cells.data else "n_families")
        rounded = np.minimum(self.rule.counts(share * number) / self.rule.counts(number), 1.0)
        coarse = self.cells.coarse_rows()
        rounded = np.where(coarse, _to_step(share, self.steps), np.round(rounded, 4))
        self.cells.put(rows, column, rounded, mark=True)
        for name in self.cells.numbers:
            end = self.cells.about(name)
            if end.ends and end.about == column and end.meaning == "share":
                moved = np.clip(_to_step(self.cells.data[name] + rounded - share, 0.01), 0.0, 1.0)
                self.cells.put(rows & np.isfinite(moved), name, moved, mark=True)

    def _observed(self, column: str, about: Column, rows: np.ndarray) -> None:
        """To the decimals of the page, or more coarsely where few families could be told from them."""
        fine = 10.0 ** -_digits(about)
        steps = np.maximum(self.steps, fine)
        values = _to_step(self.cells.data[column], steps)
        self.cells.put(rows & (steps <= fine * 1.001), column, values)
        self.cells.put(rows & (steps > fine * 1.001), column, values, mark=True)

    def _estimated(self, column: str, about: Column, rows: np.ndarray) -> None:
        digits = _digits(about)
        if about.ends and about.meaning == "share":
            about_share = self.cells.about(about.about) if about.about in self.cells.numbers else about
            if about_share.meaning == "share" and not about_share.minus:
                return  # moved with its share
        more = self.own & self._about_one()
        values = self.cells.data[column]
        steps = self._error_steps(values, digits) if about.is_error else np.full(len(values), 10.0**-digits)
        coarse = steps > 1.001 * 10.0**-digits
        values = _keep_digit(values, steps)
        self.cells.put(rows & ~more & ~coarse, column, values)
        self.cells.put(rows & ~more & coarse, column, values, mark=True)
        fine = 10.0 ** -(digits + _OWN_DIGITS)
        self.cells.put(rows & more, column, _to_step(self.cells.data[column], fine))

    def _about_one(self) -> bool:
        """Whether a row is about one organisation: a difference between two tells of the other as well."""
        return len(self.cells.table.organisation_columns) == 1 and not is_contrast(self.cells)

    def _error_steps(self, values: FloatArray, digits: int) -> FloatArray:
        """Steps so coarse that the families behind an error are not told closer than their rounded number."""
        near = values * self.rule.step / (2 * np.maximum(self.families, self.rule.step))
        with np.errstate(divide="ignore", invalid="ignore"):
            power = 10.0 ** np.floor(np.log10(near))
            lead = near / power
        step = power * np.select([lead <= 1, lead <= 2, lead <= 5], [1.0, 2.0, 5.0], 10.0)
        return np.where(np.isfinite(step), np.maximum(step, 10.0**-digits), 10.0**-digits)

    def _divide(self, column: str, about: Column, rows: np.ndarray) -> None:
        """Computed anew from its two rounded parts, where they are shown."""
        above, below = about.ratio_of
        cells, digits = self.cells, _digits(about)
        if not {above, below} <= set(cells.numbers):
            self.cells.put(rows, column, _keep_digit(self.cells.data[column], 10.0**-digits))
            return
        parts = []
        for name in (above, below):
            values = self.cells.data[name]
            parts.append(self.rule.counts(values) if cells.about(name).meaning == "count" else values)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = parts[0] / parts[1]
        shown = np.isfinite(ratio)
        self.cells.put(rows & shown, column, _keep_digit(ratio, 10.0**-digits), mark=about.is_observed)
        unknown = rows & ~shown
        if about.is_observed:  # with one part hidden the ratio and the other part would give it
            cells.hide(unknown, column)
            cells.has_complement |= bool(unknown.any())
        else:
            self.cells.put(unknown, column, _keep_digit(self.cells.data[column], 10.0**-digits))

    def _freedom(self, column: str) -> FloatArray:
        values = self.cells.data[column]
        return np.where(np.isfinite(values) & (values >= 10), np.round(values), np.round(values, 1))


def _digits(about: Column) -> int:
    """Decimals of a number: those of the page, two more where it is written as a percentage."""
    return about.decimals + (2 if about.percent or about.meaning == "share" else 0)


def _to_step(values: FloatArray, step: "FloatArray | float") -> FloatArray:
    return np.round(np.round(values / step) * step, 9)


def _keep_digit(values: FloatArray, step: "FloatArray | float") -> FloatArray:
    """Rounded to a step, what is less than it to one digit: nothing becomes zero or turns its sign."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        power = 10.0 ** np.floor(np.log10(np.abs(values)))
        one = np.where(np.isfinite(power) & (power > 0), np.round(values / power) * power, values)
    rounded = np.where(np.isfinite(values), _to_step(values, step), values)
    return np.where((rounded == 0) & (values != 0), one, rounded)


def _round_p(values: FloatArray) -> FloatArray:
    rounded = np.round(values, _DIGITS_OF_P)
    for level in _LEVELS:
        crossed = (rounded < level) != (values < level)
        rounded = np.where(crossed & np.isfinite(values), rounded - 10.0**-_DIGITS_OF_P, rounded)
    small = np.isfinite(values) & (values < _LEVELS[0])
    return np.where(small, np.minimum(_keep_digit(values, 10.0**-_DIGITS_OF_P), 9e-4), rounded)
