"""The provider comparison against lm and lme4 (``tests/oracles/organisations/providers.R``)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.discrete_model import Logit

from mpg_research.analysis.providers.compare import compare_providers
from mpg_research.errors import ConfigError, DataError, ModelError
from mpg_research.mixed.inference.information import information

FOLDER = Path(__file__).parents[2] / "oracles" / "organisations"
CASE_MIX = ("age", "income", "sex")
#: Closed formulas of least squares in double precision.
EXACT = 1e-8
#: lme4's optimiser stops some digits before the optimum.
OPTIMUM = 1e-5


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "providers.csv")


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    found = json.loads((FOLDER / "providers.json").read_text())
    return {key: np.array(value) for key, value in found.items()}


def test_fixed_effects_and_both_differences(data: pd.DataFrame, theirs: dict[str, np.ndarray]) -> None:
    found = compare_providers(data, outcome="score", provider="provider", case_mix=CASE_MIX)
    table = found.providers
    assert table["effect"].to_numpy() == pytest.approx(theirs["gamma"], rel=EXACT)
    assert found.slopes["estimate"].to_numpy() == pytest.approx(theirs["beta"], rel=EXACT)
    assert found.residual_sd == pytest.approx(theirs["sigma"][0], rel=EXACT)
    assert set(table["df"]) == {theirs["df"][0]}
    assert table["indirect"].to_numpy() == pytest.approx(theirs["indirect_mean"], abs=EXACT)
    assert table["direct"].to_numpy() == pytest.approx(theirs["direct_mean"], abs=EXACT)
    assert table["std_error"].to_numpy() == pytest.approx(theirs["se_mean"], rel=EXACT)
    assert table["direct"].to_numpy() == pytest.approx(table["indirect"].to_numpy(), abs=EXACT)


def test_the_median_provider_as_reference(data: pd.DataFrame, theirs: dict[str, np.ndarray]) -> None:
    found = compare_providers(
        data, outcome="score", provider="provider", case_mix=CASE_MIX, reference="median"
    )
    assert found.providers["indirect"].to_numpy() == pytest.approx(theirs["indirect_median"], abs=EXACT)
    assert found.providers["direct"].to_numpy() == pytest.approx(theirs["indirect_median"], abs=EXACT)


def test_slopes_of_their_own(data: pd.DataFrame, theirs: dict[str, np.ndarray]) -> None:
    enough = data[data.groupby("provider")["score"].transform("size") > 9]
    found = compare_providers(
        enough, outcome="score", provider="provider", case_mix=CASE_MIX, interactions=True
    )
    assert found.providers["predicted"].to_numpy() == pytest.approx(
        theirs["interaction_predicted"], rel=EXACT
    )
    assert np.abs(found.providers["direct"] - found.providers["indirect"]).max() > 0.01


def test_random_effects(data: pd.DataFrame, theirs: dict[str, np.ndarray]) -> None:
    found = compare_providers(data, outcome="score", provider="provider", case_mix=CASE_MIX, effects="random")
    table = found.providers
    assert table["effect"].to_numpy() == pytest.approx(theirs["random_effect"], abs=OPTIMUM)
    assert table["indirect"].to_numpy() == pytest.approx(theirs["random_effect"], abs=OPTIMUM)
    assert table["direct"].to_numpy() == pytest.approx(theirs["random_direct"], abs=OPTIMUM)
    assert table["std_error"].to_numpy() == pytest.approx(theirs["random_error"], rel=OPTIMUM)
    assert [found.tau2, found.residual_sd**2] == pytest.approx(theirs["random_variance"], rel=OPTIMUM)


def test_relabelling_and_duplicating(data: pd.DataFrame) -> None:
    found = compare_providers(data, outcome="score", provider="provider", case_mix=CASE_MIX)
    order = data.sample(frac=1, random_state=1).assign(provider=lambda frame: "z" + frame["provider"])
    again = compare_providers(order, outcome="score", provider="provider", case_mix=CASE_MIX)
    assert again.providers["direct"].to_numpy() == pytest.approx(found.providers["direct"].to_numpy())
    copy = data[data["provider"] == "p03"].assign(provider="p03 again")
    both = compare_providers(
        pd.concat([data, copy]), outcome="score", provider="provider", case_mix=CASE_MIX
    ).providers.set_index("provider")
    for column in ("direct", "indirect", "std_error", "z", "z_adjusted", "flag_adjusted"):
        assert both.loc["p03", column] == pytest.approx(both.loc["p03 again", column])


def test_naive_flags_are_many_and_adjusted_flags_few() -> None:
    """Large providers that really differ: nearly all beyond the naive limits, few beyond the others."""
    rng = np.random.default_rng(5)
    provider = np.repeat(np.arange(60), 400)
    score = 50 + rng.normal(0, 2, 60)[provider] + rng.normal(0, 5, provider.size)
    found = compare_providers(
        pd.DataFrame({"place": provider, "score": score}), outcome="score", provider="place"
    )
    assert found.n_flagged["naive"] > 40
    assert found.n_flagged["adjusted"] <= 9
    assert found.tau2 == pytest.approx(4.0, rel=0.4)
    assert found.rankability.grade == "high"


def test_confounded_case_mix_is_undone() -> None:
    """Equal providers whose clients differ: unadjusted they look different, adjusted they do not."""
    rng = np.random.default_rng(6)
    provider = np.repeat(np.arange(12), 150)
    severity = provider / 4.0 + rng.normal(size=provider.size)
    score = 20 + 3 * severity + rng.normal(size=provider.size)
    data = pd.DataFrame({"place": provider, "score": score, "severity": severity})
    adjusted = compare_providers(data, outcome="score", provider="place", case_mix=["severity"])
    plain = compare_providers(data, outcome="score", provider="place")
    assert np.abs(adjusted.providers["direct"]).max() < 0.4
    assert np.abs(plain.providers["direct"]).max() > 3


def test_what_is_refused(data: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no column 'height'"):
        compare_providers(data, outcome="score", provider="provider", case_mix=["height"])
    with pytest.raises(DataError, match="missing in 'age'"):
        compare_providers(
            data.assign(age=data["age"].where(data["age"] > 5)),
            outcome="score", provider="provider", case_mix=["age"],
        )  # fmt: skip
    with pytest.raises(ConfigError, match="average provider"):
        compare_providers(data, outcome="score", provider="provider", effects="random", reference="median")
    with pytest.raises(ModelError, match="at least two"):
        compare_providers(data.assign(provider="one"), outcome="score", provider="provider")
    flat = data.assign(size=data.groupby("provider")["age"].transform("mean"))
    with pytest.raises(ModelError, match="vary enough within"):
        compare_providers(flat, outcome="score", provider="provider", case_mix=["size"])


def test_identifiers_stay_what_they_are_in_their_own_order() -> None:
    rng = np.random.default_rng(7)
    place = np.repeat([10, 9, 100], 20)
    data = pd.DataFrame({"place": place, "score": rng.normal(size=60)})
    found = compare_providers(data, outcome="score", provider="place")
    assert found.providers["provider"].tolist() == [9, 10, 100]
    mixed = data.assign(place=[str(key) if key == 100 else key for key in place])
    assert compare_providers(mixed, outcome="score", provider="place").providers["n"].tolist() == [20] * 3


def test_clients_who_lack_a_value_are_counted(data: pd.DataFrame) -> None:
    gaps = data.assign(age=data["age"].where(data.index % 10 > 0), same=1.0)
    kept = gaps.dropna()
    found = compare_providers(
        gaps, outcome="score", provider="provider", case_mix=[*CASE_MIX, "same"], missing="drop"
    )
    alone = compare_providers(kept, outcome="score", provider="provider", case_mix=CASE_MIX)
    assert found.providers.equals(alone.providers)
    notes = {note.code: note.values for note in found.notes}
    assert notes["clients_left_out"] == {"n": len(data) - len(kept), "n_all": len(data)}
    assert notes["constant_case_mix"] == {"name": "same"}
    nobody = data.assign(age=np.nan)
    with pytest.raises(DataError, match="nothing is left"):
        compare_providers(nobody, outcome="score", provider="provider", case_mix=["age"], missing="drop")
    with pytest.raises(ConfigError, match="'refuse' or 'drop'"):
        compare_providers(data, outcome="score", provider="provider", missing="keep")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="must hold numbers"):
        compare_providers(data, outcome="sex", provider="provider")


def test_a_provider_of_one_client_and_the_first_level_of_a_category(data: pd.DataFrame) -> None:
    one = pd.concat([data, data.iloc[[0]].assign(provider="p99")])
    one["sex"] = pd.Categorical(one["sex"], ["girl", "boy", "unknown"])
    found = compare_providers(one, outcome="score", provider="provider", case_mix=CASE_MIX)
    lonely = found.providers.set_index("provider").loc["p99"]
    assert lonely["n"] == 1
    assert lonely["std_error"] > 2 * found.providers["std_error"].median()
    assert found.slopes["variable"].tolist() == ["age", "income", "sex=boy"]


def test_what_is_the_same_for_all_clients_of_a_provider_needs_random_effects() -> None:
    """Equal providers in two regions, one of which is three points higher."""
    rng = np.random.default_rng(8)
    place = np.repeat(np.arange(30), 40)
    region = np.where(place < 15, "north", "south")
    score = 20 + 3 * (region == "south") + rng.normal(size=place.size)
    data = pd.DataFrame({"place": place, "region": region, "score": score})
    with pytest.raises(ModelError, match="vary enough within"):
        compare_providers(data, outcome="score", provider="place", case_mix=["region"])
    found = compare_providers(data, outcome="score", provider="place", case_mix=["region"], effects="random")
    plain = compare_providers(data, outcome="score", provider="place", effects="random")
    assert found.slopes["estimate"].to_numpy() == pytest.approx([3], abs=0.2)
    assert found.n_flagged["naive"] <= 4 < 25 < plain.n_flagged["naive"]
    assert found.tau2 < 0.05 < plain.tau2


@pytest.mark.parametrize("effects", ["fixed", "random"])
@pytest.mark.parametrize("kind", ["score", "share"])
def test_flag_p_value_and_limits_never_contradict_each_other(effects: str, kind: str) -> None:
    rng = np.random.default_rng(11)
    flagged = 0
    for run in range(16):
        sizes = rng.integers(2, 60, int(rng.integers(5, 20)))
        provider = np.repeat(np.arange(sizes.size), sizes)
        age = rng.normal(size=provider.size) + 0.5 * rng.normal(size=sizes.size)[provider]
        spread = rng.choice([0.0, 0.3, 1.0])
        linear = spread * rng.normal(size=sizes.size)[provider] + 0.5 * age
        score = linear + rng.normal(size=provider.size)
        if kind == "share":
            score = (rng.uniform(size=provider.size) < 1 / (1 + np.exp(-linear))).astype(float)
        data = pd.DataFrame({"place": provider, "age": age, "score": score})
        level = (0.95, 0.9)[run % 2]
        found = compare_providers(
            data,
            outcome="score",
            provider="place",
            case_mix=["age"],
            effects=effects,
            level=level,  # type: ignore[arg-type]
        )
        table = found.providers
        side = np.where(table["indirect"] > 0, "high", "low")
        beyond = table["p_value"] < 1 - level
        assert table["flag"].tolist() == np.where(beyond, side, "").tolist()
        assert ((table["conf_low"] > 0) | (table["conf_high"] < 0)).tolist() == beyond.tolist()
        assert (table["z"].abs() > 0).tolist() == (table["statistic"] != 0).tolist()
        for column in ("flag_adjusted", "flag_false_discovery"):
            # never without the test of the same row, nor on the other side
            assert all(flag in ("", own) for flag, own in zip(table[column], table["flag"], strict=True))
        if effects == "random":
            assert np.isfinite(table["df"]).all()
        flagged += int(beyond.sum())
    assert flagged > 5


def test_degrees_of_freedom_of_shrunken_differences(data: pd.DataFrame) -> None:
    """By differences of the textbook's conditional variance in both variances."""
    found = compare_providers(data, outcome="score", provider="provider", case_mix=CASE_MIX, effects="random")
    assert found.fit is not None
    at = np.array([found.tau2, found.residual_sd**2])
    size = found.providers["n"].to_numpy()

    def variance(tau2: float, sigma2: float) -> np.ndarray:
        return np.asarray(1 / (1 / tau2 + size / sigma2))

    assert found.providers["std_error"].to_numpy() ** 2 == pytest.approx(variance(*at), rel=1e-8)
    slopes = np.column_stack(
        [
            (variance(*(at + move)) - variance(*(at - move))) / (2 * np.max(move))
            for move in np.diag(1e-5 * at)
        ]
    )
    covariance = information(found.fit.solution).component_covariance
    expected = 2 * variance(*at) ** 2 / np.einsum("gi,ij,gj->g", slopes, covariance, slopes)
    assert found.providers["df"].to_numpy() == pytest.approx(expected, rel=1e-6)


