"""Every problem is found, placed as a spreadsheet counts, and told with its remedy; all at once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import DataError
from mpg_research.study import check_study, load_study
from mpg_research.study.findings import LISTED_PER_CHECK, Findings, Places
from tests.study.small import EPISODES, MEASUREMENTS, STUDY, edited, small_study

ORGANISATIONS = '[organisations.org_a]\nname = "A"\n[organisations.org_b]\nname = "B"\n'
UNUSED = '[organisations.c]\nname = "C"\n'
FIRST = "001,1,first_parent,2024-01-15,"

# What is spoilt, the code of the finding, its row, and what the message must hold.
ERRORS = {
    "item_out_of_range": ({"measurements": (FIRST + "3", FIRST + "5")}, "out_of_range", 2, "from 1 to 4"),
    "item_zero": ({"measurements": (FIRST + "3", FIRST + "0")}, "out_of_range", 2, "item_01"),
    "item_with_a_fraction": ({"measurements": (FIRST + "3", FIRST + "2.5")}, "not_a_whole_number", 2, "2.5"),
    "item_with_a_word": ({"measurements": (FIRST + "3", FIRST + "vaak")}, "not_a_number", 2, "vaak"),
    "measured_twice": ({"measurements": ("001,1,first_parent,2024-04-15", "001,1,first_parent,2024-01-15")},
                       "duplicate_measurement", 3, "as row 2"),
    "family_unknown": ({"measurements": ("001,1,", "999,1,")}, "unknown_family", 2, "999"),
    "family_lost_its_zeros": ({"measurements": ("001,1,", "1,1,")}, "unknown_family", 2, "leading zeros"),
    "episode_unknown": ({"measurements": ("001,1,", "001,2,")}, "unknown_episode", 2, "no episode 2"),
    "family_empty": ({"measurements": ("001,1,", ",1,")}, "missing_value", 2, "empty cell"),
    "measured_in_the_future": ({"measurements": ("2024-01-15", "2026-01-15")}, "date_in_future", 2,
                               "2025-12-31"),
    "impossible_date": ({"measurements": ("2024-01-15", "2024-02-30")}, "impossible_date", 2, "2024-02-30"),
    "incomplete_date": ({"episodes": ("2024-12-31", "20241200")}, "incomplete_date", 2, "incomplete_dates"),
    "american_date": ({"measurements": ("2024-01-15", "01/15/2024")}, "impossible_date", 2, "%m/%d/%Y"),
    "end_before_start": ({"episodes": ("2024-12-31", "2023-12-31")}, "end_before_start", 2, "2023-12-31"),
    "episode_twice": ({"episodes": ("002,1", "001,1")}, "duplicate_episode", 3, "as row 2"),
    "organisation_undeclared": ({"episodes": ("001,1,org_a", "001,1,org_q")}, "unknown_organisation", 2,
                                "org_q"),
    "organisation_empty": ({"episodes": ("001,1,org_a", "001,1,")}, "missing_value", 2, "organisation"),
    "age_of_99": ({"episodes": ("4.125", "99")}, "out_of_range", 2, "from 0 to 25"),
    "decimals_mixed": ({"episodes": ("4.125", '"4,125"')}, "mixed_decimals", 2, "decimal commas"),
    "column_missing": ({"measurements": ("item_07", "question_7")}, "missing_column", 1, "item_07"),
    "id_column_missing": ({"measurements": ("family", "famly")}, "missing_column", 1, 'Did you mean "famly"'),
    "instrument_unknown": ({"toml": ('"obvl_k"', '"obvlk"')}, "unknown_instrument", 8,
                           'Did you mean "obvl_k"'),
    "case_mix_missing": ({"toml": ("[analysis]", '[analysis]\ncase_mix = ["income"]')}, "missing_column", 1,
                         "income"),
    "instrument_not_measured": ({"toml": ("[analysis]", '[analysis]\ninstrument = "obvl"')},
                                "no_measurements", None, "obvl"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: str, tmp_path: Path) -> None:
    changes, code, row, said = ERRORS[case]
    texts = {"toml": STUDY + ORGANISATIONS, "episodes": EPISODES, "measurements": MEASUREMENTS}
    for name, change in changes.items():
        texts[name] = edited(texts[name], change)
    folder = small_study(tmp_path, **texts)
    report = check_study(folder)
    found = [problem for problem in report.errors if problem.code == code]
    assert found, report.as_text()
    assert found[0].row == row
    assert said in str(found[0])
    assert found[0].remedy
    assert report.counts[code] >= 1
    with pytest.raises(DataError) as caught:
        load_study(folder)
    assert str(found[0]) in str(caught.value)


def test_the_unspoilt_study_has_no_findings(tmp_path: Path) -> None:
    report = check_study(small_study(tmp_path, toml=STUDY + ORGANISATIONS))
    assert report.problems == ()
    assert report.ok
    numbers = {line.code: line.value for line in report.summary if not line.part}
    assert (numbers["families"], numbers["measurements"], numbers["respondents"]) == (12, 36, 12)


def test_all_problems_at_once(tmp_path: Path) -> None:
    folder = small_study(
        tmp_path,
        episodes=edited(EPISODES, ("2024-12-31", "2023-12-31"), ("4.25", "x")),
        measurements=edited(MEASUREMENTS, (FIRST + "3", FIRST + "7"), ("2024-04-15", "2024-04-31")),
        events__csv="family,date,event\n999,2024-01-01,placement\n",
        toml=STUDY + '[tables.events]\nfile = "events.csv"\n',
    )
    assert set(check_study(folder).counts) == {
        "end_before_start", "not_a_number", "out_of_range", "impossible_date", "unknown_family",
    }  # fmt: skip


WARNINGS = {
    "measured_before": ({"measurements": (FIRST, FIRST.replace("2024-01", "2023-11"))}, "before_start"),
    "measured_after": ({"measurements": (FIRST, FIRST.replace("2024-01", "2025-01"))}, "after_end"),
    "never_measured": ({"episodes": ("012,1", "013,1,org_b,w1,2024-01-01,,4\n012,1")},
                       "family_without_measurements"),
    "organisation_never_used": ({"toml": ("[analysis]", ORGANISATIONS + UNUSED + "[analysis]")},
                                "organisation_without_families"),
    "overlap": ({"episodes": ("012,1", "011,2,org_a,w1,2024-06-01,,4\n012,1")}, "overlapping_episodes"),
    "few_families": ({"episodes": ("001,1,org_a", "001,1,org_c")}, "few_families"),
    "organisation_spelt_otherwise": ({"episodes": ("001,1,org_a", "001,1,Org A")}, "similar_organisations"),
    "no_date": ({"measurements": ("2024-01-15", "")}, "missing_date"),
}  # fmt: skip


@pytest.mark.parametrize("case", WARNINGS)
def test_oddities_are_counted_and_do_not_stop(case: str, tmp_path: Path) -> None:
    changes, code = WARNINGS[case]
    texts = {"toml": STUDY, "episodes": EPISODES, "measurements": MEASUREMENTS}
    for name, change in changes.items():
        texts[name] = edited(texts[name], change)
    study = load_study(small_study(tmp_path, **texts))
    assert study.checks.counts[code] == 1
    assert set(study.checks.counts) <= {code, "few_families"}
    assert {problem.severity for problem in study.checks.problems} == {"warning"}


def test_ids_that_are_no_pseudonyms_are_not_printed(tmp_path: Path) -> None:
    """111222333 passes the eleven test of the citizen service number; 123456789 does not."""
    for unsafe, what in (("111222333", "BSN"), ("a.b@c.nl", "e-mail")):
        folder = small_study(
            tmp_path / what, episodes=EPISODES.replace("001,1", f"{unsafe},1"),
            measurements=MEASUREMENTS.replace("001,1", f"{unsafe},1"),
        )  # fmt: skip
        report = check_study(folder)
        assert report.ok == (what == "BSN")  # one number may pass the test by chance; an address is no chance
        assert what in report.as_text()
        assert unsafe not in report.as_text()
    folder = small_study(
        tmp_path / "fine", episodes=EPISODES.replace("001,1", "123456789,1"),
        measurements=MEASUREMENTS.replace("001,1", "123456789,1"),
    )  # fmt: skip
    assert "unsafe_pseudonym" not in check_study(folder).counts


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "../../etc"])
def test_an_odd_name_of_an_organisation_is_data(name: str, tmp_path: Path) -> None:
    study = load_study(small_study(tmp_path, episodes=EPISODES.replace("org_a", name)))
    assert name in study.organisations
    assert study.organisation_name(name, "nl") == name


def test_missing_codes_of_the_study(tmp_path: Path) -> None:
    toml = edited(STUDY, ("constants", "missing_values = [99]\nconstants"))
    measurements = edited(MEASUREMENTS, (FIRST + "3", FIRST + "99"))
    study = load_study(small_study(tmp_path, toml=toml, measurements=measurements))
    assert np.isnan(study.tables["measurements"]["item_01"].iloc[0])
    assert study.scores["not_scored_reason"].iloc[0] == "items_missing"


def test_codes_of_the_export_are_translated(tmp_path: Path) -> None:
    toml = STUDY + '[tables.measurements.values.respondent]\nobvl = "first_parent"\nobvl2 = "second_parent"\n'
    text = edited(MEASUREMENTS.replace("first_parent", "obvl"), ("obvl", "obvl2"), ("obvl,", "parent,"))
    study = load_study(small_study(tmp_path, toml=toml, measurements=text))
    assert study.scores["respondent"].iloc[:2].tolist() == ["second_parent", "first_parent"]
    assert set(study.scores["respondent"]) == {"first_parent", "second_parent"}


def test_end_reasons_by_code_and_by_name(tmp_path: Path) -> None:
    lines = EPISODES.splitlines()
    reasons = ["end_reason", "03", "3", "early_client", "as_planned", "", *["05"] * 7]
    text = "\n".join(f"{line},{reason}" for line, reason in zip(lines, reasons, strict=True))
    got = load_study(small_study(tmp_path / "a", episodes=text)).tables["episodes"]["end_reason"]
    assert got.iloc[:4].tolist() == ["early_client"] * 3 + ["as_planned"]
    assert pd.isna(got.iloc[4])
    report = check_study(small_study(tmp_path / "b", episodes=edited(text, (",03\n", ",77\n"))))
    assert [problem.code for problem in report.errors] == ["unknown_code"]


def test_a_total_that_differs_from_the_items_is_odd(tmp_path: Path) -> None:
    lines = MEASUREMENTS.splitlines()
    sums = ["total"] + [str(sum(int(cell) for cell in line.split(",")[4:])) for line in lines[1:]]
    sums[1] = str(int(sums[1]) + 1)
    text = "\n".join(f"{line},{total}" for line, total in zip(lines, sums, strict=True))
    study = load_study(small_study(tmp_path, measurements=text))
    assert study.checks.counts == {"total_differs": 1}
    assert study.scores["raw"].iloc[0] == float(sums[1]) - 1


def test_incomplete_dates_are_the_middle_only_where_the_study_says_so(tmp_path: Path) -> None:
    toml = STUDY + '[time]\nincomplete_dates = "middle"\n'
    study = load_study(
        small_study(tmp_path, toml=toml, episodes=edited(EPISODES, ("2024-12-31", "20241200")))
    )
    assert study.tables["episodes"]["end"].iloc[0] == pd.Timestamp("2024-12-15")
    assert "incomplete_dates" in {note.code for note in study.notes}


def test_two_families_are_enough_to_be_read(tmp_path: Path) -> None:
    episodes = "\n".join(EPISODES.splitlines()[:3])
    measurements = "\n".join(MEASUREMENTS.splitlines()[:7])
    study = load_study(small_study(tmp_path, episodes=episodes, measurements=measurements))
    assert study.checks.counts == {"few_families": 2}


def test_optional_tables(tmp_path: Path) -> None:
    toml = STUDY + "".join(
        f'[tables.{name}]\nfile = "{name}.csv"\n' for name in ("care", "prices", "interventions")
    )
    study = load_study(
        small_study(
            tmp_path, toml=toml,
            care__csv="family;month;contact_hours;one_plan\n001;2024-03;2,5;ja\n001;15-04-2024;3;nee\n",
            prices__csv='item,year,unit_price\nplacement,2024,40000\n',
            interventions__csv="family,date,intervention\n001,2024-02-01,network_meeting\n001,2024-03-01,our_own\n",
        )
    )  # fmt: skip
    care = study.tables["care"]
    assert care["month"].tolist() == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-04-01")]
    assert care["contact_hours"].tolist() == [2.5, 3.0]
    assert care["one_plan"].tolist() == [True, False]
    of_prices = {"item_without_price", "price_without_use"}
    of_prices |= {f"price_without_{what}" for what in ("source", "payer", "kind")}
    assert study.checks.counts == {
        "unknown_code": 1,
        "month_not_first_day": 1,  # 2024-03 is a month
        **dict.fromkeys(of_prices, 1),
    }
    empty = small_study(tmp_path, toml=toml, prices__csv="item,year,unit_price\n")
    assert check_study(empty).counts == {"unknown_code": 1, "month_not_first_day": 1, "empty_table": 1}


def test_long_lists_are_cut_and_counted() -> None:
    findings = Findings()
    places = Places("f.csv", np.arange(2, 1002))
    findings.add_rows("x", places, "c", np.ones(1000, dtype=bool), lambda place: f"value {place}")
    listed = findings.listed()
    assert len(listed) == LISTED_PER_CHECK + 1
    assert f"{1000 - LISTED_PER_CHECK} more" in listed[-1].found
    assert findings.counts["x"] == 1000
