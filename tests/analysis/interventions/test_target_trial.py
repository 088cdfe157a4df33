"""The target trial: known truths, invariances, what it refuses, and bad input."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from mpg_research import load_study
from mpg_research.analysis.interventions import doubts
from mpg_research.analysis.interventions.doubts import doubts_about, evalue_of, nothing_done
from mpg_research.analysis.interventions.emulation import TrialData, emulate
from mpg_research.analysis.interventions.person_time import cut_courses
from mpg_research.analysis.interventions.protocol import ANY, TrialLimits, TrialProtocol
from mpg_research.analysis.interventions.target_trial import TargetTrial, emulate_target_trial
from mpg_research.analysis.interventions.trials import follow_strategies, start_trials
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.study import Study, shipped_example
from tests.analysis.documented_tables import undocumented_tables

ROOT = Path(__file__).parents[3]
# Sums of the same numbers in another order.
SAME = 1e-6


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("interventions", ROOT / "benchmarks" / "interventions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["interventions"] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def example() -> Study:
    return load_study(shipped_example())


@pytest.fixture(scope="module")
def answered(example: Study) -> TargetTrial:
    return emulate_target_trial(example, replicates=50)


def without_organisation(data: TrialData, name: str) -> TrialData:
    """The data without the families of one organisation."""
    kept = np.flatnonzero(data.organisation != name)
    number = np.full(len(data.organisation), -1)
    number[kept] = np.arange(len(kept))
    mine = number[data.rows["course"].to_numpy()] >= 0
    rows = data.rows[mine]
    starts = data.starts[number[data.starts["course"].to_numpy(dtype=np.intp)] >= 0]
    return replace(
        data,
        rows=rows.assign(course=number[rows["course"].to_numpy()]).reset_index(drop=True),
        starts=starts.assign(course=number[starts["course"].to_numpy(dtype=np.intp)]).reset_index(drop=True),
        until=data.until[kept], ended=data.ended[kept], reach=data.reach[kept], family=data.family[kept],
        organisation=data.organisation[kept], cluster=data.cluster[kept], case_mix=data.case_mix[kept],
        eligible=None if data.eligible is None else data.eligible[mine],
    )  # fmt: skip


@pytest.mark.parametrize("place", [0, 3])
def test_planted_effects_are_found_where_before_and_after_flatter(benchmark: ModuleType, place: int) -> None:
    """The small version of benchmarks/interventions.py: 30 studies, many workers and few."""
    truth = benchmark.TRUTHS[place]
    protocol = TrialProtocol(months=(3.0,))
    rows = [
        row for n in range(30) for row in benchmark.one_study(truth, (9, place, n), protocol, TrialLimits())
    ]
    line = benchmark.summarise(truth, rows, protocol)[0]
    # Three simulation errors of a mean of 30 studies, and of a share.
    assert abs(line["bias"]) < 3 * line["simulation error"]
    assert line["covers"] >= 0.85
    assert line["answered"] > 0.9
    assert abs(line["g-formula"] - line["true"]) < 0.2
    assert abs(line["augmented"] - line["true"]) < 0.2
    assert line["before-after"] < line["true"] - 1
    assert line["before-after misses"] > 0.9
    if truth.effect == 0:
        assert line["says not zero"] <= 0.15


def test_the_example_s_planted_effect_lies_in_the_interval(answered: TargetTrial) -> None:
    """-0.30 on the latent burden is -1.25 points of the sum at month 3 (benchmarks/interventions.py)."""
    table = answered.tables["differences"].data.set_index(["intervention", "months", "approach"])
    for approach in ("weighted", "g_formula", "augmented"):
        row = table.loc[(ANY, 3.0, approach)]
        assert row["conf_low"] < -1.25 < row["conf_high"]
    naive = answered.tables["before_after"].data.set_index("comparison")["estimate"]
    assert naive["before_after"] < -3


def test_where_there_is_no_answer_there_is_a_reason_and_no_number(answered: TargetTrial) -> None:
    verdicts = answered.tables["verdicts"].data.set_index(["intervention", "months"])["estimable"]
    assert set(verdicts[verdicts != "answered"]) <= {
        "few_treated", "few_untreated", "no_overlap", "few_effective", "imbalance", "few_clusters",
        "not_converged",
    }  # fmt: skip
    assert (verdicts.drop([(ANY, 3.0), (ANY, 6.0)]) == "few_treated").all()
    for name in (
        "differences",
        "stability",
        "before_after",
        "balance",
        "doubts",
        "confounding",
        "explained_away",
    ):
        table = answered.tables[name].data
        told = set(zip(table["intervention"], table["months"], strict=True))
        assert told <= set(verdicts[verdicts == "answered"].index), name


def test_every_table_is_documented(answered: TargetTrial) -> None:
    assert undocumented_tables(answered) == set()


def test_the_flow_goes_down_to_the_trials(answered: TargetTrial) -> None:
    steps = answered.flow.steps
    assert [step.code for step in steps[-3:]] == ["standing_still", "eligible", "trials"]
    families = [step.n_families for step in steps]
    assert families == sorted(families, reverse=True)
    assert set(answered.tables["positivity"].data["organisation"]) == set(
        answered.emulation.data.organisation
    )


def test_order_of_courses_and_names_do_not_matter(benchmark: ModuleType) -> None:
    data = benchmark.simulate(benchmark.TRUTHS[1], np.random.default_rng(3))
    n = len(data.until)
    order = np.random.default_rng(1).permutation(n)
    place = np.argsort(order)
    turned = replace(
        data,
        rows=data.rows.assign(course=place[data.rows["course"]]).sort_values(
            ["course", "months"], ignore_index=True
        ),
        starts=data.starts.assign(course=place[data.starts["course"]]),
        until=data.until[order],
        ended=data.ended[order],
        reach=data.reach[order],
        organisation=np.array([f"x{name}" for name in data.organisation])[order],
        cluster=1000 - data.cluster[order],
        case_mix=data.case_mix[order],
    )
    asked = {"what": [ANY], "protocol": TrialProtocol(), "limits": TrialLimits(), "replicates": 0}
    for one, other in zip(emulate(data, **asked).answers, emulate(turned, **asked).answers, strict=True):
        assert one.verdict.reasons == other.verdict.reasons
        for name in ("weighted", "augmented"):
            before, after = getattr(one.found, name), getattr(other.found, name)
            np.testing.assert_allclose(before.estimate[-1], after.estimate[-1], rtol=1e-4)
        np.testing.assert_allclose(
            one.found.weighted.estimate[1], other.found.weighted.estimate[1], rtol=SAME
        )
        np.testing.assert_allclose(
            one.found.weighted.std_error[1], other.found.weighted.std_error[1], rtol=SAME
        )


def test_a_scale_turned_round_turns_the_difference_round(benchmark: ModuleType) -> None:
    data = benchmark.simulate(benchmark.TRUTHS[1], np.random.default_rng(4))
    turned = replace(data, rows=data.rows.assign(score=100 - 2 * data.rows["score"]), sign=1.0)
    asked = {
        "what": [ANY],
        "protocol": TrialProtocol(months=(3.0,)),
        "limits": TrialLimits(),
        "replicates": 0,
    }
    one, other = (emulate(each, **asked).answers[0] for each in (data, turned))
    assert one.verdict.fine
    np.testing.assert_allclose(
        other.found.weighted.estimate[1], -2 * one.found.weighted.estimate[1], rtol=SAME
    )
    np.testing.assert_allclose(other.by_g_formula.estimate, -2 * one.by_g_formula.estimate, rtol=SAME)


@pytest.mark.parametrize("seed", range(6))
def test_pieces_and_strategies_are_those_of_a_plain_look(benchmark: ModuleType, seed: int) -> None:
    """Random protocols on random courses, one trial at a time in plain Python."""
    rng = np.random.default_rng(seed)
    truth = replace(benchmark.TRUTHS[1], families=60)
    data = benchmark.simulate(truth, rng)
    extra = data.starts.assign(
        months=data.starts["months"] + rng.uniform(0, 6, len(data.starts)), code="other"
    )
    starts = pd.concat([data.starts, extra])
    starts = starts[starts["months"] < data.until[starts["course"]]].reset_index(drop=True)
    protocol = TrialProtocol(
        lookback=float(rng.uniform(2, 4)), progress=float(rng.integers(0, 2)),
        washout=None if rng.random() < 0.5 else float(rng.uniform(0, 4)),
        grace_weeks=float(rng.uniform(2, 7)), later="none" if rng.random() < 0.5 else "as_usual",
    )  # fmt: skip
    time = cut_courses(data.rows, starts, until=data.until, ended=data.ended, protocol=protocol, sign=-1.0)
    pieces = time.pieces
    for course in range(truth.families):
        mine, own = pieces[pieces["course"] == course], starts[starts["course"] == course]["months"]
        waves = data.rows[data.rows["course"] == course]["months"].to_numpy()
        assert mine["start"].iloc[0] == waves[0]
        np.testing.assert_allclose(mine["start"].to_numpy()[1:], mine["stop"].to_numpy()[:-1])
        assert int(mine["ended"].sum()) == int(data.ended[course])
        for piece in mine.itertuples():
            assert piece.started == bool(((own >= piece.start) & (own < piece.stop)).any())
    trials, _ = start_trials(time, month=3.0, protocol=protocol, reach=data.reach)
    both = follow_strategies(trials, what="other", protocol=protocol)
    assert len(trials.start)
    for place in range(len(trials.start)):
        course, start = trials.course[place], trials.start[place]
        own = starts[starts["course"] == course].sort_values("months")
        waves = data.rows[data.rows["course"] == course]
        now = float(waves[waves["months"] == start]["score"].iloc[0])
        then = waves[waves["months"] <= start - protocol.lookback + 0.5]["score"]
        assert then.iloc[-1] - now <= protocol.progress
        before = own[own["months"] < start]["months"]
        if protocol.washout is None:
            assert before.empty
        else:
            assert before.empty or start - before.iloc[-1] >= protocol.washout - SAME
        following = waves[waves["months"] > start]["months"]
        decided = min(start + protocol.grace, following.min() if len(following) else np.inf)
        later = own[own["months"] >= start]
        first, code = (later["months"].iloc[0], later["code"].iloc[0]) if len(later) else (np.inf, "")
        near = waves[(waves["months"] > start) & ((waves["months"] - start - 3).abs() <= protocol.window)]
        seen = len(near) > 0
        if seen:
            outcome = near.iloc[(near["months"] - start - 3).abs().argmin()]
            assert trials.outcome[place] == outcome["score"]
        with_it = seen and first < decided and code == "other"
        free = first >= (outcome["months"] if seen else 0)
        without = seen and (free if protocol.later == "none" else first >= decided)
        assert both[0].seen[place] == with_it
        assert both[1].seen[place] == without


def test_nobody_s_outcome_hangs_on_one_organisation_that_records_nothing(benchmark: ModuleType) -> None:
    data = benchmark.simulate(benchmark.TRUTHS[1], np.random.default_rng(5))
    silent = data.organisation[data.starts["course"].to_numpy()] == "o2"
    quiet = replace(data, starts=data.starts[~silent].reset_index(drop=True))
    asked = {
        "what": [ANY],
        "protocol": TrialProtocol(months=(3.0,)),
        "limits": TrialLimits(),
        "replicates": 0,
    }
    left_out = emulate(quiet, **asked)
    assert left_out.without == ("o2",)
    alone = emulate(without_organisation(data, "o2"), **asked)
    one, other = left_out.answers[0], alone.answers[0]
    assert len(one.found.trials.start) == len(other.found.trials.start)
    np.testing.assert_allclose(one.found.weighted.estimate[1], other.found.weighted.estimate[1], rtol=1e-3)


def test_doubts_say_nothing_where_nothing_can_be_said(benchmark: ModuleType) -> None:
    """The score before, and families without intervention: there no difference can have been made."""
    found = {"earlier_score": [], "weighted": [], "before_after": []}
    for number in range(12):
        data = benchmark.simulate(benchmark.TRUTHS[1], np.random.default_rng([6, number]))
        told = emulate(
            data, what=[ANY], protocol=TrialProtocol(months=(3.0,)), limits=TrialLimits(), replicates=0
        )
        rng = np.random.default_rng(number)
        answer = told.answers[0]
        looks = doubts_about(told, answer, protocol=TrialProtocol(), limits=TrialLimits())
        looks += nothing_done(answer, TrialLimits(), rng)
        by_check = {doubt.check: doubt for doubt in looks}
        assert by_check["lowest_without_one"].estimate <= answer.found.weighted.estimate[1]
        assert by_check["highest_without_one"].estimate >= answer.found.weighted.estimate[1]
        assert abs(by_check["exchangeable"].estimate - answer.found.weighted.estimate[1]) < 0.3
        assert evalue_of(answer).point > 1
        for check, values in found.items():
            values.append(by_check[check].estimate)
    assert np.mean(found.pop("before_after")) < -1  # what a useless intervention looks like without a trial
    for check, values in found.items():
        assert abs(np.mean(values)) < 3 * np.std(values, ddof=1) / np.sqrt(len(values)), check


def test_the_two_that_move_most_are_found_without_leaving_out_all(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the weights held: as near as the estimates that all organisations give when left out in turn."""
    for number in range(3):
        data = benchmark.simulate(benchmark.TRUTHS[1], np.random.default_rng([7, number]))
        protocol = TrialProtocol(months=(3.0,))
        told = emulate(data, what=[ANY], protocol=protocol, limits=TrialLimits(), replicates=0)
        looks = []
        for most in (30, 1):
            monkeypatch.setattr(doubts, "_ALL_LEFT_OUT", most)
            found = doubts_about(told, told.answers[0], protocol=protocol, limits=TrialLimits())
            looks.append({doubt.check: doubt for doubt in found})
        whole, quick = looks
        for check in ("lowest_without_one", "highest_without_one"):
            assert abs(whole[check].estimate - quick[check].estimate) < 0.1 * whole[check].std_error
        assert whole["lowest_without_one"].estimate <= quick["lowest_without_one"].estimate
        assert whole["highest_without_one"].estimate >= quick["highest_without_one"].estimate