def test_a_yes_or_no_is_compared_by_shares() -> None:
    rng = np.random.default_rng(12)
    provider = np.repeat(np.arange(8), 60)
    age = rng.normal(size=provider.size) + provider / 8
    odds = -2 + age + 1.5 * (provider == 7)
    data = pd.DataFrame({"place": provider, "age": age})
    data["stopped"] = rng.uniform(size=provider.size) < 1 / (1 + np.exp(-odds))
    found = compare_providers(data, outcome="stopped", provider="place", case_mix=["age"])
    assert found.model == "logistic"
    assert "binary_outcome" in [note.code for note in found.notes]
    dummies = pd.get_dummies(data["place"], dtype=float).to_numpy()
    theirs = Logit(data["stopped"].astype(float), np.column_stack([data["age"], dummies])).fit(disp=0)
    assert found.slopes["estimate"][0] == pytest.approx(theirs.params["x1"], rel=2e-3)
    assert found.slopes["std_error"][0] == pytest.approx(theirs.bse["x1"], rel=2e-3)
    table = found.providers.set_index("provider")
    assert table["observed"].to_numpy() == pytest.approx(data.groupby("place")["stopped"].mean().to_numpy())
    assert (table["indirect"] * table["n"]).sum() == pytest.approx(0, abs=1e-6)
    assert table.loc[7, "flag"] == "high"
    assert table["predicted"].between(0, 1).all()
    # the provider's own clients at the provider's odds ratio have the share observed
    none = data.assign(stopped=data["stopped"] & (data["place"] != 3))
    lonely = compare_providers(none, outcome="stopped", provider="place").providers.set_index("provider")
    assert lonely.loc[3, "effect"] == -np.inf
    assert lonely.loc[3, "predicted"] == 0
    assert np.isfinite(lonely[["std_error", "conf_low", "conf_high", "p_value"]].to_numpy()).all()


