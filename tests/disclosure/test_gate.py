import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpg_research.analysis.result import Provenance, ResultTable
from mpg_research.disclosure import Audience, Released, ReleasedTable, release
from mpg_research.errors import DisclosureError, Note
from mpg_research.present.language.phrases import phrases_in
from tests.disclosure.made_results import (
    NAMES,
    SIZES,
    flow_of,
    frame,
    made_policy,
    make_measurement,
    make_organisations,
    make_quality,
    make_trajectory,
    result_of,
)
from tests.disclosure.made_tables import made_table

RESEARCHER, FUNDER = Audience("researcher"), Audience("funder")
LINDE = Audience("organisation", "linde")
EVERYONE = [RESEARCHER, FUNDER, *(Audience("organisation", key) for key in SIZES)]
MAKERS = [make_trajectory, make_organisations, make_quality, make_measurement]
WITH_SMALL = {**SIZES, "iep": 6}


def as_text(released) -> str:
    """Everything a reader could get out of a released result."""
    parts = [
        released.organisation_labels,
        released.notes,
        released.provenance,
        released.withheld,
        released.own,
    ]
    parts += [released.policy, *(table.data.to_csv() for table in released.tables.values())]
    parts += [str(dict(table.data.dtypes)) for table in released.tables.values()]
    return "\n".join(map(str, parts))


def sizes_table(sizes: dict[str, int]) -> ResultTable:
    data = frame(
        [(key, 7 * n, n) for key, n in sizes.items()], "organisation", "n_measurements", "n_families"
    )
    columns = ("organisation",)
    return made_table("by_organisation", data, columns, ("n_measurements",), columns, columns)


def test_a_table_without_rows_says_nothing_of_who_stands_beside_whom():
    empty = made_table(
        "robust_difference", frame([], "organisation", "months", "estimate", "n_families"),
        ("organisation", "months"), ("estimate",), organisation_columns=("organisation",),
    )  # fmt: skip
    whole = make_organisations()
    beside = result_of("organisations", *(t for t in whole.tables.values() if t.name != "sample_flow"), empty)
    policy = made_policy()
    alone = release(whole, LINDE, policy=policy)
    assert "adjusted_change" in alone.tables
    assert set(release(beside, LINDE, policy=policy).tables) == set(alone.tables)


# --- only the gate makes released results -------------------------------------------------------------


def test_nobody_but_the_gate_can_make_a_released_result():
    released = release(make_trajectory(), RESEARCHER, policy=made_policy())
    fields = {f.name: getattr(released, f.name) for f in dataclasses.fields(Released)}
    for seal in (None, True, object()):
        with pytest.raises(DisclosureError, match="only come from release"):
            Released(**fields, seal=seal)
    with pytest.raises((ValueError, DisclosureError)):
        dataclasses.replace(released, kind="other")
    table = released.tables["change"]
    fields = {f.name: getattr(table, f.name) for f in dataclasses.fields(ReleasedTable)}
    with pytest.raises(DisclosureError):
        ReleasedTable(**fields, seal=None)
    with pytest.raises(DisclosureError):
        type("Spoof", (Released,), {})


def test_a_released_result_cannot_be_changed():
    released = release(make_trajectory(), RESEARCHER, policy=made_policy())
    with pytest.raises(TypeError):
        released.tables["raw"] = released.tables["change"]
    copy = released.tables["change"].data
    copy["estimate"] = 99.0
    assert (released.tables["change"].data["estimate"] != 99.0).all()


def test_release_takes_results_only():
    released = release(make_trajectory(), RESEARCHER, policy=made_policy())
    for wrong in (released, pd.DataFrame(), None):
        with pytest.raises(DisclosureError):
            release(wrong, RESEARCHER, policy=made_policy())


@pytest.mark.parametrize(
    "wrong", [("boss", None), ("organisation", None), ("organisation", ""), ("funder", "eik")]
)
def test_an_impossible_audience_is_refused(wrong):
    with pytest.raises(DisclosureError):
        Audience(*wrong)


