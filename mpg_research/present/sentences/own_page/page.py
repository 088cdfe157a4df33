"""The topics of the first page for an organisation."""

from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.own_page.discuss import discuss_sentences, standing_out, team_sentences
from mpg_research.present.sentences.own_page.families import first_line, mix_sentences
from mpg_research.present.sentences.own_page.tiles import sentence_of, tiles_of

__all__ = ["LISTS", "TOPICS", "own_page_sentences"]

TOPICS = ("own_families", "own_numbers", "own_stands_out", "own_mix", "own_discuss", "own_team")
#: Topics whose sentences stand beside each other.
LISTS = ("own_numbers", "own_stands_out", "own_mix", "own_discuss")


def own_page_sentences(voice: Voice) -> dict[str, list[str]]:
    """What is said to the organisation that reads, by topic; nothing to others."""
    if voice.released.own is None:
        return {}
    return {
        "own_families": first_line(voice),
        "own_numbers": [sentence_of(voice, tile) for tile in tiles_of(voice)],
        "own_stands_out": standing_out(voice),
        "own_mix": mix_sentences(voice),
        "own_discuss": discuss_sentences(voice),
        "own_team": team_sentences(voice),
    }
