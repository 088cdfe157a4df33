"""The first page: few words, a hundred marks made of released numbers, and nothing of a hidden one."""

import re

import numpy as np
import pandas as pd
import pytest

from mpg_research.disclosure import release
from mpg_research.present import PresentedText, draw, say
from mpg_research.present.drawing.scene import Circle, Polygon
from mpg_research.present.figures.first_page.hundred import LOOKS, draw_every_hundred
from mpg_research.present.language.voice import voice_of
from mpg_research.present.sentences.first_page.followed import hundred, of_hundred
from tests.present.edge_first_page import followed
from tests.present.edge_kinds import MAKERS
from tests.present.edge_results import CHANGES, FUNDER, Draw, policy_with

FOUR = ("improved", "unchanged", "deteriorated", "not_judged")
#: Most words of the answer, and what an answer without statistics never holds.
WORDS, STATISTICS = 60, re.compile(r"\bp [=<>]|\bdf\b|\bt\(|standaard|standard|%")


def voice(counts: tuple[int, ...], **rules: int):
    result = followed(Draw(0, hundred=(FOUR, counts), measured=84))
    return voice_of(release(result, FUNDER, policy=policy_with(**rules)), "nl")


def test_shares_become_a_hundred_whole_numbers_near_them() -> None:
    rng = np.random.default_rng(1)
    for _ in range(500):
        shares = pd.Series(rng.dirichlet(rng.uniform(0.05, 3, rng.integers(2, 6))))
        found = of_hundred(shares)
        assert sum(found) == 100
        assert max(abs(np.array(found) - 100 * shares)) <= len(shares) / 2 + 0.5
    assert of_hundred(pd.Series([0.0, 0.0])) == []


@pytest.mark.parametrize("counts", [(58, 160, 14, 18), (5000, 6000, 20, 800), (60, 60, 60, 60)])
def test_the_picture_has_as_many_marks_of_a_class_as_the_sentence_says(counts: tuple[int, ...]) -> None:
    spoken = voice(counts, rounding=5)
    drawn = draw_every_hundred(spoken)
    assert drawn is not None
    marks = [piece for piece in drawn.figure.pieces if isinstance(piece, Circle | Polygon)]
    in_square = [piece for piece in marks if _left_of(piece) < 160]
    assert len(in_square) == 100
    fills = [piece.fill for piece in in_square]
    for name, number, _ in hundred(spoken):
        assert fills.count(LOOKS.get(name, ("", "#c9d0d7"))[1]) == number
    assert ("<1" in drawn.alt) is (counts[2] == 20)


def _left_of(piece: Circle | Polygon) -> float:
    return piece.centre[0] if isinstance(piece, Circle) else piece.points[0][0]


@pytest.mark.parametrize("counts", [(58, 160, 4, 18), (58, 183, 0, 9), (3, 200, 20, 20)])
def test_where_a_class_is_hidden_there_is_no_picture_and_no_number(counts: tuple[int, ...]) -> None:
    spoken = voice(counts)
    assert isinstance(draw(spoken.released, "every_hundred", language="nl"), PresentedText)
    (sentence,) = say(spoken.released, "answer", language="nl").sentences
    assert not re.search(r"\d", sentence.replace("100", ""))


@pytest.mark.parametrize("change", CHANGES)
def test_the_answer_is_short_and_holds_no_statistic(change: tuple[float, float, float]) -> None:
    result = MAKERS["trajectory"](Draw(0, change=change, n=247, start=24.3, outcome="raw"))
    released = release(result, FUNDER, policy=policy_with(rounding=5))
    for language in ("nl", "en"):
        text = " ".join(say(released, "first_page", language=language).sentences)
        assert len(text.split()) <= WORDS
        if "24.3" in text or "24,3" in text:
            assert not STATISTICS.search(text)
