"""The gate decides by what a column is declared to mean, whatever it is called."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpg_research.analysis import columns as declare
from mpg_research.analysis.columns import Column
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, release
from mpg_research.errors import DisclosureError
from tests.disclosure.made_results import made_policy, result_of

READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
MINIMUM = 10
#: Names that mean something else elsewhere, and names that mean nothing.
NAMES = st.one_of(
    st.sampled_from(["estimate", "observed", "count", "longest", "highest_score", "relapsed_share", "n_x"]),
    st.sampled_from(["share_x", "maximum", "value", "mean", "p_value", "df", "rank", "n_organisations_x"]),
    st.sampled_from(["min_x", "conf", "std_error"]),
    st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12),
).filter(lambda name: name not in ("row", "n_families", "n_organisations"))
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def shown(table: ResultTable, reader: Audience, **rules: object) -> pd.DataFrame | None:
    policy = made_policy(minimum_families=MINIMUM, **rules)
    found = release(result_of("made", table), reader, policy=policy).tables.get(table.name)
    return None if found is None else found.data


@SETTINGS
@given(NAMES, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=6))
def test_a_small_count_is_hidden_under_any_name(name: str, rows: list[tuple[int, int]]) -> None:
    data = pd.DataFrame({"row": range(len(rows)), name: [a for a, _ in rows], "n_families": [60] * len(rows)})
    table = ResultTable("made", data, (declare.key_column("row"), declare.number_of(name, of="families")))
    for reader in READERS:
        found = shown(table, reader)
        if found is not None:
            values = found[name].dropna()
            assert not ((values > 0) & (values < MINIMUM)).any()
            large = data[name] >= MINIMUM
            assert found.loc[large.to_numpy(), name].notna().all()


@SETTINGS
@given(NAMES, st.lists(st.tuples(st.integers(10, 300), st.floats(0, 1)), min_size=1, max_size=6))
def test_a_share_that_is_a_small_count_is_hidden_under_any_name(
    name: str, rows: list[tuple[int, float]]
) -> None:
    sizes = np.array([n for n, _ in rows], dtype=float)
    counts = np.round(sizes * np.array([share for _, share in rows]))
    data = pd.DataFrame({"row": range(len(rows)), name: counts / sizes, "n_families": sizes})
    low, high = f"{name}_low", f"{name}_high"
    data = data.assign(**{low: data[name] - 0.1, high: data[name] + 0.1})
    one = declare.observed_share(name)
    table = ResultTable("made", data, (declare.key_column("row"), one, *declare.ends(one)))
    for reader in READERS[1:]:
        found = shown(table, reader)
        if found is None:
            continue
        small = ((counts > 0) & (counts < MINIMUM)) | ((sizes > counts) & (sizes - counts < MINIMUM))
        assert found.loc[small, [name, low, high]].isna().all(axis=None)
        none_or_all = ((counts == 0) | (counts == sizes)) & (sizes < 5 * MINIMUM)
        assert found.loc[none_or_all, [name, low, high]].isna().all(axis=None)
        assert found.loc[~small & ~none_or_all, name].notna().all()


@SETTINGS
@given(NAMES, st.sampled_from(["extreme", "family"]), st.floats(-1e6, 1e6))
def test_the_value_of_one_family_is_never_shown(name: str, meaning: str, value: float) -> None:
    data = pd.DataFrame({"row": [0], name: [value], "other": [1.0], "n_families": [200]})
    columns = (declare.key_column("row"), Column(name=name, meaning=meaning), declare.modelled("other"))  # type: ignore[arg-type]
    if name == "other":
        return
    for reader in READERS:
        found = shown(ResultTable("made", data, columns), reader, public_groups=True)
        assert found is not None
        assert found[name].isna().all()


@SETTINGS
@given(NAMES, st.sampled_from(["extreme", "count", "share"]))
def test_the_meaning_of_a_row_counts_where_rows_mean_several_things(name: str, meaning: str) -> None:
    rows = {"small": Column(name=name, meaning=meaning), "model": declare.modelled(name)}  # type: ignore[arg-type]
    data = pd.DataFrame({"what": ["small", "model"], name: [0.04 if meaning == "share" else 4.0, 4.0]})
    if name == "what":
        return
    column = declare.by_row(name, "what", rows)
    table = ResultTable("made", data.assign(n_families=60), (declare.coded("what"), column))
    for reader in READERS[1:]:
        found = shown(table, reader)
        assert found is not None
        assert list(found[name].isna()) == [True, False]


@SETTINGS
@given(NAMES, st.lists(st.integers(0, 60), min_size=2, max_size=7))
def test_rows_that_add_up_do_not_give_a_small_number_by_subtraction(name: str, sizes: list[int]) -> None:
    data = pd.DataFrame({name: [f"class_{k}" for k in range(len(sizes))], "n_families": sizes})
    table = ResultTable("made", data, (declare.coded(name, adds_up="families"),))
    for reader in READERS:
        found = shown(table, reader)
        if found is None:
            continue
        hidden = [n for n, value in zip(sizes, found["n_families"], strict=True) if np.isnan(value)]
        assert all(n >= MINIMUM or n == 0 for n in found["n_families"].dropna())
        if any(0 < n < MINIMUM for n in sizes) and len(hidden) < len([n for n in sizes if n]):
            assert len(hidden) >= 2
            assert sum(hidden) > MINIMUM


@SETTINGS
@given(NAMES)
def test_a_column_without_a_meaning_stops_the_table(name: str) -> None:
    data = pd.DataFrame({"row": [0], "other": [1.0], name: [0.04], "n_families": [60]})
    table = ResultTable("made", data, (declare.key_column("row"), declare.modelled("other")))
    if name == "other":
        return
    for reader in READERS:
        with pytest.raises(DisclosureError, match="do not say what they mean"):
            shown(table, reader)


def test_a_declaration_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="only a key"):
        declare.modelled("estimate", adds_up="families")
    with pytest.raises(ValueError, match="end of an interval"):
        Column(name="lower", meaning="model", ends="low")


@SETTINGS
@given(NAMES, st.floats(0.01, 0.99), st.lists(st.integers(0, 300), min_size=1, max_size=6))
def test_a_quantile_needs_enough_families_on_either_side(name: str, level: float, sizes: list[int]) -> None:
    data = pd.DataFrame({"row": range(len(sizes)), name: 20.0, "n_families": sizes})
    table = ResultTable("made", data, (declare.key_column("row"), declare.quantile(name, level)))
    for reader in READERS:
        found = shown(table, reader)
        if found is not None:
            seen = found[name].notna().to_numpy()
            beyond = np.array(sizes) * min(level, 1 - level)
            assert not (seen & (beyond < MINIMUM - 1e-6)).any()


def test_a_quantile_must_say_which() -> None:
    with pytest.raises(ValueError, match="level between 0 and 1"):
        Column(name="p10", meaning="quantile")
    with pytest.raises(ValueError, match="level between 0 and 1"):
        declare.quantile("p0", 0.0)
