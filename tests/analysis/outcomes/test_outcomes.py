"""Life domains, the family's own voice and the outcome set: against plain counting, and odd input."""

from pathlib import Path

import numpy as np
import pytest

from mpg_research.analysis import (
    compare_instruments,
    describe_domains,
    describe_own_voice,
    outcome_set,
    reliable_change,
)
from mpg_research.errors import DataError, NotApplicableError
from mpg_research.study import load_study, shipped_example
from tests.analysis.outcomes.outcome_studies import outcome_study, random_tables

TWO = 'instruments = ["burden", "strength"]'


@pytest.mark.parametrize("seed", range(4))
def test_directions_are_those_of_plain_counting(tmp_path: Path, seed: int) -> None:
    tables = random_tables(np.random.default_rng(seed), families=60)
    found = describe_domains(outcome_study(tmp_path, tables)).tables["domain_direction"].data
    rows = tables["domains"].sort_values(["family", "domain", "date"])
    counted: dict[tuple[str, str], int] = {}
    for (_, domain), mine in rows.groupby(["family", "domain"]):
        first, last = mine["severity"].iloc[0], mine["severity"].iloc[-1]
        if len(mine) < 2:
            continue
        name = "no_problem" if first == last == 0 else "as_severe" if first == last else "less_severe"
        name = "more_severe" if last > first else name
        counted[domain, name] = counted.get((domain, name), 0) + 1
    for row in found.itertuples():
        assert round(row.estimate * row.n_group) == counted.get((row.domain, row[2]), 0)
    assert set(counted) <= {(row.domain, row[2]) for row in found.itertuples()}, "a class is left out"


@pytest.mark.parametrize(("seed", "limit"), [(1, 0), (2, -1), (3, 1), (4, 2)])
def test_goals_reached_need_a_limit(tmp_path: Path, seed: int, limit: int) -> None:
    tables = random_tables(np.random.default_rng(seed), families=60)
    without = describe_own_voice(outcome_study(tmp_path / "a", tables))
    assert without.tables["goals_reached"].data.empty
    assert "goal_reached_not_said" in {note.code for note in without.notes}
    found = describe_own_voice(outcome_study(tmp_path / "b", tables, extra=f"[care]\ngoal_reached = {limit}"))
    last = tables["goals"].sort_values("date").drop_duplicates(["family", "goal"], keep="last")
    row = found.tables["goals_reached"].data.iloc[0]
    assert row["estimate"] == pytest.approx((last["attainment"] >= limit).mean())


def test_outcome_set_has_the_numbers_of_the_other_analyses(tmp_path: Path) -> None:
    tables = random_tables(np.random.default_rng(2), families=80)
    study = outcome_study(tmp_path, tables, extra="[care]\ngoal_reached = 0")
    found, voice = outcome_set(study), describe_own_voice(study)
    marks = found.tables["outcome_means_by_organisation"].data.set_index("organisation")["mean"]
    other = voice.tables["satisfaction_by_organisation"].data.set_index("organisation")["mean"]
    np.testing.assert_array_equal(marks, other.loc[marks.index])
    shares = found.tables["outcome_shares"].data.set_index("outcome")["estimate"]
    assert shares["goals_reached"] == voice.tables["goals_reached"].data["estimate"].iloc[0]
    assert {"dropped_out", "ended_as_planned", "reliably_improved"} <= set(shares.index)


def test_the_t_score_of_the_outcome_set_is_that_of_reliable_change() -> None:
    study = load_study(shipped_example())
    found = outcome_set(study)
    month = found.provenance.parameters["primary_month"]
    changes = reliable_change(study, month=month, tolerance=1.5, outcome="t_score").tables["families"].data
    means = found.tables["outcome_means"].data.set_index("outcome").loc["t_score_change"]
    known = changes.dropna(subset="change")
    assert means["n_group"] <= known["family"].nunique()
    assert means["mean"] == pytest.approx(known["change"].mean(), abs=0.5)
    by_hand = (known["post"] - known["pre"]).to_numpy()
    np.testing.assert_allclose(known["change"], by_hand)
    assert found.provenance.parameters["norms"]
    assert "t_score_change" not in found.provenance.parameters["absent"]
    assert "synthetic_norms" in {note.code for note in found.notes}
    own = found.tables["outcome_means_by_organisation"].data
    own = own[own["outcome"] == "t_score_change"]
    total = (own["mean"] * own["n_group"]).sum() / own["n_group"].sum()
    assert total == pytest.approx(means["mean"])
    assert (own["mean_low"] < own["mean"]).all()


def test_without_norms_there_is_no_t_score(tmp_path: Path) -> None:
    tables = random_tables(np.random.default_rng(3), families=60)
    found = outcome_set(outcome_study(tmp_path, tables))
    assert not found.provenance.parameters["norms"]
    assert "t_score_change" in found.provenance.parameters["absent"]
    assert "t_score_change" not in set(found.tables["outcome_means"].data["outcome"])


def test_a_second_questionnaire_with_one_wave(tmp_path: Path) -> None:
    tables = random_tables(np.random.default_rng(4), families=40)
    rows = tables["measurements"]
    tables["measurements"] = rows[(rows["instrument"] == "burden") | (rows["date"] == 0)]
    with pytest.raises(NotApplicableError, match="have measurements enough"):
        compare_instruments(outcome_study(tmp_path, tables, extra=TWO))


def test_a_second_questionnaire_without_measurements(tmp_path: Path) -> None:
    tables = random_tables(np.random.default_rng(4), families=40)
    rows = tables["measurements"]
    tables["measurements"] = rows[rows["instrument"] == "burden"]
    with pytest.raises(DataError, match="no measurement is of"):
        outcome_study(tmp_path, tables, extra=TWO)


def test_without_the_tables_it_is_said_kindly(tmp_path: Path) -> None:
    tables = random_tables(np.random.default_rng(5), families=30)
    tables["episodes"] = tables["episodes"].drop(columns="satisfaction")
    study = outcome_study(tmp_path, {name: tables[name] for name in ("episodes", "measurements")})
    for verb in (describe_domains, describe_own_voice, compare_instruments):
        with pytest.raises(NotApplicableError):
            verb(study)
