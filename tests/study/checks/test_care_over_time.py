"""Faults in the tables about care as a time line: one message each, that says what, where and what to do."""

from pathlib import Path

import numpy as np
import pytest

from mpg_research.study import check_study, course_frame, course_frames, load_study
from mpg_research.study.model import CheckReport
from tests.study.small import ITEMS, MEASUREMENTS, STUDY, small_study

HEADS = {
    "care": "family,episode,month,worker,contact_hours,n_visits,at_home,n_helpers,worker_change_reason",
    "events": "family,episode,date,event",
    "decisions": "family,episode,date,decision,family_asked,idea_followed",
    "domains": "family,episode,date,domain,severity,rater",
    "practice": "family,episode,date,rater,rater_role,outreach_presence",
    "goals": "family,episode,date,goal,attainment,set_by",
    "workers": "organisation,worker,start",
    "conditions": "organisation,year,condition,score",
}
# Rows without a fault: org_a has families 001, 003, ... with workers w1, w0, w2; all are helped in 2024.
SOUND = {
    "care": [
        "001,1,2024-01-01,w1,5,3,2,2,",
        "001,1,2024-02-01,w2,4,2,0,1,sudden",
        "002,1,2024-01-01,w2,,,,,",
    ],
    "events": ["001,1,2024-03-03,placement", "001,1,2025-02-02,eviction"],
    "decisions": ["001,1,2024-06-06,go_on,1,0", "002,1,2024-06-06,stop,0,"],
    "domains": [
        "001,1,2024-01-09,housing,4,w1",
        "001,1,2024-01-09,housing,3,w2",
        "001,1,2025-03-01,money,0,w1",
    ],
    "practice": ["001,1,2024-03-01,w1,family_worker,3", "001,1,2024-03-01,w2,colleague,4"],
    "goals": ["001,1,2024-03-01,g1,4.5,family", "001,1,2024-06-01,g1,6,family"],
    "workers": [
        *(f"org_a,w{number},2019-05-01" for number in range(3)),
        *(f"org_b,w{number},2023-12-01" for number in range(3)),
    ],
    "conditions": ["org_a,2024,structural_funding,4", "org_b,2024,structural_funding,2.5"],
}


def checked(folder: Path, **rows: list[str]) -> CheckReport:
    """The report on a small study with these tables, each with its sound rows unless others are given."""
    tables = {name: rows.get(name, SOUND[name]) for name in SOUND if not rows or name in rows}
    toml = STUDY + "".join(f'[tables.{name}]\nfile = "{name}.csv"\n' for name in tables)
    files = {f"{name}__csv": "\n".join([HEADS[name], *lines]) + "\n" for name, lines in tables.items()}
    return check_study(small_study(folder, toml=toml, **files))


def test_sound_tables_give_no_word(tmp_path: Path) -> None:
    report = checked(tmp_path)
    assert not report.problems, report.as_text()


