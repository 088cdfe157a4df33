"""A result as the store gives it back: everything that a page needs, and the rest computed when asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mpg_research.analysis.columns import Column, DeclaredColumns
from mpg_research.analysis.result import Provenance, ResultTable
from mpg_research.errors import Note

if TYPE_CHECKING:
    import pandas as pd

    from mpg_research.study.model import SampleFlow

__all__ = ["FamilyTable", "StoredResult"]


@dataclass(frozen=True, slots=True)
class FamilyTable(DeclaredColumns):
    """Stands in place of a table with one row per family: such a table is never stored.

    Attributes
    ----------
    name : str
        Key of the table.
    columns : tuple of Column
        What its columns mean.
    unit : {"family"}
        That a row is about one family.
    """

    name: str
    columns: tuple[Column, ...]
    _compute: Callable[[], Any] = field(repr=False, compare=False)
    unit: Literal["family"] = "family"

    @property
    def data(self) -> "pd.DataFrame":
        """Its rows, computed when they are asked for."""
        computed: pd.DataFrame = self._compute().tables[self.name].data
        return computed


@dataclass(frozen=True)
class StoredResult:
    """A result of an analysis that was stored; what was not stored of it is computed when asked for.

    Attributes
    ----------
    type_name : str
        Name of the class that the analysis returned.
    kind : str
        Which analysis this is.
    compares_organisations : bool
        Whether it is about differences between organisations throughout.
    tables : mapping of str to ResultTable
        The numbers, by table name; of tables about single families only the names and columns are stored.
    flow : SampleFlow
        From what was read to what was analysed.
    notes : tuple of Note
        What a reader should know.
    provenance : Provenance
        Study, data, version and parameters behind the numbers.
    level : float
        Confidence level of all intervals.
    converged : bool
        False if a model did not converge.
    key : str
        Under which it lies in the store, with the names of the results it is part of.
    """

    type_name: str
    kind: str
    compares_organisations: bool
    tables: Mapping[str, ResultTable] = field(repr=False)
    flow: "SampleFlow" = field(repr=False)
    notes: tuple[Note, ...] = field(repr=False)
    provenance: Provenance = field(repr=False)
    level: float
    converged: bool
    key: str
    _own: Mapping[str, Any] = field(repr=False)
    _attributes: frozenset[str] = field(repr=False)
    _compute: Callable[[], Any] = field(repr=False, compare=False)

    def __getattr__(self, name: str) -> Any:
        """A number or result that was stored beside the tables; else the analysis is run for it."""
        if name.startswith("_") or name in type(self).__dataclass_fields__:
            raise AttributeError(name)
        if name in self._own:
            return self._own[name]
        if name in self._attributes:
            return getattr(self._compute(), name)
        raise AttributeError(f"{self.type_name!r} object has no attribute {name!r}", name=name)

    def __dir__(self) -> list[str]:
        """What the analysis' own result has, too."""
        return sorted({*super().__dir__(), *self._attributes})
