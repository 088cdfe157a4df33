"""What a column of a result means, declared once where the column is made.

The disclosure gate decides by these declarations alone, and refuses a column without one; the presenters
take formats, headings and omissions from them. Declarations that many tables share stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CLASS",
    "CORRECTED_ESTIMATE",
    "EACH_ORGANISATION",
    "ESTIMATE",
    "LEVEL_ESTIMATE",
    "MONTHS",
    "N_EPISODES",
    "N_FAMILIES",
    "N_GROUP",
    "N_MEASUREMENTS",
    "N_ORGANISATIONS",
    "ORGANISATION",
    "P_ADJUSTED",
    "SHARE",
    "SIMULTANEOUS",
    "STANDARDISED",
    "Column",
    "DeclaredColumns",
    "Meaning",
    "by_row",
    "coded",
    "ends",
    "estimates",
    "key_column",
    "modelled",
    "money",
    "money_total",
    "number_of",
    "observed",
    "observed_share",
    "quantile",
    "setting",
    "tally",
]

Meaning = Literal[
    "organisation", "time", "key", "label", "text", "date", "count", "tally", "share", "mean", "model", "p",
    "df", "rank", "extreme", "quantile", "money", "setting", "family",
]  # fmt: skip
#: Written without decimals, or in a way of their own, where nothing else is declared.
_WITHOUT_DECIMALS = frozenset({"share", "count", "tally", "p", "df"})
#: Computed from the people of a row and nothing else, so that their number can follow from it: what is 0.2258
#: of some families is 7 of 31.
OBSERVED = frozenset({"share", "mean", "quantile", "money"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column holds, for the gate and for whoever presents it.

    Attributes
    ----------
    name : str
        As in the data.
    meaning : str
        ``"organisation"`` (keys of organisations), ``"time"`` (months or waves), ``"key"`` (another number or
        word that says what the row is), ``"label"`` (a code with wording in the catalogues), ``"text"``
        (free words), ``"date"``; ``"count"`` (of people, or of what people have: measurements, episodes),
        ``"tally"`` (of things that are not people's: items, organisations, folds), ``"share"`` (observed,
        of the people in ``of``), ``"mean"`` (or spread, rate, ratio: observed), ``"model"`` (an estimate, its
        error or a statistic of it: it fits many numbers of people), ``"p"``, ``"df"``, ``"rank"``,
        ``"extreme"`` (smallest, largest, first, last: the value of one family, never shown), ``"quantile"``,
        ``"money"``, ``"setting"`` (of the analysis, not of people), ``"family"`` (any value of one family).
    is_key : bool
        Whether the column says what the row is.
    of : str
        Of a share: the column with the number that it is a share of. Of a count: what is counted
        (``"families"``, ``"episodes"``, ``"measurements"``, ...).
    ends : {"", "low", "high"}
        Whether the column is the lower or upper end of an interval; the other end has the same name but for
        its last word.
    about : str
        The column that this one is another form of (an end of its interval, its distance from what was
        expected): where that is hidden, so is this one.
    minus : tuple of str
        The two columns that this one is the difference of, where it is one.
    ratio_of : tuple of str
        The two columns that this one is the ratio of, where it is one.
    is_error : bool
        Whether it is a standard error: how many families are behind it follows from it.
    follows : str
        ``table.column`` of the same result that this column is computed from: where that is hidden in any row
        with the same keys, so is this one.
    own : bool
        Whether the number comes from the families of the row's organisation and nothing else.
    not_own : frozenset of str
        Of a key: values whose rows hang on other families too, whatever ``own`` says of their columns.
    adds_up : {"", "counts", "families"}
        Of a key: over its values the counts of things add up to a total that is shown elsewhere; or the
        families too (each is in one row), so that a missing row could be recovered from the others.
    in_pair : {"", "turns", "stays"}
        What becomes of the number where a pair of organisations is turned round: it changes sign, or stays.
    spread : bool
        Whether it is made of one number of every organisation, so that with all of them but one known the
        last one follows from it: their spread or weighted mean, or a column whose sum anyone knows (ranks).
    rows : mapping of str to Column
        Where the rows of one column mean several things: what it is by the value of the key ``row_key``. A
        value that is not among them is of the column's own meaning.
    row_key : str
        That key.
    digits : int, optional
        Decimals in which it is written; by default those of its meaning.
    percent : bool
        Whether it is written as a percentage, though it is no observed share.
    plain : bool
        Whether readers of plain language see it.
    csv_only : bool
        Whether it stands in the CSV file only (of a key: it says how the values are meant, and is not worth a
        column).
    heading : str
        Heading of an interval, by its name in the catalogues; of a lower end.
    is_total : bool
        Of money: whether it is a sum over the families of the row. What is computed from it (a mean, a share
        of a larger sum) is declared to be about it.
    largest : tuple of str
        Of such a total: the two columns with the largest and the second largest contribution of a family to
        it (``"extreme"``, so never shown). A total without them is not shown. Where contributions can be
        below zero both are without their sign, and a third column has the sum of all without theirs.
    at : float, optional
        Of a quantile: its level, between 0 and 1. It is shown where enough families lie on either side.
    in_money : bool
        Of what a model says, and other numbers whose meaning is not ``"money"``: whether it is an amount of
        euros. Every amount is rounded to the study's base (``[costs] round_to``).
    per_family : bool
        Of such a total: whether it and its largest contributions are divided by the ``n_families`` of the row
        (a mean). Rows of means are then added up as sums where it matters what follows from several of them.
    """

    name: str
    meaning: Meaning
    is_key: bool = False
    of: str = "n_families"
    ends: Literal["", "low", "high"] = ""
    about: str = ""
    minus: tuple[str, ...] = ()
    ratio_of: tuple[str, ...] = ()
    is_error: bool = False
    follows: str = ""
    own: bool = False
    not_own: frozenset[str] = frozenset()
    adds_up: Literal["", "counts", "families"] = ""
    in_pair: Literal["", "turns", "stays"] = ""
    spread: bool = False
    rows: Mapping[str, Column] = field(default_factory=dict, hash=False)
    row_key: str = ""
    digits: int | None = None
    percent: bool = False
    plain: bool = True
    csv_only: bool = False
    heading: str = ""
    is_total: bool = False
    largest: tuple[str, ...] = ()
    at: float | None = None
    in_money: bool = False
    per_family: bool = False

    def __post_init__(self) -> None:
        if (self.is_total or self.largest or self.per_family) and self.meaning != "money":
            raise ValueError(f"column {self.name!r}: only money is a total with largest contributions")
        if (self.meaning == "quantile") != (self.at is not None and 0 < self.at < 1):
            raise ValueError(
                f"column {self.name!r}: a quantile, and nothing else, has a level between 0 and 1"
            )
        if self.ends and not self.name.endswith(f"_{self.ends}"):
            raise ValueError(f"column {self.name!r} must end on _{self.ends}: it is that end of an interval")
        if (self.adds_up or self.not_own) and not self.is_key:
            raise ValueError(f"column {self.name!r}: only a key adds up or has rows of others")
        if self.meaning == "organisation" and not self.is_key:
            raise ValueError(f"column {self.name!r} holds organisations: make it a key")

    @property
    def other_end(self) -> str:
        """Name of the other end of the interval; empty if the column is not an end."""
        if not self.ends:
            return ""
        return self.name.removesuffix(self.ends) + ("high" if self.ends == "low" else "low")

    @property
    def decimals(self) -> int:
        """Decimals in which it is written, as declared or by default; of a percentage, its own."""
        if self.digits is not None:
            return self.digits
        return 0 if self.percent or self.is_amount or self.meaning in _WITHOUT_DECIMALS else 1

    @property
    def is_amount(self) -> bool:
        """Whether it is an amount of euros."""
        return self.meaning == "money" or self.in_money

    @property
    def is_observed(self) -> bool:
        """Whether the number of people can follow from it."""
        return self.meaning in OBSERVED

    def in_row(self, key: object) -> Column:
        """What it is in a row with this value of the key ``row_key``."""
        return self.rows.get(str(key), self)

    def but(self, **changes: Any) -> Column:
        """The same declaration with something changed."""
        return replace(self, **changes)


