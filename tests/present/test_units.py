"""A study that is not about families is spoken of in its own words, everywhere."""

import re
from dataclasses import replace

import pytest
from pydantic import ValidationError

from mpg_research.disclosure import Audience, release
from mpg_research.present import say, tabulate
from mpg_research.present.phrases import LANGUAGES, phrases_in
from mpg_research.present.units import speak_of
from mpg_research.study.config_sections import StudySection
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_says_family_and_placeholders_stay(language: str) -> None:
    plain, own = phrases_in(language), phrases_in(language, unit=PATIENTS[language])
    for key, phrase in own.entries.items():
        assert own.placeholders(key) == plain.placeholders(key), key
        if not key.startswith("intervention."):
            assert not re.search(FAMILY[language], phrase, re.IGNORECASE), key


@pytest.mark.parametrize("language", LANGUAGES)
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
