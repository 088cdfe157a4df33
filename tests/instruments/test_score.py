"""Scoring: direction, reverse keys, missing items, T-scores at the age of intake."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpg_research.errors import ConfigError, DataError
from mpg_research.instruments import (
    AgeBand,
    NormBand,
    NormTable,
    adapt_instrument,
    load_instrument,
    score_items,
    score_totals,
)

OBVL_K = load_instrument("obvl_k")
ITEMS = list(OBVL_K.items)
RAW = tuple(range(10, 41))
NORMS = NormTable(
    bands=tuple(
        NormBand(AgeBand(low, high), RAW, tuple(shift + 1.5 * raw for raw in RAW))
        for low, high, shift in ((0, 3, 10.0), (4, 11, 12.0), (12, 18, 8.0))
    ),
    source="made for this test",
    synthetic=True,
)


def answers(*rows: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame([*rows], columns=ITEMS, index=[100 + position for position in range(len(rows))])


def test_a_complete_form_is_added_up_and_the_index_is_kept() -> None:
    scored = score_items(OBVL_K, answers([1] * 10, [4] * 10, [1, 2, 3, 4, 1, 2, 3, 4, 1, 2]))
    assert scored["raw"].tolist() == [10, 40, 23]
    assert scored.index.tolist() == [100, 101, 102]
    assert scored["not_scored_reason"].tolist() == ["", "", ""]
    assert scored["t_score"].isna().all()
    assert list(scored) == ["raw", "n_answered", "prorated", "t_score", "not_scored_reason"]


def test_without_a_rule_of_the_study_one_missing_item_means_no_score() -> None:
    scored = score_items(OBVL_K, answers([2] * 9 + [None], [None] * 10))
    assert scored["raw"].isna().all()
    assert scored["n_answered"].tolist() == [9, 0]
    assert scored["not_scored_reason"].tolist() == ["items_missing", "no_items_answered"]
    assert OBVL_K.missing_rule.decided_by == "package"


def test_a_study_may_prorate_and_it_is_recorded_as_the_study_s_choice() -> None:
    lenient = adapt_instrument(OBVL_K, max_missing=2)
    scored = score_items(lenient, answers([3] * 8 + [None] * 2, [3] * 7 + [None] * 3))
    assert scored["raw"].tolist()[0] == 30
    assert np.isnan(scored["raw"].tolist()[1])
    assert scored["prorated"].tolist() == [True, False]
    assert lenient.missing_rule.decided_by == "study"
    assert OBVL_K.missing_rule.max_missing == 0


def test_reverse_items_are_turned_before_adding_and_prorating() -> None:
    turned = adapt_instrument(OBVL_K, reverse_items=["item_02"], max_missing=1)
    scored = score_items(turned, answers([1, 4, *[1] * 8], [1, 4, *[1] * 7, None]))
    assert scored["raw"].tolist() == [10, 10]


@given(st.lists(st.lists(st.integers(1, 4), min_size=10, max_size=10), min_size=1, max_size=5))
def test_turning_every_item_mirrors_the_score(rows: list[list[int]]) -> None:
    frame = pd.DataFrame(rows, columns=ITEMS)
    mirrored = adapt_instrument(OBVL_K, reverse_items=ITEMS)
    both = score_items(OBVL_K, frame)["raw"] + score_items(mirrored, frame)["raw"]
    assert (both == OBVL_K.raw_minimum + OBVL_K.raw_maximum).all()


def test_the_child_s_age_at_intake_chooses_the_norm_band() -> None:
    normed = adapt_instrument(OBVL_K, norms=NORMS)
    form = answers(*[[2] * 10] * 5)
    ages = pd.Series([3.99, 4.0, 11.99, 12.0, 19.0], index=form.index)
    scored = score_items(normed, form, child_age=ages)
    np.testing.assert_allclose(scored["t_score"], [40, 42, 42, 38, np.nan])
    assert scored["raw"].tolist() == [20] * 5
    assert normed.synthetic_norms
    assert score_items(normed, form)["t_score"].isna().all()
    assert score_items(normed, form, child_age=5.0)["t_score"].tolist() == [42] * 5


def test_a_prorated_score_lies_between_the_t_scores_of_its_neighbours() -> None:
    normed = adapt_instrument(OBVL_K, norms=NORMS, max_missing=1)
    scored = score_items(normed, answers([2] * 8 + [3, None]), child_age=2.0)
    raw = 19 * 10 / 9
    assert scored["raw"].iloc[0] == pytest.approx(raw)
    assert scored["t_score"].iloc[0] == pytest.approx(10 + 1.5 * raw)


@pytest.mark.parametrize("wrong", [5, 0, 2.5, "often"])
def test_an_impossible_answer_is_refused(wrong: object) -> None:
    frame = answers([2] * 10).astype(object)
    frame.loc[100, "item_03"] = wrong
    with pytest.raises(DataError, match="item_03: 1 answers are not whole numbers from 1 to 4"):
        score_items(OBVL_K, frame)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="lacks item_04"):
        score_items(OBVL_K, answers([2] * 10).drop(columns="item_04"))


def test_totals_are_taken_as_they_are() -> None:
    obvl = load_instrument("obvl")
    scored = score_totals(obvl, pd.Series([34, 80.0, None], index=[5, 6, 7]))
    assert scored["raw"].tolist()[:2] == [34, 80]
    assert scored["not_scored_reason"].tolist() == ["", "", "no_total"]
    assert scored["n_answered"].isna().all()
    assert scored.index.tolist() == [5, 6, 7]
    with pytest.raises(DataError, match="34 to 136"):
        score_totals(obvl, pd.Series([33]))
    with pytest.raises(DataError, match="read as a total"):
        score_items(obvl, answers([2] * 10))


def test_impossible_choices_of_a_study_are_refused() -> None:
    with pytest.raises(ConfigError, match="max_missing = 10"):
        adapt_instrument(OBVL_K, max_missing=10)
    with pytest.raises(ConfigError, match="item_11"):
        adapt_instrument(OBVL_K, reverse_items=["item_11"])
    with pytest.raises(ConfigError, match="no items to reverse"):
        adapt_instrument(load_instrument("obvl"), reverse_items=["item_01"])
    short = NormTable((NormBand(None, RAW[:-1], tuple(map(float, RAW[:-1]))),), source="test")
    with pytest.raises(ConfigError, match="from raw score 10 to 39"):
        adapt_instrument(OBVL_K, norms=short)
    young = NormTable(NORMS.bands[:2], source="test")
    with pytest.raises(ConfigError, match="ages 0 to 11; expected 0 to 18"):
        adapt_instrument(OBVL_K, norms=young)
