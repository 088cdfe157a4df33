"""A checklist says of each item where it is answered, or that it is not."""

import re

import numpy as np
import pytest

from mpg_research.disclosure import Audience, release
from mpg_research.errors import ConfigError
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.language.voice import voice_of
from mpg_research.present.paper.checklist import Place, checklists, fill_checklist
from tests.disclosure.made_results import made_policy, make_trajectory


def voice(language: str):
    return voice_of(release(make_trajectory(), Audience("researcher"), policy=made_policy()), language)


@pytest.mark.parametrize("name", ["strobe", "target"])
@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("seed", range(6))
def test_each_item_is_answered_where_the_page_or_the_study_does(name: str, language: str, seed: int) -> None:
    """With a random part of what a page can show, and random texts of the study."""
    rng = np.random.default_rng(seed)
    items = checklists()[name][1]
    places = sorted({place for item in items for place in item.places if ":" in place})
    shown = {
        place: (Place(f"T-{number:05d}", f"{place} <&>"),)
        for number, place in enumerate(places)
        if rng.random() < 0.5
    }
    stated = {item.key: f"Text of {item.key} <b>" for item in items if rng.random() < 0.2}
    found = fill_checklist(name, shown, stated, voice=voice(language))
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>", found.html)
    assert [row[0] for row in rows] == [item.number for item in items]
    phrases, answered = phrases_in(language), 0
    for item, (_, asked, cell) in zip(items, rows, strict=True):
        assert phrases(f"checklist.{name}_item.{item.key}") in asked.replace("&#x27;", "'")
        here = [shown[place][0] for place in item.places if place in shown]
        assert re.findall(r'href="#([^"]+)"', cell) == [each.anchor for each in here]
        assert ("Text of" in cell) == (item.key in stated)
        is_answered = bool(here) or item.key in stated
        answered += is_answered
        key = "not_here" if item.places else "people"
        assert (phrases(f"checklist.{key}") in cell) == (not is_answered)
    assert "<b>" not in found.html
    assert "<&>" not in found.html
    assert f"{answered} " in found.text.splitlines()[-2]
    assert found.csv.count("\n") == len(items) + 1


def test_the_lists_are_those_that_were_published() -> None:
    strobe = [item.number for item in checklists()["strobe"][1]]
    assert strobe[:2] == ["1a", "1b"]
    assert {int(re.match(r"\d+", number)[0]) for number in strobe} == set(range(1, 23))  # type: ignore[index]
    assert [number for number in strobe if number.startswith("12")] == ["12a", "12b", "12c", "12d", "12e"]
    target = [item.number for item in checklists()["target"][1]]
    assert {int(re.match(r"\d+", number)[0]) for number in target} == set(range(1, 22))  # type: ignore[index]
    assert len(target) == 39
    assert [number for number in target if number.startswith("6")] == [f"6{letter}" for letter in "abcdefgh"]


def test_a_text_for_an_item_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r'\[checklists.strobe\] fundng .* Did you mean "funding"\?'):
        fill_checklist("strobe", {}, {"fundng": "x"}, voice=voice("en"))
    with pytest.raises(ConfigError, match="no checklist 'strob'"):
        fill_checklist("strob", {}, {}, voice=voice("en"))