def test_equal_shares_are_flagged_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(13)
    flags = []
    for _ in range(80):
        provider = np.repeat(np.arange(10), rng.integers(20, 60, 10))
        age = rng.normal(size=provider.size) + provider / 5
        happened = rng.uniform(size=provider.size) < 1 / (1 + np.exp(1 - 0.7 * age))
        data = pd.DataFrame({"place": provider, "age": age, "happened": happened})
        found = compare_providers(data, outcome="happened", provider="place", case_mix=["age"])
        flags.append((found.providers["flag"] != "").mean())
    assert 0.03 < np.mean(flags) < 0.07


def test_two_values_in_a_linear_model_are_spoken_of() -> None:
    rng = np.random.default_rng(14)
    data = pd.DataFrame({"place": np.repeat(np.arange(6), 30), "yes": rng.integers(0, 2, 180)})
    for outcome, options in (
        ("yes", {"effects": "random"}),
        ("yes", {"reference": "median"}),
        ("coded", {}),
    ):
        made = compare_providers(
            data.assign(coded=data["yes"] + 1),
            outcome=outcome,
            provider="place",
            **options,  # type: ignore[arg-type]
        )
        assert made.model == "linear"
        assert [note.level for note in made.notes if note.code == "binary_by_linear_model"] == ["caution"]
    plain = compare_providers(
        data.assign(yes=data["yes"] + rng.normal(size=180)), outcome="yes", provider="place"
    )
    assert not plain.notes
