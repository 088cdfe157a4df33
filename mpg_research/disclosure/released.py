"""What leaves the gate. Only :func:`mpg_research.disclosure.release` can make these."""

from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType

import pandas as pd

from mpg_research.analysis.columns import Column, DeclaredColumns
from mpg_research.analysis.result import Provenance
from mpg_research.disclosure.audience import Audience, DisclosurePolicy, InstrumentFacts
from mpg_research.errors import DisclosureError, Note

__all__ = [
    "ROUNDED",
    "SHOWN",
    "SUPPRESSED",
    "Released",
    "ReleasedTable",
    "Withheld",
    "beside",
    "joined",
    "without",
]

SHOWN, SUPPRESSED, ROUNDED = "", "suppressed", "rounded"

# Whoever holds this object is the gate. A constructor that is not given it refuses.
_SEAL = object()


def _demand_seal(seal: object, what: str) -> None:
    if seal is not _SEAL:
        raise DisclosureError(
            f"A {what} can only come from release(result, audience, policy=...): "
            "results are shown after the disclosure gate, never before it."
        )


@dataclass(frozen=True, slots=True)
class Withheld:
    """A table that was not released, and why.

    Attributes
    ----------
    table : str
        Name of the table.
    code : str
        The reason: ``"family_level"``, ``"too_few_organisations"``, ``"too_few_other_organisations"``,
        ``"pooled_with_too_few"``, ``"names_in_text"``, ``"gives_away_a_small_group"``,
        ``"few_degrees_of_freedom"``, ``"all_suppressed"``, ``"dominated"``, ``"not_in_earlier_release"``.
    values : mapping
        Numbers of the rule that the wording may use (never numbers about the families).
    """

    table: str
    code: str
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReleasedTable(DeclaredColumns):
    """One table after the gate.

    Attributes
    ----------
    name : str
        Name of the table.
    columns : tuple of Column
        What every column means. Those with organisations hold label codes; the wording is in
        ``Released.organisation_labels``.
    has_complement : bool
        Whether cells were withheld only to protect others, so that "<10" is not said of every mark.
    has_dominated : bool
        Whether rows were withheld since one family makes up most of their money.
    """

    name: str
    columns: tuple[Column, ...]
    has_complement: bool
    _data: pd.DataFrame
    _marks: pd.DataFrame
    seal: InitVar[object]
    has_dominated: bool = False

    def __post_init__(self, seal: object) -> None:
        _demand_seal(seal, "released table")

    @property
    def data(self) -> pd.DataFrame:
        """A copy of the numbers: unrounded, withheld cells NaN, and a boolean column ``suppressed``
        that is true where a row was withheld as a whole.
        """
        return self._data.copy()

    @property
    def marks(self) -> pd.DataFrame:
        """A copy of what was done to each cell of ``data``: "", "suppressed" or "rounded"."""
        return self._marks.copy()


def beside(
    table: ReleasedTable, other: ReleasedTable, columns: Mapping[str, str], *, key: str, until: float
) -> ReleasedTable:
    """A released table with columns of another one beside it, row by row of a key they share.

    Parameters
    ----------
    table, other : ReleasedTable
    columns : mapping of str to str
        Columns of the other table, and what they are called here.
    key : str
        The only key of both, a number.
    until : float
        Rows that only the other table has are added up to here.

    Returns
    -------
    ReleasedTable
        The rows in the order of the key. A number that either table lacks is missing, and no more is shown
        than the two show.
    """
    renamed = {**columns, key: key}
    data, marks = table._data.set_index(key), table._marks.set_axis(table._data[key])
    theirs = other._data[list(renamed)].rename(columns=renamed).set_index(key)
    their_marks = other._marks[list(renamed)].rename(columns=renamed).set_axis(other._data[key])
    every = sorted({*data.index, *(each for each in theirs.index if each <= until)})
    new = list(columns.values())
    data, marks = data.reindex(every), marks.drop(columns=key).reindex(every).fillna(SHOWN)
    data[new], marks[new] = theirs[new].reindex(every), their_marks[new].reindex(every).fillna(SHOWN)
    marks.insert(0, key, SHOWN)
    numbers = [column for column in marks.columns if column != key]
    data["suppressed"] = (marks[numbers] == SUPPRESSED).all(axis=1)
    return ReleasedTable(
        name=table.name,
        columns=(*table.columns, *(other.column(old).but(name=name) for old, name in columns.items())),
        has_complement=table.has_complement or other.has_complement,
        _data=data.reset_index(),
        _marks=marks.reset_index(drop=True),
        seal=_SEAL,
        has_dominated=table.has_dominated or other.has_dominated,
    )