def test_no_overlap_no_number(benchmark: ModuleType) -> None:
    """Who starts is told exactly by the score: no family has its like on the other side."""
    data = benchmark.simulate(replace(benchmark.TRUTHS[0], families=400), np.random.default_rng(7))
    waves = data.rows[data.rows["months"] >= 3]
    firsts = waves[waves["score"] >= 26].drop_duplicates("course")
    starts = pd.DataFrame({"course": firsts["course"], "months": firsts["months"] + 0.1, "code": "a"})
    inside = starts["months"].to_numpy() < data.until[starts["course"]]
    sharp = replace(data, starts=starts[inside].reset_index(drop=True))
    told = emulate(
        sharp, what=[ANY], protocol=TrialProtocol(months=(3.0,)), limits=TrialLimits(), replicates=0
    )
    assert not told.answers[0].verdict.fine


@pytest.mark.filterwarnings("error")
def test_small_and_empty_studies_are_refused_not_broken(benchmark: ModuleType) -> None:
    for families in (1, 3, 12, 40):
        data = benchmark.simulate(replace(benchmark.TRUTHS[1], families=families), np.random.default_rng(8))
        told = emulate(
            data, what=[ANY, "none_such"], protocol=TrialProtocol(), limits=TrialLimits(), replicates=0
        )
        assert not any(answer.verdict.fine for answer in told.answers)
    nothing: TrialData = replace(data, starts=data.starts.iloc[:0])
    told = emulate(nothing, what=[ANY], protocol=TrialProtocol(), limits=TrialLimits(), replicates=0)
    assert all(answer.verdict.reasons[0] == "few_treated" for answer in told.answers)


