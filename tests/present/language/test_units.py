"""A study that is not about families is spoken of in its own words, everywhere."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from mpg_research.disclosure import Audience, release
from mpg_research.present import say, tabulate
from mpg_research.languages import languages
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.language.units import speak_of
from mpg_research.reporting.session.decisions import _TEXT as DECISIONS
from mpg_research.study.config.sections import StudySection
from tests.disclosure.made_results import made_policy, make_organisations, make_quality, make_trajectory

PATIENTS = {"nl": ("patiënt", "patiënten", "de"), "en": ("adult", "adults", "de")}
FAMILY = {"nl": r"(?<!\{)\bgezin(nen)?\b", "en": r"(?<!\{)\bfamil(y|ies)\b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Het gezin en dit gezin", "De patiënt en deze patiënt"),
        ("lijn: het middelste gezin", "lijn: de middelste patiënt"),
        ("geen enkel gezin, één gezin", "geen enkele patiënt, één patiënt"),
        ("Gezinnen die ({families} gezinnen)", "Patiënten die ({families} patiënten)"),
        ("Van een gezin dat vaker hulp kreeg", "Van een patiënt die vaker hulp kreeg"),
        ("een eenoudergezin met gezinskenmerken", "een eenoudergezin met gezinskenmerken"),
    ],
)
def test_dutch_articles_follow_the_word(text: str, expected: str) -> None:
    assert speak_of(text, "nl", PATIENTS["nl"]) == expected
    child = speak_of(text, "nl", ("kind", "kinderen", "het"))
    assert "de " not in child.replace("de middelste", "").lower()


def test_english_articles_follow_the_word() -> None:
    assert speak_of("A family's course; families", "en", PATIENTS["en"]) == "An adult's course; adults"
    assert speak_of("a family", "en", ("client", "clients", "de")) == "a client"
    assert speak_of("a family", "en", None) == "a family"


@pytest.mark.parametrize("language", languages())
def test_no_phrase_says_family_and_placeholders_stay(language: str) -> None:
    plain, own = phrases_in(language), phrases_in(language, unit=PATIENTS[language])
    for key, phrase in own.entries.items():
        assert own.placeholders(key) == plain.placeholders(key), key
        if not key.startswith("intervention."):
            assert not re.search(FAMILY[language], phrase, re.IGNORECASE), key


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("maker", [make_trajectory, make_organisations, make_quality])
def test_everything_shown_speaks_of_the_unit(maker, language: str) -> None:
    policy = replace(made_policy(), unit=PATIENTS)
    released = release(maker(), Audience("funder"), policy=policy)
    texts = [str(say(released, language=language))]
    texts += [tabulate(released, name, language=language).html for name in released.tables]
    assert any(PATIENTS[language][1] in text.lower() for text in texts)
    for text in texts:
        assert not re.search(FAMILY[language], text, re.IGNORECASE)


@pytest.mark.parametrize("word", ["<b>", "a{b}", "", "x" * 90, "1st", "de\nklant"])
def test_a_unit_is_a_word(word: str) -> None:
    words = {"one": word, "many": word}
    with pytest.raises(ValidationError):
        StudySection.model_validate({"name": "s", "unit": {"nl": words, "en": words}})


def test_words_of_the_unit_are_not_replaced_again() -> None:
    member = ("family member", "family members", "de")
    assert speak_of("A family and 3 families", "en", member) == "A family member and 3 family members"
    assert speak_of("A family", "en", ("user", "users", "de")) == "A user"
    assert speak_of("A family", "en", ("uncle", "uncles", "de")) == "An uncle"


#: Words in which a family is not whom the study is about.
NOT_THE_UNIT = re.compile(r"eenoudergezin|intervention\.", re.IGNORECASE)
UNITS = [
    {"nl": ("persoon", "personen", "de"), "en": ("person", "persons", "")},
    {"nl": ("leerling", "leerlingen", "de"), "en": ("pupil", "pupils", "")},
    {"nl": ("kind", "kinderen", "het"), "en": ("child", "children", "")},
    {"nl": ("oudere", "ouderen", "de"), "en": ("older adult", "older adults", "")},
]


def notebook_texts(language: str) -> list[str]:
    texts = []
    for path in sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            tags = cell["metadata"].get("tags", [])
            if cell["cell_type"] == "markdown" and language in tags and path.stem != "course_profile":
                texts.append("".join(cell["source"]))
    return texts


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit["en"][0])
@pytest.mark.parametrize("language", languages())
def test_every_word_of_every_page_is_about_the_unit(language: str, unit) -> None:
    """Phrases, the fixed text of the notebooks and the decisions; compounds ("gezinskenmerken") too."""
    own = phrases_in(language, unit=unit[language])
    said = [text for key, text in own.entries.items() if not NOT_THE_UNIT.search(key)]
    said += [speak_of(text, language, unit[language]) for text in notebook_texts(language)]
    said += [speak_of(text, language, unit[language]) for text in DECISIONS[language].values()]
    assert len(said) > 300
    word = re.compile(r"(?<![{\w])\w*(?:gezin|famil)\w*(?!\w*})", re.IGNORECASE)
    left = [found for text in said for found in word.findall(NOT_THE_UNIT.sub("", text))]
    assert left == []
    # One of them, and "a" or "an" as it is said.
    assert not [text for text in said if re.search(r"\ba (?:older|adult|inpatient)", text)]
