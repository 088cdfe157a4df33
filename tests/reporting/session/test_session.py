import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpg_research import describe_quality
from mpg_research.errors import ConfigError
from mpg_research.reporting.session.decisions import Choices, describe_decisions
from mpg_research.reporting.session.session import MARK, Shown, begin, find_study
from mpg_research.reporting.session.session_record import Record, _json
from mpg_research.study import read_config, shipped_example


def test_by_hand_the_example_is_the_study_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = begin("report_organisation")
    assert session.study.folder == shipped_example()
    assert session.organisation == next(iter(session.study.config.organisations))
    session.table(describe_quality(session.study), "overview")
    assert list(tmp_path.iterdir()) == []


def test_a_study_is_found_from_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "mine").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert find_study("data/mine") == tmp_path / "data" / "mine"
    assert find_study("elsewhere") == Path("elsewhere")


def test_what_is_shown_is_marked_and_written_and_the_record_holds_what_was_released(
    study: Path, tmp_path: Path
) -> None:
    session = begin("01_data_quality", study=str(study), language="nl", output=str(tmp_path / "out"))
    shown = session.table(describe_quality(session.study), "sample_flow")
    data, metadata = shown._repr_mimebundle_()
    assert "<table>" in data["text/html"]
    assert metadata == {MARK: {"released_to": "researcher"}}
    assert (tmp_path / "out" / "tables" / "sample_flow.csv").is_file()
    record = json.loads((tmp_path / "out" / "session.json").read_bytes())
    result = record["results"]["data_quality"]
    flow = result["sample_flow"]
    assert [row["step"] for row in flow[:2]] == ["helped", "read"]
    # To the nearest five, as on the page.
    assert len(session.study.tables["episodes"]) == 12
    assert flow[0]["n_families"] == 10
    assert {"code": "synthetic_data", "level": "info"} in result["notes"]
    assert result["verb"] == "", "the notebook called the function itself"
    (of_table,) = record["shown"].values()
    assert (of_table["name"], of_table["result"]) == ("sample_flow", "data_quality")
    assert of_table["cells"]["sample_flow"]["rows"] == len(flow)
    assert record["rules"]["minimum_families"] == 10


def test_two_tables_of_one_name_on_a_page_have_files_and_ids_of_their_own(
    study: Path, tmp_path: Path
) -> None:
    session = begin("01_data_quality", study=str(study), language="nl", output=str(tmp_path / "out"))
    one, other = (session.analyse(verb) for verb in ("describe_quality", "describe_measurement"))
    for result in (one, other, one):
        session.table(result, "sample_flow")
    names = {path.name for path in (tmp_path / "out" / "tables").iterdir()}
    assert names == {"sample_flow.csv", "sample_flow-describe_measurement.csv"}
    shown = json.loads((tmp_path / "out" / "session.json").read_bytes())["shown"]
    assert {each["result"]: each["name"] for each in shown.values()} == {
        "describe_quality": "sample_flow",
        "describe_measurement": "sample_flow-describe_measurement",
    }


def test_a_part_of_a_result_and_the_same_analysis_asked_otherwise_are_told_apart() -> None:
    record = Record(None, {"results": {}})
    outer = Outer(inner=object())
    record.asked(outer, "evaluate_signals", {"folds": 5})
    assert record._how_asked(outer) == ("evaluate_signals", "", {"folds": 5})
    assert record._how_asked(outer.inner) == ("evaluate_signals", "inner", {"folds": 5})
    assert record._how_asked(object()) == ("", "", None)


@dataclass(frozen=True)
class Outer:
    """A result with another one in it."""

    inner: object


def test_what_json_has_no_word_for_is_text_in_the_record() -> None:
    values = {"a": (1, 2.5), "b": float("inf"), "c": Outer(1), "d": {3: None}, "e": {"y", "x"}}
    assert _json(values) == {"a": [1, 2.5], "b": "inf", "c": "Outer", "d": {"3": None}, "e": ["x", "y"]}


def test_an_organisation_that_is_not_there_is_refused(study: Path) -> None:
    with pytest.raises(ConfigError, match="no organisation 'org_z'"):
        begin("report_organisation", study=str(study), organisation="org_z")


def test_an_unknown_parameter_is_refused_inside_the_kernel() -> None:
    with pytest.raises(ConfigError, match='did you mean "study"'):
        begin("01_data_quality", studdy="x")


def test_a_bundle_with_metadata_of_its_own_is_marked_too() -> None:
    presented = SimpleNamespace(_repr_mimebundle_=lambda include, exclude: ({"text/plain": "a"}, {"b": 1}))
    assert Shown(presented, "funder")._repr_mimebundle_() == (
        {"text/plain": "a"},
        {MARK: {"released_to": "funder"}},
    )


def test_the_decisions_follow_the_configuration_in_both_languages(study: Path) -> None:
    parameters = {
        "respondents": "both",
        "episodes": "all",
        "case_mix": ["child_age", "<b>"],
        "formula": "score ~ months + covariate_1 + covariate_2",
        "df": "kenward-roger",
        "adjust": "holm",
    }
    config = read_config(study)
    texts = {
        language: str(
            describe_decisions(
                config,
                [Choices("organisations", parameters, 0.9)],
                instrument=None,
                outcome="raw",
                language=language,
                show_model=True,
            )
        )
        for language in ("nl", "en")
    }
    assert "Measurements up to 30 days before" in texts["en"]
    assert "All respondents of a family count" in texts["en"]
    assert "All periods of help" in texts["en"]
    assert "age of the child, <b>" in texts["en"]
    assert "Model: score ~ months + child_age + <b>" in texts["en"]
    assert "90% confidence intervals" in texts["en"]
    assert "fewer than 10 families" in texts["en"]
    assert "Kenward en Roger" in texts["nl"]
    assert texts["nl"].count("\n") == texts["en"].count("\n")


def test_the_decisions_escape_what_comes_from_a_study(study: Path) -> None:
    decisions = describe_decisions(
        read_config(study),
        [Choices("trajectory", {"formula": "a", "case_mix": ["<script>"]}, 0.95, ("<script> of 12",))],
        instrument=None,
        outcome="",
        language="nl",
    )
    assert "<script>" not in decisions._repr_mimebundle_()["text/html"]
