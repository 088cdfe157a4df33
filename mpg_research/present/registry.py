"""Kinds of results, and what is said and drawn of each: one registration per kind, found by looking.

A kind registers itself in a module of the folder ``kinds``: its ``KINDS`` are found there, and nothing
about a kind stands anywhere else in ``present`` but its words in the catalogues.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from mpg_research.disclosure.released import ReleasedTable
from mpg_research.present.language.voice import Voice

__all__ = ["Figure", "Kind", "Method", "Sentences", "figure_named", "figures", "kind_named", "kinds"]

#: Sentences by topic: "answer", "certainty", "limits", and topics of the kind's own.
Sentences = Mapping[str, Sequence[str]]


class Drawn(Protocol):
    """A picture with its words."""

    @property
    def figure(self) -> Any:
        """The picture."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def caption(self) -> str:
        """The explanation below it."""

    @property
    def alt(self) -> str:
        """The description for those who do not see it."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method that a result was computed with, for the methods paragraph.

    Attributes
    ----------
    key : str
        Its sentence in the catalogue, ``methods.KEY``; ``{sources}`` in it is where the works are cited.
    sources : tuple of str
        The works it is from, by what they are called in ``paper/sources.toml``.
    values : mapping of str to str
        Other placeholders of the sentence.
    of_model : bool
        Whether it is a part of the statistical model: two results with the same parts have the same model,
        which is told once.
    """

    key: str
    sources: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    of_model: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure that can be drawn of a result.

    Attributes
    ----------
    name : str
        As a notebook asks for it.
    draw : callable
        Draws it; None where there is nothing to draw.
    shows : tuple of str
        Released tables whose numbers it shows; the first there is stands below the picture.
    aliases : tuple of str
        Other names for it.
    numbers : callable, optional
        Makes the table below the picture from that table, where it shows more.
    only_own : bool
        Whether of organisations it shows the reading one only.
    """

    name: str
    draw: Callable[[Voice], Drawn | None]
    shows: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    numbers: Callable[[Voice, ReleasedTable], ReleasedTable] | None = None
    only_own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of result, as readers meet it. Its tables need no entry: their columns say what they are.

    Attributes
    ----------
    name : str
        The ``kind`` of the analysis's result.
    sentences : callable
        What it says, by topic.
    figures : tuple of Figure
    main_table : str
        Without this table nothing of the result is shown; by default, without any table.
    topics : tuple of str
        Topics beside answer, certainty and limits.
    lists : tuple of str
        Those among them whose sentences stand beside each other.
    methods : callable, optional
        What it was computed with, from its settings and from the tables that are shown; nothing else.
    beside_organisations : mapping of str to str
        Tables of characteristics per organisation that are shown with a column for each of them, and the
        table of all families whose numbers stand beside these.
    """

    name: str
    sentences: Callable[[Voice], Sentences]
    figures: tuple[Figure, ...] = ()
    main_table: str = ""
    topics: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    methods: Callable[[Voice], Iterable[Method]] | None = None
    beside_organisations: Mapping[str, str] = field(default_factory=dict)


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds of results, by name: those of the modules in the folder ``kinds``.

    Examples
    --------
    >>> [figure.name for figure in kinds()["trajectory"].figures]
    ['mean_course', 'course_in_short', 'observed_course']
    """
    found: dict[str, Kind] = {}
    for file in sorted((Path(__file__).parent / "kinds").glob("[a-z]*.py")):
        module = import_module(f"mpg_research.present.kinds.{file.stem}")
        for kind in module.KINDS:
            if kind.name in found:
                raise ValueError(f"two kinds of results are called {kind.name!r}; one stands in {file.name}")
            found[kind.name] = kind
    return found


@cache
def figures() -> Mapping[str, Figure]:
    """All figures, by name."""
    found: dict[str, Figure] = {}
    for kind in kinds().values():
        for figure in kind.figures:
            if found.setdefault(figure.name, figure) != figure:
                raise ValueError(f"two figures are called {figure.name!r}; one is of {kind.name!r}")
    return found


def kind_named(name: str) -> Kind | None:
    """The registration of a kind of result, if it has one."""
    return kinds().get(name)


def figure_named(name: str) -> Figure | None:
    """The figure of that name or alias, if there is one."""
    known = figures()
    return known.get(name) or next((each for each in known.values() if name in each.aliases), None)