def test_an_unknown_organisation_is_refused():
    with pytest.raises(DisclosureError, match="no organisation 'spar'"):
        release(make_trajectory(), Audience("organisation", "spar"), policy=made_policy())


# --- small cells --------------------------------------------------------------------------------------


@given(
    families=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    minimum=st.integers(3, 25),
    audience=st.sampled_from(EVERYONE[:3]),
)
@settings(max_examples=40, deadline=None)
def test_no_number_stands_on_too_few_families(families, minimum, audience):
    data = frame(
        [(float(m), 1000.0 + m, n, 6) for m, n in enumerate(families)],
        *["months", "mean", "n_families"],
        "n_organisations",
    )
    table = made_table("observed_course", data, ("months",), ("mean",))
    result = result_of("trajectory", table, flow=flow_of(400))
    released = release(result, audience, policy=made_policy(minimum_families=minimum))
    if "observed_course" not in released.tables:
        assert all(0 < n < minimum for n in families)
        return
    shown = released.tables["observed_course"].data
    for n, (_, row) in zip(families, shown.iterrows(), strict=True):
        if 0 < n < minimum:
            assert row["suppressed"]
            assert np.isnan([row["mean"], row["n_families"], row["n_organisations"]]).all()
        else:
            assert row["mean"] >= 1000


def test_a_number_with_an_unknown_number_of_families_is_suppressed():
    data = frame([(0.0, 1.0, np.nan), (1.0, 2.0, 50.0)], "months", "mean", "n_families")
    released = release(
        result_of("t", made_table("m", data, ("months",), ("mean",))), RESEARCHER, policy=made_policy()
    )
    assert list(released.tables["m"].data["suppressed"]) == [True, False]


def test_a_column_that_does_not_say_what_it_means_is_refused_by_its_name():
    data = frame([("fam1", 1.0, 60, 3.3)], "row", "mean", "n_families", "secret")
    result = result_of("t", made_table("declared", data, ("row",), ("mean",)))
    with pytest.raises(DisclosureError, match="secret"):
        release(result, RESEARCHER, policy=made_policy())


def test_rows_about_one_family_never_pass():
    data = frame([("fam1", 1.0, 60)], "row", "mean", "n_families")
    profile = made_table("profiles", data, ("row",), ("mean",), unit="family")
    released = release(result_of("t", profile), RESEARCHER, policy=made_policy())
    assert "profiles" not in released.tables
    assert released.reason_for("profiles").code == "family_level"


def test_extremes_and_small_counts_are_suppressed():
    data = frame([("a", 10.0, 31.0, 3, 60)], "row", "minimum", "mean", "n_wrong", "n_families")
    table = made_table("t", data, ("row",), ("minimum", "mean", "n_wrong"))
    shown = release(result_of("t", table), RESEARCHER, policy=made_policy()).tables["t"].data.iloc[0]
    assert np.isnan(shown["minimum"])
    assert np.isnan(shown["n_wrong"])
    assert shown["mean"] == 31


def test_a_category_does_not_carry_unused_names():
    data = frame([("yes", 1.0, 60)], "level", "mean", "n_families")
    data["level"] = pd.Categorical(data["level"], categories=["yes", "Lindehof"])
    released = release(
        result_of("t", made_table("t", data, ("level",), ("mean",))), FUNDER, policy=made_policy()
    )
    assert "Lindehof" not in as_text(released)
    assert not isinstance(released.tables["t"].data["level"].dtype, pd.CategoricalDtype)


# --- subtraction --------------------------------------------------------------------------------------


@given(sizes=st.lists(st.integers(1, 60), min_size=3, max_size=9))
@settings(max_examples=40, deadline=None)
def test_no_organisation_can_be_computed_from_the_total(sizes):
    """With the total known, no recipient (each knowing its own number) is left with one unknown."""
    named = {f"org{i}": n for i, n in enumerate(sizes)}
    policy = made_policy(names={key: f"Name {key}" for key in named}, minimum_other_organisations=1)
    result = result_of("q", sizes_table(named), flow=flow_of(sum(sizes)))
    released = release(result, RESEARCHER, policy=policy)
    if "by_organisation" not in released.tables:
        return
    shown = released.tables["by_organisation"].data.set_index("organisation")["n_families"]
    hidden = [key for key in named if np.isnan(shown[key])]
    small = [key for key in named if named[key] < 10]
    assert set(small) <= set(hidden)
    if not small or len(hidden) == len(named):
        assert hidden == [] or small
        return
    for knower in [None, *hidden]:
        unknown = [key for key in hidden if key != knower]
        if any(key in small for key in unknown):
            assert len(unknown) >= 2
            assert sum(named[key] for key in unknown) > 10


