"""The marginal structural model of hours: its windows as a person would cut them, its refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.dose_weights import draw
from mpg_research import describe_dose, load_study
from mpg_research.analysis.interventions.protocol import TrialLimits
from mpg_research.analysis.process.care_months import care_months
from mpg_research.analysis.process.hours_model import (
    ANSWERED,
    REFUSALS,
    case_mix_note,
    cut_windows,
    hours_model_tables,
    judge,
    windows_of,
)
from mpg_research.arrays import FloatArray
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import ConfigError
from mpg_research.statistics.trials.marginal_structural import fit_marginal_structural
from mpg_research.study import shipped_example
from tests.analysis.process.care_studies import random_study


def by_hand(hours: FloatArray, score: FloatArray, k: int, oldest: int) -> dict[tuple[int, int], list[float]]:
    """Per family and first month: amounts, outcome, last score, the one before, mean of both so far."""
    found = {}
    for unit in range(len(hours)):
        for start in range(1, score.shape[1] - k):
            known = [month for month in range(start) if np.isfinite(score[unit, month])]
            if not np.isfinite(hours[unit, [start - 1, start]]).all() or not known:
                continue
            if start - known[-1] > oldest:
                continue
            amounts = list(hours[unit, start : start + k])
            for place in range(k):
                if np.isnan(amounts[place]):
                    amounts[place:] = [np.nan] * (k - place)
            found[unit, start] = [
                *amounts, score[unit, start + k], score[unit, known[-1]], score[unit, known[-2:][0]],
                float(np.mean(score[unit, known])), float(np.nanmean(hours[unit, :start])),
            ]  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(4))
def test_windows_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours, score = rng.gamma(3, 3, (15, 8)), rng.normal(50, 5, (15, 9))
    hours[rng.random(hours.shape) < 0.2] = np.nan
    score[rng.random(score.shape) < 0.4] = np.nan
    k = int(rng.integers(1, 5))
    every = np.ones(15, dtype=bool)
    found = cut_windows(hours, score, k, oldest=3.0, fixed=np.zeros((15, 0)), known=every)
    expected = by_hand(hours, score, k, 3)
    keys = list(zip(found.unit.tolist(), found.start.tolist(), strict=True))
    assert sorted(keys) == sorted(expected)
    given = found.windows
    ours = np.column_stack([given.amounts, given.outcome, given.moved[:, 0], given.past[:, 0, 1]])
    np.testing.assert_allclose(ours, [expected[key] for key in keys])
    assert cut_windows(hours, score, k, oldest=3.0, fixed=np.zeros((15, 0)), known=~every).unit.size == 0


def test_families_of_whom_the_intake_is_not_known_are_left_out(tmp_path: Path) -> None:
    study, _ = random_study(tmp_path, 1)
    care = care_months(study)
    every = windows_of(care, 2, oldest=3.0, case_mix=())
    table = study.tables["episodes"]
    table["child_age"] = np.where(np.arange(len(table)) % 3 == 0, np.nan, 5.0 + np.arange(len(table)) % 7)
    known = set(table.loc[table["child_age"].notna(), "family"].astype(str))
    some = windows_of(care, 2, oldest=3.0, case_mix=("child_age",))
    families = care.units["family"].to_numpy(dtype=str)
    assert set(families[some.unit]) == set(families[every.unit]) & known
    assert some.windows.past.shape[2] == every.windows.past.shape[2] + 1
    assert case_mix_note(care, ()) == ()
    (note,) = case_mix_note(care, ("child_age",))
    assert note.values["n_unknown"] == len(set(families) - known)
    assert note.values["n_all"] == len(set(families))


def test_it_is_made_where_it_is_asked_for_only() -> None:
    study = load_study(shipped_example())
    care = care_months(study)
    verdict, model = hours_model_tables(study, care, months=0, oldest=3.0, level=0.95)
    assert verdict.data.empty
    assert model.data.empty
    result = describe_dose(study, hours_model_months=3)
    rows = result.tables["hours_model"].data.set_index(["hours_of", "weighting"])
    assert rows.index.tolist() == [
        ("every_month", "weighted"), ("every_month", "unweighted"), ("last_month", "weighted"),
        ("months_before", "weighted"),
    ]  # fmt: skip
    assert (rows["conf_low"] < rows["estimate"]).all()
    assert result.tables["hours_model_verdict"].data["hours_verdict"].tolist() == [ANSWERED]
    assert result.provenance.parameters["hours_model_months"] == 3
    for reader in ("researcher", "funder"):
        shown = release(result, Audience(reader), policy=policy_of(study))
        assert not shown.tables["hours_model"].data["suppressed"].any()
    for months in (-1, 13):
        with pytest.raises(ConfigError, match="hours_model_months"):
            describe_dose(study, hours_model_months=months)


def test_few_families_and_few_workers_are_refused(tmp_path: Path) -> None:
    study, _ = random_study(tmp_path, 2)
    care = care_months(study)
    for months in (1, 6, 12):
        verdict, model = hours_model_tables(study, care, months=months, oldest=3.0, level=0.95)
        assert verdict.data["hours_verdict"].iloc[0] in (ANSWERED, *REFUSALS)
        assert model.data.empty == (verdict.data["hours_verdict"].iloc[0] != ANSWERED)


def _judged(hours: FloatArray, score: FloatArray, worker: np.ndarray, **limits: float) -> str:
    every = np.ones(len(hours), dtype=bool)
    given = cut_windows(hours, score, 3, oldest=3.0, fixed=np.zeros((len(hours), 0)), known=every)
    found = fit_marginal_structural(given.windows, clusters=worker[given.unit])
    return judge(found, given.unit, worker[given.unit], TrialLimits(**limits))  # type: ignore[arg-type]


def test_what_the_data_do_not_carry_is_refused() -> None:
    rng = np.random.default_rng(4)
    hours, score, worker = draw(rng, 120, (-0.1, 0.0, 0.0), answer=0.1)
    assert _judged(hours, score, worker) == ANSWERED
    assert _judged(hours[:15], score[:15], worker[:15]) == "few_families"
    assert _judged(hours, score, worker // 4) == "few_clusters"
    assert _judged(hours, score, worker, effective=1e6) == "few_effective"
    # Hours that follow from what was known before them.
    last = pd.DataFrame(score).ffill(axis=1).to_numpy()[:, :-2]
    follows = hours.copy()
    follows[:, 1:] = np.where(
        np.isnan(hours[:, 1:]), np.nan, 5 + 0.4 * last + 0.1 * rng.normal(size=last.shape)
    )
    assert _judged(follows, score, worker) in ("hours_follow", "not_converged")


def test_the_same_hours_in_all_months_give_no_number() -> None:
    _, score, worker = draw(np.random.default_rng(5), 100, (-0.1, 0.0, 0.0))
    hours = np.where(np.isfinite(score[:, :-1]), 8.0, 8.0)
    assert _judged(hours, score, worker) in ("not_converged", "hours_follow")
