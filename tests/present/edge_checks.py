"""Renders results through the presenters, hears every phrase, and holds it to what must hold of it."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.disclosure import Released
from mpg_research.present import say, tabulate
from mpg_research.present.language.conditions import conditions
from mpg_research.present.language.phrases import Phrases
from mpg_research.present.language.voice import voice_of
from mpg_research.present.registry import kinds
from tests.present.edge_kinds import NEEDS
from tests.present.edge_needs import SAID, alpha_of, width_of

NO_NUMBER = re.compile(r"\b(?:nan|NaN|inf|None(?! of| is)|NaT|<NA>)\b|\{|\}")
PERCENTAGE = re.compile(r"(\d+(?:[.,]\d+)*)\s?%")
#: A number of points of the questionnaire; what a placeholder for them says.
POINTS = re.compile(r"(\d[\d.,]*) (?:T-score )?(?:points|punten)")
#: A direction with nothing behind it.
NOTHING = re.compile(
    r"(?:fell|rose) by 0(?:\.0+)? |(?:fall|rise) of 0(?:\.0+)?(?![\d.])"
    r"|(?<![\d.])0(?:\.0+)? points (?:more|less) fav"
    r"|(?:daalde|steeg)[^.;]* met 0(?:,0+)? |(?:daling|stijging) van 0(?:,0+)?(?![\d,])"
    r"|(?<![\d,])0(?:,0+)? punten (?:on)?gunstiger"
)
P_VALUE = re.compile(r"p ([=<>]) (0?[.,]\d+)")
DIFFERS = {"organisations.differ", "organisations.own_differs"}
ALIKE = {"organisations.alike", "organisations.alike_but_named", "organisations.own_average"}
#: What is said in percentage points and not in points of the questionnaire.
SHARE_POINTS = ("signal_quality.",)


@dataclass(frozen=True, slots=True)
class Heard:
    """A phrase as it was spoken."""

    key: str
    values: Mapping[str, object]
    text: str


@contextmanager
def listening() -> Iterator[list[Heard]]:
    """Every phrase that any presenter speaks meanwhile; the phrases themselves are not changed."""
    heard: list[Heard] = []
    speak = Phrases.__call__

    def overheard(self: Phrases, key: str, **values: object) -> str:
        text = speak(self, key, **values)
        heard.append(Heard(key, values, text))
        return text

    Phrases.__call__ = overheard  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        Phrases.__call__ = speak  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said of a released result in a language: its phrases, its sentences and its tables."""

    heard: list[Heard]
    sentences: list[str]
    tables: list[str]


def speak(released: Released, language: str, *, tables: bool = True) -> Spoken:
    """All that is said of a released result in a language."""
    sentences: list[str] = []
    with listening() as heard:
        for topic in ("sample", "notes", "withheld"):
            sentences += say(released, topic, language=language).sentences
        if released.converged:  # every topic at once, where say() would compute all of them for each
            for spoken in kinds()[released.kind].sentences(voice_of(released, language)).values():
                sentences += spoken
        names = released.tables if tables else ()
        written = [str(tabulate(released, name, language=language)) for name in names]
    said = "\n".join(sentences)
    kept = {(one.key, one.text): one for one in heard if one.key in conditions() and one.text in said}
    return Spoken(list(kept.values()), list(dict.fromkeys(sentences)), written)


def examine(released: Released, *, tables: bool = True) -> tuple[list[str], set[str]]:
    """What is wrong with what is said of a released result in both languages, and the sentences said."""
    spoken = {language: speak(released, language, tables=tables) for language in ("nl", "en")}
    faults = said_alike(*(spoken[language].heard for language in ("nl", "en")))
    for said in spoken.values():
        faults += [fault for sentence in said.sentences for fault in faults_in(sentence)]
        faults += [f"no number in a table: {each}" for each in said.tables if NO_NUMBER.search(each)]
        for one in said.heard:
            faults += [f"{one.key} needs {need}: {one.text}" for need in unmet(released, one)]
            faults += [
                f"{fault} [{one.key}]" for fault in (*beyond_scale(released, one), *p_faults(released, one))
            ]
    return faults, {one.key for said in spoken.values() for one in said.heard}