FAULTS = {
    "two workers in one month": (
        {"care": [*SOUND["care"], "001,1,2024-02-01,w0,4,2,0,1,"]},
        "overlapping_workers", "error", ("2024-02", "w0", "w2", "row 3", "care.csv, row 5"),
    ),
    "a month twice": (
        {"care": [*SOUND["care"], "001,1,2024-02-01,w2,4,2,0,1,"]},
        "duplicate_care", "error", ("row 3", "care.csv, row 5"),
    ),
    "a month after the end": (
        {"care": [*SOUND["care"], "001,1,2025-01-01,w2,4,2,0,1,"]},
        "care_after_end", "warning", ("2025-01-01", "2024-12-31"),
    ),
    "a month before the start": (
        {"care": [*SOUND["care"], "001,1,2023-12-01,w2,4,2,0,1,"]},
        "care_before_start", "warning", ("2023-12-01", "2024-01-01"),
    ),
    "a day in a month": (
        {"care": ["001,1,2024-01-15,w1,5,3,2,2,"]}, "month_not_first_day", "warning", ("2024-01-15",),
    ),
    "more at home than visits": (
        {"care": ["001,1,2024-01-01,w1,5,3,4,2,"]}, "more_at_home", "error", ("4 visits at home of 3",),
    ),
    "hours of nobody": (
        {"care": ["001,1,2024-01-01,w1,5,3,3,0,"]}, "hours_without_helper", "error", ("5 hours", "0 helpers"),
    ),
    "a reason in no list": (
        {"care": ["001,1,2024-01-01,w1,5,3,3,1,ill"]}, "unknown_code", "error", ("ill", "planned, sudden"),
    ),
    "an event before the start": (
        {"events": ["001,1,2023-12-20,placement"]}, "event_before_start", "warning", ("2023-12-20",),
    ),
    "a decision after the end": (
        {"decisions": ["001,1,2025-02-20,stop,,"]}, "decision_after_end", "warning", ("2025-02-20",),
    ),
    "an idea of who was not asked": (
        {"decisions": ["001,1,2024-06-06,stop,0,1"]}, "idea_without_asking", "warning", ("idea",),
    ),
    "a severity of 5": (
        {"domains": ["001,1,2024-01-09,housing,5,"]}, "out_of_range", "error", ("5", "from 0 to 4"),
    ),
    "a severity before the start": (
        {"domains": ["001,1,2023-11-09,housing,3,"]}, "domain_before_start", "warning", ("2023-11-09",),
    ),
    "a domain in no list": (
        {"domains": ["001,1,2024-01-09,pets,3,"]}, "unknown_code", "warning",
        ("pets", "[vocabularies.domains]"),
    ),
    "one rater": (
        {"domains": ["001,1,2024-01-09,housing,3,w1", "003,1,2024-01-09,housing,3,w1"]},
        "one_rater", "warning", ("one rater", "2 rows"),
    ),
    "raters who never meet": (
        {"practice": ["001,1,2024-03-01,w1,family_worker,3", "001,1,2024-04-01,w2,colleague,4"]},
        "one_rater", "warning", ("none of 2 raters",),
    ),
    "a goal in words": (
        {"goals": ["001,1,2024-03-01,g1,nearly,family"]}, "not_a_number", "error", ("nearly",),
    ),
    "goals in words": (
        {"goals": ["001,1,2024-03-01,weer samen eten met oma op zondag,4,family"]},
        "goal_in_words", "warning", ("words of families",),
    ),
    "an unknown worker": (
        {"workers": SOUND["workers"], "care": [*SOUND["care"], "001,1,2024-03-01,w9,1,1,1,1,"]},
        "unknown_worker", "warning", ("w9 of org_a", "care.csv"),
    ),
    "an unknown rater": (
        {"workers": SOUND["workers"], "domains": [*SOUND["domains"], "002,1,2024-01-09,money,1,w7"]},
        "unknown_worker", "warning", ("rater w7 of org_b", "domains.csv"),
    ),
    "a worker who starts late": (
        {"workers": [*SOUND["workers"][:5], "org_b,w2,2024-03-01"]},
        "worker_starts_late", "warning", ("w2 of org_b", "2024-03-01"),
    ),
    "workers of nobody": (
        {"workers": [*SOUND["workers"], "org_c,w1,2020-01-01"]},
        "workers_of_unknown_organisation", "warning", ("org_c",),
    ),
    "conditions of nobody": (
        {"conditions": [*SOUND["conditions"], "org_c,2024,structural_funding,3"]},
        "conditions_of_unknown_organisation", "warning", ("org_c",),
    ),
    "a condition in no list": (
        {"conditions": ["org_a,2024,good_coffee,3"]}, "unknown_code", "warning",
        ("good_coffee", "[vocabularies.conditions]"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_said_once(tmp_path: Path, fault: str) -> None:
    rows, code, severity, said = FAULTS[fault]
    report = checked(tmp_path, **rows)
    (problem,) = report.problems
    assert problem.code == code
    assert problem.severity == severity
    assert problem.expected
    assert problem.remedy
    text = report.as_text()
    assert all(part in text for part in said), text


@pytest.mark.parametrize(
    ("referred", "code", "severity"),
    [
        ("2025-02-01", "end_before_referral", "error"),
        ("2024-05-01", "referred_after_start", "warning"),
        ("2023-11-01", None, None),
        ("", None, None),
    ],
)
def test_a_referral_comes_before_the_help(
    tmp_path: Path, referred: str, code: str | None, severity: str | None
) -> None:
    episodes = "family,episode,organisation,start,end,referred,region\n" + "".join(
        f"{number:03d},1,{'org_a' if number % 2 else 'org_b'},2024-01-01,2024-12-31,"
        f"{referred if number == 5 else '2023-12-24'},north\n"
        for number in range(1, 13)
    )
    report = check_study(small_study(tmp_path, episodes=episodes))
    assert [(each.code, each.severity) for each in report.problems] == ([(code, severity)] if code else [])


def test_drawn_faults_in_care_are_each_found_and_no_other(tmp_path: Path) -> None:
    """Months of care of twelve families with faults at random: every fault is counted, nothing else."""
    rng = np.random.default_rng(15)
    for number in range(6):
        faults = dict.fromkeys(
            ("overlapping_workers", "more_at_home", "hours_without_helper", "care_after_end"), 0
        )
        rows = []
        for family in range(1, 13):
            for month in range(1, 13):
                visits = int(rng.integers(0, 6))
                home, helpers = int(rng.integers(0, visits + 1)), int(rng.integers(1, 9))
                kind = rng.random()
                if kind < 0.05:
                    home, faults["more_at_home"] = visits + 1, faults["more_at_home"] + 1
                elif kind < 0.10:
                    helpers, faults["hours_without_helper"] = 0, faults["hours_without_helper"] + 1
                rest = f"{visits},{home},{helpers},"
                rows.append(f"{family:03d},1,2024-{month:02d}-01,w1,{1 + rng.random():.2f},{rest}")
                if kind > 0.95:
                    rows.append(f"{family:03d},1,2024-{month:02d}-01,w2,1,1,1,1,")
                    faults["overlapping_workers"] += 1
            if rng.random() < 0.4:
                rows.append(f"{family:03d},1,2025-0{rng.integers(1, 9)}-01,w1,1,1,1,1,")
                faults["care_after_end"] += 1
        rows = [rows[place] for place in rng.permutation(len(rows))]
        report = checked(tmp_path / str(number), care=rows)
        assert {code: n for code, n in report.counts.items() if n} == {
            code: n for code, n in faults.items() if n
        }


def test_numbers_for_times_are_looked_at_too(tmp_path: Path) -> None:
    toml = STUDY.replace("export_date = 2025-12-31\n", "").replace("months = [0, 6]", "months = [0, 3]")
    toml = toml.replace("primary_month = 6", "primary_month = 3") + '[time]\nkind = "numbers"\n'
    toml += "".join(f'[tables.{name}]\nfile = "{name}.csv"\n' for name in ("care", "workers", "events"))
    episodes = "family,organisation,worker,start,end\n" + "".join(f"{n},a,w1,0,12\n" for n in range(1, 6))
    measurements = "family,date," + ",".join(ITEMS) + "\n"
    measurements += "".join(
        f"{n},{month}," + ",".join(str(1 + (n + item) % 4) for item in range(10)) + "\n"
        for n in range(1, 6)
        for month in (0, 3)
    )
    report = check_study(
        small_study(
            tmp_path,
            toml=toml,
            episodes=episodes,
            measurements=measurements,
            care__csv="family,month,worker\n1,0,w1\n1,13,w1\n2,3,w1\n2,3,w2\n",
            workers__csv="organisation,worker,start\na,w1,2\na,w2,-100\n",
            events__csv="family,date,event\n1,-1,placement\n",
        )
    )
    found = {"care_after_end", "overlapping_workers", "worker_starts_late", "event_before_start"}
    assert {code for code, n in report.counts.items() if n} == found, report.as_text()


SECOND = """\
key = "strength"
name = "Strength (made up)"
abbreviation = "STR"
direction = "higher_is_better"
source = "made up for this test"
[items]
number = 3
minimum = 1
maximum = 5
"""


def two_instruments(folder: Path, analysis: str, *, measured: bool = True) -> Path:
    toml = STUDY.replace("[analysis]\n", f"[analysis]\n{analysis}\n")
    toml = toml.replace('constants = { instrument = "obvl_k" }\n', "")
    toml += '[instruments.strength]\nfile = "strength.toml"\n'
    head, *rows = MEASUREMENTS.splitlines()
    lines = [f"instrument,{head}", *(f"obvl_k,{row}" for row in rows)]
    if measured:
        lines += [f"strength,{row.rsplit(',', 10)[0]},5,1,2,,,,,,," for row in rows]
    return small_study(folder, toml=toml, measurements="\n".join(lines) + "\n", strength__toml=SECOND)


@pytest.mark.parametrize(
    ("analysis", "measured", "code", "said"),
    [
        (
            'instruments = ["obvl_k", "strength"]',
            False,
            "no_measurements",
            '"strength", one of the instruments',
        ),
        ('instruments = ["obvl_k", "stength"]', True, "unknown_instrument", "stength"),
        ('instruments = ["obvl_k", "obvl_k"]', True, "bad_value", "twice"),
        ('instrument = "strength"\ninstruments = ["obvl_k", "strength"]', True, "bad_value", "first among"),
    ],
)
def test_a_second_instrument_that_cannot_be_used(
    tmp_path: Path, analysis: str, measured: bool, code: str, said: str
) -> None:
    report = check_study(two_instruments(tmp_path, analysis, measured=measured))
    (problem,) = report.errors
    assert said in report.as_text()
    assert problem.code == code


def test_several_instruments_are_each_scored_and_the_first_is_primary(tmp_path: Path) -> None:
    study = load_study(two_instruments(tmp_path / "a", 'instruments = ["obvl_k", "strength"]'))
    assert study.config.analysis.instrument == "obvl_k"
    frames = course_frames(study)
    assert list(frames) == ["obvl_k", "strength"]
    assert set(frames["strength"].data["score"]) == {8.0}
    assert study.instruments["strength"].direction == "higher_is_better"
    alone = load_study(two_instruments(tmp_path / "b", 'instrument = "obvl_k"', measured=False))
    assert list(course_frames(alone)) == ["obvl_k"]
    for scores in (course_frame(study), frames["obvl_k"]):
        assert scores.data.equals(course_frame(alone).data)
    turned = load_study(two_instruments(tmp_path / "c", 'instruments = ["strength", "obvl_k"]'))
    assert course_frame(turned).instrument == "strength"
