"""Each documented layout on a made file of its kind. All data here are synthetic: nobody is in them."""

import json
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from mpg_research.errors import ConfigError, DataError
from mpg_research.study import begin_study, check_study, load_study
from mpg_research.study.begin.presets import known_presets, preset_of
from mpg_research.study.config.study_toml import TableConfig
from mpg_research.study.files.read import read_table
from mpg_research.study.schemas import SCHEMAS

SCORE = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
TWICE = [{"linkId": "1", "answer": [{"valueInteger": 1}, {"valueInteger": 2}]}]
FAMILIES = range(1, 13)
EPISODES = "client,aanbieder,begindatum,einddatum\n" + "".join(
    f"D{each},{'linde' if each % 2 else 'kade'},2024-01-{each:02d},2024-12-31\n" for each in FAMILIES
)


def answers(family: int, month: int) -> list[int]:
    return [1 + (family + month + (item % 3 == 1)) % 4 for item in range(10)]


def started(folder: Path, measurements: str, content: str | bytes) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trajecten.csv").write_text(EPISODES, encoding="utf-8")
    (folder / measurements).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / "trajecten.csv", folder / measurements


def edit(study: Path, *changes: tuple[str, str]) -> None:
    """What the user fills in."""
    text = (study / "study.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, (old, text)
        text = text.replace(old, new)
    (study / "study.toml").write_text(text, encoding="utf-8")


def totals(study: Path) -> list[float]:
    scores = load_study(study).scores.sort_values(["family", "date"])
    return scores["raw"].tolist()


WANTED = [float(sum(answers(family, month))) for family in sorted(FAMILIES, key=str) for month in (1, 4)]


def test_every_preset_says_its_source_and_names_known_columns_only() -> None:
    for name, preset in known_presets().items():
        assert all((preset.source, preset.not_documented, preset.questions)), name
        for table, said in preset.tables.items():
            for column in (*said.columns, *said.values, *said.doubts):
                assert SCHEMAS[table].column(column) is not None, (name, column)
    with pytest.raises(ConfigError, match="limesurvey") as error:
        preset_of("limsurvey")
    assert "LimeSurvey, responses as CSV" in str(error.value)


def test_roqua(tmp_path: Path) -> None:
    lines = ["dossier_id,respondent_id,respondent_type,questionnaire_key,completed_at," +
             ",".join(f"v_{item}" for item in range(1, 11))]  # fmt: skip
    for family in FAMILIES:
        for month in (1, 4):
            for who, person in (("parent", 1), ("second_parent", 2)):
                shown = ",".join(map(str, answers(family, month)))
                when = f"2024-{month:02d}-15T09:30:00+01:00"
                lines.append(f"D{family},{family}{person},{who},obvlk,{when},{shown}")
    begun = begin_study(tmp_path / "s", started(tmp_path / "f", "export.csv", "\n".join(lines) + "\n"))
    config = tomllib.loads((begun.folder / "study.toml").read_text(encoding="utf-8"))
    assert config["tables"]["measurements"]["columns"]["family"] == "dossier_id"  # and not respondent_id
    assert config["tables"]["measurements"]["values"]["instrument"] == {"obvlk": "obvl_k"}
    assert check_study(begun.folder).ok
    study = load_study(begun.folder)
    assert set(study.scores["respondent"]) == {"first_parent", "second_parent"}
    first = study.scores[study.scores["respondent"] == "first_parent"].sort_values(["family", "date"])
    assert first["raw"].tolist() == WANTED
    assert "never respondent_id" in begun.as_text()


def test_roqua_with_obvl_and_obvl2_asks_for_the_sum_only(tmp_path: Path) -> None:
    head = ",".join(f"v_{item}" for item in range(1, 35))
    rows = [
        f"D{family},{who},{key},2024-01-15T09:30:00Z," + ",".join(["2"] * 34) + f",{60 + family}"
        for family in FAMILIES for who, key in (("parent", "obvl"), ("second_parent", "obvl2"))
    ]  # fmt: skip
    content = "\n".join([f"dossier_id,respondent_type,questionnaire_key,completed_at,{head},som", *rows])
    begun = begin_study(tmp_path / "s", started(tmp_path / "f", "export.csv", content))
    assert "Its reverse keys are not public" in begun.as_text()
    assert check_study(begun.folder).ok
    assert set(load_study(begun.folder).scores["instrument"]) == {"obvl"}


def test_cbs_beleidsinformatie_jeugd(tmp_path: Path) -> None:
    lines = ["Pseudoniem;Hulpvorm;Datum aanvang jeugdhulp;Datum einde jeugdhulp;Reden beëindiging jeugdhulp"]
    for family in FAMILIES:
        day = "00" if family == 3 else f"{family:02d}"
        lines.append(f"D{family};B;202401{day};20241231;0{1 + family % 5}")
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "cbs.csv").write_text("\n".join(lines) + "\n", encoding="cp1252")
    rows = [f"D{family},2024-{month:02d}-15," + ",".join(map(str, answers(family, month)))
            for family in FAMILIES for month in (1, 4)]  # fmt: skip
    head = "client,datum," + ",".join(f"obvlk_{item}" for item in range(1, 11))
    (folder / "obvlk.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    begun = begin_study(tmp_path / "s", [folder / "cbs.csv", folder / "obvlk.csv"])
    report = check_study(begun.folder)
    assert [problem.code for problem in report.errors] == ["missing_column"]  # who helps: only the user knows
    edit(begun.folder, ('# organisation = "..."', 'organisation = "Hulpvorm"'))
    assert check_study(begun.folder).ok
    study = load_study(begun.folder)
    assert sorted(study.tables["episodes"]["end_reason"].unique()) == [
        "as_planned", "early_agreed", "early_client", "early_provider", "external",
    ]  # fmt: skip
    third = study.tables["episodes"].set_index("family").loc["D3", "start"]
    assert third == pd.Timestamp("2024-01-15")  # a day of 00 is the middle of the month, and is told
    assert "incomplete_date" in {problem.code for problem in study.checks.problems}


def fhir(family: int, month: int, **changes: object) -> str:
    response = {
        "resourceType": "QuestionnaireResponse", "status": "completed",
        "questionnaire": "https://example.org/Questionnaire/obvlk|1.0",
        "subject": {"reference": f"Patient/D{family}"},
        "authored": f"2024-{month:02d}-15T10:00:00+01:00",
        "source": {"reference": f"RelatedPerson/P{family}"},
        "item": [{"linkId": "group", "item": [
            {"linkId": str(number), "answer": [{"valueCoding": {
                "code": f"a{answer}",
                "extension": [{"url": SCORE, "valueDecimal": answer}],
            }}]}
            for number, answer in enumerate(answers(family, month), start=1)
        ]}],
    }  # fmt: skip
    return json.dumps(response | changes)


def test_fhir_questionnaire_response(tmp_path: Path) -> None:
    lines = [fhir(family, month) for family in FAMILIES for month in (1, 4)]
    lines.insert(3, fhir(1, 2, status="entered-in-error"))
    begun = begin_study(tmp_path / "s", started(tmp_path / "f", "answers.ndjson", "\n".join(lines) + "\n\n"))
    report = check_study(begun.folder)
    assert report.ok
    assert [problem.row for problem in report.problems if problem.code == "not_completed"] == [4]
    assert totals(begun.folder) == WANTED
    assert "source refers to a person" in begun.as_text()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"resourceType": "Patient"}', "the line holds Patient"),
        ("[1, 2]", "the line holds list"),
        ("{not json", "the line is no JSON"),
        ("[" * 100_000, "the line is no JSON"),
        (fhir(1, 1, item=TWICE), "several answers"),
    ],
)
def test_lines_that_are_no_response_are_named(tmp_path: Path, line: str, found: str) -> None:
    (tmp_path / "a.ndjson").write_text(fhir(1, 1) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=found) as error:
        read_table(tmp_path / "a.ndjson", TableConfig(file="a.ndjson"))
    assert error.value.problems[0].row == 2


