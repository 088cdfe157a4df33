"""Respondents, episodes, and measurements outside the episode are read as the design says, and counted."""

from pathlib import Path

import pytest

from mpg_research import load_study
from mpg_research.study import course_frame

EPISODES = """\
family,organisation,worker,start,end,end_reason
F1,org_a,w1,2024-01-15,2024-07-15,01
F1,org_a,w1,2025-01-15,2025-06-15,01
F2,org_b,w1,2024-02-01,,
F3,org_b,w2,2024-03-01,2024-09-01,03
"""
# In the order of the cases of DESIGN section 5: too early, baseline window, course, follow-up,
# second episode; a second parent beside the first; a family without a first parent.
MEASURED = [
    ("F1", "first_parent", "2023-11-01"),
    ("F1", "first_parent", "2024-01-05"),
    ("F1", "first_parent", "2024-02-15"),
    ("F1", "first_parent", "2024-08-15"),
    ("F1", "first_parent", "2025-02-15"),
    ("F1", "second_parent", "2024-01-20"),
    ("F1", "second_parent", "2024-03-20"),
    ("F2", "second_parent", "2024-02-01"),
    ("F2", "second_parent", "2024-03-01"),
    ("F2", "grandmother", "2024-02-02"),
]
STUDY = """\
[study]
name = "decisions"
export_date = 2025-12-31
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = { instrument = "obvl_k" }
[vocabularies]
respondents = { grandmother = "grandmother" }
"""


@pytest.fixture
def study(tmp_path: Path):
    (tmp_path / "episodes.csv").write_text(EPISODES, encoding="utf-8")
    items = [f"item_{number:02d}" for number in range(1, 11)]
    lines = [",".join(["family", "respondent", "date", *items])]
    lines += [",".join([*row, *["2"] * 10]) for row in MEASURED]
    (tmp_path / "measurements.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return load_study(tmp_path)


def used(study, **choices) -> list[tuple[str, str, float]]:
    data = course_frame(study, **choices).data
    return [
        (str(row.family), str(row.respondent), round(row.months, 3))
        for row in data.sort_values(["family", "respondent", "months"]).itertuples()
    ]


def test_every_measurement_gets_its_phase(study) -> None:
    phases = study.scores.sort_values(["family", "respondent", "date"])["phase"]
    by_row = dict(zip(sorted(MEASURED), phases, strict=True))
    assert by_row["F1", "first_parent", "2023-11-01"] == "before"
    assert by_row["F1", "first_parent", "2024-01-05"] == "baseline"
    assert by_row["F1", "first_parent", "2024-02-15"] == "course"
    assert by_row["F1", "first_parent", "2024-08-15"] == "follow_up"
    assert by_row["F1", "first_parent", "2025-02-15"] == "course"
    assert by_row["F2", "second_parent", "2024-03-01"] == "course"


def test_default_is_one_respondent_and_the_first_episode(study) -> None:
    month = 31 / (365.25 / 12)
    assert used(study) == [
        ("F1", "first_parent", 0.0),
        ("F1", "first_parent", round(month, 3)),
        ("F2", "second_parent", 0.0),
        ("F2", "second_parent", round(29 / (365.25 / 12), 3)),
    ]


def test_both_respondents_and_all_episodes_on_request(study) -> None:
    assert len(used(study, respondents="both")) == 7
    assert len(used(study, episodes="all")) == 5
    assert len(used(study, respondents="both", episodes="all")) == 8


def test_flow_counts_what_was_used_and_why_the_rest_was_not(study) -> None:
    flow = course_frame(study).flow
    first, last = flow.steps[0], flow.steps[-1]
    assert (first.n_measurements, first.n_families) == (10, 3)  # the third was never measured
    assert (last.n_measurements, last.n_families, last.n_episodes) == (4, 2, 2)
    counts = [step.n_measurements for step in flow.steps]
    assert counts == sorted(counts, reverse=True)
    assert all(step.text for step in flow.steps)
    assert "4 measurements of 2 families" in flow.as_text()
