"""The first page for an organisation: one scale of words, numbers that agree, and nothing that was hidden."""

import math
import re
from random import Random
from xml.etree import ElementTree

import pytest

from mpg_research.disclosure import release
from mpg_research.languages import languages
from mpg_research.present import PresentedFigure, draw, say, tabulate
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.language.voice import voice_of
from mpg_research.present.sentences.own_page.tiles import tiles_of
from tests.present.edge_kinds import MAKERS
from tests.present.edge_organisations import NUMBERS, OWN
from tests.present.edge_results import FUNDER, LINDE, RESEARCHER, Draw, policy_with
from tests.present.many_organisations import many_organisations

#: Other words for what the scale says, none of which is used of organisations.
OTHER_WORDS = {
    "nl": r"te onderscheiden|significant|wijkt af van|wijken af van",
    "en": r"distinguish|told (?:apart|from)|significant",
}
#: Rooms of the catalogue that speak of organisations beside each other.
ROOMS = ("organisations.", "own_page.", "certainty.", "figure.own_", "figure.difference_from_mean.",
         "figure.funnel.", "figure.strip.", "shares.", "figure.change_by_organisation.")  # fmt: skip


def released(audience=LINDE, *, rounding: int = 0, **given):
    result = MAKERS["organisations"](Draw(0, **{**OWN, **given}))
    return release(result, audience, policy=policy_with(public_groups=True, rounding=rounding))


@pytest.mark.parametrize("language", languages())
def test_organisations_are_spoken_of_in_the_words_of_one_scale(language: str) -> None:
    entries = phrases_in(language).entries
    said = [f"{key}: {text}" for key, text in entries.items() if key.startswith(ROOMS)]
    assert [each for each in said if re.search(OTHER_WORDS[language], each)] == []


@pytest.mark.parametrize(
    ("given", "word", "asked"),
    [
        ({"share_dropped_out": 0.3, "expected": 0.5, "half": 0.1, "demonstrable": True},
         "demonstrably better than expected", "What do you do differently?"),
        ({"share_dropped_out": 0.7, "expected": 0.5, "half": 0.1, "demonstrable": True},
         "demonstrably worse than expected", "With which families do you see that?"),
        ({"share_dropped_out": 0.3, "expected": 0.5, "half": 0.1, "demonstrable": False},
         "not demonstrably different from what was expected", "some stand out by chance as well"),
        ({"share_dropped_out": 0.5, "expected": 0.5, "half": 0.1, "demonstrable": False},
         "not demonstrably different from what was expected", ""),
    ],
)  # fmt: skip
def test_what_stands_out_is_said_with_a_question(given: dict, word: str, asked: str) -> None:
    found = released(**given)
    numbers = say(found, "own_numbers", language="en").sentences
    ended = next(each for each in numbers if each.startswith("Ended early"))
    assert word in ended
    told = " ".join(say(found, "own_stands_out", language="en").sentences)
    assert ("Ended early" in told) is bool(asked)
    assert asked in told


def test_fewer_who_stop_is_better_and_more_who_are_measured_is_better() -> None:
    given = {"expected": 0.4, "half": 0.05, "demonstrable": True}
    tiles = {tile.name: tile for tile in tiles_of(voice_of(released(**given), "nl"))}
    assert tiles["dropped_out"].certainty == "worse"
    assert tiles["measured"].certainty == tiles["reliably_improved"].certainty == "better"


@pytest.mark.parametrize("seed", range(12))
def test_an_own_number_lies_outside_its_range_of_chance_where_it_stands_out(seed: int) -> None:
    """The range is drawn around what was expected, and the picture never contradicts the words."""
    random = Random(seed)
    gap = random.uniform(-6, 6)
    given = {
        "gap_linde": (gap, gap - 2.0, gap + 2.0), "p_linde": 0.01 if abs(gap) > 2 else 0.4,
        "expected": random.uniform(0.2, 0.8), "half": random.uniform(0.05, 0.4), "demonstrable": True,
    }  # fmt: skip
    for rounding in (0, 5):
        for tile in tiles_of(voice_of(released(rounding=rounding, **given), "en")):
            assert math.isfinite(tile.value)
            if not tile.certainty:
                continue
            assert tile.low <= tile.expected <= tile.high
            assert (not tile.low <= tile.value <= tile.high) is tile.stands_out
            if tile.certainty != "none":
                assert tile.stands_out
                assert tile.favourable is (tile.certainty == "better")


@pytest.mark.parametrize("audience", [RESEARCHER, FUNDER], ids=lambda audience: audience.role)
def test_nobody_else_is_told_of_one_organisation(audience) -> None:
    for topic in ("own_families", "own_numbers", "own_stands_out", "own_mix", "own_discuss", "own_team"):
        assert say(released(audience), topic, language="nl").sentences == ()
    assert not isinstance(draw(released(audience), "own_tiles", language="nl"), PresentedFigure)


@pytest.mark.parametrize("number", [6, 60, 300])
def test_the_tiles_stay_small(number: int) -> None:
    result, policy = many_organisations(number)
    shown = draw(release(result, LINDE, policy=policy), "own_tiles", language="nl")
    assert isinstance(shown, PresentedFigure)
    assert len(shown.tiles) == 4
    assert sum(len(tile.html) for tile in shown.tiles) < 12_000
    for tile in shown.tiles:
        picture = ElementTree.fromstring(tile.svg)
        assert float(picture.get("width", "").removesuffix("pt")) <= 250


def test_a_very_long_name_and_few_others() -> None:
    name = "Stichting voor Ambulante en Residentiële Jeugd- en Opvoedhulp Noordoostelijk Deelgebied"
    sizes = {"linde": 60, "eik": 74}
    result = MAKERS["organisations"](Draw(0, **{**OWN, "sizes": sizes}))
    policy = policy_with(names={"linde": name, "eik": "Eik"})
    found = release(result, LINDE, policy=policy)
    shown = draw(found, "own_tiles", language="nl")
    assert isinstance(shown, PresentedFigure)
    assert "aantoonbaar" not in shown.html
    assert name in shown.caption
    (line,) = say(found, "own_families", language="nl").sentences
    assert "verwacht" not in line
    assert "50 van de 100" in line


@pytest.mark.parametrize(("rankability", "named"), [(49.0, False), (50.0, True), (math.nan, False)])
def test_no_single_rank_is_named_where_an_order_is_mostly_chance(rankability: float, named: bool) -> None:
    for audience in (RESEARCHER, LINDE):
        found = released(audience, rankability=rankability, rank_known=True, wide=False)
        table = tabulate(found, "ranks", language="nl")
        assert ("best_third" in table.csv) is named
        assert ("expected_rank" in table.csv) is named
        assert "set_low" in table.csv
        shown = draw(found, "rank_sets", language="nl")
        assert ("<circle" in shown.svg.decode()) is named
        many, policy = many_organisations(60, rankability=rankability)
        drawn = draw(release(many, LINDE, policy=policy), "rank_sets", language="nl")
        assert ("acht van de tien" in drawn.alt) is named


def test_there_is_no_line_where_too_few_were_measured() -> None:
    sizes = dict(NUMBERS)
    gap = draw(released(sizes=sizes, measured_at=(0, 3, 12)), "own_course", language="nl")
    whole = draw(released(sizes=sizes), "own_course", language="nl")
    assert "In het grijze deel is geen lijn" in gap.caption
    assert "In het grijze deel" not in whole.caption
    assert "#eceff2" in gap.svg.decode()
    assert "#eceff2" not in whole.svg.decode()
