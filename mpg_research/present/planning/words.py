"""The sentences about a plan: what it finds, what it rests on, and what it does not say."""

import math
from collections.abc import Mapping
from typing import Any

from mpg_research.planning.simulated import Cell, Measure, StudyPlan
from mpg_research.planning.smallest import Smallest
from mpg_research.present.language.numbers import format_count, format_number, format_share
from mpg_research.present.language.phrases import Phrases

__all__ = ["ROUGH", "as_value", "setting", "the_answer", "the_limits", "the_method", "the_smallest"]

_COUNTS = ("families", "organisations", "workers", "waves")
_SHARES = ("missed", "icc_family", "icc_worker", "icc_organisation", "treated", "alpha", "dropout")
#: Monte Carlo errors of a power above this are said to be rough.
ROUGH = 0.02
#: A false-finding rate is said to be too high beyond alpha by so many Monte Carlo errors, and so much.
_ERRORS, _MORE = 2.0, 0.01


def as_value(name: str, value: Any, language: str) -> str:
    """The value of an input as people read it."""
    if isinstance(value, tuple):
        return ", ".join(as_value(name, each, language) for each in value) if value else "–"
    if name in (*_COUNTS, "sizes"):
        return format_count(value, language)
    if name in _SHARES:
        return format_share(float(value), language, digits=1 if 0 < value < 0.1 else 0)
    size = abs(float(value))
    digits = 0 if float(value) == int(value) else 1 if size >= 1 else 2 if size >= 0.1 else 3
    return format_number(float(value), language, digits=digits)


def setting(values: Mapping[str, Any], say: Phrases) -> str:
    """The values that vary, in a phrase: "with 200 families", "waves 7"."""
    if not values:
        return say("plan.as_planned")
    parts = []
    for name, value in values.items():
        key = f"plan.with.{name}"
        shown = as_value(name, value, say.language)
        if say.has(key):
            parts.append(say(key, n=shown))
        else:
            parts.append(say("plan.with_other", name=say(f"plan.input.{name}"), value=shown))
    return say("plan.and").join(parts)


def _in_hundred(share: float, say: Phrases) -> str:
    """So many of a hundred, never 0 or 100 where it is not."""
    if 0 < share < 0.005:
        return say("plan.less_than_one")
    if 0.995 <= share < 1:
        return say("plan.more_than_99")
    return format_count(round(100 * share), say.language)


def _digits(plan: StudyPlan) -> int:
    """Decimals of a margin: two figures that count at the smallest."""
    sizes = [cell.measures["margin"].estimate for cell in plan.cells if "margin" in cell.measures]
    least = min((size for size in sizes if math.isfinite(size) and size > 0), default=1.0)
    return max(1, 1 - math.floor(math.log10(least))) if least < 1 else 1


def the_answer(plan: StudyPlan, say: Phrases) -> list[str]:
    """A sentence per size."""
    language, digits = say.language, _digits(plan)
    found = []
    for cell in plan.cells:
        words: dict[str, Any] = {"setting": setting(cell.values, say)}
        words["setting"] = words["setting"][:1].upper() + words["setting"][1:]
        for name, measure in cell.measures.items():
            if name == "margin":
                words[name] = format_number(measure.estimate, language, digits=digits)
            else:
                words[name] = _in_hundred(measure.estimate, say)
        words["effect"] = as_value("effect", abs(cell.inputs.effect), language) if _has_effect(plan) else ""
        found.append(say(f"plan.answer.{plan.plan.question}", **words))
    return found


def _has_effect(plan: StudyPlan) -> bool:
    return not math.isnan(plan.plan.inputs.effect) or "effect" in plan.plan.vary


def the_smallest(one: Smallest, plan: StudyPlan, say: Phrases) -> list[str]:
    """How many families the power wanted takes, and how sure that number is."""
    language = say.language
    where = f"{setting(one.values, say)}: " if one.values else ""
    words: dict[str, Any] = {
        "setting": where[:1].upper() + where[1:],
        "power": _in_hundred(plan.plan.power, say),
    }
    for name in ("families", "low", "high", "formula"):
        value = getattr(one, name)
        words[name] = format_count(value, language) if value is not None else "–"
    if one.families is None:
        return [say("plan.smallest.none", **words)]
    found = [say("plan.smallest.sure" if one.high is not None else "plan.smallest.unsure", **words)]
    if one.formula is not None:
        found.append(say("plan.smallest.formula", **words))
    return found


def _too_many(measure: Measure, alpha: float) -> bool:
    return measure.estimate > alpha + max(_MORE, _ERRORS * measure.mc_error)


def the_limits(plan: StudyPlan, say: Phrases) -> list[str]:
    """What may not be concluded, and what is doubtful in these simulations."""
    language = say.language
    found = []
    bad = [
        cell
        for cell in plan.cells
        if "wrong" in cell.measures and _too_many(cell.measures["wrong"], cell.inputs.alpha)
    ]
    for cell in bad:
        found.append(
            say(
                "plan.limit.wrong", setting=setting(cell.values, say),
                wrong=_in_hundred(cell.measures["wrong"].estimate, say),
                alpha=_in_hundred(cell.inputs.alpha, say),
            )
        )  # fmt: skip
    failed = sum(cell.n_failed for cell in plan.cells)
    if failed:
        found.append(say("plan.limit.failed", n=format_count(failed, language)))
    if any("power" in cell.measures and cell.measures["power"].mc_error > ROUGH for cell in plan.cells):
        found.append(say("plan.limit.rough"))
    if any(_few(cell) for cell in plan.cells) and plan.plan.question == "mean_change":
        found.append(say("plan.limit.these_organisations"))
    if plan.plan.question in ("intervention", "dose_slope"):
        found.append(say("plan.limit.confounding"))
    found += [say("plan.limit.line"), say("plan.limit.missing")]
    if plan.plan.study:
        found.append(say("plan.limit.study"))
    found.append(say("plan.limit.effect") if _has_effect(plan) else say("plan.limit.spread"))
    return found


def _few(cell: Cell) -> bool:
    from mpg_research.planning.analyse import FIXED_BELOW

    return 1 < cell.inputs.organisations < FIXED_BELOW


def the_method(plan: StudyPlan, say: Phrases) -> list[str]:
    """How it was computed."""
    language = say.language
    found = [
        say("plan.method.simulation", n=format_count(plan.plan.simulations, language), seed=plan.plan.seed)
    ]
    found.append(say("plan.method.model"))
    random = any(cell.inputs.organisations > 1 and not _few(cell) for cell in plan.cells)
    if plan.plan.question in ("organisation_difference", "organisation_distance", "reliability"):
        found.append(say(f"plan.method.{plan.plan.question}"))
    elif random:
        found.append(say("plan.method.random"))
    if any(math.isfinite(m.formula) for cell in plan.cells for m in cell.measures.values()):
        found.append(say("plan.method.formula"))
    if plan.plan.study:
        found.append(say("plan.method.study"))
    if plan.smallest:
        found.append(say("plan.method.smallest"))
    found.append(say("plan.method.error"))
    return found