def key_column(name: str, **about: Any) -> Column:
    """A column that says what the row is."""
    return Column(name=name, meaning="key", is_key=True, **about)


def coded(name: str, **about: Any) -> Column:
    """A code that says what the row is, with wording in the catalogues."""
    about.setdefault("is_key", True)
    return Column(name=name, meaning="label", **about)


def number_of(name: str, *, of: str = "", **about: Any) -> Column:
    """A number of people, or of things that people have; ``of`` which, by default as the name says."""
    return Column(name=name, meaning="count", of=of or name.removeprefix("n_"), **about)


def tally(name: str, **about: Any) -> Column:
    """A number of things that are not people's."""
    return Column(name=name, meaning="tally", **about)


def observed_share(name: str, *, of: str = "n_families", **about: Any) -> Column:
    """An observed share of the people (or things) that the column ``of`` counts."""
    return Column(name=name, meaning="share", of=of, **about)


def quantile(name: str, at: float, **about: Any) -> Column:
    """The score below which the share ``at`` of the families lie."""
    return Column(name=name, meaning="quantile", at=at, **about)


def observed(name: str, **about: Any) -> Column:
    """An observed mean, spread, rate or ratio."""
    return Column(name=name, meaning="mean", **about)


def modelled(name: str, **about: Any) -> Column:
    """An estimate of a model, its error or a statistic of it."""
    return Column(name=name, meaning="model", **about)


