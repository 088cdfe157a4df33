"""Which rules of [disclosure] a study made looser than they are by default, and why it says so."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpg_research.errors import Problem
from mpg_research.study.config.explain import line_of_setting
from mpg_research.study.config.sections import DisclosureConfig

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["LooserRule", "looser_rules", "reason_is_missing"]

EVERYONE = ("researcher", "funder", "organisation")
#: When a setting is looser than its default, and whose pages it touches. One line per rule.
_RULES: dict[str, tuple[Callable[[Any, Any], bool], tuple[str, ...]]] = {
    "minimum_families": (operator.lt, EVERYONE),
    "minimum_other_organisations": (operator.lt, EVERYONE),
    "rounding": (operator.lt, EVERYONE),
    "dominance_within_percent": (operator.lt, EVERYONE),
    "dominance_largest_percent": (operator.gt, EVERYONE),
    "public_groups": (operator.gt, EVERYONE),
    "name_organisations_to_funder": (operator.gt, ("funder",)),
}


@dataclass(frozen=True, slots=True)
class LooserRule:
    """A setting of [disclosure] that is looser than its default.

    Attributes
    ----------
    setting : str
        Its key.
    value : int or bool
        What the study set.
    default : int or bool
        What it would have been.
    readers : tuple of str
        Whose pages it touches: "researcher", "funder", "organisation".
    """

    setting: str
    value: int | bool
    default: int | bool
    readers: tuple[str, ...]


def looser_rules(rules: DisclosureConfig, *, role: str = "") -> tuple[LooserRule, ...]:
    """The settings that are looser than their defaults.

    Parameters
    ----------
    rules : DisclosureConfig
        ``[disclosure]`` of a study.
    role : str
        Only those that touch the pages of this reader; empty: all.

    Returns
    -------
    tuple of LooserRule
        Empty where nothing is looser.

    Examples
    --------
    >>> [rule.setting for rule in looser_rules(DisclosureConfig(minimum_families=5))]
    ['minimum_families']
    """
    found = []
    for setting, (is_looser, readers) in _RULES.items():
        value, default = getattr(rules, setting), DisclosureConfig.model_fields[setting].default
        if is_looser(value, default) and (not role or role in readers):
            found.append(LooserRule(setting, value, default, readers))
    return tuple(found)


def reason_is_missing(config: "StudyConfig") -> Problem | None:
    """What to say of a study that made a rule looser without saying why; None where all is well.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    Problem or None
    """
    looser = looser_rules(config.disclosure)
    if not looser or config.disclosure.reason is not None:
        return None
    listed = ", ".join(
        f"{rule.setting} = {_toml(rule.value)} (default {_toml(rule.default)})" for rule in looser
    )
    return Problem(
        found=f"rules of [disclosure] are looser than the default and no reason is recorded: {listed}",
        expected='reason = "..." in [disclosure], which every page that the rules touch prints',
        remedy="Write down why, or take the settings out. Until then the pages say that there is no reason.",
        file=config.file.name,
        row=line_of_setting(config.file, ("disclosure", looser[0].setting)),
        code="looser_without_reason",
    )


def _toml(value: int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
