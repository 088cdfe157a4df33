"""Arguments that belong together: one object or keywords, with the same answer, and never two at odds."""

import ast
import inspect
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mpg_research
from mpg_research import analysis
from mpg_research.analysis import ErrorModel, Margin, Thresholds
from mpg_research.errors import ConfigError
from mpg_research.simulate.study import simulate_study
from mpg_research.study import Scores, course_frame, load_study
from mpg_research.study.model import Study
from mpg_research.study.which_scores import gather

GROUPS = (Scores(), ErrorModel(), Margin(), Thresholds())
#: A value of each part that is not its default.
VALUES = {
    "instrument": "obvl_k", "outcome": "raw", "respondents": "both", "episodes": "all", "reliability": 0.7,
    "sd": 5.0, "error_sd": 3.0, "delta": 4.0, "period": 3.0, "functional": (15.0, 4.0),
    "clinical": (26.0, 5.0), "cutoff": 21.0, "percentage": 0.4, "percentage_worse": 0.3, "important": 5.0,
    "important_worse": 4.0,
}  # fmt: skip
OTHERS = {name: "x" if isinstance(value, str) else 0.123 for name, value in VALUES.items()}
ASKED = [
    "compare_cohorts", "compare_organisations", "check_robustness", "course", "describe_measurement",
    "describe_missing", "emulate_target_trial", "evaluate_signals", "expected_course", "fit_trajectory",
    "read_courses", "reliable_change", "reliable_trend", "signals", "sudden_changes",
]  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("arguments") / "study"
    return load_study(simulate_study(folder, seed=3, families=60, organisations=3, truth_families=0))


def test_every_part_has_one_owner() -> None:
    names = [field.name for one in GROUPS for field in fields(one)]
    assert sorted(names) == sorted(set(names)) == sorted(VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_a_keyword_and_an_object_say_the_same(name: str) -> None:
    by_keyword = gather({name: VALUES[name]}, *GROUPS)
    owner = next(one for one in GROUPS if name in {field.name for field in fields(one)})
    in_object = tuple(replace(one, **{name: VALUES[name]}) if one is owner else one for one in GROUPS)
    assert by_keyword == in_object
    assert gather({name: VALUES[name]}, *in_object) == in_object  # said twice, the same
    assert gather({name: None}, *in_object) == in_object  # None says nothing
    with pytest.raises(ConfigError, match=f"{name} is said twice") as raised:
        gather({name: OTHERS[name]}, *in_object)
    assert f"{owner.keyword}={type(owner).__name__}({name}=" in str(raised.value)
    assert "Leave one of them out" in str(raised.value)


def test_parts_from_both_sides_add_up() -> None:
    (found,) = gather({"episodes": "all"}, Scores(respondents="both"))
    assert found == Scores(respondents="both", episodes="all")


def test_a_keyword_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"argument 'respondent'; beside others .*respondents"):
        gather({"respondent": "both"}, *GROUPS)


@pytest.mark.parametrize("name", ASKED)
def test_every_analysis_takes_the_scores_as_one_argument(name: str, study: Study) -> None:
    function = getattr(analysis, name)
    parameters = inspect.signature(function).parameters
    assert isinstance(parameters["scores"].default, Scores)
    # No analysis names the parts in its own signature again.
    assert not set(parameters) & {
        field.name for one in (Scores(), ErrorModel(), Margin()) for field in fields(one)
    }
    with pytest.raises(ConfigError, match="episodes is said twice"):
        function(study, scores=Scores(episodes="first"), episodes="all")
    with pytest.raises(TypeError, match="unexpected keyword argument 'episode'"):
        function(study, episode="all")


def test_inside_the_package_only_the_objects_are_passed_on() -> None:
    """No call in analysis passes the parts of `Scores` one by one."""
    parts = {"respondents", "episodes"}
    takers = {*ASKED, "course_frame", "help_periods", "choose_scores", "describe_family"}
    root = Path(mpg_research.__file__).parent / "analysis"
    found = []
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in takers:
                found += [f"{path.name}:{node.lineno}" for word in node.keywords if word.arg in parts]
    assert not found


def same(one: object, other: object) -> None:
    for name, table in one.tables.items():  # type: ignore[attr-defined]
        pd.testing.assert_frame_equal(table.data, other.tables[name].data)  # type: ignore[attr-defined]
    assert one.provenance.parameters == other.provenance.parameters  # type: ignore[attr-defined]


def test_old_keywords_and_objects_give_the_same_result(study: Study) -> None:
    whose = Scores(respondents="both", episodes="all")
    older = {"respondents": "both", "episodes": "all"}
    same(
        analysis.reliable_change(
            study, **older, reliability=0.8, sd=5.0, functional=(15.0, 5.0), important=4.0
        ),
        analysis.reliable_change(
            study, scores=whose, error=ErrorModel(reliability=0.8, sd=5.0),
            thresholds=Thresholds(functional=(15.0, 5.0), important=4.0),
        ),
    )  # fmt: skip
    same(
        analysis.course(study, **older, delta=4.0, period=3.0, error_sd=3.5),
        analysis.course(
            study, scores=whose, margin=Margin(delta=4.0, period=3.0), error=ErrorModel(error_sd=3.5)
        ),
    )
    same(analysis.reliable_trend(study, **older), analysis.reliable_trend(study, scores=whose))
    frame = course_frame(study, scores=whose)
    pd.testing.assert_frame_equal(frame.data, course_frame(study, **older).data)
    # What was in force can be asked for again.
    assert frame.scores == Scores(instrument="obvl_k", outcome="raw", respondents="both", episodes="all")
    pd.testing.assert_frame_equal(frame.data, course_frame(study, scores=frame.scores).data)


def test_what_an_analysis_has_no_use_for_is_refused_not_passed_over(study: Study) -> None:
    family = str(study.tables["episodes"]["family"].iloc[0])
    for refused, said in (
        (
            lambda: analysis.reliable_trend(study, error=ErrorModel(error_sd=3.0)),
            "error_sd=3.0 cannot be chosen",
        ),
        (lambda: analysis.reliable_change(study, error=ErrorModel(error_sd=3.0)), "give reliability and sd"),
        (lambda: analysis.sudden_changes(study, error=ErrorModel(error_sd=3.0)), "error_sd"),
        (
            lambda: analysis.evaluate_signals(study, scores=Scores(respondents="both")),
            "one declared respondent",
        ),
        (
            lambda: analysis.describe_family(study, family, scores=Scores(episodes="first")),
            "all that is known",
        ),
    ):
        with pytest.raises(ConfigError, match=said):
            refused()


def test_a_margin_is_about_six_months_unless_said_otherwise() -> None:
    assert (Margin().months, Margin(period=3).months) == (6.0, 3.0)
    assert np.isreal(Margin(delta=2.0).delta)
