"""What a study does otherwise than its sealed plan says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mpg_research.reporting.planned.seal import SealedPlan
from mpg_research.reporting.planned.settings import CONTENT, Settings, resolve_settings
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["Deviation", "compare_settings", "find_deviations"]

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Deviation:
    """A setting that is not as planned.

    Attributes
    ----------
    setting : str
        Its place in study.toml, such as "analysis.primary_month".
    planned, done : object
        Its values; ``None`` where it was not set.
    since : date or None
        The day of the amendment that changed it; ``None`` where no amendment did.
    reason : str
        That of the amendment.
    """

    setting: str
    planned: Any
    done: Any
    since: date | None = None
    reason: str = ""


def find_deviations(config: StudyConfig, sealed: Sequence[SealedPlan]) -> tuple[Deviation, ...]:
    """Every setting that is not as the first sealed plan has it, or not as its last amendment has it.

    Parameters
    ----------
    config : StudyConfig
        The study as it is now.
    sealed : sequence of SealedPlan
        From :func:`mpg_research.reporting.planned.seal.read_sealed`.

    Returns
    -------
    tuple of Deviation
        In order of their settings; empty where all is as planned, or nothing was sealed.
    """
    if not sealed:
        return ()
    now = resolve_settings(config)
    first, last = sealed[0], sealed[-1]
    from_first = compare_settings(first.settings, now)
    from_last = compare_settings(last.settings, now)
    found = []
    for place in sorted({*from_first, *from_last}):
        if place not in from_last:
            by = _amendment_of(place, now, sealed)
            found.append(Deviation(place, *from_first[place], by.day, by.reason))
        else:  # no amendment has it so: neither since when nor why is known
            planned, done = from_first[place] if place in from_first else from_last[place]
            found.append(Deviation(place, planned, done))
    return tuple(found)


def compare_settings(planned: Settings, done: Settings) -> dict[str, tuple[Any, Any]]:
    """The settings of two versions that differ, with both values.

    A setting that one of them does not know differs only where it is not at its default: a newer version of
    this package brings settings, and its number is a setting of its own.

    Parameters
    ----------
    planned, done : Settings
        The two versions.

    Returns
    -------
    dict
        By place.
    """
    found = {}
    for place in {*planned.values, *done.values}:
        before, after = planned.values.get(place, _ABSENT), done.values.get(place, _ABSENT)
        if _same(before, after):
            continue
        known = done if before is _ABSENT else planned
        if _ABSENT in (before, after) and place in known.at_default:
            continue
        found[place] = (None if before is _ABSENT else before, None if after is _ABSENT else after)
    return {
        place: pair
        for place, pair in found.items()
        if not _is_told_below(place, pair, found)
        and place.removesuffix(CONTENT) not in found.keys() - {place}
    }


def _same(before: Any, after: Any) -> bool:
    """Whether two plain values are the same; true is no 1."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)


def _is_told_below(place: str, pair: tuple[Any, Any], found: Mapping[str, Any]) -> bool:
    """Whether a section that came or went is told by its settings."""
    return {} in pair and any(other.startswith(f"{place}.") for other in found)


def _is_told_by_name(place: str, found: Mapping[str, Any]) -> bool:
    """Whether what stands in a file differs since another file is named."""
    return place.endswith(CONTENT) and place.removesuffix(CONTENT) in found


def _amendment_of(place: str, now: Settings, sealed: Sequence[SealedPlan]) -> SealedPlan:
    """The amendment since which a setting is as it is now."""
    chosen = sealed[-1]
    for each in reversed(sealed):
        if place in compare_settings(each.settings, now):
            break
        chosen = each
    return chosen