@given(sizes=st.lists(st.integers(10, 60), min_size=4, max_size=8), small=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_another_small_number_would_look_exactly_the_same(sizes, small):
    """The strongest form: different data with the same total give the very same released table."""
    policy = made_policy(names={f"org{i}": f"Name {i}" for i in range(9)})

    def published(counts):
        named = {f"org{i}": n for i, n in enumerate(counts)}
        result = result_of("q", sizes_table(named), flow=flow_of(sum(counts)))
        return as_text(release(result, RESEARCHER, policy=policy))

    seen = published([small, *sizes])
    alternatives = []
    for other in set(range(1, 10)) - {small}:
        for place in range(len(sizes)):
            changed = list(sizes)
            changed[place] += small - other
            if changed[place] >= 1:
                alternatives.append([other, *changed])
    assert any(published(counts) == seen for counts in alternatives)


@pytest.mark.parametrize("maker", [make_organisations, make_quality])
def test_recipients_together_learn_no_more_than_one(maker):
    """What is hidden to protect a small organisation is hidden in every report, also in the own one."""
    policy = made_policy()
    hidden = []
    for audience in EVERYONE:
        released = release(maker(WITH_SMALL), audience, policy=policy)
        back = {audience.organisation: "own"} if audience.organisation else {}
        table = released.tables["by_organisation"].data.set_index("organisation")
        if audience.role == "researcher":
            hidden.append({key for key in SIZES if np.isnan(table.loc[key, "n_families"])})
        elif back:
            mine = np.isnan(table.loc["own", "n_families"])
            assert mine == (audience.organisation in hidden[0])
    assert "iep" in hidden[0]
    assert len(hidden[0]) >= 3


def test_hidden_counts_stay_hidden_in_every_table():
    released = release(make_organisations(WITH_SMALL), RESEARCHER, policy=made_policy())
    by = released.tables["by_organisation"].data.set_index("organisation")["n_families"]
    hidden = set(by.index[by.isna()])
    for name in ("adjusted_means", "adjusted_change", "case_mix"):
        data = released.tables[name].data
        assert data.loc[data["organisation"].isin(hidden), "n_families"].isna().all(), name
    pairs = released.tables["pairwise"].data
    touched = pairs["organisation_1"].isin(hidden) | pairs["organisation_2"].isin(hidden)
    assert pairs.loc[touched, "n_families"].isna().all()
    small = (pairs["organisation_1"] == "iep") | (pairs["organisation_2"] == "iep")
    assert pairs.loc[small, "estimate"].isna().all()


def test_ratios_of_hidden_counts_fit_several_counts():
    """8 / 31 unrounded gives 31 away; released it must fit at least three numbers of families."""
    released = release(make_quality(WITH_SMALL), RESEARCHER, policy=made_policy())
    table = released.tables["by_organisation"]
    data, marks = table.data, table.marks
    covered = data["n_families"].isna() & ~data["suppressed"]
    assert covered.any()
    assert (marks.loc[covered, "measurements_per_family"] == "rounded").all()
    # The share of a small number is hidden for the researcher too, whatever its rounding.
    assert (marks.loc[covered, "share_with_baseline"] != "").all()


def test_deviations_are_withheld_when_one_is_small():
    whole = release(make_organisations(), RESEARCHER, policy=made_policy())
    assert abs(whole.tables["difference_from_mean"].data.query("months == 12")["estimate"].sum()) < 1e-9
    released = release(make_organisations(WITH_SMALL), RESEARCHER, policy=made_policy())
    assert released.reason_for("difference_from_mean").code == "gives_away_a_small_group"
    assert "adjusted_change" in released.tables


@given(counts=st.lists(st.integers(0, 40), min_size=2, max_size=12))
@settings(max_examples=50, deadline=None)
def test_one_band_cannot_be_computed_from_the_others(counts):
    rows = [("k", 10.0 + 3 * i, 12.0 + 3 * i, 2 * n, n) for i, n in enumerate(counts)]
    keys = ("instrument", "score_low", "score_high")
    table = made_table(
        "score_distribution", frame(rows, *keys, "n_measurements", "n_families"), keys, ("n_measurements",),
        parts_of_total=("score_low", "score_high"),
    )  # fmt: skip
    released = release(result_of("measurement", table, flow=flow_of(500)), RESEARCHER, policy=made_policy())
    if "score_distribution" not in released.tables:
        return
    data = released.tables["score_distribution"].data
    hidden, filled = data["n_measurements"].isna(), sum(n > 0 for n in counts)
    assert hidden.sum() != 1 or filled == 1


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(0, 200), st.sampled_from(EVERYONE[:2])
)
@settings(max_examples=50, deadline=None)
def test_steps_of_the_flow_never_differ_by_a_few_families(losses, last, audience):
    families = np.cumsum([last, *losses])[::-1].tolist()
    released = release(result_of("t", flow=flow_of(*families[:6])), audience, policy=made_policy())
    if "sample_flow" not in released.tables:
        assert all(0 < n < 10 for n in families[-1:]) or not families
        return
    shown, marks = released.tables["sample_flow"].data, released.tables["sample_flow"].marks
    for column in ("n_families", "n_episodes"):
        known = shown[column].dropna().to_numpy()
        gaps = np.abs(np.diff(known))
        assert not ((gaps > 0) & (gaps < 10)).any()
        exact = shown.loc[marks[column] == "", column].dropna().to_numpy()
        assert not ((np.abs(exact[:, None] - exact) > 0) & (np.abs(exact[:, None] - exact) < 10)).any()
        if audience.is_external:  # one column, one way of writing
            assert len(set(marks.loc[shown[column] > 0, column])) <= 1
    exact = not audience.is_external or marks["n_families"].iloc[-1] == ""
    assert not exact or shown["n_families"].iloc[-1] == families[:6][-1] or shown["suppressed"].iloc[-1]


