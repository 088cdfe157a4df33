"""Sentences read well whether a number of people stands in them exactly or as "about 135" or "≈ 135"."""

import re

import pytest

from mpg_research.disclosure import Audience, release
from mpg_research.languages import languages
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.language.voice import Voice
from tests.disclosure.made_results import made_policy, result_of

#: Words after which a number that is said as "about 135" limps, by language.
ARTICLES = {"en": "the|these|those|all", "nl": "de|deze|die|alle"}
#: Placeholders that hold numbers of people or of what they have, rounded where the gate rounds.
PEOPLE = "families|n|n_all|n_courses|n_families|n_rows|n_measurements|helped"
#: Said of exact numbers only: none may be missing from them.
OF_EXACT = {"trajectory.all_measured"}


@pytest.mark.parametrize("language", languages())
def test_no_article_stands_before_a_number_that_may_be_rounded(language: str) -> None:
    limping = re.compile(rf"\b(?:{ARTICLES[language]}) \{{(?:{PEOPLE})\}}", re.IGNORECASE)
    found = {key for key, text in phrases_in(language).entries.items() if limping.search(str(text))}
    assert found <= OF_EXACT


@pytest.mark.parametrize("rounding", [0, 5])
def test_nobody_is_said_as_it_is(rounding: int) -> None:
    result = result_of("made")
    voice = Voice(
        release(result, Audience("researcher"), policy=made_policy(rounding=rounding)), phrases_in("en")
    )
    assert voice.rounded(0.0) == "0"
    assert voice.rounded(35.0) == ("≈\u00a035" if rounding else "35")
