"""Sentences and figures that must follow from the numbers they stand beside, with many random results."""

from dataclasses import replace
from io import StringIO
from itertools import product

import numpy as np
import pandas as pd
import pytest

from mpg_research.disclosure import Audience, release
from mpg_research.present import draw, say
from mpg_research.present.figures.change import _out_of
from mpg_research.present.language.voice import voice_of
from mpg_research.present.sentences.trajectory import LARGE, SMALL, size_class
from tests.disclosure.made_results import frame, made_policy, make_organisations, make_trajectory, result_of
from tests.disclosure.made_tables import made_table

RESEARCHER, FUNDER = Audience("researcher"), Audience("funder")
WORDS = {"en": ("small.", "medium.", "large."), "nl": ("klein.", "middelgroot.", "groot.")}


def changed(made, table: str, **columns):
    data = made.tables[table].data.assign(**columns)
    return replace(made, tables={**made.tables, table: replace(made.tables[table], data=data)})


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_size_is_named_only_where_its_whole_interval_lies_in_one_class(seed: int, language: str) -> None:
    rng = np.random.default_rng(seed)
    size, half = rng.uniform(0.05, 1.4), rng.choice([0.01, 0.05, 0.2, 0.5])
    low, high = -size - half, -size + min(half, size * 0.9)
    made = changed(
        make_trajectory(), "change", standardised=-size, standardised_low=low, standardised_high=high
    )
    text = str(say(release(made, FUNDER, policy=made_policy()), "certainty", language=language))
    small, large = sorted((abs(low), abs(high)))
    named = [word for word in WORDS[language] if text.endswith(f" {word}")]
    # The same as it is and as it is written: "0.50" is not below one half.
    classes = {np.searchsorted([SMALL, LARGE], end, side="right") for end in (small, large)}
    written = {np.searchsorted([SMALL, LARGE], round(end, 2), side="right") for end in (small, large)}
    sure = len(classes | written) == 1
    assert named == ([WORDS[language][classes.pop()]] if sure else [])
    assert size_class(0.63, 0.94) == size_class(0.05, 1.2) == size_class(0.2, 0.4999) == ""


def course(rng: np.random.Generator, gap: float, measured: int, families: int):
    """A line with a band of one point to either side, and a dot at month 12 this far from it."""
    made = make_trajectory(families=families)
    line = made.tables["mean_course"].data
    made = changed(made, "mean_course", conf_low=line["estimate"] - 1, conf_high=line["estimate"] + 1)
    dots = made.tables["observed_course"].data
    at = np.interp(dots["months"], line["months"], line["estimate"])
    off = np.where(dots["months"] == 12, gap, rng.uniform(-0.9, 0.9, len(dots)))
    count = np.where(dots["months"] == 12, measured, 40)
    return changed(made, "observed_course", mean=at + off, n_families=count)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_dot_apart_from_the_line_is_explained_in_one_sentence(seed: int, language: str) -> None:
    rng = np.random.default_rng(seed)
    gap = float(rng.choice([-2.5, -1.3, -0.6, 0.0, 0.7, 1.2, 3.0]))
    families = int(rng.integers(100, 300))
    measured = int(rng.choice([12, 60, families]))
    released = release(course(rng, gap, measured, families), FUNDER, policy=made_policy())
    figure = draw(released, "mean_course", language=language)
    apart = "apart from the line" if language == "en" else "los van de lijn"
    assert figure.caption.count(apart) == (abs(gap) > 1)
    well, badly = (
        ("those who do well", "those who do less well")
        if language == "en"
        else ("met wie het goed gaat", "met wie het minder goed gaat")
    )
    stopped = abs(gap) > 1 and measured < families
    assert (well in figure.caption) == (stopped and gap > 0)
    assert (badly in figure.caption) == (stopped and gap < 0)