def test_stability_is_about_not_being_worse(benchmark: ModuleType) -> None:
    data = benchmark.simulate(benchmark.TRUTHS[1], np.random.default_rng(9))
    named = replace(data, starts=data.starts.assign(code="critical_maximum"))
    protocol = TrialProtocol(months=(3.0,), stable=1.0)
    told = emulate(
        named, what=["critical_maximum", ANY], protocol=protocol, limits=TrialLimits(), replicates=0
    )
    stable, score = told.answers
    assert stable.stability
    assert not score.stability
    seen = stable.found.seen
    np.testing.assert_array_equal(stable.found.outcome[seen], (stable.change[seen] <= 1).astype(float))
    assert stable.found.weighted.estimate[1] > 0  # an intervention that helps: fewer are worse
    assert score.found.weighted.estimate[1] < 0


def test_without_interventions_the_question_does_not_arise(example: Study) -> None:
    tables = {name: table for name, table in example.tables.items() if name != "interventions"}
    with pytest.raises(NotApplicableError, match="no interventions") as caught:
        emulate_target_trial(replace(example, tables=tables))
    assert caught.value.code == "no_interventions_to_compare"


def test_impossible_choices_are_named(example: Study) -> None:
    with pytest.raises(ConfigError, match=r"netwrok_meeting.*network_meeting"):
        emulate_target_trial(example, interventions=["netwrok_meeting"])
    with pytest.raises(ConfigError, match="empty"):
        emulate_target_trial(example, interventions=[])
    with pytest.raises(ConfigError, match="deltas"):
        emulate_target_trial(example, deltas=())
    for wrong, named in (
        ({"stagnation": "x"}, "stagnation"), ({"later": "x"}, "later"), ({"grace_weeks": 0}, "grace_weeks"),
        ({"washout": -1}, "washout"), ({"months": ()}, "months"), ({"months": (1.0,)}, "grace"),
        ({"stable": -1}, "stable"), ({"window": 0}, "window"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=named):
            TrialProtocol(**wrong)
    for wrong in ({"overlap": 0}, {"truncation": 1.2}, {"families": 0}, {"imbalance": -1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            TrialLimits(**wrong)
