"""A study that is not about families is spoken of in its own words, everywhere."""

import re
from dataclasses import replace

import pytest
from pydantic import ValidationError

from mpg_research.disclosure import Audience, release
from mpg_research.errors import ConfigError
from mpg_research.languages import languages, texts_in
from mpg_research.present import say, tabulate
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.language.terms import put_terms, terms_of
from mpg_research.study.config.sections import StudySection
from tests.disclosure.made_results import made_policy, make_organisations, make_quality, make_trajectory

PATIENTS = {"nl": ("patiënt", "patiënten", "de"), "en": ("adult", "adults", "de")}
FAMILY = {"nl": r"(?<!\{)\bgezin(nen)?\b", "en": r"(?<!\{)\bfamil(y|ies)\b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{family.Het} {family.one} en {family.dit} {family.one}", "De patiënt en deze patiënt"),
        ("lijn: {family.het} middelste {family.one}", "lijn: de middelste patiënt"),
        ("{family.geen_enkel} {family.one}, één {family.one}", "geen enkele patiënt, één patiënt"),
        ("{family.Many} die ({families} {family.many})", "Patiënten die ({families} patiënten)"),
        ("een {family.one} {family.dat} vaker hulp kreeg", "een patiënt die vaker hulp kreeg"),
    ],
)
def test_dutch_articles_follow_the_word(text: str, expected: str) -> None:
    assert put_terms(text, terms_of("nl", unit=PATIENTS["nl"])) == expected
    assert put_terms(text, terms_of("nl", unit=("patiënt", "patiënten", ""))) == expected
    child = put_terms(text, terms_of("nl", unit=("kind", "kinderen", "het")))
    assert "de " not in child.lower()


def test_english_articles_follow_the_word() -> None:
    said = "{family.A} {family.one}'s course; {family.many}"
    units = {
        ("adult", "adults", ""): "An adult's course; adults",
        ("client", "clients", ""): "A client's course; clients",
        ("user", "users", ""): "A user's course; users",
        ("uncle", "uncles", ""): "An uncle's course; uncles",
        ("hour", "hours", "an"): "An hour's course; hours",
        ("family member", "family members", ""): "A family member's course; family members",
    }
    for unit, expected in units.items():
        assert put_terms(said, terms_of("en", unit=unit)) == expected
    assert put_terms(said, terms_of("en")) == "A family's course; families"


def test_a_field_that_a_term_has_not_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\{family.das\}.*of 'family' there are: .*elk.*many, one"):
        put_terms("{family.das} {family.one}", terms_of("nl"))


@pytest.mark.parametrize("language", languages())
def test_no_phrase_says_family_and_placeholders_stay(language: str) -> None:
    plain, own = phrases_in(language), phrases_in(language, unit=PATIENTS[language])
    for key, phrase in own.entries.items():
        assert own.placeholders(key) == plain.placeholders(key), key
        if not NOT_THE_UNIT.search(f"{key} {phrase}"):
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


@pytest.mark.parametrize(
    ("unit", "found"),
    [
        ({"nl": {"one": "kind", "many": "kinderen", "article": "der"}}, 'for nl the article "de" or "het"'),
        ({"nl": {"one": "kind", "many": "kinderen"}}, "unit in en too"),
        ({"en": {"one": "child", "many": "children"}}, "unit in nl too"),
        ({"xx": {"one": "child", "many": "children"}}, "'nl' or 'en'"),
    ],
)
def test_a_unit_is_named_in_every_language_of_the_study(unit, found: str) -> None:
    with pytest.raises(ValidationError, match=found):
        StudySection.model_validate({"name": "s", "languages": ["nl", "en"], "unit": unit})


#: Words in which a family is not whom the study is about.
NOT_THE_UNIT = re.compile(r"eenoudergezin|intervention\.|^by_hand\.", re.IGNORECASE)
UNITS = [
    {"nl": ("persoon", "personen", "de"), "en": ("person", "persons", "")},
    {"nl": ("leerling", "leerlingen", "de"), "en": ("pupil", "pupils", "")},
    {"nl": ("kind", "kinderen", "het"), "en": ("child", "children", "")},
    {"nl": ("oudere", "ouderen", "de"), "en": ("older adult", "older adults", "")},
]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit["en"][0])
@pytest.mark.parametrize("language", languages())
def test_every_word_of_every_page_is_about_the_unit(language: str, unit) -> None:
    """Phrases, the fixed text of the notebooks and the decisions; compounds ("gezinskenmerken") too."""
    own = phrases_in(language, unit=unit[language])
    said = [text for key, text in own.entries.items() if not NOT_THE_UNIT.search(key)]
    assert len(said) > 300
    word = re.compile(r"(?<![{\w])\w*(?:gezin|famil)\w*(?!\w*})", re.IGNORECASE)
    left = [found for text in said for found in word.findall(NOT_THE_UNIT.sub("", text))]
    assert left == []
    # One of them, and "a" or "an" as it is said.
    assert not [text for text in said if re.search(r"\ba (?:older|adult|inpatient)", text)]


#: Texts in which an organisation, a month or a family is itself, whatever a study is about.
LITERAL = re.compile(
    r"^(?:neutral|by_hand|intervention|concept)\.|^note\.incomplete_dates$|^check_page\.(?:alt|completeness\w*)$"
)
NAMED = {
    "nl": r"\b(?:gezin|gezinnen|organisaties?|(?<!drie )maand(?:en)?)\b(?!\s\d)",
    "en": r"\b(?:family|families|organisations?|(?<!three )months?)\b(?!\s\d)",
}


@pytest.mark.parametrize("language", NAMED)
def test_every_text_asks_for_the_terms_and_names_none_itself(language: str) -> None:
    """What is written out is not replaced: a study of pupils would read of families."""
    written = {
        key: re.sub(r"\{[^{}]*\}", "", text)
        for key, text in texts_in(language).items()
        if not LITERAL.search(key)
    }
    named = {key: text for key, text in written.items() if re.search(NAMED[language], text, re.IGNORECASE)}
    assert named == {}