def test_close_steps_are_kept_and_rounded():
    released = release(result_of("t", flow=flow_of(262, 255, 230)), RESEARCHER, policy=made_policy())
    flow = released.tables["sample_flow"]
    assert list(flow.data["step"]) == ["read", "instrument", "analysed"]
    assert list(flow.data["n_families"]) == [265, 255, 230]
    assert list(flow.marks["n_families"]) == ["rounded", "", ""]
    outside = release(result_of("t", flow=flow_of(262, 255, 230)), FUNDER, policy=made_policy())
    flow = outside.tables["sample_flow"]
    assert list(flow.data["n_families"]) == [260, 260, 230]
    assert list(flow.marks["n_families"]) == ["rounded"] * 3


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("audience", EVERYONE[1:3], ids=lambda audience: audience.role)
def test_a_number_is_written_in_one_way_throughout(seed, audience):
    """Random losses: the number analysed is rounded in every table and sentence, or in none."""
    rng = np.random.default_rng(seed)
    losses = rng.choice([0, 1, 4, 9, 12, 40], 4)
    analysed = int(rng.integers(60, 400))
    families = [*(analysed + np.cumsum(losses)[::-1]).tolist(), analysed]
    made = make_trajectory(families=analysed, flow=flow_of(*families))
    released = release(made, audience, policy=made_policy())
    flow, change = released.tables["sample_flow"], released.tables["change"]
    written = {
        (float(number), mark)
        for table in (flow, change, released.tables["mean_course"])
        for number, mark in zip(
            table.data["n_families"].iloc[-1:], table.marks["n_families"].iloc[-1:], strict=True
        )
    }
    assert len(written) == 1
    assert len(set(flow.marks["n_families"])) == 1
    assert (np.diff(flow.data["n_families"]) <= 0).all()
    assert len(set(flow.marks["n_measurements"])) == 1


