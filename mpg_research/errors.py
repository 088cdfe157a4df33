"""The error tree and the note: the ground that every layer stands on.

Each message says what was found, where, what was expected and what to do about it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mpg_research.visible import visible

__all__ = [
    "ConfigError",
    "DataError",
    "DisclosureError",
    "FormulaError",
    "ModelError",
    "MpgError",
    "NotApplicableError",
    "Note",
    "Problem",
    "ReportError",
    "closest_name",
    "did_you_mean",
    "format_problems",
    "suggestion",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (or odd) in what the user gave us.

    Attributes
    ----------
    found : str
        What was found, in words ("value 5").
    expected : str
        What was expected instead ("a whole number from 1 to 4").
    remedy : str
        What to do about it, as an imperative sentence.
    file, row, column : str, int, str
        Where. ``row`` counts as a spreadsheet does: the header is row 1. Empty where unknown.
    severity : {"error", "warning"}
        Errors stop the run; warnings are reported and the run goes on.
    code : str
        Stable short name of the check ("out_of_range"), for counting and tests.
    """

    found: str
    expected: str = ""
    remedy: str = ""
    file: str = ""
    row: int | None = None
    column: str = ""
    severity: Literal["error", "warning"] = "error"
    code: str = ""

    @property
    def where(self) -> str:
        """The place as "file, row 12, column item_03"; empty parts are left out."""
        parts = [self.file]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column:
            parts.append(f"column {self.column}")
        return ", ".join(part for part in parts if part)

    def __str__(self) -> str:
        text = f"{self.where}: {self.found}" if self.where else self.found
        if self.expected:
            text += f"; expected {self.expected}"
        text = text.rstrip(".") + "."
        return visible(f"{text} {self.remedy}".rstrip())


def format_problems(problems: Iterable[Problem], *, at_most: int = 20) -> str:
    """Lines of text, one per problem; beyond ``at_most`` the rest is counted."""
    listed = list(problems)
    lines = [f"- {problem}" for problem in listed[:at_most]]
    if len(listed) > at_most:
        lines.append(f"- ... and {len(listed) - at_most} more")
    return "\n".join(lines)


def closest_name(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that looks most like this one, whatever the case of their letters.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        The names that would have been right.
    cutoff : float
        How alike they have to be, from 0 to 1 (the ratio of ``difflib.SequenceMatcher``).

    Returns
    -------
    str or None
        As it is spelled among the known ones; None where nothing is close.

    Examples
    --------
    >>> closest_name("Familie", ["family", "organisation"])
    'family'
    """
    from difflib import get_close_matches

    spelled = {candidate.casefold(): candidate for candidate in known}
    close = get_close_matches(name.casefold(), list(spelled), n=1, cutoff=cutoff)
    return spelled[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The question whether a known name was meant that looks like this one; empty where none does.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        The names that would have been right.

    Returns
    -------
    str
        One sentence, or nothing.

    Examples
    --------
    >>> did_you_mean("familiy", ["family", "organisation"])
    'Did you mean "family"?'
    """
    close = closest_name(name, known)
    return f'Did you mean "{close}"?' if close else ""


def suggestion(name: str, known: Iterable[str]) -> str:
    """The same question in brackets behind what was written; empty where no known name looks like it.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        The names that would have been right.

    Returns
    -------
    str

    Examples
    --------
    >>> suggestion("familiy", ["family", "organisation"])
    ' (did you mean "family"?)'
    """
    close = closest_name(name, known)
    return f' (did you mean "{close}"?)' if close else ""


class MpgError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    message : str
        The whole message a user reads.
    problems : iterable of Problem, optional
        The single findings behind the message, for tools that want them one by one.
    """

    exit_code = 1

    def __init__(self, message: str, *, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    @classmethod
    def from_problems(cls, heading: str, problems: Iterable[Problem]) -> "MpgError":
        """An error whose message is the heading and one line per problem."""
        listed = tuple(problems)
        return cls(f"{heading}\n{format_problems(listed)}", problems=listed)


class ConfigError(MpgError):
    """study.toml, an instrument file or a parameter is not as it should be."""

    exit_code = 2


class DataError(MpgError):
    """A data file is missing, unreadable or holds impossible values."""

    exit_code = 3


class FormulaError(MpgError):
    """A model formula cannot be read, or asks for something that is not allowed."""

    exit_code = 4


class ModelError(MpgError):
    """A model cannot be fitted to, or used on, these data."""

    exit_code = 5


class NotApplicableError(ModelError):
    """The question does not arise with these data: one organisation cannot be compared.

    Parameters
    ----------
    message : str
        The whole message a user reads.
    code : str
        Stable short name of the reason, for which ``present`` has a Dutch and an English sentence.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class DisclosureError(MpgError):
    """Something was about to be shown that may not be shown."""

    exit_code = 6


class ReportError(MpgError):
    """A notebook or report could not be made."""

    exit_code = 7


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of a result should know, collected into the result.

    Attributes
    ----------
    code : str
        Stable short name, e.g. ``"singular_fit"``. ``present`` has the Dutch and English wording
        for the codes it knows, and prints ``text`` for the others.
    text : str
        One whole English sentence.
    values : mapping
        JSON-friendly values that the wording may use.
    level : {"info", "caution", "stop"}
        "stop": the result must not be shown as if all were well (a fit that did not converge).
    """

    code: str
    text: str
    values: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    level: Literal["info", "caution", "stop"] = "info"
