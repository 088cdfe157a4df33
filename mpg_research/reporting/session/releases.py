"""A stored result is released to one reader once per process: the languages of a page share that."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mpg_research.reporting.ledger.comparison import Asked
from mpg_research.reporting.store.stored import StoredResult

if TYPE_CHECKING:
    from mpg_research.disclosure import Audience, DisclosurePolicy
    from mpg_research.disclosure.released import Released

__all__ = ["asked_for", "release_once"]

#: What was released last: result, reader, rules, and what came of it. A page has few results.
_LATEST: "deque[tuple[StoredResult, Audience, DisclosurePolicy, Released]]" = deque(maxlen=24)


def release_once(result: Any, audience: "Audience", policy: "DisclosurePolicy") -> "Released":
    """What a reader may see of a result; for a stored one that is equal to one before, what came of that.

    Equal means each number of each table, so that a result that was changed by hand goes through the gate
    as any other.

    Parameters
    ----------
    result : AnalysisResult
        The result.
    audience : Audience
        The reader.
    policy : DisclosurePolicy
        The rules of the study.

    Returns
    -------
    Released
    """
    from mpg_research.disclosure import release

    if not isinstance(result, StoredResult):
        return release(result, audience, policy=policy)
    for before, reader, rules, released in _LATEST:
        if before.key == result.key and reader == audience and rules == policy and _is_same(before, result):
            return released
    released = release(result, audience, policy=policy)
    _LATEST.append((result, audience, policy, released))
    return released


def asked_for(
    result: Any, asked: Sequence[tuple[Any, str, Mapping[str, Any]]], notebook: str, number: int
) -> Asked:
    """Which result something is, so that it is known again in a later run.

    Parameters
    ----------
    result : AnalysisResult
        What is to be released.
    asked : sequence of (result, str, mapping)
        What analyses of the session gave, which they were, and their options.
    notebook : str
        Name of the notebook.
    number : int
        Which result of the notebook it is; counts only where the result did not come from the session.

    Returns
    -------
    Asked
    """
    for found, verb, options in asked:
        if found is result:
            return Asked(verb, options)
        if isinstance(result, StoredResult) and isinstance(found, StoredResult):
            if result.key == found.key:
                return Asked(verb, options)
            if found.key and result.key.startswith(f"{found.key}."):
                return Asked(verb, {**options, ".part": result.key.removeprefix(f"{found.key}.")})
    given = {**result.provenance.parameters, ".notebook": notebook, ".number": number}
    return Asked(f"other {result.kind}", given)


def _is_same(one: StoredResult, other: StoredResult) -> bool:
    names = [
        each.name for each in fields(StoredResult) if each.compare and each.name not in {"tables", "_own"}
    ]
    if any(getattr(one, name) != getattr(other, name) for name in names):
        return False
    if _plain(one._own) != _plain(other._own) or list(one.tables) != list(other.tables):
        return False
    return all(_is_same_table(one.tables[name], other.tables[name]) for name in one.tables)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are numbers or texts: a result's other parts are results, with tables of their own."""
    return {name: value for name, value in values.items() if isinstance(value, int | float | str | None)}


def _is_same_table(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    names = [each.name for each in fields(one) if each.name != "data" and each.compare]
    if any(getattr(one, name) != getattr(other, name) for name in names if not name.startswith("_")):
        return False
    # Tables about single families are never released, and reading them would compute them.
    return one.unit == "family" or bool(one.data.equals(other.data))