def faults_in(sentence: str) -> list[str]:
    """What is wrong with a sentence by itself, whatever it is about."""
    faults = []
    if "–" in sentence.replace("(–:", ""):  # what a dash in a picture means
        faults.append(f"a dash for a number: {sentence}")
    if NO_NUMBER.search(sentence):
        faults.append(f"no number: {sentence}")
    if NOTHING.search(sentence):
        faults.append(f"a direction of nothing: {sentence}")
    if any(number_in(text) > 100 for text in PERCENTAGE.findall(sentence)):
        faults.append(f"more than everybody: {sentence}")
    if re.search(r"[−-]\d[\d.,]*\s?%", sentence):
        faults.append(f"less than nobody: {sentence}")
    return faults


def number_in(text: str) -> float:
    """A number as it is written in either language; "1.234" is taken as one thousand."""
    text = text.strip(".,")
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?", text):
        parts = re.split(r"[.,]", text)
        whole = parts if len(parts[-1]) == 3 else parts[:-1]
        return float("".join(whole) + ("" if len(parts[-1]) == 3 else f".{parts[-1]}"))
    return float(text.replace(",", "."))


def profile_faults(profile: FamilyProfile, heard: list[Heard]) -> list[str]:
    """What the page of a family says of its respondents without its table saying so."""
    needs = {one.key: conditions()[one.key].needs for one in heard if one.key in conditions()}
    said = [one.key for one in heard if "answer_is_said" in needs.get(one.key, ())]
    faults = [] if said else ["the page says no answer"]
    for one in heard:
        for need in needs.get(one.key, ()):
            if not NEEDS[need](profile, {**one.values, SAID: said}):  # type: ignore[arg-type]
                faults.append(f"{one.key} needs {need}: {one.text}")
    return faults


def unmet(released: Released, one: Heard) -> list[str]:
    """The needs of a sentence that do not hold of the result."""
    return [need for need in conditions()[one.key].needs if not NEEDS[need](released, one.values)]


def beyond_scale(released: Released, one: Heard) -> list[str]:
    if one.key.startswith(SHARE_POINTS) or not math.isfinite(width_of(released)):
        return []
    largest = max((number_in(text) for text in POINTS.findall(one.text)), default=0.0)
    is_beyond = largest > width_of(released)
    return [f"{largest} points on a scale of {width_of(released)}: {one.text}"] if is_beyond else []


def p_faults(released: Released, one: Heard) -> list[str]:
    """A printed p that lies on the other side of the level than the decision beside it."""
    found, alpha = P_VALUE.search(one.text), alpha_of(released)
    if found is None or one.key not in DIFFERS | ALIKE:
        return []
    sign, shown = found[1], float(f"0.{re.split('[.,]', found[2])[1]}")
    below = shown < alpha or (sign == "<" and shown <= alpha)
    above = shown >= alpha and sign != "<"
    right = below if one.key in DIFFERS else above
    return [] if right else [f"p on the other side: {one.text}"]


def said_alike(dutch: list[Heard], english: list[Heard]) -> list[str]:
    """Where the two languages speak other sentences, or fill in other numbers."""
    both = [
        [(one.key, numbers_said(one, language)) for one in heard if len(one.text.split()) > 1]
        for language, heard in (("nl", dutch), ("en", english))
    ]
    if len(both[0]) != len(both[1]):
        return [f"more sentences in one language: {sorted({key for key, _ in set(both[0]) ^ set(both[1])})}"]
    return [f"{one} beside {two}" for one, two in zip(*both, strict=True) if one != two]


def numbers_said(one: Heard, language: str) -> tuple[str, ...]:
    """The numbers of a phrase as they would be written in English."""
    numbers = re.findall(r"[.,]?\d[\d.,]*", one.text)
    if language == "nl":
        numbers = [text.translate(str.maketrans(".,", ",.")) for text in numbers]
    return tuple(sorted(text.rstrip(".,").replace(",", "").lstrip("0") for text in numbers))
