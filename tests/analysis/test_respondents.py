"""Agreement between two respondents: published examples, R, a simulated truth, and studies of all shapes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest

from mpg_research import compare_respondents
from mpg_research.analysis.data.respondents import _bands, pair_measurements
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.instruments.agreement import agreement_coefficients
from mpg_research.present import PresentedFigure, draw, say, tabulate
from mpg_research.reporting.session.shown import NotApplicable
from mpg_research.statistics.agreement import limits_of_agreement
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study

# Bland & Altman (1986), table 1: peak flow of 17 people by two meters, first readings.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
# Shrout & Fleiss (1979), table 2: six targets, four judges.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
# tests/oracles/analysis/agreement.R
PAIRS = [2, -1, 3, 0, 1, -2, 5, 4, 6, -3, -1, -4, 1, 2, 0, 4, 1, 2, -2, 0, -5, 3, 3, 7]
BY_LME4 = (1.0833333333, 0.9935306982, 3.1591390048)
PRINTED = 0.051  # published to one decimal


def test_the_published_example_of_limits_of_agreement() -> None:
    found = limits_of_agreement(np.subtract(WRIGHT, MINI).astype(float), np.arange(17))
    assert found.mean == pytest.approx(-2.1, abs=PRINTED)
    assert found.sd == pytest.approx(38.8, abs=PRINTED)
    assert (found.conf_low, found.conf_high) == pytest.approx((-22.0, 17.8), abs=PRINTED)
    # They multiply the rounded standard deviation, and by 2 and not by 1.96.
    assert found.mean - 2 * found.sd == pytest.approx(-79.7, abs=2 * PRINTED)
    assert found.mean + 2 * found.sd == pytest.approx(75.5, abs=2 * PRINTED)
    assert (found.upper - found.lower) / 2 == pytest.approx(1.959964 * found.sd)


def test_several_pairs_per_family_as_a_mixed_model_in_r_has_them() -> None:
    found = limits_of_agreement(np.array(PAIRS, dtype=float), np.repeat(np.arange(8), 3))
    # lme4 stops its search of the variances at about the seventh digit.
    assert (found.mean, found.std_error, found.sd) == pytest.approx(BY_LME4, rel=1e-6)
    assert (found.n_families, found.n_pairs, found.df) == (8, 24, 7)


def test_the_published_example_of_intraclass_correlations() -> None:
    found = agreement_coefficients(np.array(JUDGES, dtype=float)).set_index("coefficient")
    assert found["estimate"].round(2).to_dict() == {"icc_agreement": 0.29, "icc_consistency": 0.71}
    # The intervals that R's psych::ICC prints of the same data.
    assert found.loc["icc_agreement", ["conf_low", "conf_high"]].round(3).tolist() == [0.019, 0.761]
    assert found.loc["icc_consistency", ["conf_low", "conf_high"]].round(3).tolist() == [0.342, 0.946]


@pytest.mark.parametrize("bias", [0.0, 1.0, 6.0])
def test_intervals_are_those_of_pingouin_where_it_has_them(bias: float) -> None:
    rng = np.random.default_rng(int(bias))
    scores = rng.normal(size=(25, 1)) + rng.normal(size=(25, 2)) + [0.0, bias]
    ours = agreement_coefficients(scores)
    long = pd.DataFrame({"f": np.repeat(range(25), 2), "r": np.tile([0, 1], 25), "s": scores.ravel()})
    theirs = pingouin.intraclass_corr(long, targets="f", raters="r", ratings="s").iloc[[1, 2]]
    interval = next(name for name in theirs if name.startswith("CI95"))
    assert ours[["conf_low", "conf_high"]].to_numpy() == pytest.approx(np.stack(theirs[interval]), abs=0.0051)
    wider = agreement_coefficients(scores, level=0.99)
    assert (wider["conf_low"] < ours["conf_low"]).all()
    assert (wider["conf_high"] > ours["conf_high"]).all()


@pytest.mark.parametrize("most", [1, 6])
def test_intervals_hold_the_truth_as_often_as_they_say(most: int) -> None:
    """40 families with up to so many pairs, swings within them as large as between them."""
    rng = np.random.default_rng(most)
    runs, families, mean, between, within = 1500, 40, -1.3, 2.0, 2.0
    truth = mean + np.array([-1, 1]) * 1.959964 * np.hypot(between, within)
    held = np.zeros(3)
    for _ in range(runs):
        family = np.repeat(np.arange(families), rng.integers(1, most + 1, families))
        own = rng.normal(mean, between, families)[family]
        found = limits_of_agreement(own + rng.normal(0, within, len(family)), family)
        ends = ((found.conf_low, found.conf_high), found.lower_interval, found.upper_interval)
        held += [low <= true <= high for (low, high), true in zip(ends, (mean, *truth), strict=True)]
    # Four standard errors of a share of .95 over the runs.
    assert held / runs == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / runs))


def test_what_must_not_matter_does_not() -> None:
    rng = np.random.default_rng(4)
    family, difference = rng.integers(0, 12, 60), rng.normal(size=60)
    found = limits_of_agreement(difference, family)
    order = rng.permutation(60)
    again = limits_of_agreement(difference[order], family[order].astype(str))
    assert (again.mean, again.sd, again.lower) == pytest.approx((found.mean, found.sd, found.lower))
    turned = limits_of_agreement(3 - 2 * difference, family)
    assert (turned.lower, turned.upper) == pytest.approx((3 - 2 * found.upper, 3 - 2 * found.lower))
    assert turned.lower_interval == pytest.approx(tuple(3 - 2 * end for end in found.upper_interval[::-1]))


@pytest.mark.parametrize(("pairs", "families"), [([], []), ([2.0], ["a"]), ([2.0, 3.0], ["a", "a"])])
def test_one_family_has_no_interval(pairs: list[float], families: list[str]) -> None:
    found = limits_of_agreement(np.array(pairs), np.array(families))
    assert np.isnan([found.std_error, found.conf_low, found.lower, *found.upper_interval]).all()


@pytest.mark.parametrize(
    "scores", [np.ones((2, 2)), np.ones((9, 2)), np.repeat(np.arange(9.0), 2).reshape(9, 2), np.ones((9, 1))]
)
def test_a_coefficient_that_cannot_be_computed_is_missing(scores: np.ndarray) -> None:
    assert agreement_coefficients(scores)["estimate"].isna().all()


def measured(rng: np.random.Generator, *, families: int = 60, offset: float = -1.5) -> pd.DataFrame:
    """Two parents each month for a year; the second one scores lower by the offset, and starts later."""
    rows = pd.DataFrame(
        [(f"f{family:02d}", month) for family in range(families) for month in range(12)],
        columns=["family", "months"],
    )
    level = dict(zip(rows["family"].unique(), rng.normal(30, 5, families), strict=True))
    rows["score"] = rows["family"].map(level) - rows["months"] / 3
    first = rows.assign(respondent="first_parent", score=rows["score"] + rng.normal(0, 2, len(rows)))
    second = rows.assign(
        respondent="second_parent",
        score=rows["score"] + offset + rng.normal(0, 2, len(rows)),
        months=rows["months"] + 0.2,
    )
    both = pd.concat([first, second[second["months"] > 3]], ignore_index=True)
    return both.assign(score=both["score"].round().clip(0, 60))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("pairs"), measured(np.random.default_rng(8)))


def test_pairs_and_the_difference_between_parents_are_found(study: Study) -> None:
    found = compare_respondents(study, level=0.999)  # one study: it may miss one time in a thousand
    assert len(found.pairs) == 60 * 9
    row = found.tables["respondent_difference"].data.set_index("quantity").loc["mean_difference"]
    assert row["conf_low"] < -1.5 < row["conf_high"]
    assert row["conf_high"] < 0
    assert (row["n_pairs"], row["n_families"]) == (540, 60)
    # Variances: 5 squared of families, 2 squared of each answer; the round scores add a twelfth.
    icc = found.tables["respondent_icc"].data.set_index("coefficient").loc["icc_consistency"]
    assert icc["conf_low"] < 25 / (25 + 4 + 1 / 12) < icc["conf_high"]
    bands = found.tables["respondent_bands"].data
    assert bands["n_pairs"].sum() == 540
    assert all(before < after for before, after in pairwise(bands["score_low"]))
    steps = found.tables["sample_flow"].data.set_index("step")
    assert steps.loc["paired", "n_measurements"] == 2 * 540


@pytest.mark.parametrize(("low", "high"), [(10.0, 40.0), (0.0, 60.0), (0.0, 3.0), (0.0, 1.0), (-5.0, 5.0)])
def test_bands_cover_the_scale_and_each_pair_is_in_one(low: float, high: float) -> None:
    scores = np.random.default_rng(3).integers(int(low), int(high) + 1, (50, 2)).astype(float)
    scores[:2] = [[low, low], [high, high]]
    pairs = pd.DataFrame(scores, columns=["first", "second"]).assign(
        family=np.arange(50).astype(str), organisation="org", difference=scores[:, 1] - scores[:, 0]
    )
    for bands, ends in ((_bands(pairs, (low, high)), (low, high)), (_bands(pairs, None), None)):
        assert bands["n_pairs"].sum() == 50
        assert (bands["score_low"] < bands["score_high"]).all()
        assert (bands["score_low"].iloc[1:].to_numpy() >= bands["score_high"].iloc[:-1].to_numpy()).all()
        middle = scores.mean(axis=1)
        for _, band in bands.iterrows():
            inside = (middle >= band["score_low"]) & (middle <= band["score_high"])
            assert band["n_pairs"] == inside.sum() or ends is None
        if ends:
            assert (bands["score_low"].iloc[0], bands["score_high"].iloc[-1]) == ends
        else:
            assert (bands[["score_low", "score_high"]] % 10 == 0).all(axis=None), "no extreme is told"


def test_turning_the_respondents_round_turns_the_difference(study: Study) -> None:
    there = compare_respondents(study).tables["respondent_difference"].data.set_index("quantity")["estimate"]
    back = compare_respondents(study, respondents=("second_parent", "first_parent"))
    turned = back.tables["respondent_difference"].data.set_index("quantity")["estimate"]
    assert turned["mean_difference"] == pytest.approx(-there["mean_difference"])
    assert turned["lower_limit"] == pytest.approx(-there["upper_limit"])


def test_no_measurement_is_in_two_pairs_or_far_from_its_other() -> None:
    rng = np.random.default_rng(2)
    for within in (0.0, 0.3, 2.0):
        data = pd.DataFrame(
            {
                "family": rng.integers(0, 5, 80).astype(str),
                "episode": rng.integers(1, 3, 80).astype(str),
                "organisation": "org",
                "respondent": rng.choice(["a", "b", "c"], 80),
                "months": rng.integers(0, 40, 80) / 10,
                "score": np.arange(80.0),  # so that a score tells which measurement it is
            }
        )
        pairs = pair_measurements(data, "a", "b", within=within)
        for side, code in (("first", "a"), ("second", "b")):
            assert pairs[side].is_unique
            rows = data.loc[pairs[side].astype(int)].reset_index(drop=True)
            assert (rows["respondent"] == code).all()
            assert rows[["family", "episode"]].equals(pairs[["family", "episode"]])
        apart = (
            data.loc[pairs["first"].astype(int), "months"].to_numpy()
            - data.loc[pairs["second"].astype(int), "months"].to_numpy()
        )
        assert (np.abs(apart) <= within + 1e-9).all()
        # Nothing more could be paired.
        left = data[~data["score"].isin([*pairs["first"], *pairs["second"]])]
        assert pair_measurements(left, "a", "b", within=within).empty


@pytest.mark.parametrize(
    "audience", [Audience("researcher"), Audience("funder"), Audience("organisation", "org")]
)
def test_it_passes_the_gate_and_is_said_drawn_and_tabulated(study: Study, audience: Audience) -> None:
    released = release(compare_respondents(study), audience, policy=policy_of(study))
    for language, word in (("nl", "lager dan"), ("en", "lower than")):
        if audience.organisation is None:
            assert word in say(released, language=language).sentences[0]
            assert isinstance(draw(released, "respondent_bands", language=language), PresentedFigure)
        for name in released.tables:
            assert "nan" not in str(tabulate(released, name, language=language)).split()
    for table in released.tables.values():
        families = table.data["n_families"].dropna()
        assert ((families == 0) | (families >= 10)).all()


@pytest.mark.parametrize("alone", [("first_parent",), ("first_parent", "second_parent")])
def test_without_pairs_there_is_one_plain_sentence(tmp_path: Path, alone: tuple[str, ...]) -> None:
    data = measured(np.random.default_rng(1), families=12)
    data = data[data["respondent"].isin(alone)]
    data.loc[data["respondent"] == "second_parent", "months"] += 0.4  # never at the same moment
    small = make_study(tmp_path, data)
    with pytest.raises(NotApplicableError) as caught:
        compare_respondents(small, within=0.1)
    said = NotApplicable(caught.value.code).text("nl", policy_of(small)).sentences
    assert len(said) == 1
    assert "twee invullers" in said[0]


def test_what_cannot_be_is_said(study: Study) -> None:
    with pytest.raises(ConfigError, match=r'no respondent \'frist_parent\'.*Did you mean "first_parent"'):
        compare_respondents(study, respondents=("frist_parent", "second_parent"))
    with pytest.raises(ConfigError, match="two that are different"):
        compare_respondents(study, respondents=("first_parent", "first_parent"))
    with pytest.raises(ConfigError, match="share = 95"):
        compare_respondents(study, share=95.0)
