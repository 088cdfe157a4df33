"""Arguments that belong together, said once: which scores an analysis is about."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, TypedDict, TypeVarTuple

from mpg_research.errors import ConfigError

__all__ = ["AS_CONFIGURED", "Gathered", "ScoreKeywords", "Scores", "gather", "refuse_parts"]

Ts = TypeVarTuple("Ts")


class Gathered(Protocol):
    """Arguments that belong together: a frozen dataclass whose fields are None where nothing was said."""

    keyword: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Which scores an analysis is about; what is None is as ``study.toml`` says.

    Attributes
    ----------
    instrument : str or None
        Key of the questionnaire.
    outcome : {"raw", "t_score"} or None
        Total in points, or T-score of the study's norm table.
    respondents : {"declared", "both"} or None
        One respondent per family (the first parent, else the one with most measurements), or all.
    episodes : {"first", "all"} or None
        Per family the first period of help with a score, or all periods.

    Examples
    --------
    >>> from mpg_research import Scores, course, load_study
    >>> from mpg_research.study import shipped_example
    >>> study, all_parents = load_study(shipped_example()), Scores(respondents="both")
    >>> course(study, scores=all_parents).kind
    'course'
    """

    instrument: str | None = None
    outcome: str | None = None
    respondents: str | None = None
    episodes: str | None = None
    keyword: ClassVar[str] = "scores"


class ScoreKeywords(TypedDict, total=False):
    """The parts of :class:`Scores` as keywords of their own."""

    instrument: str | None
    outcome: str | None
    respondents: str | None
    episodes: str | None


#: All as the study's configuration says.
AS_CONFIGURED = Scores()


def gather(older: Mapping[str, object], *given: *Ts) -> tuple[*Ts]:
    """Objects with what was said in keywords of their own added.

    Parameters
    ----------
    older : mapping
        Keywords that are fields of one of the objects; None says nothing.
    *given
        Frozen dataclasses such as :class:`Scores`, no two with a field of the same name.

    Returns
    -------
    tuple
        As many objects, of the same kinds.

    Raises
    ------
    ConfigError
        If a keyword says something else than the object.
    TypeError
        If a keyword is a field of none of them.

    Examples
    --------
    >>> gather({"episodes": "all"}, Scores(instrument="obvl_k"))[0].episodes
    'all'
    """
    result: list[Any] = list(given)
    places = {field.name: (place, one) for place, one in enumerate(result) for field in fields(one)}
    for name, value in older.items():
        if name not in places:
            known = ", ".join([*(one.keyword for one in result), *places])
            raise TypeError(f"unexpected keyword argument {name!r}; beside others there are {known}")
        place, one = places[name]
        said = getattr(one, name)
        if value is None:
            continue
        if said is not None and said != value:
            kind = type(one).__name__
            raise ConfigError(
                f"{name} is said twice, and not the same: {name}={value!r} and "
                f"{one.keyword}={kind}({name}={said!r}). Leave one of them out."
            )
        result[place] = replace(result[place], **{name: value})
    return tuple(result)


def refuse_parts(one: Gathered, *names: str, why: str) -> None:
    """Refuse parts that an analysis has no use for, rather than pass over them in silence.

    Raises
    ------
    ConfigError
        If one of them was said.
    """
    for name in names:
        if (value := getattr(one, name)) is not None:
            raise ConfigError(f"{name}={value!r} cannot be chosen here: {why} Leave it out.")
