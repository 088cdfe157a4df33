"""Drop-out, missing waves, and how far the main answer moves with them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import describe_missing
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import ConfigError
from mpg_research.statistics.delta_adjustment import adjust_by_delta, tipping_point
from mpg_research.study import load_study, shipped_example
from tests.analysis.small_studies import make_study
from tests.exact_policy import exact_policy

# Plain arithmetic in double precision.
EXACT = 1e-9


def leaving_families(rng: np.random.Generator, n: int = 160) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Straight courses of -0.3 a month; the higher the last score, the likelier a family drops out."""
    rows, ends = [], []
    for number in range(n):
        level, slope = rng.normal(32, 5), rng.normal(-0.3, 0.3)
        last, end, reason = level, 13.0, None
        for month in range(13):
            if month and rng.random() > 0.15:
                last = level + slope * month + rng.normal(0, 2)
                rows.append((f"f{number:03d}", month, np.clip(round(last), 0, 60)))
            elif not month:
                last = level + rng.normal(0, 2)
                rows.append((f"f{number:03d}", 0, np.clip(round(last), 0, 60)))
            if month > 1 and rng.random() < 1 / (1 + np.exp(3.2 - 0.25 * (last - 32))):
                end, reason = month + 0.5, rng.choice(["early_client", "early_provider"])
                break
        else:
            reason = rng.choice(["as_planned", "early_agreed"])
        ends.append((f"f{number:03d}", f"org_{number % 4}", f"w{number % 9}", end, reason))
    return (
        pd.DataFrame(rows, columns=["family", "months", "score"]),
        pd.DataFrame(ends, columns=["family", "organisation", "worker", "end", "end_reason"]),
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, pd.DataFrame]:
    data, episodes = leaving_families(np.random.default_rng(21))
    study = make_study(tmp_path_factory.mktemp("study"), data, episodes=episodes)
    # Planned ends lie at month 13: by then everybody's help is over.
    return describe_missing(study, month=13), episodes


def test_ends_are_counted_as_they_are(found: tuple[object, pd.DataFrame]) -> None:
    result, episodes = found
    ends = result.tables["ends"].data.set_index("class")["n_families"]
    assert ends.pop("still_in_help") == 0
    assert ends.to_dict() == episodes["end_reason"].value_counts().to_dict()
    dropped = result.tables["drop_out"].data.set_index("class")
    assert ends.sum() == dropped["n_families"].sum() == dropped["n_group"].iloc[0] == len(episodes)
    share = episodes["end_reason"].isin(["early_client", "early_provider"]).mean()
    assert dropped.loc["drop_out", "estimate"] == pytest.approx(share)
    months = result.tables["measured_by_month"].data.set_index("months")
    assert months.loc[0.0, "n_in_help"] == len(episodes)
    assert months.loc[6.0, "n_in_help"] == (episodes["end"] >= 6).sum()
    # Each month is missed with a chance of .15; around month 6 there are three of them for who stayed.
    assert months.loc[6.0, "share_measured"] == pytest.approx(1 - 0.15**3, abs=0.05)


def test_what_foretells_leaving_is_found_and_what_does_not_is_not(
    found: tuple[object, pd.DataFrame],
) -> None:
    table = found[0].tables["predictors"].data.set_index(["outcome", "term"])
    assert table.loc[("drop_out", "last_score"), "conf_low"] > 0
    assert table.loc[("drop_out", "last_score"), "estimate"] == pytest.approx(0.25, abs=0.12)
    low, high = table.loc[("missing", "last_score"), ["conf_low", "conf_high"]]
    assert low < 0 < high


def test_completers_look_better_than_all(found: tuple[object, pd.DataFrame]) -> None:
    # Those with high scores leave, so who is left to the end has fallen more; the model allows for it.
    table = found[0].tables["completers"].data.set_index("sample")
    assert table.loc["completers", "n_families"] < table.loc["all", "n_families"]
    true = -0.3 * found[0].month
    # One study: its 95 % interval may miss. Over 24 such studies the mean error is .08 (standard error .09).
    assert abs(table.loc["all", "estimate"] - true) < 3 * table.loc["all", "std_error"]


