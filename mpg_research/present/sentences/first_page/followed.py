"""Of every 100 families, and who of them was measured, in sentences."""

import math

import pandas as pd

from mpg_research.disclosure.released import SUPPRESSED
from mpg_research.present.language.numbers import format_time
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.first_page.words import out_of_hundred
from mpg_research.present.sentences.say import never_measured

__all__ = ["every_hundred", "followed_sentences", "steps_shown", "whole_table"]

#: Steps of the sample flow that a reader follows, from all families to those who were measured.
STEPS = ("helped", "answered", "analysed", "around_month")


def followed_sentences(voice: Voice) -> dict[str, list[str]]:
    """Of every 100 families, and what became of those who were not measured."""
    parts = every_hundred(voice)
    if parts:
        answer = [voice.phrases("first_page.hundred", parts=", ".join(parts))]
    else:
        answer = [voice.phrases("first_page.hundred_hidden")]
    limits = [voice.phrases("first_page.hundred_limit")]
    return {"answer": answer, "measured": _measured(voice), "limits": limits}


def whole_table(voice: Voice, name: str) -> pd.DataFrame:
    """The rows of a table of classes; none where one of them is withheld, so that no rest can be seen."""
    table = voice.table(name)
    if table is None or not len(table.data):
        return pd.DataFrame()
    known = table.data[["estimate", "n_families", "n_group"]].notna().all(axis=None)
    hidden = bool(table.data["suppressed"].any()) or not known
    return pd.DataFrame() if hidden else voice.frame(name)


def of_hundred(shares: pd.Series) -> list[int]:
    """Whole numbers that add up to one hundred: shares as they are written, the largest takes the rest."""
    if not float(shares.sum()) > 0:
        return []
    found = [round(100 * float(share)) for share in shares]
    largest = max(range(len(found)), key=lambda place: found[place])
    found[largest] += 100 - sum(found)
    return found if min(found) >= 0 else []


def hundred(voice: Voice) -> list[tuple[str, int, str]]:
    """Class and number of every hundred families, and that number as it is written; empty if not shown.

    A class that some are in is never said to have none: "<1".
    """
    rows = whole_table(voice, "of_all_families")
    if not len(rows) or not rows["estimate"].between(0, 1).all():
        return []
    found = zip(rows["class"].astype(str), of_hundred(rows["estimate"]), rows["estimate"], strict=False)
    return [
        (name, number, voice.count(number) if number or not share else f"<{voice.count(1)}")
        for name, number, share in found
    ]


def every_hundred(voice: Voice) -> list[str]:
    """The same in words."""
    return [voice.phrases(f"first_page.part.{name}", number=text) for name, _, text in hundred(voice)]


def steps_shown(voice: Voice) -> dict[str, tuple[float, str]]:
    """The steps that a reader follows: number of families and its mark; only those that are shown."""
    flow = voice.table("sample_flow")
    if flow is None:
        return {}
    found = {}
    for step, number, mark in zip(
        flow.data["step"], flow.data["n_families"], flow.marks["n_families"], strict=True
    ):
        if step in STEPS and mark != SUPPRESSED and math.isfinite(float(number)):
            found[str(step)] = (float(number), str(mark))
    return found


def _measured(voice: Voice) -> list[str]:
    flow, steps = voice.table("sample_flow"), steps_shown(voice)
    said = never_measured(voice, flow) if flow is not None else []
    if not {"analysed", "around_month"} <= set(steps):
        return said
    (used, used_mark), (measured, mark) = steps["analysed"], steps["around_month"]
    if not used >= measured >= 0 or not used:
        return said
    near = voice.released.provenance.parameters.get("near")
    said.append(
        voice.phrases(
            "first_page.measured", families=voice.about(voice.families(used), used_mark),
            moment=voice.moment(voice.main_month), near=_near(voice, near),
            measured=voice.about(voice.count(measured), mark), share=out_of_hundred(voice, measured / used),
        )
    )  # fmt: skip
    if measured < used and not len(whole_table(voice, "not_measured")):
        said.append(voice.phrases("first_page.lost_hidden"))
    return said


def _near(voice: Voice, near: object) -> str:
    """How far from the moment a measurement may lie, in units of the time axis."""
    value = float(near) if isinstance(near, int | float) else 1.5
    unit = "wave" if voice.released.policy.time_unit == "waves" else "month"
    number = format_time(value, voice.language)
    return voice.phrases(f"unit.period_{unit}{'' if value == 1 else 's'}", number=number)
