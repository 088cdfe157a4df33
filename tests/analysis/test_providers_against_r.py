"""The provider comparison against lm and lme4 (``tests/oracles/organisations/providers.R``)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.providers import compare_providers
from mpg_research.errors import ConfigError, DataError, ModelError

FOLDER = Path(__file__).parents[1] / "oracles" / "organisations"
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
