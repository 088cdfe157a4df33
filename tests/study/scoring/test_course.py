"""The measurements of an analysis, and the flow of the sample, against a study counted by hand."""

from pathlib import Path

import pytest

from mpg_research.errors import ConfigError, DataError
from mpg_research.study import Study, course_frame, load_study
from tests.study.small import small_study

ITEMS = ",".join(f"item_{number:02d}" for number in range(1, 11))
FULL, PART = ",".join(["2"] * 10), ",".join(["2"] * 9 + [""])
STUDY = """\
[study]
name = "by-hand"
export_date = 2025-12-31
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
[analysis]
instrument = "obvl_k"
"""
EPISODES = """\
family,episode,organisation,worker,start,end,child_age,single_parent
A,1,x,w1,2024-01-01,2024-06-30,5,ja
A,2,x,w1,2025-01-01,,6,ja
B,1,x,w1,2024-01-01,,7,nee
C,1,y,w1,2024-01-01,2024-03-31,8,
"""
# family, respondent, date, answers; the comment says where it ends.
ROWS = [
    ("A", "second_parent", "2023-12-15", FULL),  # baseline, but another respondent is declared
    ("A", "first_parent", "2023-11-01", FULL),  # before the window
    ("A", "first_parent", "2023-12-20", FULL),  # baseline: used
    ("A", "first_parent", "2024-04-01", FULL),  # used
    ("A", "first_parent", "2024-05-01", PART),  # an item is missing: no score
    ("A", "first_parent", "2024-09-01", FULL),  # after the end
    ("A", "first_parent", "2025-02-01", FULL),  # second episode
    ("B", "second_parent", "2024-02-01", FULL),  # B has no first parent: who has most scores, used
    ("B", "second_parent", "2024-03-01", FULL),  # used
    ("B", "grandmother", "2024-02-01", FULL),
    ("C", "first_parent", "2024-02-01", PART),  # the first parent of C has no score ...
    ("C", "second_parent", "2024-02-01", FULL),  # ... so the other one is declared; no single_parent known
]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    rows = "".join(f"{','.join(row)}\n" for row in ROWS)
    return load_study(
        small_study(
            tmp_path, toml=STUDY, episodes=EPISODES, measurements=f"family,respondent,date,{ITEMS}\n{rows}"
        )
    )


def steps(study: Study, **choices: object) -> dict[str, tuple[int, int, int]]:
    flow = course_frame(study, **choices).flow  # type: ignore[arg-type]
    return {step.code: (step.n_measurements, step.n_families, step.n_episodes) for step in flow.steps}


def test_phases_and_episodes(study: Study) -> None:
    assert study.scores["episode"].tolist() == ["1", "1", "1", "1", "1", "1", "2", "1", "1", "1", "1", "1"]
    assert study.scores["phase"].tolist() == [
        "baseline", "before", "baseline", "course", "course", "follow_up", "course",
        "course", "course", "course", "course", "course",
    ]  # fmt: skip
    assert study.checks.counts == {"unknown_code": 1, "before_start": 1, "after_end": 1, "few_families": 2}


def test_declared_respondents(study: Study) -> None:
    declared = study.scores[study.scores["declared_respondent"]]
    chosen = declared.groupby("family")["respondent"].unique().map(list).to_dict()
    assert chosen == {"A": ["first_parent"], "B": ["second_parent"], "C": ["second_parent"]}


def test_the_flow_by_default(study: Study) -> None:
    assert steps(study) == {
        "helped": (12, 3, 4),
        "read": (12, 3, 4),
        "instrument": (12, 3, 4),
        "answered": (12, 3, 4),
        "dated": (12, 3, 4),
        "not_before": (11, 3, 4),
        "in_course": (10, 3, 4),
        "scored": (8, 3, 4),
        "respondent": (6, 3, 4),
        "first_episode": (5, 3, 3),
        "analysed": (5, 3, 3),
    }


def test_the_flow_with_everyone_and_all_episodes(study: Study) -> None:
    got = steps(study, respondents="both", episodes="all")
    assert got["analysed"] == (8, 3, 4)
    assert {"respondent", "first_episode"}.isdisjoint(got)


def test_case_mix_is_joined_and_its_gaps_are_counted(study: Study) -> None:
    course = course_frame(study, case_mix=["child_age", "single_parent"])
    assert course.data["family"].tolist() == ["A", "A", "B", "B"]
    assert course.data["child_age"].tolist() == [5.0, 5.0, 7.0, 7.0]
    assert course.data["single_parent"].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert [step.code for step in course.flow.steps][-2:] == ["case_mix", "analysed"]


def test_columns_and_order(study: Study) -> None:
    data = course_frame(study).data
    assert list(data) == ["family", "episode", "organisation", "worker", "respondent", "months", "score"]
    assert data["months"].tolist()[0] == 0.0
    assert data["score"].tolist() == [20.0] * 5
    assert data.index.tolist() == list(range(5))


def test_a_family_that_was_first_scored_in_its_second_episode(tmp_path: Path) -> None:
    rows = f"A,first_parent,2024-02-01,{PART}\nA,first_parent,2025-02-01,{FULL}\n"
    study = load_study(
        small_study(
            tmp_path, toml=STUDY, episodes=EPISODES, measurements=f"family,respondent,date,{ITEMS}\n{rows}"
        )
    )
    assert course_frame(study).data["episode"].tolist() == ["2"]


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"outcome": "tscore"}, 'Did you mean "t_score"'),
        ({"respondents": "all"}, '"declared" or "both"'),
        ({"episodes": "last"}, '"first" or "all"'),
        ({"instrument": "obvl"}, "expected one of obvl_k"),
        ({"case_mix": ["child_aeg"]}, 'Did you mean "child_age"'),
    ],
)
def test_choices_that_do_not_exist(study: Study, choices: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        course_frame(study, **choices)  # type: ignore[arg-type]


def test_nothing_left_says_where_it_went(study: Study) -> None:
    with pytest.raises(DataError, match="with a T-score: 0 measurements"):
        course_frame(study, outcome="t_score")
