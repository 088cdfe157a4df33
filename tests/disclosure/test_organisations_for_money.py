"""Organisations by costs and effects on their way out: attacks on the real result, for every reader."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from mpg_research import compare_costs_and_effects, describe_costs
from mpg_research.analysis.result import AnalysisResult
from mpg_research.disclosure import Audience, DisclosurePolicy, Released, policy_of, release
from mpg_research.study.model import Study
from tests.analysis.economics.priced_studies import priced

SMALL = "zonnewaerd"
READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "vlierdonk"))
readers = pytest.mark.parametrize("reader", READERS, ids=[reader.role for reader in READERS])
OF_THEM = {"cost_from_mean", "effect_from_mean", "value_from_mean", "cost_pairs", "effect_pairs", "chances"}


def of_organisations(study: Study, keys: set[str], size: int = 10_000) -> Study:
    """Only these organisations, and of the small one the first families."""
    episodes = study.tables["episodes"]
    episodes = episodes[episodes["organisation"].isin(keys)]
    own = episodes.loc[episodes["organisation"] == SMALL, "family"].unique()
    kept = set(episodes["family"]) - set(own[size:])
    tables = {
        name: table[table["family"].isin(kept)] if "family" in table else table
        for name, table in study.tables.items()
    }
    return replace(study, tables=tables)


@cache
def found(*keys: str, size: int = 10_000, minimum: int = 10) -> tuple[Study, AnalysisResult]:
    study = priced()
    every = set(study.tables["episodes"]["organisation"])
    study = of_organisations(study, set(keys) or every, size)
    disclosure = study.config.disclosure.model_copy(update={"minimum_families": minimum})
    study = replace(study, config=study.config.model_copy(update={"disclosure": disclosure}))
    result = compare_costs_and_effects(
        study, by="organisation", effect="months_without_placement", replications=100
    )
    return study, result


def shown(result: AnalysisResult, reader: Audience, policy: DisclosurePolicy) -> Released:
    return release(result, reader, policy=policy)


def keys_in(released: Released) -> set[str]:
    """Every text of the released tables and notes."""
    texts = {str(value) for table in released.tables.values()
             for column in table.data.select_dtypes(exclude="number")
             for value in table.data[column]}  # fmt: skip
    texts |= {note.text for note in released.notes} | {str(released.provenance.parameters)}
    return texts | {str(words) for words in released.organisation_labels.values()}


@readers
def test_only_the_researcher_reads_names_and_all_read_the_rest(reader: Audience) -> None:
    study, result = found()
    released = shown(result, reader, policy_of(study))
    assert set(released.tables) >= OF_THEM
    names = {
        key: policy_of(study).organisations[key] for key in set(study.tables["episodes"]["organisation"])
    }
    said = " ".join(keys_in(released)).lower()
    for key, words in names.items():
        read = any(word.lower() in said for word in (key, *words.values()))
        assert read is (not reader.is_external or key == reader.organisation)
    costs = released.tables["cost_from_mean"].data
    assert costs["estimate"].notna().all()
    assert np.allclose(costs["estimate"] % 100, 0)
    told = [column for column in costs if column.startswith("amount_shown_")]
    assert costs[told].isna().all(axis=None)


@readers
def test_pairs_are_turned_with_their_organisations(reader: Audience) -> None:
    """What the pairs say and what each says of itself is one thing, whatever the order of the labels."""
    study, result = found()
    released = shown(result, reader, policy_of(study))
    for name, near in (("cost", 201.0), ("effect", 0.21)):
        each = released.tables[f"{name}_from_mean"].data.set_index("organisation")["estimate"]
        pairs = released.tables[f"{name}_pairs"].data
        assert len(pairs) == 15
        expected = pairs["organisation_1"].map(each) - pairs["organisation_2"].map(each)
        assert np.abs(pairs["estimate"] - expected).max() <= near


@readers
@pytest.mark.parametrize("keys", [("vlierdonk", "merelstroom"), ("vlierdonk", "merelstroom", "hazelgaard")])
def test_with_few_others_nothing_of_the_comparison_is_left(reader: Audience, keys: tuple[str, ...]) -> None:
    """Two or three organisations: what is left to anybody would be subtracted from."""
    study, result = found(*keys)
    released = shown(result, reader, policy_of(study))
    if len(keys) == 3 and not reader.is_external:
        assert set(released.tables) >= OF_THEM
        return
    assert set(released.tables) <= {"sample_flow"}
    assert {each.table for each in released.withheld} >= OF_THEM | {"settings"}


@readers
def test_a_small_organisation_is_left_out_and_follows_from_nothing(reader: Audience) -> None:
    study, result = found(size=7)
    released = shown(result, reader, policy_of(study))
    assert result.tables["cost_from_mean"].data["organisation"].nunique() == 5
    assert [note.values for note in result.notes if note.code == "organisations_left_out"] == [
        {"n_organisations": 1}
    ]
    flow = released.tables["sample_flow"].data["n_families"].dropna().to_numpy()
    apart = np.abs(np.subtract.outer(flow, flow))
    assert not ((apart > 0) & (apart < 5)).any()
    for table in released.tables.values():
        for column in table.data.select_dtypes(exclude="number"):
            assert SMALL not in set(table.data[column])
    # Its costs are in no sum: laid beside the costs of all, what is left of it is hidden there too.
    beside = release(describe_costs(study), reader, policy=policy_of(study))
    by = beside.tables.get("costs_by_organisation")
    if by is not None and not reader.is_external:
        row = by.data[by.data["organisation"] == SMALL]
        assert row[["mean_cost", "n_families"]].isna().all(axis=None)


@readers
def test_where_few_may_not_be_shown_they_are_not_compared(reader: Audience) -> None:
    study, result = found(minimum=25)
    sizes = result.tables["cost_from_mean"].data["n_families"]
    assert (sizes >= 25).all()
    released = shown(result, reader, policy_of(study))
    for table in OF_THEM & set(released.tables):
        counts = released.tables[table].data["n_families"].dropna()
        assert (counts >= 25 - 13).all()


@readers
@pytest.mark.parametrize("place", range(2))
def test_what_one_family_makes_up_opens_nothing(reader: Audience, place: int) -> None:
    """One organisation whose costs are nearly all one family's: its row goes, and what adds up to it."""
    study, result = found()
    compared = result.compared  # type: ignore[attr-defined]
    cost = compared.cost
    mine = np.flatnonzero(compared.code == place)
    outcome = cost.outcome.copy()
    outcome[mine] = 10.0
    outcome[mine[0]] = 1e6
    from mpg_research.analysis.value.organisation_differences import organisation_tables
    from mpg_research.statistics.economics.group_differences import group_differences

    changed = replace(compared, cost=replace(cost, outcome=outcome))
    tables = organisation_tables(
        changed, group_differences(changed.cost, changed.effect), np.array([0.0, 500.0]), replications=100,
        rng=np.random.default_rng(1), level=0.95,
    )  # fmt: skip
    again = replace(result, tables={table.name: table for table in tables})  # type: ignore[type-var]
    released = shown(again, reader, policy_of(study))
    # Differences from the mean add up to zero: none of them is shown.
    assert not {"cost_from_mean", "value_from_mean"} & set(released.tables)
    pairs = released.tables.get("cost_pairs")
    if pairs is not None:
        labels = released.organisation_labels
        name = compared.names[place]
        code = next((code for code in labels if code == name), None)
        frame = pairs.data
        if code is not None:
            either = (frame["organisation_1"] == code) | (frame["organisation_2"] == code)
            assert frame.loc[either, "estimate"].isna().all()
        assert frame["estimate"].isna().sum() >= len(compared.names) - 1
    chances = released.tables.get("chances")
    if chances is not None:
        assert chances.data[["chance_best", "expected_loss"]].isna().all(axis=None)


def test_the_order_of_organisations_does_not_matter() -> None:
    study, result = found()
    rng = np.random.default_rng(2)
    tables = {name: table.iloc[rng.permutation(len(table))].reset_index(drop=True)
              for name, table in study.tables.items()}  # fmt: skip
    again = compare_costs_and_effects(
        replace(study, tables=tables), by="organisation", effect="months_without_placement", replications=100
    )
    for name in ("cost_from_mean", "effect_pairs"):
        ours, theirs = result.tables[name].data, again.tables[name].data
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-6)