def test_delta_moves_the_change_by_the_share_unmeasured(found: tuple[object, pd.DataFrame]) -> None:
    result = found[0]
    table = result.tables["delta_adjustment"].data.set_index("delta")["estimate"]
    share = result.tables["tipping_point"].data["share_unmeasured"].iloc[0]
    assert table[3.0] - table[0.0] == pytest.approx(3 * share, abs=EXACT)
    assert table[0.0] == pytest.approx(
        result.tables["completers"].data.set_index("sample")["estimate"]["all"]
    )
    patterns = result.tables["pattern_mixture"].data.set_index("pattern")
    # More than a third are measured to the last month, so there may be no middle.
    assert {"missing_at_random", "early", "late", "over_patterns"} <= set(patterns.index)
    assert patterns["estimate"].notna().all()
    own = patterns.drop(index=["missing_at_random", "over_patterns"])
    average = np.average(own["estimate"], weights=own["n_families"])
    assert patterns.loc["over_patterns", "estimate"] == pytest.approx(average, abs=1e-6)


def test_the_tipping_point_tips() -> None:
    options = {"df": 50.0, "share": 0.4, "n": 200}
    tip = tipping_point(-4.0, 0.5, **options)
    just = adjust_by_delta(-4.0, 0.5, delta=[tip - 1e-3, tip + 1e-3], **options)
    assert just.conf_high[0] < 0 <= just.conf_high[1]
    assert tip > 0
    assert tipping_point(4.0, 0.5, **options) == pytest.approx(-tip)
    assert tipping_point(0.1, 0.5, **options) == 0
    assert np.isnan(tipping_point(-4.0, 0.5, df=50.0, share=0.0, n=200))


def test_mixture_of_measured_and_unmeasured_by_simulation() -> None:
    # Everybody's true change is -4 when measured, -4 + 3 when not; the mixture's mean must be found.
    rng = np.random.default_rng(22)
    hits, runs = 0, 400
    for _ in range(runs):
        away = rng.random(200) < 0.4
        change = rng.normal(-4, 5, 200)
        seen = change[~away]
        error = seen.std(ddof=1) / np.sqrt(len(seen))
        one = adjust_by_delta(seen.mean(), error, df=len(seen) - 1, share=away.mean(), n=200, delta=[3.0])
        hits += one.conf_low[0] <= -4 + 0.4 * 3 <= one.conf_high[0]
    # Three standard errors of .95 over 400 runs.
    assert hits / runs == pytest.approx(0.95, abs=0.033)


def test_without_ends_everybody_is_still_in_help(tmp_path: Path) -> None:
    data, _ = leaving_families(np.random.default_rng(24), n=40)
    result = describe_missing(make_study(tmp_path, data))
    assert result.tables["ends"].data["class"].tolist() == ["still_in_help"]
    assert result.tables["drop_out"].data.set_index("class").loc["drop_out", "n_families"] == 0
    table = result.tables["predictors"].data
    assert table.loc[table["outcome"] == "drop_out", "estimate"].isna().all()


def test_worse_is_worse_in_the_instruments_own_direction(tmp_path: Path) -> None:
    data, _ = leaving_families(np.random.default_rng(26), n=60)
    mirrored = data.assign(score=60 - data["score"])
    down = describe_missing(make_study(tmp_path / "down", data))
    up = describe_missing(make_study(tmp_path / "up", mirrored, direction="higher_is_better"))
    one, two = (found.tables["delta_adjustment"].data for found in (down, up))
    assert one["delta"].tolist() == two["delta"].tolist()
    np.testing.assert_allclose(two["estimate"], -one["estimate"], atol=1e-4)
    assert one["estimate"].is_monotonic_increasing
    tips = [found.tables["tipping_point"].data["delta_at_tipping"].iloc[0] for found in (down, up)]
    assert tips[0] == pytest.approx(tips[1], abs=1e-3)


def test_impossible_months_and_departures_are_refused(tmp_path: Path) -> None:
    data, _ = leaving_families(np.random.default_rng(27), n=30)
    study = make_study(tmp_path, data)
    for options in ({"month": 0}, {"month": float("nan")}):
        with pytest.raises(ConfigError, match="month"):
            describe_missing(study, **options)
    for deltas in ((), (float("inf"),)):
        with pytest.raises(ConfigError, match="deltas"):
            describe_missing(study, deltas=deltas)