def ends(column: Column, stem: str = "", *, heading: str = "", **about: Any) -> tuple[Column, Column]:
    """The two ends of the interval of a column, of its meaning; named ``stem_low`` and ``stem_high``."""
    stem = stem or column.name
    shared: dict[str, Any] = {
        "about": column.name,
        "minus": (),
        "ratio_of": (),
        "digits": column.digits,
        **about,
    }
    low = column.but(name=f"{stem}_low", ends="low", heading=heading or f"{stem}_interval", **shared)
    return low, column.but(name=f"{stem}_high", ends="high", **shared)


def money(name: str, *, total: str = "total", **about: Any) -> Column:
    """An observed amount of euros computed from the sum in the column ``total``: a mean, a part of it."""
    about.setdefault("about", total)
    return Column(name=name, meaning="money", **about)


def money_total(name: str = "total", *, signed: bool = False, **about: Any) -> tuple[Column, ...]:
    """A sum of euros over the families of a row, with what the gate must know of it and never shows.

    Parameters
    ----------
    name : str
        Of the sum. ``NAME_largest`` and ``NAME_second`` hold the largest contribution of one family and the
        next one, without their sign.
    signed : bool
        Whether contributions can be below zero: then ``NAME_absolute`` holds the sum without signs.
    **about
        Of the sum; ``own`` of all.
    """
    kept = [f"{name}_largest", f"{name}_second", *([f"{name}_absolute"] if signed else [])]
    total = Column(name=name, meaning="money", is_total=True, largest=tuple(kept), **about)
    own = bool(about.get("own", False))
    hidden = (Column(name=each, meaning="extreme", csv_only=True, plain=False, own=own) for each in kept)
    return (total, *hidden)


def setting(name: str, **about: Any) -> Column:
    """A choice or a number of the analysis, not of people."""
    return Column(name=name, meaning="setting", **about)


def by_row(name: str, row_key: str, rows: Mapping[str, Column], meaning: Meaning = "setting") -> Column:
    """A column whose rows mean several things, by the value of the key ``row_key``; else ``meaning``."""
    return Column(name=name, meaning=meaning, rows=rows, row_key=row_key)


