"""The error of a score has one source: a reliability goes with the spread it was found with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import course, reliable_change, reliable_trend, sudden_changes
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import MpgError
from mpg_research.instruments import load_instrument
from mpg_research.present import say, tabulate
from mpg_research.statistics.change.reliable_change import reliable_change_index
from mpg_research.study import load_study
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study

ITEM_STUDY = """[study]
name = "items"
title = { en = "Items" }
languages = ["en"]
[time]
kind = "numbers"
unit = "months"
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = { instrument = "obvl_k" }
[analysis]
instrument = "obvl_k"
months = [0, 6, 12]
primary_month = 12
change_method = "CHANGE_METHOD"
"""


def item_study(
    folder: Path, rng: np.random.Generator, spread: float, *, n: int = 500, method: str = "JT"
) -> Study:
    """Families whose true burden never changes, measured twice with ten parallel items of four answers."""
    folder.mkdir(parents=True, exist_ok=True)
    burden = np.repeat(rng.normal(0, spread, n), 2)
    answers = np.clip(np.round(2.5 + burden[:, None] + rng.normal(0, 0.66, (2 * n, 10))), 1, 4).astype(int)
    names = [f"f{number:04d}" for number in range(n)]
    table = pd.DataFrame(answers, columns=[f"item_{place:02d}" for place in range(1, 11)])
    table.insert(0, "family", np.repeat(names, 2))
    table.insert(1, "episode", "1")
    table.insert(2, "respondent", "first_parent")
    table.insert(3, "date", np.tile([0, 6], n))
    table.to_csv(folder / "measurements.csv", index=False)
    episodes = pd.DataFrame(
        {"family": names, "organisation": "org", "worker": "", "episode": "1", "start": 0}
    )
    episodes.to_csv(folder / "episodes.csv", index=False)
    text = ITEM_STUDY.replace("CHANGE_METHOD", method)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return load_study(folder)


def shares(found: object) -> pd.Series:
    return found.tables["shares"].data.query("approach == 'reliable'").set_index("class")["estimate"]


@pytest.mark.parametrize("spread", [0.15, 0.5])
def test_where_nobody_changes_few_are_called_changed_however_alike_families_are(
    tmp_path: Path, spread: float
) -> None:
    study = item_study(tmp_path, np.random.default_rng(21), spread)
    found = reliable_change(study)
    assert (found.error.origin, found.error.kind, found.error.sd_origin) == ("estimated", "alpha", "study")
    rates = shares(found)
    # Three standard errors of .025 among 500 families.
    for name in ("improved", "deteriorated"):
        assert abs(rates[name] - 0.025) <= 0.021
    # The published coefficient beside this study's own spread: what was wrong, and is now said.
    mixed = reliable_change(study, reliability="published")
    assert mixed.error.sem / found.error.sem < 0.75 or mixed.error.sem / found.error.sem > 1.05
    codes = {note.code for note in mixed.notes}
    assert "published_without_spread" in codes
    assert ("reliability_unlike_this_study" in codes) == (
        not mixed.error.own_low <= 0.77 <= mixed.error.own_high
    )


@pytest.mark.parametrize("spread", [1.5, 5.5])
def test_the_same_where_only_totals_are_known(tmp_path: Path, spread: float) -> None:
    rng = np.random.default_rng(22)
    n, waves, sem = 400, 4, 2.1
    data = pd.DataFrame(
        {
            "family": np.repeat([f"f{i:03d}" for i in range(n)], waves),
            "months": np.tile(np.arange(waves) * 3.0, n),
            "score": (
                30 + np.repeat(rng.normal(0, spread, n), waves) + rng.normal(0, sem, n * waves)
            ).round(),
        }
    )
    study = make_study(tmp_path, data)
    found = reliable_change(study)
    assert found.error.lower_limit
    assert found.error.sem == pytest.approx(sem, rel=0.06)
    assert "reliability_lower_limit" in {note.code for note in found.notes}
    for name in ("improved", "deteriorated"):
        assert abs(shares(found)[name] - 0.025) <= 0.024  # three standard errors among 400
    words = str(say(release(found, Audience("researcher"), policy=policy_of(study)), language="en"))
    assert "lower limit" in words


def test_a_published_spread_goes_with_its_coefficient_everywhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(23)
    data = pd.DataFrame(
        {
            "family": np.repeat([f"f{i:03d}" for i in range(60)], 8),
            "months": np.tile(np.arange(8.0), 60),
            "score": (30 + np.repeat(rng.normal(0, 3, 60), 8) + rng.normal(0, 2, 480)).round(),
        }
    )
    study = make_study(tmp_path, data)
    path = tmp_path / "burden.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("value = 0.80", "value = 0.80\nsd = 6.0"), encoding="utf-8")
    stored = load_study(tmp_path)
    sem = 6.0 * np.sqrt(0.2)
    for verb in (reliable_change, reliable_trend, sudden_changes, course):
        one, two = verb(stored), verb(study, sd=6.0)
        assert one.error.sem == two.error.sem == pytest.approx(sem)
        assert (one.error.sd_origin, two.error.sd_origin) == ("published", "given")
        # The margin stays this study's own: half the spread of its first scores.
        assert one.error.intake_sd == pytest.approx(data[data["months"] == 0]["score"].std(), rel=1e-9)
    change = reliable_change(stored)
    errors = change.tables["thresholds"].data.set_index("method")["std_error"]
    assert errors["JT"] == pytest.approx(np.sqrt(2) * sem)
    assert errors["EN"] == pytest.approx(sem)
    assert errors["GLN"] == pytest.approx(6 * np.sqrt(1 - 0.64))
    assert sudden_changes(stored).cutoff == pytest.approx(1.959964 * np.sqrt(2) * sem, rel=1e-6)


def test_a_spread_that_is_none_is_refused(tmp_path: Path) -> None:
    data = pd.DataFrame({"family": ["a", "b"], "months": [0, 0], "score": [20, 30]})
    make_study(tmp_path, data)
    path = tmp_path / "burden.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("value = 0.80", "value = 0.80\nsd = 0"), "utf-8")
    with pytest.raises(MpgError, match=r"reliability\.0\.sd.*greater than 0"):
        load_study(tmp_path)


def test_no_spread_is_shipped_that_was_not_published() -> None:
    assert [one.sd for one in load_instrument("obvl_k").reliabilities] == [None, None]


@pytest.mark.parametrize("method", ["JT", "GLN", "HLL", "EN", "NK"])
@pytest.mark.parametrize("reliability", [0.5, 0.77, 0.95])
def test_each_method_says_how_often_it_errs(method: str, reliability: float) -> None:
    rng = np.random.default_rng(24)
    n = 40_000
    true = rng.normal(30, 5 * np.sqrt(reliability), n)
    pre, post = (true + rng.normal(0, 5 * np.sqrt(1 - reliability), n) for _ in range(2))
    found = reliable_change_index(pre, post, reliability=reliability, method=method)
    wrong = np.isin(found.category, ["improved", "deteriorated"]).mean()
    # Four standard errors of a share of .16 among 40,000, and a little for moments that are estimated.
    assert wrong == pytest.approx(found.error_rate, abs=0.008)
    if method == "EN":
        assert 0.10 < found.error_rate < 0.17


def test_the_studys_own_definition_holds_and_the_page_says_what_others_give(tmp_path: Path) -> None:
    study = item_study(tmp_path, np.random.default_rng(25), 0.5, method="EN")
    found = reliable_change(study)
    assert found.index.method == "EN"
    rows = found.tables["methods"].data.query("method == 'EN'").set_index("class")["estimate"]
    assert rows["improved"] == shares(found)["improved"]
    shown = release(found, Audience("researcher"), policy=policy_of(study))
    for language, word in (("nl", "Edwards en Nunnally"), ("en", "Edwards-Nunnally")):
        text = str(say(shown, language=language))
        assert word in text
        assert "{" not in text
    assert "Unchanged families called changed" in str(tabulate(shown, "thresholds", language="en"))


def test_hageman_and_arrindell_name_the_spread_that_is_missing(tmp_path: Path) -> None:
    rng = np.random.default_rng(26)
    n = 60
    first = rng.normal(30, 6, n).round()
    data = pd.DataFrame(
        {
            "family": np.tile([f"f{i:02d}" for i in range(n)], 2),
            "months": np.repeat([0, 6], n),
            # Everybody falls by five points or so: the scores spread, the changes hardly do.
            "score": np.concatenate([first, first - 5 + rng.integers(-1, 2, n)]),
        }
    )
    found = reliable_change(make_study(tmp_path, data), method="HA", reliability=0.8)
    assert set(found.tables["families"].data["category"]) == {"not_computable"}
    assert set(found.tables["not_computable"].data["reason"]) == {"no_spread_of_changes"}
    codes = {note.code for note in found.notes}
    assert "no_spread_of_changes" in codes
    assert "no_spread_of_scores" not in codes