def test_each_pattern_counts_the_organisations_behind_it(tmp_path: Path) -> None:
    data, _ = leaving_families(np.random.default_rng(28), n=60)
    until = data.groupby("family")["months"].transform("max")
    # Families that are measured briefly all belong to one organisation.
    data["organisation"] = np.where(until <= until.quantile(0.2), "one", "two")
    rows = describe_missing(make_study(tmp_path, data)).tables["pattern_mixture"].data.set_index("pattern")
    assert rows.loc["late", "n_organisations"] == 1
    assert rows.loc["missing_at_random", "n_organisations"] == 2


def test_when_families_stopped_adds_up_per_pattern(tmp_path: Path) -> None:
    ends = {
        "a": (1, "early_client"),
        "b": (6, "early_client"),
        "c": (6.5, "early_provider"),
        "d": (13, "as_planned"),
    }
    rows = [
        (f"{name}{copy}", float(m), 20 + (7 * k + 3 * m + 5 * copy) % 11)
        for k, name in enumerate([*ends, "e", "f"])
        for copy in range(10)
        for m in range(14)
    ]
    data = pd.DataFrame(rows, columns=["family", "months", "score"])
    kind = data["family"].str[0]
    data = data[data["months"] <= kind.map({k: v[0] for k, v in ends.items()}).fillna(99)]
    for column, place in (("end", 0), ("end_reason", 1)):
        data[column] = kind.map({name: value[place] for name, value in ends.items()})
    found = describe_missing(make_study(tmp_path, data), month=13).tables["stops"].data
    shares = found.set_index(["pattern", "months"])["estimate"]
    # Of all sixty: those of a, b and c dropped out, d ended as planned; e and f are still in help.
    assert shares["drop_out"].to_dict() == pytest.approx({6.0: 1 / 3, 12.0: 1 / 6, 13.0: 0.0})
    assert shares["ended"].to_dict() == pytest.approx({6.0: 0.0, 12.0: 0.0, 13.0: 1 / 6})
    assert found["n_families"].sum() == 40


def test_no_small_reason_follows_from_the_totals_of_the_patterns() -> None:
    study = load_study(shipped_example())
    found = describe_missing(study)
    shown = release(found, Audience("researcher"), policy=exact_policy(study)).tables
    ends = shown["ends"].data
    totals = found.tables["stops"].data.groupby("pattern")["n_families"].sum()
    assert shown["drop_out"].data.set_index("class").loc["drop_out", "n_families"] == totals["drop_out"]
    hidden = ends[ends["suppressed"]].groupby("pattern").size()
    small = found.tables["ends"].data.query("0 < n_families < 10")
    assert len(small)  # or there would be nothing to hide
    # Where one reason is hidden, so is another of the same pattern: its total minus the rest tells neither.
    assert set(hidden.index) == set(small["pattern"])
    assert (hidden >= 2).all()


def test_a_small_pattern_does_not_follow_from_the_others(tmp_path: Path) -> None:
    data, episodes = leaving_families(np.random.default_rng(29), n=120)
    planned = episodes.index[episodes["end_reason"].eq("as_planned")]
    episodes.loc[planned[:6], ["end", "end_reason"]] = None
    study = make_study(tmp_path, data, episodes=episodes)
    found = describe_missing(study, month=13)
    shown = release(found, Audience("researcher"), policy=policy_of(study)).tables
    ends = shown["ends"].data
    assert int(ends["suppressed"].sum()) >= 2
    # All families less those of every reason shown: more than the six that are still in help.
    assert ends["n_group"].max() - ends["n_families"].sum() > 6
    # Those whose help ended, and all without drop-out, would leave the six.
    assert not len(shown["stops"].data)


def test_patterns_that_cannot_be_modelled_are_not_averaged_over(tmp_path: Path) -> None:
    data, _ = leaving_families(np.random.default_rng(30), n=80)
    number = data["family"].str[1:].astype(int)
    once = data[(number >= 40) | (data["months"] == 0)]
    found = describe_missing(make_study(tmp_path, once))
    assert found.tables["pattern_mixture"].data["pattern"].tolist() == ["missing_at_random"]
    assert "no_pattern_mixture" in [note.code for note in found.notes]
