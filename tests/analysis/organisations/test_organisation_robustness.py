"""Does each organisation that is named stay named? And the median as what organisations are compared with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mpg_research.analysis import compare_organisations
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.organisations.effects import OrganisationEffects, effects_of
from mpg_research.analysis.robustness.alternative_models import Setting
from mpg_research.analysis.robustness.check import check_robustness
from mpg_research.analysis.robustness.same_conclusion import Verdict, beside_the_left_out, judge
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import ConfigError
from mpg_research.present import say, tabulate
from tests.analysis.dated_studies import dated_rows, dated_study
from tests.analysis.frames import course_of

MONTH = 12.0


def effects_with(raw: list[float], sd: float | np.ndarray = 1.0, shared: float = 0.5) -> OrganisationEffects:
    values = np.array(raw)
    g = len(values)
    covariance = np.diag(np.full(g, sd) ** 2) + shared
    keys, df = tuple("abcdefghijklmnop"[:g]), np.full(g, 200.0)
    return OrganisationEffects(
        keys, np.full(g, 20.0), MONTH, "fixed", values, covariance, df, values, covariance, 0.0, "low"
    )


def part_of(effects: OrganisationEffects, keep: list[int]) -> OrganisationEffects:
    block = np.ix_(keep, keep)
    return replace(
        effects,
        keys=tuple(effects.keys[place] for place in keep),
        n_families=effects.n_families[keep],
        raw=effects.raw[keep],
        raw_covariance=effects.raw_covariance[block],
        df=effects.df[keep],
    )


@pytest.mark.parametrize(
    ("primary", "found", "conclusion"),
    [
        ({"a": -1}, {"a": -1}, "same"),
        ({"a": -1}, {"a": 1}, "changed"),
        ({"a": -1}, {}, "changed"),
        ({"a": -1}, {"a": -1, "b": 1}, "more"),
        ({"a": -1, "b": 1}, {"a": -1}, "changed"),
        ({}, {"b": 1}, "changed"),
        ({}, {}, "same"),
        ({"z": 1}, {}, "same"),  # the one that was named is not judged here
        ({"z": 1, "a": 1}, {"a": 1}, "same"),
    ],
)
def test_the_conclusion_is_about_who_was_named(
    primary: dict[str, int], found: dict[str, int], conclusion: str
) -> None:
    judged = dict.fromkeys("abc", 0.0)
    # The joint test has no say in it: here it comes out differently.
    first = Verdict({**judged, "z": 0.0}, 0.001, primary)
    assert Verdict(judged, 0.9, found).conclusion(first) == conclusion


@pytest.mark.parametrize("reference", ["mean", "median"])
@pytest.mark.parametrize("seed", range(5))
def test_leaving_out_does_not_move_the_reference(reference: str, seed: int) -> None:
    """If a fit without some says the same of the others (but for a level), so does the comparison."""
    rng = np.random.default_rng(seed)
    every = effects_with(rng.normal(0, 2, 7).tolist(), rng.uniform(0.5, 1.5, 7))
    keep = sorted(rng.choice(7, int(rng.integers(3, 7)), replace=False).tolist())
    part = part_of(every, keep)
    part = replace(part, raw=part.raw + 3.7, raw_covariance=part.raw_covariance + 2.0)
    whole = judge(every, level=0.95, reference=reference)
    again = judge(
        beside_the_left_out(every, part), level=0.95, reference=reference, judged=frozenset(part.keys)
    )
    assert set(again.difference) == set(part.keys)
    for key, value in again.difference.items():
        assert value == pytest.approx(whole.difference[key])


def test_one_that_is_far_off_does_not_turn_the_others_round() -> None:
    every = effects_with([-9.0, 0.0, 0.3, -0.3, 0.1, -0.1], 0.4)
    whole = judge(every, level=0.95)
    assert whole.side["a"] == -1
    without = part_of(every, [1, 2, 3, 4, 5])
    kept = judge(beside_the_left_out(every, without), level=0.95, judged=frozenset(without.keys))
    assert kept.conclusion(whole) in ("same", "more")
    # A mean made anew of those that are left would have said that nobody differs.
    assert set(whole.side) > {"a"}
    assert not judge(without, level=0.95).side
    assert judge(every, level=0.95, reference="median").side == {"a": -1}


def test_one_better_organisation_stays_named(tmp_path: Path) -> None:
    study = dated_study(
        tmp_path / "study", dated_rows(np.random.default_rng(11), families=200, outlier=-6.0, ends=False)
    )
    found = check_robustness(study)
    table = found.tables["robustness"].data.set_index("variant")
    possible = table[table["conclusion"] != "not_possible"]
    # What would be the primary analysis again is no other way of computing.
    assert {"fixed", "unadjusted", "mundlak", "small_left_out"}.isdisjoint(possible.index)
    assert {"other_reference", "random", "straight_line", "dropouts_worse"} <= set(possible.index)
    named = found.tables["named"].data.set_index("organisation")
    best = named.loc["k00"]
    assert (best["primary"], best["side"]) == ("yes", "better")
    assert best["ways"] == len(possible) - 1 == best["named_in"]
    assert best["left_out"] == 5 == best["named_left_out"]
    assert best["other_side_in"] == 0
    out = found.tables["leave_one_out"].data.set_index("organisation")
    assert (out.drop("k00")["still_named"] >= 1).all()
    for language, said in (("en", "stays named in"), ("nl", "blijft aangewezen op")):
        shown = release(found, Audience("researcher"), policy=policy_of(study))
        assert said in str(say(shown, "answer", language=language))
        assert "k00" in str(tabulate(shown, "named", language=language))
    funder = release(found, Audience("funder"), policy=policy_of(study))
    assert "k00" not in str(say(funder, language="en")) + str(tabulate(funder, "named", language="en"))


def test_only_so_many_are_left_out() -> None:
    from mpg_research.analysis.robustness.check import _to_leave_out

    every = replace(effects_with(np.zeros(16).tolist()), n_families=np.arange(16.0))
    primary = Verdict(dict.fromkeys(every.keys, 0.0), 0.5, {"a": 1})
    assert _to_leave_out(every, primary, 1000) == sorted(["a", *"fghijklmnop"])
    assert _to_leave_out(every, primary, 10**6) == ["a", "o", "p"]
    assert _to_leave_out(part_of(every, [0, 1]), primary, 1000) == []


def test_a_fit_without_one_organisation_gives_what_its_own_data_give() -> None:
    """Leave one out goes through a new fit: beside the others' own effects of that fit, to a common level."""
    rows = dated_rows(np.random.default_rng(12), families=150, ends=False)
    data = rows.assign(episode="1", worker=None, respondent="first_parent")
    setting = Setting(course_of(data), MONTH, "spline", "fixed", "satterthwaite", 0.95, "low", None)
    effects = setting.effects_in(prepare_frame(setting.course, by_organisation=True, until=MONTH))
    found = setting.judge_without(["k03"], effects)
    alone = setting.effects(course_of(data[data["organisation"] != "k03"]))
    mine = np.array([found.difference[key] for key in alone.keys])
    np.testing.assert_allclose(mine - mine.mean(), alone.raw - alone.raw.mean(), atol=1e-9)


