"""What an organisation sees of itself where too few others stand beside it, and nothing of the others."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, release
from mpg_research.errors import Note
from tests.disclosure.made_results import NAMES, frame, made_policy, make_organisations, make_quality
from tests.disclosure.made_tables import made_table

LINDE, FUNDER = Audience("organisation", "linde"), Audience("funder")
MONTHS = tuple(float(month) for month in range(0, 19, 3))


def observed(sizes: dict[str, int], level: float = 24.0) -> ResultTable:
    rows = [
        (key, month, level - month / 7, 5.1, n - 2 * place, n - 2 * place)
        for key, n in sizes.items()
        for place, month in enumerate(MONTHS)
        if n - 2 * place > 0
    ]
    columns = ("organisation", "months", "mean", "sd", "n_measurements", "n_families")
    return made_table(
        "observed_course", frame(rows, *columns), columns[:2], columns[2:5], columns[:1], columns[:1]
    )


def shares(sizes: dict[str, int]) -> ResultTable:
    values = (
        *("n_group", "share_observed", "observed_low", "observed_high"),
        *("expected_share", "observed_difference"),
    )
    total = sum(sizes.values())
    rows = [
        (key, name, n, 13 / max(n, 13), 0.1, 0.6, n / total, 13 / max(n, 13) - n / total, n)
        for key, n in sizes.items()
        for name in ("measured", "dropped_out", "reliably_improved")
    ]
    data = frame(rows, "organisation", "indicator", *values, "n_families")
    columns = ("organisation", "indicator")
    return made_table("share_indicators", data, columns, values, columns[:1], columns[:1])


def compared(sizes: dict[str, int], notes: tuple[Note, ...] = ()):
    made = make_organisations(sizes, {key: -3.0 - n / 50 for key, n in sizes.items()}, notes=notes)
    tables = {**made.tables, "observed_course": observed(sizes), "share_indicators": shares(sizes)}
    return type(made)(made.kind, tables, flow=made.flow, notes=made.notes, provenance=made.provenance)


def policy_for(sizes: dict[str, int], **rules):
    return made_policy(names={key: NAMES[key] for key in sizes}, **rules)


def released_to(audience: Audience, sizes: dict[str, int], **made):
    return release(compared(sizes, **made), audience, policy=policy_for(sizes))


def test_the_own_rows_are_shown_and_nothing_else():
    released = released_to(LINDE, {"linde": 60, "eik": 74})
    assert set(released.tables) == {"observed_course", "by_organisation", "case_mix", "share_indicators"}
    for name, table in released.tables.items():
        assert set(table.data["organisation"]) == {"own"}, name
        assert all(column.own or column.is_key for column in table.columns), name
    assert released.organisation_labels == {"own": {"nl": NAMES["linde"], "en": NAMES["linde"]}}
    for name in ("adjusted_change", "difference_from_mean", "joint_test", "sample_flow", "pairwise"):
        assert released.reason_for(name) is not None, name
    assert set(released.tables["share_indicators"].data["indicator"]) == {"measured", "dropped_out"}


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["eik", "es"]), st.integers(1, 400), min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["eik", "es"]), st.integers(1, 400), min_size=1, max_size=2),
)
def test_nothing_changes_whatever_the_others_did(first, second):
    """The own pages are the same to the last character for any numbers of the others: none is derivable."""
    shown = [released_to(LINDE, {"linde": 43, **others}) for others in (first, second)]
    assert as_text_of_tables(shown[0]) == as_text_of_tables(shown[1])


def as_text_of_tables(released) -> str:
    parts = [f"{name}\n{table.data.to_csv()}{table.marks.to_csv()}{table.has_complement}"
             for name, table in sorted(released.tables.items())]  # fmt: skip
    return "\n".join([*parts, str(released.notes), str(released.organisation_labels)])


@pytest.mark.parametrize("other", [1, 6, 9, 10, 57, 300])
def test_no_total_can_be_had_to_subtract_from(other):
    """No number in the report equals a total, the other's number, or a difference of shown numbers."""
    sizes = {"linde": 43, "eik": other}
    released = released_to(LINDE, sizes)
    numbers = [
        float(number)
        for table in released.tables.values()
        for column in ("n_families", "n_measurements", "n_group")
        if column in table.data
        for number in table.data[column].dropna()
    ]
    assert numbers
    assert all(number % 10 == 0 for number in numbers)
    whole = released_to(LINDE, {"linde": 43, "eik": 5000})
    assert max(numbers) == max(float(n) for n in whole.tables["by_organisation"].data["n_measurements"])


