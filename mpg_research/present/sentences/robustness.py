"""Whether the conclusion stands, in sentences: of each organisation that is named, apart from the test."""

import math

import pandas as pd

from mpg_research.present.language.voice import Voice

__all__ = ["robustness_sentences"]

_NOT_POSSIBLE = "not_possible"
_COUNTS = ("named_in", "ways", "named_left_out", "left_out")


def robustness_sentences(voice: Voice) -> dict[str, list[str]]:
    """Whether the organisations that are named stay named in other ways of computing."""
    rows = voice.frame("robustness")
    if not len(rows):
        return {}
    primary = rows[(rows["variant"] == "primary") & rows["compared"].notna()]
    other = rows[(rows["variant"] != "primary") & (rows["conclusion"] != _NOT_POSSIBLE)]
    names_any = bool((primary["different"] > 0).any())
    answer = [_primary_sentence(voice, row) for _, row in primary[primary["different"].notna()].iterrows()]
    answer.append(_ways_sentence(voice, other, names_any=names_any))
    answer += _each_sentence(voice)
    certainty = []
    if len(other):
        same = voice.count(int((other["joint_conclusion"] == "same").sum()))
        moment = voice.moment(voice.main_month)
        certainty.append(
            voice.phrases("robustness.joint", same=same, number=voice.count(len(other)), moment=moment)
        )
        certainty.append(voice.phrases("robustness.test", moment=moment))
    largest = float(other["largest_shift"].max()) if len(other) else math.nan
    if voice.can_be_a_change(largest):
        shift = voice.nonzero(round(largest, 6))
        certainty.append(voice.phrases("robustness.shift", shift=shift, unit=voice.unit))
    certainty += _left_out_sentence(voice)
    limits = [voice.phrases("robustness.limit"), *voice.reference_sentence]
    return {"answer": answer, "certainty": certainty, "limits": limits}


def _primary_sentence(voice: Voice, row: pd.Series) -> str:
    shown = {name: voice.count(row[name]) for name in ("compared", "different")}
    shown["moment"] = voice.moment(voice.main_month)
    which = {0: "none", 1: "some_one"}.get(int(row["different"]), "some")
    key = f"robustness.{which}"
    return voice.phrases(key, **{name: shown[name] for name in voice.phrases.placeholders(key)})


def _ways_sentence(voice: Voice, other: pd.DataFrame, *, names_any: bool) -> str:
    """What becomes of those that the primary analysis names, over all other ways together."""
    changed, more = (int((other["conclusion"] == name).sum()) for name in ("changed", "more"))
    who = "some" if names_any else "none"
    if not names_any:  # whoever is named is one more than nobody
        changed, more = changed + more, 0
    if not len(other):
        key = "untested"
    elif changed:
        key = f"{who}_changes"
    else:
        key = "some_more" if more else f"{who}_stands"
    shown = {
        "number": voice.count(len(other)), "changed": voice.count(changed), "more": voice.count(more),
    }  # fmt: skip
    wanted = voice.phrases.placeholders(f"robustness.{key}")
    return voice.phrases(f"robustness.{key}", **{name: shown[name] for name in wanted})


def _each_sentence(voice: Voice) -> list[str]:
    """Of each organisation that the primary analysis names: in how many ways it stays so."""
    rows = voice.frame("named")
    if not len(rows):
        return []
    rows = rows[(rows["primary"] == "yes") & (rows["ways"] > 0) & rows[list(_COUNTS)].notna().all(axis=1)]
    sentences = []
    for _, row in rows.iterrows():
        key = f"robustness.{'stays_too' if row['left_out'] > 0 else 'stays'}"
        shown = {
            "name": voice.organisation(str(row["organisation"])),
            "side": voice.label("value.side", row["side"]),
            "named": voice.count(row["named_in"]),
            "ways": voice.count(row["ways"]),
            "kept": voice.count(row["named_left_out"]),
            "left_out": voice.count(row["left_out"]),
        }
        wanted = voice.phrases.placeholders(key)
        sentences.append(voice.phrases(key, **{name: shown[name] for name in wanted}))
    return sentences


def _left_out_sentence(voice: Voice) -> list[str]:
    rows = voice.frame("leave_one_out")
    possible = rows[rows["conclusion"] != _NOT_POSSIBLE] if len(rows) else rows
    if not len(possible):
        return []
    changed = voice.count(int((possible["conclusion"] != "same").sum()))
    return [voice.phrases("robustness.leave_one_out", changed=changed, number=voice.count(len(possible)))]