@pytest.mark.parametrize("seed", [12, 13, 14])
def test_a_search_that_begins_at_the_primary_fit_ends_where_one_from_scratch_does(seed: int) -> None:
    rows = dated_rows(np.random.default_rng(seed), families=120, ends=False)
    data = rows.assign(episode="1", worker=None, respondent="first_parent")
    scratch = Setting(course_of(data), MONTH, "spline", "fixed", "kenward-roger", 0.95, "low", None)
    frame = prepare_frame(scratch.course, by_organisation=True, until=MONTH)
    model = scratch.model_of(frame)
    effects = effects_of(model, MONTH, better="low")
    near = replace(scratch, primary=model)
    for key in effects.keys[:3]:
        found, wanted = (one.judge_without([key], effects) for one in (near, scratch))
        assert found.side == wanted.side
        assert found.joint_p_value == pytest.approx(wanted.joint_p_value, rel=1e-4)
        for other, difference in wanted.difference.items():
            assert found.difference[other] == pytest.approx(difference, rel=1e-4, abs=1e-5)
    line = near.model_of(frame, shape="linear").fit.log_likelihood
    assert line == pytest.approx(scratch.model_of(frame, shape="linear").fit.log_likelihood, abs=1e-6)


def test_the_median_as_reference(tmp_path: Path) -> None:
    rows = dated_rows(np.random.default_rng(13), families=160, outlier=-6.0, ends=False)
    study = dated_study(tmp_path / "study", rows, analysis='reference = "median"')
    median = compare_organisations(study)  # by the setting in study.toml
    assert median.provenance.parameters["reference"] == "median"
    mean = compare_organisations(study, reference="mean")
    tables = [found.tables["difference_from_mean"].data for found in (mean, median)]
    change = median.tables["adjusted_change"].data
    for month, rows_ in tables[1].groupby("months"):
        own = change[change["months"] == month].set_index("organisation")["estimate"]
        apart = rows_.set_index("organisation")["estimate"]
        np.testing.assert_allclose(apart, own - own.median(), atol=1e-9)
    assert list(tables[0].columns) == list(tables[1].columns)
    assert (tables[0]["df"] == tables[1]["df"]).all()
    assert (tables[1]["std_error"] >= tables[0]["std_error"] * 0.999).all()
    assert ((tables[1]["p_value"] < 0.05) == (tables[1]["conf_low"] * tables[1]["conf_high"] > 0)).all()
    assert (tables[1]["simultaneous_low"] <= tables[1]["conf_low"]).all()
    named = tables[1][(tables[1]["months"] == MONTH) & (tables[1]["p_adjusted"] < 0.05)]
    assert named["organisation"].tolist() == ["k00"]
    shown = release(median, Audience("researcher"), policy=policy_of(study))
    for language, word, other in (("nl", "mediaan", "gemiddelde van de"), ("en", "median", "average of the")):
        words = str(say(shown, language=language))
        assert word in words
        assert other not in words.replace("Het ijkpunt is het gewone gemiddelde van de organisaties", "")
        assert word in str(tabulate(shown, "difference_from_mean", language=language))
    plain = str(say(release(mean, Audience("funder"), policy=policy_of(study)), language="nl"))
    assert "gewone gemiddelde van de organisaties" in plain