def test_the_report_of_the_funder_beside_it_leaves_the_other_uncertain():
    """With the exact total from elsewhere and the own numbers, a small other is not fixed to one number."""
    exact_total = 43 + 6
    shown = released_to(LINDE, {"linde": 43, "eik": 6}).tables["by_organisation"].data["n_families"].item()
    fits = [exact_total - own for own in range(1, exact_total) if 10 * np.floor(own / 10 + 0.5) == shown]
    assert len(fits) >= 10
    assert any(n >= 10 for n in fits)
    assert not released_to(FUNDER, {"linde": 43, "eik": 6}).tables.get("by_organisation")


def test_small_own_months_stay_hidden():
    table = released_to(LINDE, {"linde": 20, "eik": 74}).tables["observed_course"]
    late = table.data["months"] > 15
    assert late.any()
    assert table.data.loc[late, "suppressed"].all()
    assert table.data.loc[~late, "mean"].notna().all()


def test_means_and_shares_fit_several_numbers_of_families():
    released = released_to(LINDE, {"linde": 43, "eik": 74})
    marks = released.tables["share_indicators"].marks
    assert (marks[["share_observed", "observed_low", "observed_high"]] == "rounded").all(axis=None)
    shown = released.tables["share_indicators"].data["share_observed"].iloc[0]
    fits = {n for n in range(10, 90) for k in range(n + 1) if abs(k / n - shown) <= 0.025}
    assert len(fits) > 30


def test_notes_about_the_families_together_are_left_out():
    notes = (
        Note("after_end", "31 measurements lie after the end.", {"n_measurements": 31}),
        Note("synthetic_data", "These are synthetic data."),
        Note("zero_variance", "No variation between groups."),
        Note("unusable", "Stop: 17 families break it.", {"n_families": 17}, "stop"),
    )
    released = released_to(LINDE, {"linde": 43, "eik": 74}, notes=notes)
    assert [note.code for note in released.notes] == ["synthetic_data", "unusable"]
    assert "17" not in str(released.notes)
    enough = dict.fromkeys(("linde", "eik", "es", "iep"), 40)
    assert len(released_to(LINDE, enough, notes=notes).notes) == len(notes)


def test_with_three_others_the_comparison_is_whole():
    sizes = dict.fromkeys(("linde", "eik", "es", "iep"), 40)
    released = released_to(LINDE, sizes)
    assert released.tables["adjusted_change"].data["organisation"].nunique() == 4
    assert "expected_share" in released.tables["share_indicators"].values


def test_other_results_show_the_own_rows_too():
    sizes = {"linde": 43, "eik": 74}
    released = release(make_quality(sizes), LINDE, policy=policy_for(sizes))
    data = released.tables["by_organisation"].data
    assert list(data["organisation"]) == ["own"]


def test_a_table_of_pairs_has_no_own_rows():
    pairs = pd.DataFrame({"organisation_1": ["linde"], "organisation_2": ["eik"], "mean": [1.0]})
    table = made_table(
        "observed_course", pairs.assign(n_families=40), ("organisation_1", "organisation_2"), ("mean",),
        organisation_columns=("organisation_1", "organisation_2"),
    )  # fmt: skip
    made = compared({"linde": 43, "eik": 74})
    tables = {**made.tables, "observed_course": table}
    result = type(made)(made.kind, tables, flow=made.flow, provenance=made.provenance)
    released = release(result, LINDE, policy=policy_for({"linde": 43, "eik": 74}))
    assert "observed_course" not in released.tables
