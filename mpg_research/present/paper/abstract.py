"""A structured abstract of a page: background, methods, results, conclusion; from settings and results."""

from collections.abc import Sequence

from mpg_research.disclosure.released import Released
from mpg_research.present.language.voice import Voice, voice_of
from mpg_research.present.paper.pieces import Passage, PresentedPaper
from mpg_research.present.sentences.say import is_shown, say

__all__ = ["write_abstract"]

#: Sentences of what may not be concluded that an abstract ends with.
_LIMITS = 2


def write_abstract(results: Sequence[Released], *, language: str) -> PresentedPaper:
    """A structured abstract.

    Parameters
    ----------
    results : sequence of Released
        The results of a page that the abstract is about, the main one first.
    language : str
        Code of the language.

    Returns
    -------
    PresentedPaper
        Without passages where nothing of the results is shown.
    """
    shown = [released for released in results if is_shown(released)]
    voices = [voice_of(released, language) for released in shown]
    if not voices:
        return PresentedPaper("abstract", language, ())
    first = voices[0]
    phrases = first.phrases
    told = [say(each, "answer", language=language) for each in shown]
    limits = say(shown[0], "limits", language=language)
    parts = {
        "background": [phrases("paper.asked"), *(_phrase(voice, "question") for voice in voices)],
        "methods": [
            phrases(f"methods.design_{first.compared_with or 'none'}"),
            *say(shown[0], "sample", language=language).sentences,
            *dict.fromkeys(_phrase(voice, "computed") for voice in voices),
        ],
        "results": [sentence for text in told if text.shows_numbers for sentence in text.sentences],
        "conclusion": limits.sentences[:_LIMITS],
    }
    passages = [
        Passage(phrases(f"paper.{name}"), tuple(sentence for sentence in sentences if sentence))
        for name, sentences in parts.items()
    ]
    return PresentedPaper("abstract", language, tuple(passages), mark=first.mark)


def _phrase(voice: Voice, what: str) -> str:
    """What a kind of result asks, or how it answers, in a sentence; "" where the catalogue has none."""
    key = f"paper.{what}.{voice.released.kind}"
    adjusted = f"{key}_{voice.adjustment}"
    key = adjusted if voice.adjustment and voice.phrases.has(adjusted) else key
    if not voice.phrases.has(key):
        return ""
    known = {
        "concept": voice.concept,
        "instrument": voice.instrument,
        "period": voice.period(voice.main_month),
    }
    return voice.phrases(key, **{name: known[name] for name in voice.phrases.placeholders(key)})
