"""A stored result is released to one reader once per process: the languages of a page share that."""

from collections import deque
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mpg_research.reporting.store.stored import StoredResult

if TYPE_CHECKING:
    from mpg_research.disclosure import Audience, DisclosurePolicy
    from mpg_research.disclosure.released import Released

__all__ = ["release_once"]

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
