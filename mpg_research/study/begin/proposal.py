"""What is proposed for study.toml: which column is which, what is doubtful, what was left out."""

from dataclasses import dataclass, field
from typing import Any

from mpg_research.study.begin.looking.look import Look
from mpg_research.study.begin.looking.profile import Profile
from mpg_research.study.begin.looking.waves import Items

__all__ = ["Begun", "CodeMap", "Mapped", "Said", "SourceProposal", "TableProposal"]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A column of the export that is taken for one of ours.

    Attributes
    ----------
    source : str
        The column in the file.
    others : tuple of str
        Columns that it may be instead.
    doubt : str
        Why somebody has to look; "" where the name and the values leave no doubt.
    """

    source: str
    others: tuple[str, ...] = ()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A value that study.toml says, and why somebody has to look at it; "" where nobody has to."""

    value: Any
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class CodeMap:
    """Codes of a column: what each is taken for, and those that only the user can know.

    Attributes
    ----------
    known : dict of str to str
        Code in the file = our code.
    unknown : tuple of str
        Codes that nobody here can tell.
    choices : tuple of str
        What they may be.
    otherwise : str
        What else can be done about them.
    by_words : bool
        Whether any was told from its words, and not by a documented layout.
    """

    known: dict[str, str]
    unknown: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    otherwise: str = ""
    by_words: bool = True


@dataclass(slots=True)
class SourceProposal:
    """One file (or sheet) as a source of one table.

    Attributes
    ----------
    look : Look
    profiles : dict of str to Profile
    columns : dict of str to Mapped
        Canonical column to column of the file.
    constants : dict of str to Said
    items : Items or None
        The questionnaire in it.
    layout : {"long", "wide"}
    patterns : dict of str to Said
    values : dict of str to CodeMap
    missing_values : tuple of int
    date_format : Said or None
    preset : str
        Name of the layout that it has; "" for none.
    identifiers_kept : dict of str to str
        Columns that look unsafe and are not, and why.
    remarks : list of str
        What a user should know of it.
    """

    look: Look
    profiles: dict[str, Profile]
    columns: dict[str, Mapped] = field(default_factory=dict)
    constants: dict[str, Said] = field(default_factory=dict)
    items: Items | None = None
    layout: str = "long"
    patterns: dict[str, Said] = field(default_factory=dict)
    values: dict[str, CodeMap] = field(default_factory=dict)
    missing_values: tuple[int, ...] = ()
    date_format: Said | None = None
    preset: str = ""
    identifiers_kept: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def used(self) -> set[str]:
        """Columns of the file that have a place."""
        used = {mapped.source for mapped in self.columns.values()}
        used |= set(self.items.columns) if self.items is not None else set()
        from mpg_research.study.patterns import compile_pattern

        compiled = [compile_pattern(said.value) for said in self.patterns.values()]
        return used | {name for name in self.profiles if any(each.fullmatch(name) for each in compiled)}


@dataclass(slots=True)
class TableProposal:
    """A table of the study, from one file or several."""

    name: str
    sources: list[SourceProposal] = field(default_factory=list)


@dataclass(slots=True)
class Begun:
    """Everything that is proposed for a study.

    Attributes
    ----------
    tables : dict of str to TableProposal
    time : dict of str to Said
        Settings of [time].
    instruments : dict of str to str
        Questionnaires that are not known here: key to what is known of it.
    not_used : dict of str to str
        Files or sheets that got no place: why.
    last_date : str
        The latest date that was seen.
    """

    tables: dict[str, TableProposal] = field(default_factory=dict)
    time: dict[str, Said] = field(default_factory=dict)
    instruments: dict[str, str] = field(default_factory=dict)
    not_used: dict[str, str] = field(default_factory=dict)
    last_date: str = ""
