"""Every result that the notebooks show comes back as it was, to every reader, and no family is in a file."""

import io
import zipfile
from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd
import pytest

from mpg_research import analysis
from mpg_research.analysis.result import AnalysisResult
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.disclosure.released import Released
from mpg_research.reporting.notebooks import find_notebooks
from mpg_research.reporting.store.analyses import Analysis, analyses_of
from mpg_research.reporting.store.packed import NotStorable, pack, unpack
from mpg_research.reporting.store.sealed import Damaged, seal, unseal
from mpg_research.reporting.store.stored import StoredResult
from mpg_research.study import Study, load_study, shipped_example

KEY, OTHER = "a" * 64, "b" * 64


def asked() -> dict[str, Analysis]:
    """The distinct analyses of all notebooks of the package."""
    found: dict[str, Analysis] = {}
    for spec in find_notebooks().values():
        for each in analyses_of(spec.file, spec.model().model_dump()):
            found.setdefault(" ".join([each.verb, *map(str, each.options.values())]), each)
    return found


@cache
def example() -> Study:
    return load_study(shipped_example())


@pytest.fixture(scope="module")
def quality() -> Any:
    return analysis.describe_quality(example())


def never() -> Any:
    raise AssertionError("nothing is computed for a page")


def test_the_notebooks_ask_for_these_analyses() -> None:
    verbs = {each.verb for each in asked().values()}
    assert {"describe_quality", "fit_trajectory", "compare_organisations", "evaluate_signals"} <= verbs
    assert "fit_trajectory spline" in asked(), "an option from the parameters"
    assert len(verbs) == 37
    assert REFUSED in asked()


#: Asked by a notebook, and refused for the example: its families cannot be compared.
REFUSED = "compare_costs_and_effects fewer_agencies"


@pytest.mark.parametrize("name", [name for name in asked() if name != REFUSED])
def test_a_result_comes_back_as_it_was_to_every_reader_and_without_families(name: str) -> None:
    result = getattr(analysis, asked()[name].verb)(example(), **asked()[name].options)
    packed = pack(result)
    stored = unpack(packed, key=KEY, compute=never)
    families = set(example().tables["episodes"]["family"])
    assert_no_family_in(packed, families)
    for before, after in with_parts(result, stored):
        assert isinstance(after, AnalysisResult)
        for audience in (
            Audience("researcher"),
            Audience("funder"),
            Audience("organisation", example().organisations[0]),
            Audience("organisation", example().organisations[-1]),
        ):
            policy = policy_of(example())
            assert_same(release(before, audience, policy=policy), release(after, audience, policy=policy))
        assert {name for name in dir(before) if not name.startswith("_")} <= set(dir(after))


def with_parts(result: Any, stored: StoredResult) -> list[tuple[Any, StoredResult]]:
    pairs = [(result, stored)]
    for name, part in stored._own.items():
        if isinstance(part, StoredResult):
            pairs += with_parts(getattr(result, name), part)
        else:
            assert getattr(result, name) == part or part != part
    return pairs


def assert_same(before: Released, after: Released) -> None:
    for name in ("kind", "withheld", "notes", "provenance", "level", "converged", "synthetic", "own"):
        assert getattr(before, name) == getattr(after, name), name
    assert before.organisation_labels == after.organisation_labels
    assert list(before.tables) == list(after.tables)
    for name, table in before.tables.items():
        other = after.tables[name]
        assert (table.columns, table.has_complement) == (other.columns, other.has_complement)
        pd.testing.assert_frame_equal(table.data, other.data, check_exact=True)
        pd.testing.assert_frame_equal(table.marks, other.marks, check_exact=True)


def assert_no_family_in(packed: bytes, families: set[str]) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert not [family for family in families if family.encode() in content], name