@pytest.mark.parametrize("seed", range(10))
def test_the_table_of_the_figure_has_its_dots_and_how_many_were_measured(seed: int) -> None:
    rng = np.random.default_rng(seed)
    measured = int(rng.choice([4, 12, 60]))
    made = course(rng, 1.5, measured, 200)
    released = release(made, FUNDER, policy=made_policy())
    figure = draw(released, "mean_course", language="en")
    data = pd.read_csv(StringIO(figure.data.csv)).set_index("months")
    dots = made.tables["observed_course"].data.set_index("months")
    shown = dots[dots["n_families"] >= 10]
    assert data.loc[shown.index, "n_measured"].tolist() == shown["n_families"].tolist()
    # Rounded as the gate left them in their own table.
    own = released.tables["observed_course"].data.set_index("months")["mean"].dropna()
    assert np.allclose(data.loc[own.index, "observed_mean"], own)
    hidden = dots[dots["n_families"] < 10]
    assert data.loc[hidden.index, ["observed_mean", "n_measured"]].isna().all(axis=None)
    assert "Families measured then" in figure.data.html
    line = made.tables["mean_course"].data.set_index("months")["estimate"]
    assert np.allclose(data.loc[line.index, "estimate"], line)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_measured_and_not_measured_each_say_of_whom(seed: int, language: str) -> None:
    """86 % measured and 54 % not: two shares of two groups of families, and both groups are said."""
    rng = np.random.default_rng(seed)
    everybody, in_help = int(rng.integers(150, 300)), int(rng.integers(60, 140))
    share, missing = float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.1, 0.9))
    classes = [("measured", share, in_help), ("not_measured", 1 - share, in_help)]
    rows = [(name, each, each - 0.05, each + 0.05, n, round(each * n)) for name, each, n in classes]
    values = ("estimate", "conf_low", "conf_high", "n_group")
    measured = made_table("measured", frame(rows, "class", *values, "n_families"), ("class",), values)
    tip = frame([(12.0, 3.4, missing, everybody, 6)], "months", "delta_at_tipping", "share_unmeasured",
                "n_families", "n_organisations")  # fmt: skip
    tipping = made_table("tipping_point", tip, ("months",), ("delta_at_tipping", "share_unmeasured"))
    policy = made_policy(minimum_families=3)
    released = release(result_of("missing_data", measured, tipping), RESEARCHER, policy=policy)
    sentences = say(released, "certainty", language=language).sentences
    group, unit = ("families", "Of") if language == "en" else ("gezinnen", "Van")
    assert f"{in_help} {group}" in sentences[0]
    assert f"{round(100 * share)}%" in sentences[0]
    assert sentences[1].count(f"{everybody} {group}") == 1
    assert f"{unit} {everybody} {group}" in sentences[1]
    assert f"{round(100 * missing)}%" in sentences[1]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_share_is_of_a_dash(seed: int, language: str) -> None:
    """Random classes, some too small: each written out of a number, or of none at all."""
    rng = np.random.default_rng(seed)
    counts = rng.choice([0, 4, 12, 40, 90], 3)
    total = int(counts.sum())
    names = ("improved", "unchanged", "deteriorated")
    rows = [
        (name, n / max(total, 1), 0.1, 0.5, 0.1, 0.6, total if rng.random() < 0.7 else np.nan, int(n))
        for name, n in zip(names, counts, strict=True)
    ]
    values = ("estimate", "conf_low", "conf_high", "clustered_low", "clustered_high", "n_group")
    table = made_table("merged", frame(rows, "class", *values, "n_families"), ("class",), values)
    released = release(result_of("individual_change", table), FUNDER, policy=made_policy())
    voice = voice_of(released, language)
    for _, row in voice.frame("merged").iterrows():
        assert "–" not in _out_of(voice, row)
    assert "–" not in voice.families(float("nan"))


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("audience", [RESEARCHER, FUNDER], ids=lambda audience: audience.role)
def test_what_the_help_was_compared_with_is_said_as_it_was(language: str, audience: Audience) -> None:
    """All kinds of studies: no page of a trial says that nobody went without the help."""
    nothing = ("zonder een groep", "zonder groep") if language == "nl" else ("without a group",)
    for randomised, comparison, public, change in product(
        (True, False), (True, False), (True, False), (-4, 4)
    ):
        policy = made_policy(randomised=randomised, has_comparison=comparison, public_groups=public)
        text = str(
            say(release(make_trajectory(change), audience, policy=policy), "limits", language=language)
        )
        plain = not (randomised or comparison or public)
        said = any(words in text for words in nothing)
        # A fall from a high start has its own reason in plain language: regression to the mean.
        assert said == (plain and (change > 0 or audience is RESEARCHER))
        made_by_lot = "made by lot" if language == "en" else "door loting gemaakt"
        assert (made_by_lot in text) == randomised
        comparison_of = release(make_organisations(), audience, policy=policy)
        limits = str(say(comparison_of, "limits", language=language))
        blamed = "help other families" if language == "en" else "andere gezinnen helpen"
        assert not (randomised and blamed in limits)
