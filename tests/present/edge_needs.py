"""The tests behind each sentence, computed from the released numbers and not by the code that speaks.

Each takes the released result and what was said (the values that were filled in), and tells whether the
sentence may be said. The names are those of ``[needs]`` in ``present/catalogue/conditions.toml``.
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.disclosure.released import SUPPRESSED, Released

Words = Mapping[str, object]
#: Among the words of a sentence on the page of a family: all the answers that the page says, in order.
SAID = "answers said"
Need = Callable[[Released, Words], bool]


def rows_of(released: Released, name: str) -> pd.DataFrame:
    """The rows of a table that are not withheld as a whole."""
    found = released.tables.get(name)
    if found is None:
        return pd.DataFrame()
    return found.data[~found.data["suppressed"].astype(bool)]


def fact(released: Released, name: str) -> float:
    computed = rows_of(released, "settings")
    here = computed.loc[computed["quantity"] == name, "value"] if len(computed) else computed
    value = float(here.iloc[0]) if len(here) else released.provenance.parameters.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def alpha_of(released: Released) -> float:
    return round(1 - released.level, 10)


def width_of(released: Released) -> float:
    if released.provenance.outcome != "raw":
        return math.inf
    return fact(released, "raw_maximum") - fact(released, "raw_minimum")


def lower_is_better(released: Released) -> bool:
    facts = released.instrument
    return facts is None or facts.direction == "higher_is_worse"


def shows(value: float, digits: int = 1) -> bool:
    """Whether a number is not zero once it is rounded."""
    return float(f"{abs(value):.{digits}f}") != 0


def leaves_zero_out(row: pd.Series) -> bool:
    return bool(row["conf_low"] > 0 or row["conf_high"] < 0)


def usable(released: Released, row: pd.Series) -> bool:
    width = width_of(released)
    numbers = [float(row[name]) for name in ("estimate", "conf_low", "conf_high")]
    if any(map(math.isnan, numbers)) or not abs(numbers[0]) <= width or math.isinf(numbers[0]):
        return False
    return math.isfinite(width) or all(map(math.isfinite, numbers))


# --- the mean course -------------------------------------------------------------------------------------


def change(released: Released) -> pd.Series:
    rows = rows_of(released, "change")
    return rows[rows["months"] == 12.0].iloc[0] if len(rows) else pd.Series(dtype=float)


def free_course(released: Released) -> float:
    """The change at month 12 with a free curve for each family."""
    rows = rows_of(released, "sensitivity")
    found = rows[(rows["approach"] == "spline") & (rows["months"] == 12.0)] if len(rows) else rows
    return float(found["estimate"].iloc[0]) if len(found) else math.nan


def on_change(test: Callable[[pd.Series], bool]) -> Need:
    return lambda released, _: bool(len(change(released))) and bool(test(change(released)))


def better(released: Released) -> bool:
    row = change(released)
    return leaves_zero_out(row) and (row["estimate"] < 0) == lower_is_better(released)


def levels_on_scale(released: Released, _: Words) -> bool:
    course = rows_of(released, "mean_course").set_index("months")["estimate"]
    levels = [course[0.0], course[12.0]]
    low = fact(released, "raw_minimum")
    known = all(map(math.isfinite, levels))
    return known and (
        math.isinf(width_of(released)) or all(low <= one <= low + width_of(released) for one in levels)
    )


def rounding_shows(released: Released, _: Words) -> bool:
    course = rows_of(released, "mean_course").set_index("months")["estimate"]
    numbers = (course[0.0], course[12.0], change(released)["estimate"])
    start, end, size = (Decimal(f"{value:.1f}") for value in numbers)
    return abs(end - start - size) == Decimal("0.1")


def standardised(row: pd.Series) -> list[float]:
    return [float(row[f"standardised{end}"]) for end in ("", "_low", "_high")]


def size_within(low: float, high: float) -> Callable[[pd.Series], bool]:
    def test(row: pd.Series) -> bool:
        ends = standardised(row)[1:]
        return (ends[0] > 0) == (ends[1] > 0) and all(low <= abs(end) < high for end in ends)

    return test


# --- organisations ---------------------------------------------------------------------------------------


def joint(released: Released) -> float:
    rows = rows_of(released, "joint_test")
    rows = rows[rows["effect"] == "organisation:months"] if len(rows) else rows
    return float(rows["p_value"].iloc[0]) if len(rows) else math.nan


def apart(released: Released, row: pd.Series) -> bool:
    p_value = row["p_adjusted"] if "p_adjusted" in row.index else row["p_value"]
    return bool(p_value < alpha_of(released)) and leaves_zero_out(row) and usable(released, row)


def some_differ(released: Released, table: str) -> bool:
    return any(apart(released, row) for _, row in rows_of(released, table).iterrows())


def own(released: Released, table: str) -> pd.Series:
    rows = rows_of(released, table)
    rows = rows[rows["organisation"] == released.own] if len(rows) else rows
    return rows[rows["months"] == 12.0].iloc[0] if len(rows) else pd.Series(dtype=float)


def on_own(test: Callable[[Released, pd.Series], bool], table: str = "adjusted_change") -> Need:
    return lambda released, _: bool(len(own(released, table))) and bool(test(released, own(released, table)))


def quantity(released: Released, name: str, table: str = "funnel_summary") -> float:
    rows = rows_of(released, table)
    found = rows.loc[rows["quantity"] == name, "value"] if len(rows) else rows
    return float(found.iloc[0]) if len(found) else math.nan


def rankability(low: float, high: float) -> Need:
    return lambda released, _: low <= float(f"{quantity(released, 'rankability'):.0f}") <= high


def wide(released: Released) -> list[bool]:
    rows = rows_of(released, "ranks")
    rows = rows[rows["set_low"].notna()]
    middle = (len(released.tables["ranks"].data) + 1) / 2
    return [bool(row["set_low"] <= middle <= row["set_high"]) for _, row in rows.iterrows()]


def verdicts(released: Released) -> list[str]:
    rows = rows_of(released, "funnel_steps")
    return list(rows["verdict"]) if len(rows) else []


# --- the questionnaire -----------------------------------------------------------------------------------


def coefficient(released: Released, name: str) -> list[float]:
    rows = rows_of(released, "reliability")
    rows = rows[rows["coefficient"] == name] if len(rows) else rows
    if not len(rows):
        return [math.nan] * 3
    return [float(rows.iloc[0][column]) for column in ("estimate", "conf_low", "conf_high")]


def alpha_hidden(released: Released, _: Words) -> bool:
    found = released.tables["reliability"]
    mine = found.data["coefficient"] == "alpha"
    return bool(mine.any()) and bool((found.marks.loc[mine, "estimate"] == SUPPRESSED).all())


# --- families --------------------------------------------------------------------------------------------

CLASSES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "individual_change": (("improved",), ("unchanged",), ("deteriorated",)),
    "reliable_trend": (("improved",), ("no_reliable_trend",), ("deteriorated",)),
    "course": (
        ("improving", "improving_less_than_delta"),
        ("stagnating",),
        ("deteriorating", "deteriorating_less_than_delta"),
        ("not_enough_information",),
    ),
    "signals": (("on_track",), ("off_track",), ("may_stand_still",), ("cannot_tell",)),
}


def counts(released: Released) -> list[float]:
    """The numbers of families of each answer; NaN where a part of it is withheld."""
    found = released.tables.get("shares")
    if found is None:
        return [math.nan]
    rows = found.data.set_index("class")
    if not rows["n_group"].notna().any():
        return [math.nan] * len(CLASSES[released.kind])
    numbers = rows["n_families"].where(~rows["suppressed"].astype(bool))
    return [float(sum(numbers[name] for name in names)) for names in CLASSES[released.kind]]


def partly(released: Released, _: Words) -> bool:
    numbers = counts(released)
    return any(map(math.isnan, numbers)) and any(number > 0 for number in numbers)


def improved_told(released: Released, _: Words) -> bool:
    numbers = counts(released)
    return numbers[0] > 0 or not any(map(math.isnan, numbers))


def swings(released: Released) -> bool:
    rows = rows_of(released, "errors").set_index("source")["sd"]
    shown = [float(f"{rows[name]:.1f}") for name in ("in_force", "measurement")]
    return shown[0] > shown[1]


def tip(released: Released) -> float:
    return float(rows_of(released, "tipping_point")["delta_at_tipping"].iloc[0])


def beyond_chance(released: Released) -> tuple[float, float]:
    rows = rows_of(released, "without_change")
    facts = released.provenance.parameters
    mine = rows[
        (rows["rule"] == facts["rule"]) & (rows["target"] == facts["target"]) & (rows["figure"] == "both")
    ]
    return float(mine["conf_low"].iloc[0]), float(mine["conf_high"].iloc[0])


def gains(released: Released) -> float:
    found = released.tables["shares"].data
    row = found[(found["kind"] == "gain") & (found["class"] == "with")].iloc[0]
    return math.nan if row["suppressed"] else float(row["n_families"])


def lost(low: float, high: float) -> Need:
    def test(released: Released, _: Words) -> bool:
        rows = rows_of(released, "sizes")
        share = float(rows.loc[rows["kind"] == "gain", "share_reversed"].iloc[0])
        return low <= float(f"{share:.2f}") <= high

    return test


def share_known(released: Released, words: Words) -> bool:
    texts = [str(words[name]) for name in ("share", "low", "high") if name in words]
    return bool(texts) and all("%" in text for text in texts)


# --- over time and in other ways -------------------------------------------------------------------------


def chart(released: Released) -> tuple[float, float]:
    return tuple(quantity(released, name, "run_signals") for name in ("signal", "n_points"))  # type: ignore[return-value]


def seen(released: Released) -> float:
    names = ("share_drift_seen", "share_step_seen")
    return min(round(100 * quantity(released, name, "run_signals")) for name in names)


def reach(released: Released) -> float:
    return quantity(released, "step_seen", "run_signals")


def primary(released: Released) -> float:
    rows = rows_of(released, "robustness")
    return float(rows.loc[rows["variant"] == "primary", "different"].iloc[0])


def ways(released: Released) -> list[str]:
    rows = rows_of(released, "robustness")
    found = rows.loc[rows["variant"] != "primary", "conclusion"]
    return [name for name in found if name != "not_possible"]


def within(released: Released, value: float) -> bool:
    return abs(value) <= width_of(released)


# --- who was measured, and the page of one family --------------------------------------------------------


def unmeasured(released: Released) -> tuple[float, bool]:
    """How many more families were in help than answered, by the two steps, and whether they are rounded."""
    flow = released.tables["sample_flow"]
    data, marks = flow.data.set_index("step"), flow.marks.set_axis(flow.data["step"])
    steps = ["helped", "answered"]
    rounded = bool((marks.loc[steps, "n_families"] != "").any())
    return float(data.at["helped", "n_families"] - data.at["answered", "n_families"]), rounded


def said_number(words: Words) -> int:
    return int(re.sub(r"\D", "", str(words["number"])))


def rounding(released: Released) -> int:
    return max(10, released.policy.minimum_families)


def some_unmeasured(released: Released, words: Words) -> bool:
    number, rounded = unmeasured(released)
    fewest = rounding(released) + 1 if rounded else released.policy.minimum_families
    return said_number(words) == number >= fewest


def few_unmeasured(released: Released, words: Words) -> bool:
    number, rounded = unmeasured(released)
    return rounded and number <= rounding(released) == said_number(words)


def answers_of(one: FamilyProfile) -> list[str]:
    """What the page of a family says of each respondent, in order; from the answers in its table."""
    expected = []
    for _, row in one.tables["summary"].data.iterrows():
        best = "_best" if row["answer"] == "stagnating" and row["at_limit"] == "best" else ""
        expected += [f"talk.told_{row['signal']}", f"profile.change_{row['category']}"]
        expected += [f"profile.standing_{row['standing']}"] if row["standing"] else []
        expected += [f"profile.answer_{row['answer']}{best}"]
    return expected


def answer_is_said(one: Any, words: Words) -> bool:
    """Of a profile: the answers that were said (``SAID``, all of them in order) are those in its table."""
    return isinstance(one, FamilyProfile) and words.get(SAID) == answers_of(one)


NEEDS: Mapping[str, Need] = {
    "other_course_known": lambda released, _: (
        abs(free_course(released)) <= width_of(released) < math.inf
        or (math.isfinite(free_course(released)) and math.isinf(width_of(released)))
    ),
    "change_known": lambda released, _: usable(released, change(released)),
    "change_not_known": lambda released, _: not usable(released, change(released)),
    "change_below_zero": on_change(lambda row: row["conf_high"] < 0),
    "change_above_zero": on_change(lambda row: row["conf_low"] > 0),
    "change_holds_zero": on_change(lambda row: row["conf_low"] <= 0 <= row["conf_high"]),
    "change_straddles_zero": on_change(lambda row: row["conf_low"] < 0 < row["conf_high"]),
    "change_touches_zero": on_change(lambda row: 0 in (row["conf_low"], row["conf_high"])),
    "change_is_a_fall": on_change(lambda row: row["estimate"] < 0 and shows(row["estimate"])),
    "change_is_a_rise": on_change(lambda row: row["estimate"] > 0 and shows(row["estimate"])),
    "change_rounds_to_zero": on_change(lambda row: not shows(row["estimate"])),
    "change_is_better": lambda released, _: better(released) and shows(change(released)["estimate"]),
    "change_is_worse": lambda released, _: not better(released) and leaves_zero_out(change(released)),
    "levels_on_scale": levels_on_scale,
    "rounding_shows": rounding_shows,
    "size_is_small": on_change(size_within(0.0, 0.5)),
    "size_is_medium": on_change(size_within(0.5, 0.8)),
    "size_is_large": on_change(size_within(0.8, math.inf)),
    "size_known": on_change(lambda row: all(map(math.isfinite, standardised(row)))),
    "test_known": on_change(
        lambda row: all(math.isfinite(row[name]) for name in ("statistic", "p_value", "std_error"))
    ),
    "joint_below_alpha": lambda released, _: joint(released) < alpha_of(released),
    "joint_not_below_alpha": lambda released, _: joint(released) >= alpha_of(released),
    "joint_not_known": lambda released, _: math.isnan(joint(released)),
    "some_differ": lambda released, _: some_differ(released, "difference_from_mean"),
    "none_differ": lambda released, _: not some_differ(released, "difference_from_mean"),
    "own_differs": on_own(apart, "difference_from_mean"),
    "own_does_not_differ": on_own(lambda released, row: not apart(released, row), "difference_from_mean"),
    "own_interval_without_zero": on_own(lambda _, row: leaves_zero_out(row), "difference_from_mean"),
    "own_below_zero": on_own(lambda _, row: row["conf_high"] < 0 and shows(row["estimate"])),
    "own_above_zero": on_own(lambda _, row: row["conf_low"] > 0 and shows(row["estimate"])),
    "own_holds_zero": on_own(lambda _, row: row["conf_low"] <= 0 <= row["conf_high"]),
    "own_rounds_to_zero": on_own(lambda _, row: leaves_zero_out(row) and not shows(row["estimate"])),
    "own_known": on_own(usable, "difference_from_mean"),
    "rankability_low": rankability(0, 49),
    "rankability_moderate": rankability(50, 75),
    "rankability_high": rankability(76, 100),
    "ranks_all_wide": lambda released, _: all(wide(released)),
    "ranks_some_narrow": lambda released, _: not all(wide(released)),
    "none_beyond": lambda released, _: quantity(released, "n_beyond_95") == 0,
    "one_beyond": lambda released, _: quantity(released, "n_beyond_95") == 1,
    "several_beyond": lambda released, _: quantity(released, "n_beyond_95") > 1,
    "checks_passed": lambda released, _: verdicts(released) == ["pass"] * 6,
    "checks_failed": lambda released, _: "fail" in verdicts(released),
    "reliability_known": lambda released, _: (
        all(map(math.isfinite, coefficient(released, "alpha")))
        and 0 <= coefficient(released, "alpha")[0] <= 1
    ),
    "reliability_without_interval": lambda released, _: (
        0 <= coefficient(released, "alpha")[0] <= 1
        and not all(map(math.isfinite, coefficient(released, "alpha")))
    ),
    "reliability_below_zero": lambda released, _: coefficient(released, "alpha")[0] < 0,
    "reliability_not_known": lambda released, _: not coefficient(released, "alpha")[0] <= 1,
    "reliability_hidden": alpha_hidden,
    "share_of_error": lambda released, _: 0 <= coefficient(released, "alpha")[0] <= 1,
    "lasting_share": lambda released, _: (
        all(map(math.isfinite, coefficient(released, "icc_over_time")))
        and 0 <= coefficient(released, "icc_over_time")[0] <= 1
    ),
    "improved_told": improved_told,
    "counts_known": lambda released, _: not any(map(math.isnan, counts(released))),
    "counts_partly_known": partly,
    "counts_hidden": lambda released, _: (
        any(map(math.isnan, counts(released))) and not any(number > 0 for number in counts(released))
    ),
    "threshold_on_scale": lambda released, _: within(released, fact(released, "threshold")),
    "threshold_beyond_scale": lambda released, _: fact(released, "threshold") > width_of(released),
    "reliability_used": lambda released, _: 0 <= fact(released, "reliability") <= 1,
    "swings_beyond_error": lambda released, _: swings(released),
    "swings_within_error": lambda released, _: not swings(released),
    "waves_known": lambda released, _: math.isfinite(fact(released, "waves_stagnating")),
    "waves_not_known": lambda released, _: (
        not math.isfinite(fact(released, "waves_stagnating")) or not math.isfinite(fact(released, "interval"))
    ),
    "tips_worse": lambda released, _: 0 < tip(released) <= width_of(released),
    "tips_better": lambda released, _: -width_of(released) <= tip(released) < 0,
    "tips_beyond_worse": lambda released, _: tip(released) > width_of(released),
    "tips_beyond_better": lambda released, _: tip(released) < -width_of(released),
    "tips_at_once": lambda released, _: tip(released) == 0,
    "never_tips": lambda released, _: math.isnan(tip(released)),
    "foretells_more": lambda released, _: beyond_chance(released)[0] > 0,
    "foretells_less": lambda released, _: beyond_chance(released)[1] < 0,
    "foretells_the_same": lambda released, _: beyond_chance(released)[0] <= 0 <= beyond_chance(released)[1],
    "gains_shown": lambda released, _: gains(released) > 0,
    "lost_seldom": lost(0, 0.24),
    "lost_often": lost(0.25, 0.5),
    "lost_mostly": lost(0.51, 1),
    "signal": lambda released, _: chart(released)[0] == 1 and chart(released)[1] >= 10,
    "no_signal": lambda released, _: chart(released)[0] == 0 and chart(released)[1] >= 10,
    "too_few_quarters": lambda released, _: math.isnan(chart(released)[0]) or not chart(released)[1] >= 10,
    "seen_enough": lambda released, _: seen(released) >= 80,
    "seen_little": lambda released, _: seen(released) < 80,
    "reach_on_scale": lambda released, _: within(released, reach(released)),
    "reach_beyond_scale": lambda released, _: reach(released) > width_of(released),
    "some_years_differ": lambda released, _: some_differ(released, "all_by_cohort"),
    "no_years_differ": lambda released, _: not some_differ(released, "all_by_cohort"),
    "primary_names_none": lambda released, _: primary(released) == 0,
    "primary_names_one": lambda released, _: primary(released) == 1,
    "primary_names_several": lambda released, _: primary(released) > 1,
    "primary_names_any": lambda released, _: primary(released) > 0,
    "no_way_changes": lambda released, _: bool(ways(released)) and set(ways(released)) <= {"same", "more"},
    "some_ways_change": lambda released, _: (
        "changed" in ways(released) or (primary(released) == 0 and "more" in ways(released))
    ),
    "some_ways_add": lambda released, _: "more" in ways(released) and "changed" not in ways(released),
    "no_other_way": lambda released, _: not ways(released),
    "share_known": share_known,
    "nobody_yet": lambda released, words: not share_known(released, words),
    "nobody_unmeasured": lambda released, _: unmeasured(released) == (0, False),
    "few_unmeasured": few_unmeasured,
    "some_unmeasured": some_unmeasured,
    "answer_is_said": answer_is_said,
}