def joined(table: ReleasedTable, other: ReleasedTable, columns: Iterable[str]) -> ReleasedTable:
    """The rows of a released table with columns of another one beside them, by all keys of the first.

    Parameters
    ----------
    table, other : ReleasedTable
        The keys of the first are keys of the other.
    columns : iterable of str
        Columns of the other table, by names that the first has not.

    Returns
    -------
    ReleasedTable
        A number that the other table lacks is missing, and no more is shown than the two show.
    """
    keys, new = list(table.keys), list(columns)
    places, theirs = (pd.MultiIndex.from_frame(one._data[keys]) for one in (table, other))
    first = ~theirs.duplicated()
    data, marks = table._data.copy(), table._marks.copy()
    data[new] = other._data[new].set_axis(theirs)[first].reindex(places).to_numpy()
    marks[new] = other._marks[new].set_axis(theirs)[first].reindex(places).fillna(SHOWN).to_numpy()
    return ReleasedTable(
        name=table.name,
        columns=(*table.columns, *(other.column(name) for name in new)),
        has_complement=table.has_complement or other.has_complement,
        _data=data,
        _marks=marks,
        seal=_SEAL,
        has_dominated=table.has_dominated or other.has_dominated,
    )


def without(table: ReleasedTable, columns: Iterable[str]) -> ReleasedTable:
    """A released table without some of its columns.

    Parameters
    ----------
    table : ReleasedTable
    columns : iterable of str
        Names; what the table has not is left aside.
    """
    gone = [name for name in columns if name in table._data.columns]
    return ReleasedTable(
        name=table.name,
        columns=tuple(column for column in table.columns if column.name not in gone),
        has_complement=table.has_complement,
        _data=table._data.drop(columns=gone),
        _marks=table._marks.drop(columns=gone),
        seal=_SEAL,
        has_dominated=table.has_dominated,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Released:
    """A result after the gate, for one audience; equal to itself only.

    Attributes
    ----------
    kind : str
        Which analysis ("trajectory", "organisations", ...).
    audience : Audience
        For whom it was released.
    policy : DisclosurePolicy
        By which rules. Its list of organisations is emptied for those who see no names.
    tables : mapping of str to ReleasedTable
        What may be shown, by table name.
    withheld : tuple of Withheld
        What may not, and why.
    notes : tuple of Note
        What a reader should know, without names or small numbers.
    provenance : Provenance
        Where it comes from. For anyone but the researcher the digest is a one-way derivative of the
        study's, since the order of the neutral labels hangs on the digest.
    level : float
        Confidence level of the intervals.
    converged : bool
        False: show the verdict, not the numbers.
    synthetic : bool
        True: say so on every page.
    organisation_labels : mapping of str to mapping of str to str
        Wording per language of each label code in the organisation columns.
    own : str or None
        Label code of the reading organisation.
    """

    kind: str
    audience: Audience
    policy: DisclosurePolicy
    tables: Mapping[str, ReleasedTable]
    withheld: tuple[Withheld, ...]
    notes: tuple[Note, ...]
    provenance: Provenance
    level: float
    converged: bool
    synthetic: bool
    organisation_labels: Mapping[str, Mapping[str, str]]
    own: str | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        _demand_seal(seal, "released result")
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    def __init_subclass__(cls) -> None:
        raise DisclosureError("Released cannot be subclassed: only what the gate made is shown.")

    @property
    def instrument(self) -> InstrumentFacts | None:
        """The questionnaire that the numbers are about, if they are about one."""
        return self.policy.instruments.get(self.provenance.instrument)

    def reason_for(self, table: str) -> Withheld | None:
        """Why a table was withheld; None if it was not.

        Parameters
        ----------
        table : str
            Its name in the result.

        Returns
        -------
        Withheld or None
        """
        return next((withheld for withheld in self.withheld if withheld.table == table), None)
