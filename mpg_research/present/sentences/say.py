"""Released results in sentences: the answer first, then how sure it is, then what may not be concluded."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from mpg_research.disclosure.released import ROUNDED, SUPPRESSED, Released, ReleasedTable
from mpg_research.disclosure.rules.text import HIDDEN_TEXT
from mpg_research.errors import ConfigError, Note, did_you_mean
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_share, format_time
from mpg_research.present.language.phrases import readable
from mpg_research.present.language.voice import Voice, refuse, voice_of
from mpg_research.present.presented import PresentedText
from mpg_research.present.registry import kind_named, kinds

__all__ = ["is_shown", "say", "topics"]

#: What is said without a topic, each a paragraph.
MAIN = ("answer", "certainty", "limits")
#: What can be asked of every result.
SHARED = ("headline", "sample", "notes", "withheld")

#: Topics whose sentences stand beside each other rather than follow from each other.
LISTS = frozenset({"limits", "not_concluded", "to_ask", "first_page_shares"})

#: Notes on how far the data go.
HOW_FAR = ("months_cut", "few_measured", "held_to_scale", "small_share_bend", "curves_end")
#: Those among them that are about lines of a picture.
OF_LINES = frozenset({"held_to_scale", "small_share_bend", "curves_end"})
#: Notes about the norm table, which raw scores do without.
NORMS = frozenset({"norms", "synthetic_norms"})
#: Notes about the study; all others are about an analysis, and said only where its numbers are shown.
OF_THE_STUDY = NORMS | {
    *("synthetic_data", "assigned_by_date", "incomplete_dates", "time_in_waves", "baseline_window"),
    *("without_consent", "all_consent", "before_start", "after_end", "undated"),
    *("prorated_by_choice", "total_only", "no_norms"),
}


def topics() -> tuple[str, ...]:
    """What can be asked for: answer, certainty and limits, the topics of some kinds, and what all have."""
    own = dict.fromkeys(topic for kind in kinds().values() for topic in kind.topics)
    return (*MAIN, *own, *SHARED)


def say(released: Released, topic: str | None = None, *, language: str) -> PresentedText:
    """Present a released result in sentences.

    Every number comes from a released table. Plain language for funders and organisations; researchers
    also get the tests.

    Parameters
    ----------
    released : Released
        From :func:`mpg_research.disclosure.release`.
    topic : str, optional
        One of :func:`topics`: one paragraph; by default the main three. Shares, ranks and funnel: of a
        comparison of organisations only.
    language : str
        Language.

    Returns
    -------
    PresentedText
        Possibly empty for a topic on which there is nothing to say. If the model did not converge, the
        verdict instead.

    Raises
    ------
    ConfigError
        If the topic is unknown.
    DisclosureError
        If ``released`` did not come from the gate.
    """
    if topic is not None and topic not in topics():
        raise ConfigError(
            f"Unknown topic {topic!r}; expected one of {', '.join(topics())}, or none. "
            f"{did_you_mean(topic, topics())}".rstrip()
        )
    voice = voice_of(released, language)
    name = f"{released.kind}_{topic}" if topic else released.kind
    if topic == "notes":
        return _text(voice, name, note_sentences(voice), is_list=True)
    refused = refuse(voice, name)
    if refused is not None:
        return refused
    if topic == "withheld":
        return _text(voice, name, withheld_sentences(voice), is_list=True)
    if topic == "sample":
        return _text(voice, name, sample_sentences(voice))
    spoken = _spoken(voice)
    if topic == "headline":
        return _text(voice, name, spoken.get("answer", ())[:1])
    chosen = MAIN if topic is None else (topic,)
    kind = kind_named(released.kind)
    is_list = topic in LISTS or (kind is not None and topic in kind.lists)
    return _text(voice, name, *(spoken.get(each, ()) for each in chosen), is_list=is_list)


@lru_cache(maxsize=16)
def _spoken(voice: Voice) -> Mapping[str, Sequence[str]]:
    """All sentences about a result, by topic: a page asks for one topic after the other."""
    kind = kind_named(voice.released.kind)
    if kind is None:
        raise ConfigError(
            f"There are no sentences for results of kind {voice.released.kind!r}; "
            f"there are for {', '.join(kinds())}."
        )
    spoken = kind.sentences(voice)
    if voice.is_plain and "limits" in spoken:
        # Researchers find these among the remarks.
        spoken = {**spoken, "limits": [*_how_far(voice), *spoken["limits"]]}
    return MappingProxyType({topic: tuple(sentences) for topic, sentences in spoken.items()})


def _how_far(voice: Voice) -> list[str]:
    """How far the data go; of lines that are not shown nothing."""
    told = HOW_FAR if is_shown(voice.released) else tuple(set(HOW_FAR) - OF_LINES)
    return [note_sentence(voice, note) for note in voice.released.notes if note.code in told]


def _text(voice: Voice, name: str, *paragraphs: Sequence[str], is_list: bool = False) -> PresentedText:
    kept = tuple(tuple(sentences) for sentences in paragraphs if sentences)
    return PresentedText(name, voice.language, kept, voice.mark, is_list=is_list)


def sample_sentences(voice: Voice) -> list[str]:
    """Who never answered, and how many measurements of how many families were used: from the sample flow."""
    table = voice.table("sample_flow")
    if table is None or not len(table.data) or "n_measurements" not in table.data:
        return []
    last, marks = table.data.iloc[-1], table.marks.iloc[-1]
    if bool(last["suppressed"]) or last["n_measurements"] == 0:
        return []
    measurements = voice.about(voice.count(last["n_measurements"]), marks["n_measurements"])
    families = voice.about(voice.families(last["n_families"]), marks["n_families"])
    used = voice.phrases("trajectory.sample", n_measurements=measurements, families=families)
    return [*never_measured(voice, table), used]


def never_measured(voice: Voice, flow: ReleasedTable) -> list[str]:
    """How many of the families that were helped never answered: the first steps of the sample flow."""
    steps = [str(step) for step in flow.data["step"]]
    if "helped" not in steps or "answered" not in steps:
        return []
    first, later = steps.index("helped"), steps.index("answered")
    marks = [flow.marks["n_families"].iloc[row] for row in (first, later)]
    helped, answered = (float(flow.data["n_families"].iloc[row]) for row in (first, later))
    if SUPPRESSED in marks or not helped >= answered > 0:
        return []
    key, number = "never_measured", helped - answered
    mark = ROUNDED if ROUNDED in marks else ""
    if not number and not mark:
        key = "all_measured"
    few = max(10, voice.minimum)  # what rounding leaves of a small number
    if mark and number <= few:
        return [voice.phrases("trajectory.few_never_measured", number=voice.count(few))]
    families = voice.phrases("unit.families", number=voice.about(voice.count(helped), marks[0]))
    if key == "all_measured":
        return [voice.phrases(f"trajectory.{key}", families=families)]
    share = format_share(number / helped, voice.language, digits=0)
    number_text = voice.about(voice.count(number), mark)
    return [voice.phrases(f"trajectory.{key}", families=families, number=number_text, share=share)]


def is_shown(released: Released) -> bool:
    """Whether any number that an analysis was made for is shown."""
    kind, shown = kind_named(released.kind), set(released.tables) - {"sample_flow"}
    main = kind.main_table if kind else ""
    return released.converged and (main in shown if main else bool(shown))


def withheld_sentences(voice: Voice) -> list[str]:
    """What was withheld, and why."""
    reasons = [voice.why_withheld(item.table) for item in voice.released.withheld]
    return list(dict.fromkeys(reasons))


def note_sentences(voice: Voice) -> list[str]:
    """The notes, each once; of the norm table only where T-scores are shown, of an analysis only where any of
    its numbers are.
    """
    raw = voice.released.provenance.outcome == "raw"
    notes = [note for note in voice.released.notes if not (raw and note.code in NORMS)]
    if voice.released.converged and not is_shown(voice.released):
        notes = [note for note in notes if note.code in OF_THE_STUDY]
    return list(dict.fromkeys(note_sentence(voice, note) for note in notes))


def note_sentence(voice: Voice, note: Note) -> str:
    """A note in the language if the catalogue knows its code, else as the analysis wrote it."""
    key = f"note.{note.code}"
    known = {name for name, value in note.values.items() if value is not None}
    if voice.phrases.has(key) and voice.phrases.placeholders(key) <= known:
        return voice.phrases(key, **{name: _note_value(voice, note.values[name]) for name in known})
    return voice.phrases("note.hidden") if note.text == HIDDEN_TEXT else clean_name(note.text)


def _note_value(voice: Voice, value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return voice.phrases("general.yes" if value else "general.no")
    if isinstance(value, int | float) and not math.isfinite(value):
        return voice.phrases("general.unknown")
    if isinstance(value, int | float):
        return voice.count(value) if isinstance(value, int) else format_time(value, voice.language)
    if voice.phrases.has(f"value.variable.{value}"):
        return voice.phrases(f"value.variable.{value}")
    return readable(value) if value.isidentifier() and value.islower() else clean_name(value)