def test_a_family_would_be_found_by_that_search() -> None:
    trend = analysis.reliable_trend(example())
    shown = {name: replace(table, unit="aggregate") for name, table in trend.tables.items()}
    with pytest.raises(AssertionError, match="parquet"):
        assert_no_family_in(pack(replace(trend, tables=shown)), set(example().tables["episodes"]["family"]))


def test_what_was_not_stored_is_computed_once_asked_for() -> None:
    trend = analysis.reliable_trend(example())
    runs = []
    stored = unpack(pack(trend), key=KEY, compute=lambda: runs.append(1) or trend)
    assert stored.error_sd == trend.error_sd
    assert not runs
    assert stored.tables["families"].data is trend.tables["families"].data
    assert stored.model is trend.model
    assert len(runs) == 2
    with pytest.raises(AttributeError, match="'ReliableTrend' object has no attribute 'modell'"):
        _ = stored.modell
    assert not hasattr(stored, "_repr_html_")
    assert len(runs) == 2, "what a notebook looks for when it shows something is not computed"


@pytest.mark.parametrize("part", [b"", b"\0", b"garbage"])
def test_what_is_not_whole_or_of_another_key_is_noticed(part: bytes, quality: Any) -> None:
    sealed = seal(KEY, pack(quality))
    assert unseal(KEY, sealed) == pack(quality) or len(unseal(KEY, sealed)) == len(pack(quality))
    middle = len(sealed) // 2
    for spoiled in (sealed[:middle], sealed[:middle] + part, sealed[:-1] + bytes([sealed[-1] ^ 1]), part):
        with pytest.raises(Damaged):
            unseal(KEY, spoiled)
    with pytest.raises(Damaged):
        unseal(OTHER, sealed)


def test_a_file_with_the_right_digest_and_another_content_is_damaged_not_an_error() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("result.json", '{"type": "Foreign"}')
    for content in (b"no zip", stream.getvalue()):
        with pytest.raises(Damaged):
            unpack(unseal(KEY, seal(KEY, content)), key=KEY, compute=never)


@pytest.mark.parametrize(
    "values",
    [[("a", "b"), ("c", "d")], [1, "a"], [None, float("nan")], [pd.Timestamp("2024-01-01").date(), 3]],
)
def test_what_would_come_back_otherwise_is_not_stored(values: list[Any], quality: Any) -> None:
    table = quality.tables["overview"]
    data = table.data.iloc[:2].assign(**{table.keys[0]: pd.Series(values, dtype=object)})
    with pytest.raises(NotStorable):
        pack(replace(quality, tables={"overview": replace(table, data=data)}))


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"a": pd.Series([], dtype=object), "n_families": pd.Series([], dtype=object)}),
        pd.DataFrame({"a": [0.1 + 0.2, float("nan"), -0.0, 5e-324], "n_families": [1, 2, 3, 4]}),
        pd.DataFrame({"a": pd.Categorical(["x", "y"], ["y", "x"], ordered=True), "n_families": [1, 2]}),
        pd.DataFrame({"a": [True, False], "n_families": [2**62, -1]}, index=[7, 3]),
        pd.DataFrame({"a": ["é\n\"'", ""], "n_families": pd.array([1, None], dtype="Int64")}),
        pd.DataFrame({"a": ["x", None], "n_families": pd.to_datetime(["2024-01-01", None])}),
    ],
    ids=["empty", "floats", "categories", "index", "strings", "dates"],
)
def test_values_types_and_index_come_back(data: pd.DataFrame, quality: Any) -> None:
    from mpg_research.analysis.columns import coded
    from mpg_research.analysis.result import ResultTable

    table = ResultTable("odd", data, columns=(coded("a"),))
    stored = unpack(pack(replace(quality, tables={"odd": table})), key=KEY, compute=never)
    pd.testing.assert_frame_equal(stored.tables["odd"].data, data, check_exact=True)
    assert [type(value) for value in stored.tables["odd"].data["a"]] == [type(value) for value in data["a"]]