def test_the_median_with_random_organisations(tmp_path: Path) -> None:
    rows = dated_rows(np.random.default_rng(14), families=300, organisations=12, outlier=-6.0, ends=False)
    found = compare_organisations(dated_study(tmp_path / "study", rows), reference="median")
    apart = found.tables["difference_from_mean"].data
    apart = apart[apart["months"] == MONTH].set_index("organisation")
    assert float(apart["estimate"].median()) == pytest.approx(0.0, abs=1e-9)
    assert apart.index[apart["p_adjusted"] < 0.05].tolist() == ["k00"]


@pytest.mark.parametrize("reference", ["mean", "median"])
def test_a_small_organisation_in_the_middle_cannot_be_read_off(tmp_path: Path, reference: str) -> None:
    rows = dated_rows(np.random.default_rng(16), families=110, organisations=5, ends=False)
    small = rows.drop_duplicates("family")["family"][rows["organisation"] == "k02"].tolist()[7:]
    rows = rows[~rows["family"].isin(small)].reset_index(drop=True)
    study = dated_study(tmp_path / "study", rows)
    found = compare_organisations(study, reference=reference)
    assert found.tables["difference_from_mean"].data["n_families"].min() == 7
    for audience in (Audience("researcher"), Audience("funder"), Audience("organisation", "k00")):
        assert "difference_from_mean" not in release(found, audience, policy=policy_of(study)).tables


def test_a_reference_that_is_none_is_refused(tmp_path: Path) -> None:
    rows = dated_rows(np.random.default_rng(15), families=40, ends=False)
    with pytest.raises(ConfigError, match="reference"):
        dated_study(tmp_path / "study", rows, analysis='reference = "best"')


@pytest.mark.parametrize("organisations", [2, 3, 4])
def test_few_organisations_are_no_random_effects(tmp_path: Path, organisations: int) -> None:
    rows = dated_rows(
        np.random.default_rng(organisations),
        families=40 * organisations,
        organisations=organisations,
        ends=False,
    )
    study = dated_study(tmp_path / "study", rows)
    table = check_robustness(study).tables["robustness"].data.set_index("variant")
    assert table.loc["random", "conclusion"] == "not_possible"
    assert table.loc["mundlak", "conclusion"] == "not_possible"
    assert table.loc["random", ["joint_p_value", "spread"]].isna().all()
    with pytest.raises(ConfigError, match="at least 5"):
        compare_organisations(study, effects="random")
