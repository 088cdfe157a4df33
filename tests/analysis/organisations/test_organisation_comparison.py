"""The fair comparison of organisations on studies whose truth is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from mpg_research import load_study
from mpg_research.analysis import compare_organisations
from mpg_research.analysis.cohorts.compare import compare_cohorts
from mpg_research.analysis.growth.growth_model import fit_growth
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.organisations.effects import OrganisationEffects, effects_of
from mpg_research.analysis.organisations.funnel import funnel_tables
from mpg_research.analysis.organisations.ranks import rank_table, shrinkage_table
from mpg_research.analysis.robustness.alternative_models import VARIANTS
from mpg_research.analysis.robustness.check import check_robustness
from mpg_research.errors import ConfigError, ModelError
from mpg_research.statistics.run_chart import run_signals
from mpg_research.study import shipped_example
from mpg_research.study.model import Study
from tests.analysis.frames import course_of, simulated

#: Estimates of the model with and without dummy columns; the variances of families differ a little.
NEAR = 0.05
MONTH = 12.0


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(shipped_example())


@pytest.fixture(scope="module")
def comparison(study: Study) -> dict[str, pd.DataFrame]:
    found = compare_organisations(study)
    return {name: table.data for name, table in found.tables.items()}


def effects(data: pd.DataFrame, *, role: str, case_mix: tuple[str, ...] = ()) -> OrganisationEffects:
    frame = prepare_frame(course_of(data, case_mix=case_mix), by_organisation=True)
    model = fit_growth(frame, shape="linear", organisation=role, df="satterthwaite")
    return effects_of(model, MONTH, better="low")


def many(seed: int, *, number: int = 14, slope_sd: float = 0.15, family_sd: float = 3.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keys = [f"k{place:02d}" for place in range(number)]
    sizes = dict(zip(keys, rng.integers(8, 30, number).tolist(), strict=True))
    slopes = dict(zip(keys, (-0.4 + rng.normal(0, slope_sd, number)).tolist(), strict=True))
    return simulated(rng, sizes=sizes, slopes=slopes, family_sd=family_sd)


def test_tables_of_the_example(comparison: dict[str, pd.DataFrame]) -> None:
    ranks = comparison["ranks"]
    assert sorted(ranks["rank"]) == [1, 2, 3, 4, 5, 6]
    assert ranks["expected_rank"].sum() == pytest.approx(21)
    assert np.all(ranks["all_low"] <= ranks["set_low"])
    assert np.all(ranks["set_high"] <= ranks["all_high"])
    assert np.all(ranks["set_low"] <= ranks["rank"])
    steps = comparison["funnel_steps"].set_index("check")["verdict"]
    assert list(steps.index) == [
        "question", "case_mix_model", "enough_observations", "overdispersion", "volume", "plot",
    ]  # fmt: skip
    assert set(steps) <= {"pass", "fail"}
    change = comparison["adjusted_change"].query("months == 12").set_index("organisation")["estimate"]
    funnel = comparison["funnel"].set_index("organisation")["estimate"]
    assert funnel.to_dict() == pytest.approx(change.to_dict())
    primary = comparison["indicators"].query("primary == 'yes'")
    assert set(primary["indicator"]) == {"change"}
    assert "organisation" not in comparison["worker_share"].columns
    assert comparison["worker_share"]["value"].between(0, 1).all()


def test_simultaneous_limits_are_wider(comparison: dict[str, pd.DataFrame]) -> None:
    for name in ("difference_from_mean", "pairwise"):
        table = comparison[name]
        assert np.all(table["simultaneous_low"] < table["conf_low"])
        assert np.all(table["simultaneous_high"] > table["conf_high"])


def test_both_ways_to_standardise_agree_without_interactions(study: Study) -> None:
    both = compare_organisations(study).tables["standardisation"].data
    assert both["direct"].to_numpy() == pytest.approx(both["indirect"].to_numpy())
    assert both["direct"] @ both["n_families"] == pytest.approx(0)
    own = compare_organisations(study, case_mix=("child_age",), interactions=True)
    differ = own.tables["standardisation"].data
    assert np.abs(differ["direct"] - differ["indirect"]).max() > 0.01
    median = compare_organisations(study, case_mix=("child_age",), reference="median")
    assert median.tables["standardisation"].data["direct"].median() == pytest.approx(0)


def test_random_without_shrinkage_is_fixed() -> None:
    data = many(3)
    fixed, random = effects(data, role="fixed"), effects(data, role="random")
    assert random.raw - random.raw.mean() == pytest.approx(fixed.raw - fixed.raw.mean(), abs=NEAR)
    assert random.shrunken.std() < random.raw.std()
    assert random.std_error == pytest.approx(fixed.std_error, rel=0.2)


def test_many_organisations_and_few_have_the_same_columns(study: Study) -> None:
    few = compare_organisations(study, case_mix=("child_age",)).tables
    random = compare_organisations(study, case_mix=("child_age",), effects="random").tables
    assert list(few) == list(random)
    for name, table in few.items():
        assert list(table.data.columns) == list(random[name].data.columns), name


def test_below_five_there_are_no_ranks_and_no_funnel(study: Study) -> None:
    scores = study.scores[study.scores["organisation"].isin(study.organisations[:4])]
    found = compare_organisations(replace(study, scores=scores), case_mix=())
    assert not {"ranks", "funnel", "funnel_steps"} & set(found.tables)
    assert "difference_from_mean" in found.tables


def test_a_duplicated_organisation_gets_the_same_result() -> None:
    data = many(5, number=8)
    twin = data[data["organisation"] == "k03"].assign(organisation="k99")
    twin["family"] = "twin of " + twin["family"]
    for role in ("fixed", "random"):
        found = effects(pd.concat([data, twin], ignore_index=True), role=role)
        first, second = found.keys.index("k03"), found.keys.index("k99")
        for table in (
            rank_table(found, level=0.95).data,
            shrinkage_table(found, level=0.95).data,
        ):
            one, other = (table.iloc[place].drop("organisation").astype(float) for place in (first, second))
            # Draws differ: their means and quantiles of ranks by some hundredths or a rank.
            assert np.abs(one - other).max() <= 1.0
        assert found.raw[first] == pytest.approx(found.raw[second], abs=1e-5)
        assert found.shrunken[first] == pytest.approx(found.shrunken[second], abs=1e-5)
        assert found.std_error[first] == pytest.approx(found.std_error[second], rel=1e-5)


def test_relabelling_changes_nothing() -> None:
    data = many(6, number=8)
    names = {key: f"z{9 - place}" for place, key in enumerate(sorted(data["organisation"].unique()))}
    shuffled = data.sample(frac=1, random_state=2).assign(organisation=data["organisation"].map(names))
    for role in ("fixed", "random"):
        before, after = effects(data, role=role), effects(shuffled, role=role)
        order = [after.keys.index(names[key]) for key in before.keys]
        assert after.raw[order] == pytest.approx(before.raw, abs=1e-4)
        assert after.shrunken[order] == pytest.approx(before.shrunken, abs=1e-4)


def test_confounded_case_mix_misleads_only_the_unadjusted_comparison() -> None:
    """Equal organisations; those with more single parents look worse until that is adjusted for."""
    errors: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for seed in range(6):
        rng = np.random.default_rng([7, seed])
        sizes = {f"k{place}": 60 for place in range(6)}
        data = simulated(rng, sizes=sizes)
        place = data["organisation"].str[1:].astype(int)
        families = data["family"].unique()
        chance = dict(zip(families, rng.random(len(families)), strict=True))
        single = (data["family"].map(chance) < 0.1 + 0.15 * place).astype(float)
        data = data.assign(single=single, score=data["score"] + single * (2 + 0.3 * data["months"]))
        for adjusted in errors:
            found = effects(data, role="fixed", case_mix=("single",) if adjusted else ())
            errors[adjusted].append(found.raw - found.raw.mean())
    bias = {adjusted: np.mean(rows, axis=0) for adjusted, rows in errors.items()}
    # By construction the sixth organisation has 75 % points more single parents, each 3.6 points behind.
    assert bias[False][5] - bias[False][0] == pytest.approx(0.75 * 3.6, abs=0.8)
    assert np.abs(bias[True]).max() < 0.6


def test_equal_organisations_are_rarely_flagged() -> None:
    flagged = []
    for seed in range(12):
        data = many(100 + seed, number=12, slope_sd=0.0)
        found = effects(data, role="random")
        z = (found.raw - found.raw.mean()) / found.std_error
        flagged.append(np.abs(z) > norm.ppf(0.975))
    # 144 organisations: the share beyond the line has a standard error of .018.
    assert np.mean(flagged) < 0.05 + 3 * 0.018


def test_ranks_hold_the_truth() -> None:
    slopes = {f"k{place}": -0.6 + 0.08 * place for place in range(8)}
    held = []
    for seed in range(8):
        rng = np.random.default_rng([8, seed])
        data = simulated(rng, sizes=dict.fromkeys(slopes, 25), slopes=slopes)
        table = rank_table(effects(data, role="fixed"), level=0.95).data
        truth = np.arange(1, 9)
        held.append((table["all_low"] <= truth) & (truth <= table["all_high"]))
    assert np.mean([row.all() for row in held]) >= 0.75


def test_funnel_of_random_effects() -> None:
    data = many(9, number=16, slope_sd=0.3)
    frame = prepare_frame(course_of(data), by_organisation=True)
    model = fit_growth(frame, shape="linear", organisation="random")
    found = effects_of(model, MONTH, better="low")
    tables = {t.name: t.data for t in funnel_tables(model, found, level=0.95, declared=True)}
    summary = tables["funnel_summary"].set_index("quantity")["value"]
    assert summary["n_beyond_95_plain"] > summary["n_beyond_95"]
    assert summary["alarm_share_95"] == pytest.approx(0.05, abs=0.03)
    assert summary["rankability"] > 50
    lines = tables["funnel_lines"]
    assert np.all(lines["low_998"] < lines["low_95"])
    assert np.all(lines["high_95"] > lines["plain_high_95"])
    steps = tables["funnel_steps"].set_index("check")
    assert np.isnan(steps.loc["case_mix_model", "value"])
    assert steps.loc["case_mix_model", "verdict"] == "fail"  # there is no case mix in this study
    assert steps.loc["enough_observations", "verdict"] == ("pass" if found.n_families.min() >= 10 else "fail")


def test_a_volume_effect_fails_its_step() -> None:
    rng = np.random.default_rng(10)
    sizes = {f"k{place}": 10 + 12 * place for place in range(8)}
    data = simulated(rng, sizes=sizes, slopes={key: -0.2 - 0.006 * n for key, n in sizes.items()})
    frame = prepare_frame(course_of(data), by_organisation=True)
    model = fit_growth(frame, shape="linear", organisation="fixed")
    tables = funnel_tables(model, effects_of(model, MONTH, better="low"), level=0.95, declared=False)
    steps = {t.name: t.data for t in tables}["funnel_steps"].set_index("check")["verdict"]
    assert steps["volume"] == "fail"
    assert steps["question"] == "fail"


def test_the_conclusion_of_the_example_stands(study: Study) -> None:
    found = check_robustness(study, case_mix=("child_age", "single_parent"))
    table = found.tables["robustness"].data.set_index("variant")
    assert tuple(table.index) == VARIANTS
    assert table.loc["primary", "largest_shift"] == 0
    assert table.loc["mundlak", "conclusion"] == "same"
    assert table.loc["small_left_out", "conclusion"] == "not_possible"
    # Families at every organisation stop; the more they count as worse off, the larger the shift.
    assert table.loc["dropouts_much_worse", "largest_shift"] == pytest.approx(
        2 * table.loc["dropouts_worse", "largest_shift"]
    )
    out = found.tables["leave_one_out"].data
    assert len(out) == 6
    assert set(out["conclusion"]) <= {"same", "more", "changed"}
    # Organisations are fixed effects in the primary analysis: once more is no other way of computing.
    assert table.loc["fixed", "conclusion"] == "not_possible"


def test_cohorts_add_up(study: Study) -> None:
    found = compare_cohorts(study)
    each, pooled = found.tables["by_cohort"].data, found.tables["all_by_cohort"].data
    # Differences are from the mean over the families of all years, of the same model.
    assert pooled["estimate"] @ pooled["n_families"] == pytest.approx(0.0, abs=1e-6)
    apart = pooled["adjusted_change"] - pooled["estimate"]
    assert apart.max() == pytest.approx(apart.min())
    for cohort, rows in each.groupby("cohort"):
        whole = pooled.set_index("cohort").loc[cohort]
        assert rows["n_measured"].sum() == whole["n_measured"]
        assert rows["n_families"].sum() == whole["n_families"]
    assert found.tables["run_signals"].data.set_index("quantity").loc["n_points", "value"] >= 10


def test_a_shift_in_a_run_chart_is_a_signal() -> None:
    assert run_signals(np.r_[np.zeros(12) + np.arange(12) / 100, np.ones(12) + np.arange(12) / 100]).signal
    assert not run_signals(np.random.default_rng(1).normal(size=24)).signal
    assert not run_signals([1.0, 2.0, 3.0]).signal
    assert run_signals([5.0]).n_points <= 1


@pytest.mark.parametrize(
    ("options", "error"),
    [({"effects": "mixed"}, ConfigError), ({"reference": "best"}, ConfigError)],
)
def test_what_is_refused(study: Study, options: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        compare_organisations(study, **options)


def test_interactions_need_fixed_effects(study: Study) -> None:
    with pytest.raises(ModelError, match="fixed"):
        compare_organisations(study, effects="random", interactions=True)


def test_cohorts_need_dates(study: Study) -> None:
    tables = {**study.tables, "episodes": study.tables["episodes"].assign(start=pd.NaT)}
    found = compare_cohorts(replace(study, tables=tables))
    assert list(found.tables) == ["sample_flow"]
    assert "no_cohorts" in [note.code for note in found.notes]
