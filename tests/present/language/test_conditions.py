"""Every sentence has its condition, both languages claim the same, and the page of them is up to date."""

from pathlib import Path

import pytest

from mpg_research.languages import languages
from mpg_research.present.language.conditions import as_page, conditions, is_sentence, needs
from mpg_research.present.language.phrases import phrases_in
from tests.present.claims import claims_of, numbers_of
from tests.present.edge_kinds import NEEDS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "sentences.md"
#: Claims of a result that take a test; "chance" and "reliable" are words of limits and of notes as well.
TESTED = {"fall", "rise", "not demonstrated"}


@pytest.mark.parametrize("language", languages())
def test_no_sentence_is_missing_from_the_table(language: str) -> None:
    sentences = {key for key in phrases_in(language).entries if is_sentence(key)}
    assert sentences - set(conditions()) == set(), "add them to present/catalogue/conditions.toml"
    assert set(conditions()) - sentences == set(), "take them out of present/catalogue/conditions.toml"


@pytest.mark.parametrize("language", languages())
def test_no_label_is_a_sentence(language: str) -> None:
    """A phrase outside the table is no sentence; what stands on a page whatever is found claims nothing."""
    said = {key for key in phrases_in(language).entries if not is_sentence(key)}
    ends = {key for key in said if phrases_in(language).entries[key].rstrip().endswith(".")}
    abbreviated = {"column.std_error", "column.robust_error", "column.p_adjusted"}
    fixed = (
        "intervention.",
        "notebook.",
        "decisions.",
        "page.",
        "by_hand.",
        "brief.",
        "purpose.",
        "due.",
        "plan.",
        "check_page.",
        "family_page.",
        "methods.",
        "paper.",
        "cite.",
        "checklist.",
    )
    assert {key for key in ends if not key.startswith(fixed)} <= {"figure.own", *abbreviated}


def test_every_need_has_words_and_a_test() -> None:
    used = {need for condition in conditions().values() for need in condition.needs}
    assert used == set(needs()) == set(NEEDS)
    assert all(condition.when for condition in conditions().values())


def test_a_claim_with_a_number_needs_a_test() -> None:
    english = phrases_in("en")
    for key, condition in conditions().items():
        parts = key.startswith(("figure.", "note.", "trajectory.end_"))
        claims = claims_of(english.entries[key], "en") & TESTED
        if claims and english.placeholders(key) and not parts and key != "trajectory.cause":
            assert condition.needs, f"{key} claims {claims} and names no test in conditions.toml"


def test_dutch_and_english_claim_the_same() -> None:
    dutch, english = phrases_in("nl").entries, phrases_in("en").entries
    for key in conditions():
        assert claims_of(dutch[key], "nl") == claims_of(english[key], "en"), (key, dutch[key], english[key])
        assert numbers_of(dutch[key]) == numbers_of(english[key]), key


@pytest.mark.parametrize(
    ("dutch", "english"),
    [
        ("Dat is niet aangetoond.", "That is not shown."),
        ("Gemiddeld daalde de score.", "On average the score rose."),
        ("Dat wordt niet getoond.", "That is not demonstrated."),
        ("{size} punten ongunstiger", "{size} points more favourable"),
    ],
)
def test_a_wrong_translation_is_found(dutch: str, english: str) -> None:
    assert claims_of(dutch, "nl") != claims_of(english, "en")


def test_the_page_is_made_from_the_table() -> None:
    said = PAGE.read_text(encoding="utf-8")
    assert said == as_page(), (
        "run python -m mpg_research.present.language.conditions in the repository's folder"
    )