def test_totals_elsewhere_do_not_come_close_to_the_flow():
    released = release(make_quality(), RESEARCHER, policy=made_policy())
    flow = released.tables["sample_flow"].data["n_families"]
    overview = released.tables["overview"]
    exact = overview.data.loc[overview.marks["n_families"] == "", "n_families"]
    gaps = np.abs(exact.to_numpy()[:, None] - flow.to_numpy()[None, :])
    assert not ((gaps > 0) & (gaps < 10)).any()
    value = overview.data.set_index("quantity")["value"]
    assert np.isnan(value["families_without_measurements"])
    assert value["measurements_scored"] == 2340


# --- labels -------------------------------------------------------------------------------------------


def test_researchers_see_names_and_a_funder_if_the_study_says_so():
    for audience, rules in (
        (RESEARCHER, {}),
        (FUNDER, {"name_organisations_to_funder": True}),
        (FUNDER, {"public_groups": True}),
    ):
        released = release(make_organisations(), audience, policy=made_policy(**rules))
        assert released.organisation_labels["linde"]["nl"] == "Lindehof"


@pytest.mark.parametrize("audience", EVERYONE[1:], ids=str)
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_nobody_reads_the_name_of_another(maker, audience):
    text = as_text(release(maker(), audience, policy=made_policy()))
    for key, name in NAMES.items():
        if key != audience.organisation:
            assert not re.search(rf"(?<!\w)({re.escape(name)}|{key})(?!\w)", text), key
    if audience.organisation and maker is make_organisations:
        assert NAMES[audience.organisation] in text


def test_the_order_of_the_labels_tells_nothing():
    """Over many studies a label is as often early as late in the alphabet, and by size."""
    places = {"alphabet": [], "size": []}
    by_size = sorted(SIZES, key=SIZES.get)
    for study in range(120):
        provenance = Provenance("made", True, f"digest {study}", "0.1.0")
        result = result_of("q", sizes_table(SIZES), provenance=provenance)
        released = release(result, FUNDER, policy=made_policy())
        first = released.tables["by_organisation"].data["n_families"].iloc[0]
        key = min(SIZES, key=lambda name: abs(SIZES[name] - first))
        places["alphabet"].append(sorted(SIZES).index(key))
        places["size"].append(by_size.index(key))
    # 120 draws from 6 places: each about 20 times (standard deviation 4), two of them with one rounded size.
    for drawn in places.values():
        assert len(set(drawn)) >= 5
        assert max(np.bincount(drawn)) < 60


def test_the_order_differs_between_recipients_and_is_kept_between_results():
    policy = made_policy()

    def sizes_by_label(maker, audience):
        table = release(maker(), audience, policy=policy).tables["by_organisation"].data
        return tuple(table["n_families"])

    orders = {sizes_by_label(make_quality, audience)[-4:] for audience in EVERYONE[1:]}
    assert len(orders) >= 5
    for audience in EVERYONE[1:]:
        assert sizes_by_label(make_quality, audience) == sizes_by_label(make_organisations, audience)


def test_rows_and_pairs_follow_the_labels_not_the_alphabet():
    released = release(make_organisations(), LINDE, policy=made_policy())
    for name in ("adjusted_means", "adjusted_change", "by_organisation", "case_mix"):
        labels = list(dict.fromkeys(released.tables[name].data["organisation"]))
        assert labels == ["own", *"ABCDE"], name
    pairs = released.tables["pairwise"].data
    order = ["own", *"ABCDE"]
    assert all(
        order.index(a) < order.index(b)
        for a, b in zip(pairs["organisation_1"], pairs["organisation_2"], strict=True)
    )


def test_a_turned_pair_keeps_its_meaning():
    released = release(make_organisations(), LINDE, policy=made_policy())
    change = (
        released.tables["adjusted_change"].data.query("months == 12").set_index("organisation")["estimate"]
    )
    for _, row in released.tables["pairwise"].data.iterrows():
        assert row["estimate"] == pytest.approx(change[row["organisation_1"]] - change[row["organisation_2"]])
        assert row["conf_low"] < row["estimate"] < row["conf_high"]
        assert row["statistic"] == pytest.approx(row["estimate"] / row["std_error"], abs=0.0051)  # two digits


