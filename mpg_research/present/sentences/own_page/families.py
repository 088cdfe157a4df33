"""Whom the numbers of an organisation are about: helped, used, measured; and how its families differ."""

import math

import pandas as pd

from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.own_page.tiles import of_hundred, own_rows

__all__ = ["MOST_DIFFERENCES", "differing", "first_line", "mix_sentences"]

#: So many differences of the families are named.
MOST_DIFFERENCES = 3
#: Differences of fewer standard deviations are not named: our own choice, as in the figure of them.
SMALL = 0.1


def first_line(voice: Voice) -> list[str]:
    """How many families were helped, used and measured around the primary month, in one sentence."""
    if voice.released.own is None:
        return []
    steps = _steps(voice)
    parts = [*steps, *_measured(voice)]
    name = voice.organisation(voice.released.own)
    if not steps:
        return [voice.phrases("own_page.families_hidden", name=name)]
    return [voice.phrases("own_page.families", name=name, parts=", ".join(parts))]


def _steps(voice: Voice) -> list[str]:
    rows = own_rows(voice, "families_by_step")
    found = []
    for step, key in (("helped", "helped"), ("in_comparison", "compared")):
        mine = rows[rows["step"] == step] if len(rows) else rows
        if len(mine) and math.isfinite(float(mine["n_families"].iloc[0])):
            number = voice.about(voice.count(float(mine["n_families"].iloc[0])), str(mine["n_mark"].iloc[0]))
            found.append(voice.phrases(f"own_page.{key}", number=number))
    return found


def _measured(voice: Voice) -> list[str]:
    """Who was measured: the number where it is exact, and of how many; beside what was expected."""
    rows = own_rows(voice, "share_indicators")
    mine = rows[rows["indicator"] == "measured"] if len(rows) else rows
    if not len(mine) or not 0 <= float(mine["share_observed"].iloc[0]) <= 1:
        return [voice.phrases("own_page.measured_hidden", moment=voice.moment(voice.main_month))]
    row = mine.iloc[0]
    share, expected = float(row["share_observed"]), float(row.get("expected_share", math.nan))
    values = {"moment": voice.moment(voice.main_month), "share": of_hundred(voice, share)}
    number = share * float(row["n_group"])
    exact = math.isfinite(number) and abs(number - round(number)) < 1e-6
    key = "measured" if exact else "measured_share"
    if exact:
        values["number"] = voice.count(round(number))
    if 0 <= expected <= 1:
        return [voice.phrases(f"own_page.{key}_expected", expected=of_hundred(voice, expected), **values)]
    return [voice.phrases(f"own_page.{key}", **values)]


def differing(voice: Voice) -> pd.DataFrame:
    """The characteristics in which the own families differ most, the largest difference first."""
    rows = own_rows(voice, "case_mix_difference")
    if not len(rows):
        return rows
    rows = rows[rows["standardised_difference"].abs().ge(SMALL)]
    order = rows["standardised_difference"].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[order].head(MOST_DIFFERENCES).reset_index(drop=True)


def mix_sentences(voice: Voice) -> list[str]:
    """The largest differences between the own families and those of the others, in their own units."""
    every = own_rows(voice, "case_mix_difference")
    known = every["standardised_difference"].notna().any() if len(every) else False
    if not known:
        return [voice.why_withheld("case_mix_difference")] if voice.released.own is not None else []
    rows = differing(voice)
    if not len(rows):
        return [voice.phrases("own_page.mix_alike", small=voice.number(SMALL))]
    return [_difference(voice, row) for _, row in rows.iterrows()]


def _difference(voice: Voice, row: pd.Series) -> str:
    variable, level = str(row["variable"]), str(row["level"])
    gap = float(row["standardised_difference"])
    more = "more" if gap > 0 else "less"
    label = voice.phrases.label("value.variable", variable)
    values = {"size": voice.number(abs(gap), 2)}
    numbers, own_words = _raw(voice, variable, level)
    if level not in ("", "yes"):
        words = own_words or voice.phrases.label("value.level", level)
        label = voice.phrases("own_page.mix_level", variable=label, level=words)
    values["variable"] = label
    if numbers is None:
        return voice.phrases(f"own_page.mix_{more}", **values)
    mine, theirs, kind = numbers
    if not math.isfinite(theirs):
        mine_text = voice.number(mine) if kind == "mean" else of_hundred(voice, mine)
        return voice.phrases(f"own_page.mix_own_{kind}_{more}", **values, own=mine_text)
    if kind == "mean":
        written = {"own": voice.number(mine), "others": voice.number(theirs)}
    else:
        written = {"own": of_hundred(voice, mine), "others": of_hundred(voice, theirs)}
    return voice.phrases(f"own_page.mix_{kind}_{more}", **values, **written)


def _raw(voice: Voice, variable: str, level: str) -> tuple[tuple[float, float, str] | None, str]:
    """The own mean or share and that of the others, as released; and the study's words for the level.

    A mean of some of the others is not that of all: it is NaN where one of them is not shown.
    """
    rows = voice.frame("case_mix")
    words = voice.released.policy.own_words.get("level", {}).get(level, {}).get(voice.language, "")
    if not len(rows):
        return None, words
    rows = rows[(rows["variable"] == variable) & rows["mean_or_share"].notna()]
    kind = "mean" if (rows["kind"] == "mean").any() else "share"
    rows = rows[rows["level"] == (level if level or kind == "mean" else "yes")]
    mine = rows[rows["organisation"] == voice.released.own]
    others = rows[rows["organisation"] != voice.released.own]
    sizes = voice.frame("by_organisation")
    if not len(mine):
        return None, words
    theirs = math.nan
    if len(sizes) and len(others) == int(sizes["organisation"].nunique()) - 1 > 0:
        weight = others["organisation"].map(sizes.set_index("organisation")["n_families"]).astype(float)
        theirs = float((others["mean_or_share"] * weight).sum(skipna=False) / weight.sum(skipna=False))
    return (float(mine["mean_or_share"].iloc[0]), theirs, kind), words
