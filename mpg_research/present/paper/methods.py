"""How the results of a page were computed, as a methods section has it: only what was used, with its sources.

Every sentence comes from a setting or from a table that is shown; the works it is from are cited in it and
listed below. What a kind of result was computed with, its registration says (``Kind.methods``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mpg_research.disclosure.released import Released
from mpg_research.present.language.phrases import Phrases
from mpg_research.present.language.voice import Voice, voice_of
from mpg_research.present.paper.pieces import Passage, PresentedPaper
from mpg_research.present.paper.sources import cite
from mpg_research.present.registry import Method, kind_named

__all__ = ["Computed", "write_methods"]


@dataclass(frozen=True, slots=True)
class Computed:
    """One result of a page, and what is said of it beside its methods.

    Attributes
    ----------
    released : Released
        What of it may be shown.
    settings : tuple of str
        What it rests on and was adjusted for, in sentences.
    is_shown : bool
        Whether any number of it is shown: of what is not, nothing is said.
    """

    released: Released
    settings: tuple[str, ...] = ()
    is_shown: bool = True


def write_methods(results: Sequence[Computed], shared: Sequence[str], *, language: str) -> PresentedPaper:
    """A methods section.

    Parameters
    ----------
    results : sequence of Computed
        The results of a page, one or more.
    shared : sequence of str
        What all of them share: time zero, respondents, the questionnaire.
    language : str
        Code of the language.

    Returns
    -------
    PresentedPaper
        Empty but for what all share where nothing is shown.
    """
    voices = [voice_of(result.released, language) for result in results]
    first = voices[0]
    phrases = first.phrases
    design = phrases(f"methods.design_{first.compared_with or 'none'}")
    passages = [Passage(phrases("methods.participants"), (design, *shared))]
    models: list[frozenset[str]] = []
    cited: list[str] = []
    for result, voice in zip(results, voices, strict=True):
        if not result.is_shown:
            continue
        kind = kind_named(voice.released.kind)
        found = list(kind.methods(voice)) if kind is not None and kind.methods is not None else []
        model = frozenset(_told(method) for method in found if method.of_model)
        # The same model is not told again; one that differs in a part is told as a whole.
        again = bool(model) and model in models
        fresh = [method for method in found if not (again and method.of_model)]
        before = (phrases("methods.as_before"),) if again else ()
        sentences = (*result.settings, *before, *(_sentence(phrases, method) for method in fresh))
        models.append(model)
        cited += [key for method in found for key in method.sources]
        if sentences:
            passages.append(Passage(_heading(voice), sentences))
    return PresentedPaper(
        "methods", language, tuple(passages), tuple(dict.fromkeys(cited)), phrases("methods.references"),
        first.mark,
    )  # fmt: skip


def _told(method: Method) -> str:
    return "\0".join([method.key, *(f"{name}={value}" for name, value in sorted(method.values.items()))])


def _sentence(phrases: Phrases, method: Method) -> str:
    works = f" {cite(method.sources)}" if method.sources else ""
    return phrases(f"methods.{method.key}", **{**method.values, "sources": works})


def _heading(voice: Voice) -> str:
    key = f"decisions.result.{voice.released.kind}"
    name = voice.phrases(key) if voice.phrases.has(key) else voice.released.kind
    return f"{name}."