def test_a_pair_table_that_cannot_be_turned_is_refused():
    data = frame([("eik", "linde", 3.0, 40)], "organisation_1", "organisation_2", "odds", "n_families")
    keys = ("organisation_1", "organisation_2")
    table = made_table("pairs", data, keys, ("odds",), keys)
    policy = made_policy(minimum_other_organisations=1)
    with pytest.raises(DisclosureError, match="odds"):
        release(result_of("t", table), FUNDER, policy=policy)


def test_a_neutral_label_is_never_the_name_of_a_real_organisation():
    names = {key: f"Organisatie {letter}" for key, letter in zip(SIZES, "ABCDEF", strict=True)}
    released = release(make_organisations(), LINDE, policy=made_policy(names=names))
    assert released.organisation_labels["own"]["nl"] == "Organisatie E"
    assert released.organisation_labels["A"] == {"nl": "Andere organisatie A", "en": "Other organisation A"}


def test_two_organisations_with_one_name_are_told_apart_for_researchers():
    released = release(
        make_organisations(), RESEARCHER, policy=made_policy(names=dict.fromkeys(SIZES, "De Hulp"))
    )
    assert len({wording["nl"] for wording in released.organisation_labels.values()}) == len(SIZES)


def test_counts_beside_neutral_labels_are_rounded():
    released = release(make_organisations(), LINDE, policy=made_policy())
    table = released.tables["by_organisation"]
    own = table.data["organisation"] == "own"
    assert table.data.loc[own, "n_families"].item() == SIZES["linde"]
    assert (table.data.loc[~own, "n_families"] % 10 == 0).all()
    assert (table.marks.loc[~own, "n_families"] == "rounded").all()
    # A contrast with the mean of all carries the smallest number of all, which is not the own one.
    contrast = released.tables["difference_from_mean"]
    assert (contrast.marks["n_families"] == "rounded").all()


@pytest.mark.parametrize("number", [1, 9, 10, 14, 15, 38, 996])
def test_measurements_in_notes_are_rounded_as_in_the_flow(number):
    notes = (Note("before_start", f"{number} measurements lie before.", {"n_measurements": number}),)
    for audience in EVERYONE[:3]:
        released = release(make_trajectory(notes=notes), audience, policy=made_policy())
        said = released.notes[0].values["n_measurements"]
        if number < 10:
            assert said == "<10"
        elif audience.is_external:
            assert int(str(said).split()[-1]) % 10 == 0
            assert str(number) not in released.notes[0].text
        else:
            assert said == number


@pytest.mark.parametrize("seed", range(15))
def test_the_own_size_is_exact_on_the_own_page_in_every_table(seed):
    """As the comparison makes them: a difference from the average carries the size of its organisation."""
    rng = np.random.default_rng(seed)
    sizes = {key: int(rng.integers(20, 200)) for key in SIZES}
    made = make_organisations(sizes)
    table = made.tables["difference_from_mean"]
    data = table.data.assign(n_families=[sizes[key] for key in table.data["organisation"]])
    made = dataclasses.replace(
        made, tables={**made.tables, table.name: dataclasses.replace(table, data=data)}
    )
    released = release(made, LINDE, policy=made_policy())
    for name in ("adjusted_change", "difference_from_mean", "by_organisation", "adjusted_means"):
        shown = released.tables[name]
        own = shown.data["organisation"] == "own"
        assert (shown.data.loc[own, "n_families"] == sizes["linde"]).all()
        assert (shown.marks.loc[own, "n_families"] == "").all()
        assert (shown.marks.loc[~own, "n_families"] == "rounded").all()


def test_names_in_text_withhold_the_table():
    rows = [("organisation[T.linde]", 1.0, 247, 6), ("months", 2.0, 247, 6)]
    data = frame(rows, "term", "estimate", "n_families", "n_organisations")
    result = result_of("trajectory", made_table("coefficients", data, ("term",), ("estimate",)))
    assert release(result, FUNDER, policy=made_policy()).reason_for("coefficients").code == "names_in_text"
    assert "coefficients" in release(result, RESEARCHER, policy=made_policy()).tables


