"""What is said of sudden changes follows how many of them lasted."""

from pathlib import Path

import pandas as pd
import pytest

from mpg_research.analysis import sudden_changes
from mpg_research.disclosure import Audience, release
from mpg_research.present import say
from tests.analysis.small_studies import make_study
from tests.exact_policy import exact_policy


@pytest.mark.parametrize(
    ("n_lost", "english", "dutch"),
    [
        (0, "100% lasted", "hield 100% stand"),
        (10, "in 33% of them", "bij 33%"),
        (25, "Most sudden improvements did", "De meeste"),
    ],
)
def test_the_sentence_follows_the_share_that_was_kept(
    tmp_path: Path, n_lost: int, english: str, dutch: str
) -> None:
    rows = []
    for family in range(40):
        for month in range(10):
            fell = family < 30 and month >= 4
            back = family < n_lost and month >= 8
            rows.append((f"f{family:02d}", month, 40 + (month + family) % 2 - 20 * fell + 19 * back))
    study = make_study(tmp_path, pd.DataFrame(rows, columns=["family", "months", "score"]))
    found = sudden_changes(study, cutoff=8)
    gains = found.tables["sizes"].data.set_index("kind").loc["gain"]
    assert gains["share_reversed"] == pytest.approx(n_lost / 30)
    shown = release(found, Audience("researcher"), policy=exact_policy(study, minimum_families=3))
    for language, word in (("en", english), ("nl", dutch)):
        text = str(say(shown, language=language))
        assert word in text
        assert "{" not in text
        assert "lasts" not in text
        assert "standhoudt" not in text
