"""Every number that leaves is rounded once, by itself: counts, shares, estimates, for every reader."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from scipy.stats import t as student_t

from mpg_research.analysis import columns as declare
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, DisclosurePolicy, ReleasedTable, release
from mpg_research.disclosure.rules.rounding import RoundingRule
from mpg_research.errors import DisclosureError, Note
from tests.disclosure.made_results import flow_of, made_policy, result_of

RESEARCHER, FUNDER, LINDE = Audience("researcher"), Audience("funder"), Audience("organisation", "linde")
READERS = (RESEARCHER, FUNDER, LINDE)
KEYS = ("linde", "eik", "berk", "es", "iep", "wilg")


def policy(**rules: Any) -> DisclosurePolicy:
    return made_policy(**{"rounding": 5, **rules})


def released(table: ResultTable, reader: Audience, **rules: Any) -> ReleasedTable:
    return release(result_of("made", table), reader, policy=policy(**rules)).tables[table.name]


def by_organisation(columns: tuple[declare.Column, ...], **values: Any) -> ResultTable:
    data = pd.DataFrame({"organisation": KEYS, **values})
    return ResultTable("made", data, (declare.EACH_ORGANISATION, *columns))


def row_of(table: ReleasedTable, reader: Audience) -> pd.Series:
    """The row of linde, as the reader sees it."""
    code = "own" if reader is LINDE else "linde"
    return table.data.set_index("organisation").loc[code]


@pytest.mark.parametrize("step", [5, 7, 10])
def test_counts_go_to_the_nearest_multiple_and_only_zero_to_zero(step: int) -> None:
    exact = np.arange(0.0, 200.0)
    rounded = RoundingRule(step).counts(exact)
    assert (rounded % step == 0).all()
    assert (rounded[1:] > 0).all()
    assert rounded[0] == 0
    assert np.abs(rounded - exact)[step:].max() <= step / 2


def test_midpoints_stand_for_as_many_numbers_each() -> None:
    rounded = RoundingRule(6, midpoint=True).counts(np.arange(1.0, 61.0))
    values, times = np.unique(rounded, return_counts=True)
    assert list(values) == [3 + 6 * place for place in range(10)]
    assert set(times) == {6}


@pytest.mark.parametrize(
    "rule", [RoundingRule(5), RoundingRule(7), RoundingRule(10), RoundingRule(6, midpoint=True)]
)
def test_what_a_rounded_number_stands_for_is_what_leaves_as_it(rule: RoundingRule) -> None:
    exact = np.arange(1.0, 200.0)
    rounded = rule.counts(exact)
    for number in set(rounded[: -rule.step]):
        low, high = rule.stands_for(number)
        assert (low, high) == (exact[rounded == number].min(), exact[rounded == number].max())


def test_the_same_number_is_rounded_the_same_for_every_reader_and_in_every_result() -> None:
    rng = np.random.default_rng(1)
    columns = (declare.modelled("value"), declare.number_of("n_measurements"))
    for _ in range(20):
        families = rng.integers(10, 90, len(KEYS))
        table = by_organisation(
            columns, value=rng.normal(0, 4, len(KEYS)), n_measurements=9 * families, n_families=families
        )
        seen = []
        for reader in (RESEARCHER, FUNDER):
            data = released(table, reader).data
            seen.append(sorted(map(tuple, data[["n_families", "n_measurements", "value"]].to_numpy())))
        assert seen[0] == seen[1]
        others = released(table, LINDE).data
        others = others[others["organisation"] != "own"]
        assert set(map(tuple, others[["n_families", "n_measurements", "value"]].to_numpy())) <= set(seen[0])


def test_every_count_is_marked_whether_or_not_rounding_changed_it() -> None:
    table = by_organisation((declare.modelled("value"),), value=1.0, n_families=[40, 41, 42, 43, 44, 45])
    assert set(released(table, RESEARCHER).marks["n_families"]) == {"rounded"}


def test_an_organisation_sees_its_own_families_exactly_and_no_others() -> None:
    columns = (declare.observed("mean", own=True), declare.number_of("n_measurements", own=True))
    table = by_organisation(columns, mean=21.2345678, n_measurements=313, n_families=[41, 33, 28, 57, 61, 49])
    found = released(table, LINDE)
    own = row_of(found, LINDE)
    assert (own["mean"], own["n_measurements"], own["n_families"]) == (21.2345678, 313, 41)
    others = found.data[found.data["organisation"] != "own"]
    assert set(others["n_families"]) == {35.0, 30.0, 55.0, 60.0, 50.0}
    assert set(others["n_measurements"]) == {315.0}
    assert set(others["mean"]) == {21.2}


def test_a_share_is_that_of_the_rounded_counts_and_its_interval_moves_along() -> None:
    rate = declare.observed_share("rate")
    table = by_organisation(
        (rate, *declare.ends(rate)), rate=13 / 41, rate_low=0.20, rate_high=0.47, n_families=41
    )
    row = row_of(released(table, RESEARCHER), RESEARCHER)
    assert row["rate"] == 15 / 40
    assert (row["rate_low"], row["rate_high"]) == (0.26, 0.53)


@pytest.mark.parametrize("count", [0, 1, 9, 32, 40, 41])
@pytest.mark.parametrize("reader", [RESEARCHER, FUNDER], ids=["researcher", "funder"])
def test_shares_of_few_of_none_and_of_all_are_hidden(count: int, reader: Audience) -> None:
    rate = declare.observed_share("rate")
    table = by_organisation((rate, declare.modelled("value")), rate=count / 41, value=1.0, n_families=41)
    assert released(table, reader).data["rate"].isna().all()


@pytest.mark.parametrize("count", [10, 20, 31])
def test_other_shares_are_shown(count: int) -> None:
    table = by_organisation((declare.observed_share("rate"),), rate=count / 41, n_families=41)
    assert released(table, RESEARCHER).data["rate"].notna().all()


def test_none_of_the_whole_study_is_no_group_but_none_of_thirty_families_is() -> None:
    rate = declare.observed_share("rate", of="n_group")
    data = pd.DataFrame({"row": ["study", "part"], "rate": 0.0, "value": 1.0, "n_families": [240, 30]})
    data = data.assign(n_group=data["n_families"])
    columns = (declare.coded("row"), rate, declare.modelled("value"), declare.N_GROUP)
    found = released(ResultTable("made", data, columns), RESEARCHER).data.set_index("row")
    assert found.loc["study", "rate"] == 0
    assert np.isnan(found.loc["part", "rate"])


def test_a_group_that_has_it_all_is_hidden_with_the_number_that_says_so() -> None:
    share = declare.by_row(
        "value", "kind", {"share": declare.observed("value", percent=True, own=True)}, "mean"
    )
    rows = [(key, level, "share") for key in KEYS for level in ("yes", "no")]
    data = pd.DataFrame(rows, columns=["organisation", "level", "kind"])
    data["value"] = [1.0, 0.0, *[0.5] * 10]
    data["n_families"] = [40, 0, *[20] * 10]
    columns = (
        declare.EACH_ORGANISATION, declare.coded("level", adds_up="families"),
        declare.coded("kind", csv_only=True), share,
    )  # fmt: skip
    for reader in READERS:
        found = released(ResultTable("made", data, columns), reader).data
        mine = found[found["organisation"].isin(["own", "linde"])] if reader is not FUNDER else found
        assert not {0.0, 1.0} & set(mine["value"])
        if reader is not FUNDER:
            assert mine["n_families"].isna().all()


def test_rounding_never_turns_a_sign_or_a_verdict() -> None:
    rng = np.random.default_rng(5)
    table = declare.estimates()
    for _ in range(40):
        size = 10.0 ** rng.uniform(-4, 1, 6)
        estimate, error = size * rng.choice([-1, 1], 6), 10.0 ** rng.uniform(-2, 0.5, 6)
        p_value = 10.0 ** rng.uniform(-12, 0, 6)
        p_value[:3] = [0.0499, 0.00996, 0.0504]
        data = pd.DataFrame(
            {
                "organisation": KEYS, "estimate": estimate, "std_error": error, "df": 33.3,
                "statistic": estimate / error, "p_value": p_value, "conf_low": estimate - 2 * error,
                "conf_high": estimate + 2 * error, "n_families": rng.integers(10, 90, 6),
            }
        )  # fmt: skip
        found = released(ResultTable("made", data, (declare.EACH_ORGANISATION, *table)), RESEARCHER).data
        found, data = (each.set_index("organisation").sort_index() for each in (found, data))
        for name in ("estimate", "statistic", "conf_low", "conf_high"):
            same = np.sign(found[name]) == np.sign(data[name])
            assert same.all(), (name, data[name][~same], found[name][~same])
        for level in (0.001, 0.01, 0.05, 0.1):
            assert ((found["p_value"] < level) == (data["p_value"] < level)).all()
        assert found["p_value"].between(0, 1, inclusive="right").all()
        assert ((found["estimate"] - data["estimate"]).abs() <= 0.05 + 1e-9).all()


def test_a_shown_statistic_is_the_one_that_the_shown_p_value_is_of() -> None:
    """However coarse estimate and error are: a t of 0.81 is not shown as 0.62 beside its p of 0.42."""
    rng = np.random.default_rng(6)
    for _ in range(60):
        df = float(rng.choice([3.4, 21.0, 587.0, np.nan]))
        estimate, error = rng.normal(0, 0.3, 6), 10.0 ** rng.uniform(-2, 0, 6)
        statistic = estimate / error
        law = norm if np.isnan(df) else student_t(df)
        p_value = 2 * law.sf(np.abs(statistic))
        data = pd.DataFrame(
            {
                "organisation": KEYS, "estimate": estimate, "std_error": error, "df": df,
                "statistic": statistic, "p_value": p_value, "conf_low": estimate - 2 * error,
                "conf_high": estimate + 2 * error, "n_families": rng.integers(10, 90, 6),
            }
        )  # fmt: skip
        table = ResultTable("made", data, (declare.EACH_ORGANISATION, *declare.estimates()))
        found = released(table, RESEARCHER).data.sort_values("organisation")
        exact = data.sort_values("organisation")
        assert (np.sign(found["statistic"].to_numpy()) == np.sign(exact["statistic"].to_numpy())).all()
        again = 2 * law.sf(found["statistic"].abs().to_numpy())
        usual = exact["p_value"].to_numpy() > 1e-3
        assert np.abs(again - found["p_value"].to_numpy())[usual].max(initial=0.0) < 0.006
        clear = exact["p_value"].to_numpy() > 0.01
        apart = np.abs(found["statistic"].to_numpy() - exact["statistic"].to_numpy())
        assert apart[clear].max(initial=0.0) < 0.12


def test_a_p_value_of_another_kind_leaves_the_statistic_a_ratio() -> None:
    data = pd.DataFrame(
        {
            "organisation": KEYS, "estimate": 1.0, "std_error": 0.5, "df": 20.0, "statistic": 2.0,
            "p_value": 0.3, "conf_low": 0.0, "conf_high": 2.0, "n_families": 40,
        }
    )  # fmt: skip
    table = ResultTable("made", data, (declare.EACH_ORGANISATION, *declare.estimates()))
    assert (released(table, RESEARCHER).data["statistic"] == 2.0).all()


def test_the_families_behind_an_error_follow_no_closer_than_their_rounded_number() -> None:
    """n = constant / error squared, the constant known from a row in which both are."""
    rng = np.random.default_rng(8)
    for _ in range(40):
        families = float(rng.integers(12, 400))
        constant = 10.0 ** rng.uniform(-1, 2)
        error = np.sqrt(constant / families)
        columns = (declare.modelled("error", digits=3, is_error=True),)
        table = by_organisation(columns, error=error, n_families=families)
        shown = released(table, RESEARCHER).data["error"].iloc[0]
        exact = np.arange(max(families - 20, 10), families + 20)
        same = [number for number in exact if released_error(np.sqrt(constant / number), number) == shown]
        assert len(same) >= 3, (families, error, shown, same)


def released_error(error: float, families: float) -> float:
    columns = (declare.modelled("error", digits=3, is_error=True),)
    table = by_organisation(columns, error=error, n_families=families)
    return float(released(table, RESEARCHER).data["error"].iloc[0])


def test_the_own_estimate_is_no_number_of_another_report() -> None:
    rng = np.random.default_rng(2)
    estimate = rng.normal(-4, 2, 6)
    table = by_organisation((declare.modelled("estimate"),), estimate=estimate, n_families=60)
    own = row_of(released(table, LINDE), LINDE)["estimate"]
    funder = released(table, FUNDER).data["estimate"]
    assert abs(own - estimate[0]) < 1e-4
    assert not (np.abs(funder - own) < 1e-9).any()


def test_a_ratio_is_that_of_its_rounded_parts() -> None:
    ratio = declare.observed("each", own=True, ratio_of=("n_measurements", "n_families"))
    families = np.array([41, 33, 28, 57, 61, 49])
    table = by_organisation(
        (declare.N_MEASUREMENTS, ratio), n_measurements=7 * families + 3, each=(7 * families + 3) / families,
        n_families=families,
    )  # fmt: skip
    data = released(table, FUNDER).data
    assert np.allclose(data["each"], (data["n_measurements"] / data["n_families"]).round(1))


def test_a_column_computed_from_a_hidden_one_is_hidden() -> None:
    share = declare.observed("share", percent=True, own=True)
    rows = [(key, level) for key in KEYS for level in ("yes", "no")]
    source = pd.DataFrame(rows, columns=["organisation", "level"]).assign(share=0.5, n_families=20)
    source.loc[0, "n_families"] = 4
    keys = (declare.EACH_ORGANISATION, declare.coded("level", adds_up="families"))
    first = ResultTable("source", source, (*keys, share))
    follower = declare.observed("gap", digits=2, follows="source.share")
    data = pd.DataFrame({"organisation": KEYS, "level": "", "gap": 0.3, "n_families": 40})
    second = ResultTable("made", data, (declare.EACH_ORGANISATION, declare.coded("level"), follower))
    found = release(result_of("made", first, second), RESEARCHER, policy=policy()).tables
    hidden = set(found["source"].data.loc[found["source"].data["share"].isna(), "organisation"])
    assert "linde" in hidden
    assert set(found["made"].data.loc[found["made"].data["gap"].isna(), "organisation"]) == hidden


@pytest.mark.parametrize("reader", READERS, ids=["researcher", "funder", "organisation"])
def test_ranks_with_a_small_organisation_are_withheld_and_stay_without_one(reader: Audience) -> None:
    rank = declare.Column(name="rank", meaning="rank", digits=0, spread=True)
    for families, shown in ((7, False), (17, True)):
        table = by_organisation(
            (rank, declare.modelled("value")), rank=np.arange(6.0), value=1.0,
            n_families=[60, 50, 40, 30, 20, families],
        )  # fmt: skip
        found = released(table, reader).data["rank"]
        assert bool(found.notna().any()) is shown


def test_what_covers_a_small_one_hangs_on_the_keys_alone() -> None:
    rng = np.random.default_rng(3)
    covers = set()
    for study in range(12):
        families = [*rng.integers(20, 90, 5), 7]
        table = by_organisation((declare.modelled("value"),), value=1.0, n_families=families)
        from mpg_research.analysis.result import Provenance

        told = Provenance("made", True, f"digest {study}", "0.1.0")
        found = release(result_of("made", table, provenance=told), RESEARCHER, policy=policy()).tables["made"]
        covers.add(frozenset(found.data.loc[found.data["n_families"].isna(), "organisation"]))
    assert len(covers) == 1


def test_counts_in_remarks_are_rounded() -> None:
    note = Note("after_end", "38 measurements after the end.", values={"n_measurements": 38})
    result = result_of("made", by_organisation((declare.modelled("v"),), v=1.0, n_families=50), notes=(note,))
    for reader in READERS:
        told = release(result, reader, policy=policy()).notes[0]
        assert told.values == {"n_measurements": "≈\N{NO-BREAK SPACE}40"}
        assert "38" not in told.text


def test_steps_of_the_flow_are_rounded_each_by_itself() -> None:
    result = result_of(
        "made", by_organisation((declare.modelled("v"),), v=1.0, n_families=50), flow=flow_of(300, 253, 247)
    )
    for reader in READERS:
        flow = release(result, reader, policy=policy()).tables["sample_flow"]
        assert list(flow.data["n_families"]) == [300, 255, 245]
        assert set(flow.marks["n_families"]) == {"rounded"}


@pytest.mark.parametrize("rules", [{"rounding": -5}, {"rounding": 1}, {"rounding": 5, "midpoint": True}])
def test_odd_rounding_is_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(DisclosureError, match="rounding"):
        policy(**rules)