def test_shares_of_pooled_rows_do_not_give_small_counts():
    data = frame([("a", 0.04, 60), ("b", 0.5, 60), ("c", 0.0, 60)], "row", "share_moved", "n_families")
    result = result_of("t", made_table("t", data, ("row",), ("share_moved",)))
    shown = release(result, FUNDER, policy=made_policy()).tables["t"].data["share_moved"]
    assert np.isnan(shown[0])
    assert list(shown[1:]) == [0.5, 0.0]


# --- how many organisations ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "funder", "researcher"), [(2, False, False), (3, False, True), (4, True, True)]
)
def test_comparisons_need_enough_organisations(number, funder, researcher):
    sizes = dict(list(SIZES.items())[:number])
    own = Audience("organisation", next(iter(sizes)))
    for audience, allowed in ((FUNDER, funder), (own, funder), (RESEARCHER, researcher)):
        released = release(make_organisations(sizes), audience, policy=made_policy())
        assert ("adjusted_change" in released.tables) == allowed
        assert ("joint_test" in released.tables) == allowed
        if not allowed:
            assert released.reason_for("adjusted_change").code.startswith("too_few")
    public = release(make_organisations(sizes), FUNDER, policy=made_policy(public_groups=True))
    assert public.organisation_labels == {key: {"nl": NAMES[key], "en": NAMES[key]} for key in sizes}


def test_public_groups_never_lift_the_rule_on_families():
    released = release(make_organisations(WITH_SMALL), FUNDER, policy=made_policy(public_groups=True))
    data = released.tables["by_organisation"].data.set_index("organisation")
    assert data.loc["iep", "suppressed"]
    assert data["n_families"].isna().sum() >= 2


def test_pooled_tables_need_three_others_in_an_organisations_report():
    def pooled(number):
        data = frame(
            [(0.0, 24.0, 200, 6), (12.0, 20.0, 90, number)], "months", "mean", "n_families", "n_organisations"
        )
        return result_of("trajectory", made_table("observed_course", data, ("months",), ("mean",)))

    assert (
        not release(pooled(4), LINDE, policy=made_policy()).tables["observed_course"].data["suppressed"].any()
    )
    shown = release(pooled(3), LINDE, policy=made_policy()).tables["observed_course"].data
    assert list(shown["suppressed"]) == [False, True]
    few = release(
        make_quality({"linde": 40, "eik": 70, "es": 33}),
        LINDE,
        policy=made_policy(names={k: NAMES[k] for k in ("linde", "eik", "es")}),
    )
    assert few.reason_for("sample_flow") is not None or "sample_flow" in few.tables


# --- notes and provenance -----------------------------------------------------------------------------


def test_notes_lose_names_and_small_counts():
    notes = (
        Note("dropped", "3 families had no score.", {"n_families": 3}),
        Note("named", "Lindehof has few families.", {"organisation": "linde"}),
        Note("fine", "The model says little at month 6.", {"months": 6}),
        Note("other_number", "The model has 4 degrees of freedom at month 6.", {"months": 6}),
        Note("bad_fit", "Stop: 4 of the families break it.", {}, "stop"),
    )
    for audience in (FUNDER, RESEARCHER):
        released = release(make_trajectory(notes=notes), audience, policy=made_policy())
        by_code = {note.code: note for note in released.notes}
        assert "3 families" not in by_code["dropped"].text
        assert by_code["dropped"].values == {"n_families": "<10"}
        assert by_code["fine"] == notes[2]
        # a number of which nobody said what it means does not come along in a text
        assert "4" not in by_code["other_number"].text
        assert by_code["bad_fit"].level == "stop"
        assert ("Lindehof" in by_code["named"].text) == (audience is RESEARCHER)