def estimates(
    *, digits: int | None = None, error_digits: int = 2, csv_only: tuple[str, ...] = (), plain: bool = True
) -> tuple[Column, ...]:
    """An estimate of a model and all that goes with it, in the order of ``ESTIMATE_COLUMNS``.

    Parameters
    ----------
    digits : int, optional
        Decimals of the estimate and its interval.
    error_digits : int
        Decimals of the standard error.
    csv_only : tuple of str
        Columns that stand in the CSV file only.
    plain : bool
        Whether readers of plain language see estimate and interval.
    """
    estimate = modelled("estimate", digits=digits, plain=plain, in_pair="turns")
    low, high = ends(estimate, "conf", heading="interval")
    every = (
        estimate,
        modelled("std_error", digits=error_digits, plain=False, in_pair="stays", is_error=True),
        Column(name="df", meaning="df", plain=False, in_pair="stays"),
        modelled("statistic", digits=2, plain=False, in_pair="turns", ratio_of=("estimate", "std_error")),
        Column(name="p_value", meaning="p", plain=False, in_pair="stays"),
        low,
        high,
    )
    return tuple(column.but(csv_only=column.name in csv_only) for column in every)


ORGANISATION = Column(name="organisation", meaning="organisation", is_key=True)
#: The families of all organisations add up to a total that is shown elsewhere.
EACH_ORGANISATION = ORGANISATION.but(adds_up="families")
#: Counts of things add up over months; families do not (the same ones return).
MONTHS = Column(name="months", meaning="time", is_key=True, adds_up="counts")
#: Each is in one class.
CLASS = coded("class", adds_up="families")

N_FAMILIES = number_of("n_families", in_pair="stays", own=True)
N_ORGANISATIONS = tally("n_organisations", in_pair="stays")
N_MEASUREMENTS = number_of("n_measurements", own=True)
N_EPISODES = number_of("n_episodes", own=True)
#: What a row is out of, where that is not all its families.
N_GROUP = number_of("n_group", of="families")

ESTIMATE = estimates()
#: Of an expected score: that it is not zero is no finding.
LEVEL_ESTIMATE = estimates(csv_only=("statistic", "p_value"))
#: Beside a p-value that is corrected for the number of comparisons the uncorrected one invites misuse.
CORRECTED_ESTIMATE = estimates(csv_only=("p_value",))
_STANDARDISED = modelled("standardised", digits=2, plain=False, in_pair="turns")
#: A change in standard deviations, with its interval.
STANDARDISED = (_STANDARDISED, *ends(_STANDARDISED))
#: A p-value corrected for the number of comparisons.
P_ADJUSTED = Column(name="p_adjusted", meaning="p", in_pair="stays")
#: Limits that hold for all comparisons of a month together.
SIMULTANEOUS = ends(ESTIMATE[0], "simultaneous", heading="simultaneous_interval")

_SHARE = observed_share("estimate", of="n_group")
#: A share with its two intervals, and what it is out of.
SHARE = (
    _SHARE,
    *ends(_SHARE, "conf", heading="interval"),
    *ends(_SHARE, "clustered", heading="clustered_interval"),
    N_GROUP,
)


class DeclaredColumns:
    """What a table says of itself by its ``columns``; for tables before and after the gate."""

    __slots__ = ()
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The declaration of a column."""
        return next(column for column in self.columns if column.name == name)

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that say what the row is."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def values(self) -> tuple[str, ...]:
        """Columns with what was found, without the numbers of families and organisations."""
        standard = (N_FAMILIES.name, N_ORGANISATIONS.name)
        return tuple(c.name for c in self.columns if not c.is_key and c.name not in standard)

    @property
    def organisation_columns(self) -> tuple[str, ...]:
        """Columns that hold organisations (their keys, or behind the gate label codes); else ``()``."""
        return tuple(column.name for column in self.columns if column.meaning == "organisation")

    def each_row(self, name: str, data: pd.DataFrame) -> list[Column]:
        """What a column means in each row of these data."""
        whole = self.column(name)
        if not whole.rows:
            return [whole] * len(data)
        return [whole.in_row(key) for key in data[whole.row_key]]
