"""What stands out at an organisation, what to talk about, and who was measured, for a team lead."""

import math

from mpg_research.frames import row_at
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.own_page.families import differing
from mpg_research.present.sentences.own_page.tiles import Tile, of_hundred, own_rows, tiles_of

__all__ = ["discuss_sentences", "standing_out", "team_sentences"]


def standing_out(voice: Voice) -> list[str]:
    """Each number that lies beyond the range of chance, with a question; or that none does."""
    tiles = tiles_of(voice)
    compared = [tile for tile in tiles if tile.certainty]
    if not compared:
        return [voice.phrases("own_page.no_expectation")] if tiles else []
    sentences = [_stands_out(voice, tile) for tile in compared if tile.stands_out]
    if not sentences:
        key = "own_page.none_stands_out" if len(compared) > 1 else "own_page.one_stands_not_out"
        return [voice.phrases(key, number=voice.count(len(compared)))]
    if any(tile.stands_out and tile.certainty == "none" for tile in compared):
        sentences.append(voice.phrases("own_page.may_be_chance"))
    return sentences


def _stands_out(voice: Voice, tile: Tile) -> str:
    better = "better" if tile.favourable else "worse"
    values = {"title": tile.title, "number": tile.number, "expected": tile.expected_text, "unit": voice.unit}
    kind = "share" if tile.is_share else "change"
    return voice.phrases(f"own_page.stands_out_{kind}_{better}", **values)


def discuss_sentences(voice: Voice) -> list[str]:
    """Questions to talk about, filled with the own numbers; those that stand out first."""
    tiles = {tile.name: tile for tile in tiles_of(voice)}
    questions = []
    for tile in tiles.values():
        if not math.isfinite(tile.value) or tile.name == "measured":
            continue
        key = "compared" if tile.certainty else "alone"
        if tile.certainty and not tile.is_share:
            key = "stands_out" if tile.stands_out else "as_expected"
        questions.append(
            (
                not tile.stands_out,
                voice.phrases(
                    f"own_page.discuss_{tile.name}_{key}", number=tile.number, expected=tile.expected_text,
                    unit=voice.unit, period=voice.period(voice.main_month),
                ),
            )
        )  # fmt: skip
    said = [text for _, text in sorted(questions, key=lambda each: each[0])]
    measured = tiles.get("measured")
    if measured is not None and measured.value < 1:
        moment = voice.moment(voice.main_month)
        said.append(voice.phrases("own_page.discuss_measured", number=measured.number, moment=moment))
    rows = differing(voice)
    if len(rows):
        names = dict.fromkeys(voice.phrases.label("value.variable", name) for name in rows["variable"])
        said.append(voice.phrases("own_page.discuss_mix", names=", ".join(names)))
    return said


def team_sentences(voice: Voice) -> list[str]:
    """Who was measured by month, where it was least, and where the list of those who are due comes from."""
    if voice.released.own is None:
        return []
    rows = own_rows(voice, "response_by_month")
    rows = rows[rows["share_measured"].between(0, 1)] if len(rows) else rows
    sentences = []
    if len(rows):
        first, last = rows.iloc[0], rows.iloc[-1]
        least = row_at(rows, rows["share_measured"].idxmin())
        values = {
            "first": voice.moment(float(first["months"])),
            "share_first": of_hundred(voice, float(first["share_measured"])),
            "last": voice.moment(float(last["months"])),
            "share_last": of_hundred(voice, float(last["share_measured"])),
        }
        if len(rows) > 1:
            sentences.append(voice.phrases("own_page.response", **values))
            low = {
                "moment": voice.moment(float(least["months"])),
                "share": of_hundred(voice, float(least["share_measured"])),
            }
            if low["share"] not in (values["share_first"], values["share_last"]):
                sentences.append(voice.phrases("own_page.response_least", **low))
        else:
            sentences.append(
                voice.phrases("own_page.response_once", last=values["last"], share_last=values["share_last"])
            )
    if sentences and voice.released.policy.time_unit == "months":
        sentences.append(voice.phrases("own_page.around"))
    return [*sentences, voice.phrases("own_page.due")]