def test_provenance_gives_no_key_to_the_labels():
    parameters = {"organisation": "linde", "months": [0, 12], "nested": {"keys": ["eik"]}}
    provenance = Provenance("made", True, "5d" * 32, "0.1.0", parameters, "obvl_k", "raw")
    shown = release(make_trajectory(provenance=provenance), FUNDER, policy=made_policy()).provenance
    assert shown.digest != provenance.digest
    assert shown.parameters == {"months": [0, 12]}
    again = release(make_organisations(provenance=provenance), FUNDER, policy=made_policy()).provenance
    assert again.digest == shown.digest
    assert (
        release(make_trajectory(provenance=provenance), RESEARCHER, policy=made_policy()).provenance
        == provenance
    )


def test_small_months_of_organisations_are_covered_month_by_month():
    """At month 18 one organisation is small: two more are hidden there, and nothing is hidden elsewhere."""
    rows = [(key, month, 20.0, 5.0, n, n) for key, n in SIZES.items() for month in (0.0, 12.0)]
    rows += [(key, 18.0, 19.0, 5.0, n - 10, n - 10) for key, n in SIZES.items()]
    columns = ("organisation", "months", "mean", "sd", "n_measurements", "n_families")
    table = made_table(
        "observed_course", frame(rows, *columns), columns[:2], columns[2:5], columns[:1], columns[:1]
    )
    result = result_of("organisations", sizes_table(SIZES), table)
    released = release(result, RESEARCHER, policy=made_policy())
    shown = released.tables["observed_course"].data
    late = shown["months"] == 18
    assert shown.loc[late & (shown["organisation"] == "wilg"), "suppressed"].all()
    assert shown.loc[late, "suppressed"].sum() == 3
    assert not shown.loc[~late, "suppressed"].any()
    assert released.tables["by_organisation"].data["n_families"].notna().all()


def test_no_small_number_of_a_named_organisation_follows_from_the_total() -> None:
    sizes = {"linde": (31, 4), "eik": (40, 22), "berk": (52, 19), "iep": (45, 26), "es": (38, 15)}
    counted = [
        (key, name, number, n, number)
        for key, (n, dropped) in sizes.items()
        for name, number in (("drop_out", dropped), ("no_drop_out", n - dropped))
    ]
    keys = ("organisation", "class")
    by_class = made_table(
        "drop_out_by_organisation", frame(counted, *keys, "estimate", "n_group", "n_families"), keys,
        ("estimate", "n_group"), keys[:1], keys,
    )  # fmt: skip
    observed = [(key, "dropped_out", n, dropped / n, n) for key, (n, dropped) in sizes.items()]
    by_share = made_table(
        "share_indicators",
        frame(observed, "organisation", "indicator", "n_group", "share_observed", "n_families"),
        ("organisation", "indicator"), ("n_group", "share_observed"), keys[:1], keys[:1],
    )  # fmt: skip
    for table, column in ((by_class, "n_families"), (by_share, "share_observed")):
        policy = made_policy(name_organisations_to_funder=True, minimum_other_organisations=1)
        shown = release(result_of("made", table), Audience("funder"), policy=policy).tables[table.name].data
        mine = shown[shown.get("class", "drop_out") == "drop_out"] if "class" in shown else shown
        hidden = set(mine.loc[mine[column].isna(), "organisation"])
        # Two beside the small one: an organisation that knows its own number is left with two unknowns.
        assert len(hidden) >= 3, table.name
        assert hidden < set(mine["organisation"])


def test_numbers_of_a_note_that_count_no_people_stay():
    values = {
        "n_organisations": 2,
        "all_organisations": 6,
        "needed": 5,
        "families_needed": 9,
        "n_families": 4,
    }
    note = Note("small_share_bend", "Some organisations are drawn more smoothly.", values)
    released = release(make_trajectory(notes=(note,)), FUNDER, policy=made_policy())
    shown = next(one for one in released.notes if one.code == "small_share_bend").values
    assert shown == {**values, "n_families": "<10"}


def test_every_remark_about_organisations_tells_how_many_there_are():
    for language in ("nl", "en"):
        phrases = phrases_in(language)
        for code in ("few_families", "small_share_bend"):
            assert "all_organisations" in phrases.placeholders(f"note.{code}")