def test_redcap(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    once = ["record_id,redcap_event_name,redcap_data_access_group,startdatum,einddatum"]
    often = ["record_id,redcap_event_name,redcap_repeat_instance,obvlk_timestamp," +
             ",".join(f"obvlk_{item}" for item in range(1, 11)) + ",obvlk_complete"]  # fmt: skip
    for family in FAMILIES:
        once.append(f"{family},start_arm_1,{'linde' if family % 2 else 'kade'},2024-01-{family:02d},")
        for month in (1, 4):
            shown = ",".join(map(str, answers(family, month)))
            often.append(f"{family},month_{month}_arm_1,,2024-{month:02d}-15 10:11:12,{shown},2")
    (folder / "start.csv").write_text("\n".join(once) + "\n", encoding="utf-8")
    (folder / "obvlk.csv").write_text("\n".join(often) + "\n", encoding="utf-8")
    begun = begin_study(tmp_path / "s", [folder / "start.csv", folder / "obvlk.csv"])
    assert check_study(begun.folder).ok
    assert totals(begun.folder) == WANTED
    assert "is that the organisation?" in begun.as_text()


@pytest.mark.parametrize("heading", ["OBVLK[SQ{:03d}]", "OBVLK_SQ{:03d}"])
def test_limesurvey(tmp_path: Path, heading: str) -> None:
    head = '"id","submitdate","lastpage","startlanguage","seed","token",'
    lines = [head + ",".join(f'"{heading.format(item)}"' for item in range(1, 11))]
    number = 0
    for family in FAMILIES:
        for month in (1, 4):
            number += 1
            shown = ",".join(f'"{answer}"' for answer in answers(family, month))
            when = f"2024-{month:02d}-15 20:01:02"
            lines.append(f'"{number}","{when}","3","nl","123{number}","D{family}",{shown}')
    begun = begin_study(tmp_path / "s", started(tmp_path / "f", "results.csv", "\n".join(lines) + "\n"))
    config = tomllib.loads((begun.folder / "study.toml").read_text(encoding="utf-8"))
    assert config["tables"]["measurements"]["columns"]["family"] == "token"  # and not id
    assert check_study(begun.folder).ok
    assert totals(begun.folder) == WANTED
    assert "a token may be new at every wave" in begun.as_text()
