"""What describes a recipient's folder, from a manifest made by hand."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from mpg_research.reporting.record.crate import crate_of
from mpg_research.reporting.record.outputs import outputs_of
from mpg_research.reporting.record.write import records_of, write_records
from mpg_research.reporting.session.reference import reference_of

REFERENCE = reference_of("report_funder", "tables", "change")
CELLS = {"rows": 2, "cells": 20, "rows_suppressed": 1, "suppressed": 3, "rounded": 4}


def entry(language: str) -> dict[str, Any]:
    return {
        "notebook": "report_funder",
        "language": language,
        "role": "funder",
        "parameters": {"language": language},
        "fingerprint": "f" * 64,
        "inputs": {
            "hash": "sha256 of something",
            "data": {"raw file.csv": "a" * 64},
            "settings": {"study.toml": "b" * 64},
            "notebook": "c" * 64,
            "code": {"analysis": "d" * 64},
            "words": {},
        },
        "versions": {"mpg_research": "1.2.3", "numpy": "2.0"},
        "outputs": {
            f"{language}/report_funder.html": "1" * 64,
            f"{language}/notebooks/report_funder.ipynb": "2" * 64,
            f"{language}/tables/report_funder/change.csv": "3" * 64,
            f"{language}/tables/report_funder/change-more.csv": "4" * 64,
        },
        "rules": {"minimum_families": 10},
        "results": {
            "fit_trajectory": {
                "kind": "trajectory",
                "verb": "fit_trajectory",
                "module": "mpg_research.analysis.growth.trajectory",
                "part": "",
                "options": {"shape": "spline"},
                "parameters": {"shape": "spline", "months": [0.0, 6.0], "nothing": None},
                "sample_flow": [{"step": "read", "n_families": None}, {"step": "analysed", "n_families": 40}],
                "notes": [{"code": "zero_variance", "level": "caution"}],
                "withheld": [{"table": "families", "code": "family_level"}],
                "model": {"converged": True, "singular": True, "reasons": ["zero_variance"]},
            }
        },
        "shown": {
            REFERENCE: {
                "kind": "tables",
                "name": "change",
                "result": "fit_trajectory",
                "cells": {"change": CELLS},
                "rules": ["small_groups"],
            }
        },
        "seeds": {"PYTHONHASHSEED": 0},
        "run": {"started": "2026-01-02T03:04:05+00:00", "host": "secret-host", "seconds": 1.0},
    }


@pytest.fixture
def manifest() -> dict[str, Any]:
    steps = {f"{language}/report_funder": entry(language) for language in ("nl", "en")}
    return {"format": 3, "study": "small", "recipient": "funder", "synthetic": True, "steps": steps}


def test_every_output_has_a_record_with_status_rules_cells_and_checksums(manifest: dict[str, Any]) -> None:
    found = outputs_of(manifest)
    record = found["results"][REFERENCE]
    assert record["status"] == "review", "something was hidden in it"
    assert record["summary"] == "review; 3 cells suppressed; 4 cells rounded"
    assert record["command"] == "fit_trajectory(study, shape='spline')"
    assert record["outcome"] == {"change": CELLS}
    assert record["files"] == [
        {"name": f"{code}/tables/report_funder/change.csv", "sha256": "3" * 64, "sdc": {"summary": CELLS}}
        for code in ("en", "nl")
    ]
    assert found["rules"] == {"minimum_families": 10}
    assert found["withheld"] == [
        {
            "notebook": "report_funder",
            "result": "fit_trajectory",
            "table": "families",
            "code": "family_level",
        }
    ]


def test_every_page_has_a_record_and_every_record_a_file(manifest: dict[str, Any]) -> None:
    results = outputs_of(manifest)["results"]
    page = results[reference_of("report_funder", "pages", "report_funder")]
    assert {file["name"] for file in page["files"]} == {
        f"{code}/{name}"
        for code in ("nl", "en")
        for name in ("report_funder.html", "notebooks/report_funder.ipynb")
    }
    assert all(record["files"] for record in results.values())


def test_where_nothing_was_hidden_the_status_is_pass(manifest: dict[str, Any]) -> None:
    for step in manifest["steps"].values():
        step["shown"][REFERENCE]["cells"] = {"change": {**CELLS, "suppressed": 0}}
    assert outputs_of(manifest)["results"][REFERENCE]["summary"] == "pass; 4 cells rounded"


def test_the_research_object_has_what_the_specification_demands(manifest: dict[str, Any]) -> None:
    graph = crate_of(manifest, {"outputs.json": "9" * 64})["@graph"]
    by_id = {each["@id"]: each for each in graph}
    assert len(by_id) == len(graph), "an id stands for one thing"
    descriptor, root = by_id["ro-crate-metadata.json"], by_id["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset"
    assert root["datePublished"] == "2026-01-02"
    assert by_id[root["license"]["@id"]]["description"]
    files = {each["name"] for each in graph if each["@type"] == "File"}
    assert files == {
        "outputs.json",
        *(name for step in manifest["steps"].values() for name in step["outputs"]),
    }
    assert {part["@id"] for part in root["hasPart"]} == {e["@id"] for e in graph if e["@type"] == "File"}
    used = {reference for each in graph for reference in references(each)}
    assert used - set(by_id) == {"https://w3id.org/ro/crate/1.1"}, "what is named is described"


def test_the_research_object_tells_inputs_by_reference_models_flow_and_what_was_hidden(
    manifest: dict[str, Any],
) -> None:
    graph = crate_of(manifest, {})["@graph"]
    named = {each.get("name"): each for each in graph}
    assert named["raw file.csv"]["identifier"] == "a" * 64
    assert named["raw file.csv"]["@id"] == "#input/raw%20file.csv"
    values = {each["name"]: each["value"] for each in graph if each["@type"] == "PropertyValue"}
    assert values["converged"] is True
    assert values["singular"] is True
    assert values["families: read"] == "suppressed"
    assert values["families: analysed"] == 40
    assert values["cells suppressed"] == 3
    assert values["tables withheld"] == "families (family_level)"
    assert values["PYTHONHASHSEED"] == 0


def test_records_hang_on_nothing_but_the_manifest_and_name_no_machine(manifest: dict[str, Any]) -> None:
    before = records_of(manifest)
    again = copy.deepcopy(manifest)
    for step in again["steps"].values():
        step["run"] |= {"started": "2026-01-02T23:00:00+00:00", "host": "another", "seconds": 9.0}
    assert records_of(again) == before
    assert not any(b"secret-host" in content for content in before.values())


def test_what_is_not_for_release_says_so_and_is_for_its_owner_only(
    tmp_path: Path, manifest: dict[str, Any]
) -> None:
    write_records(tmp_path, {**manifest, "private": "Not for release: a test."})
    for path in tmp_path.iterdir():
        assert "Not for release: a test." in path.read_text(encoding="utf-8")
        if os.name == "posix":
            assert path.stat().st_mode & 0o077 == 0


def test_records_are_written_once_and_not_for_an_empty_manifest(
    tmp_path: Any, manifest: dict[str, Any]
) -> None:
    write_records(tmp_path, {**manifest, "steps": {}})
    assert list(tmp_path.iterdir()) == []
    write_records(tmp_path, manifest)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert set(before) == {"manifest.json", "outputs.json", "ro-crate-metadata.json"}
    recorded = json.loads((tmp_path / "manifest.json").read_bytes())
    assert set(recorded["records"]) == {"outputs.json", "ro-crate-metadata.json"}
    write_records(tmp_path, recorded)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert json.loads((tmp_path / "outputs.json").read_bytes())["recipient"] == "funder"


def references(value: Any) -> list[str]:
    """Every id that an entity names."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            return [value["@id"]]
        return [each for part in value.values() for each in references(part)]
    return [each for part in value for each in references(part)] if isinstance(value, list) else []


def test_unchanged_records_are_left_alone_and_touched_ones_are_written_anew(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    write_records(tmp_path, manifest)
    recorded = json.loads((tmp_path / "manifest.json").read_bytes())
    names = ("outputs.json", "ro-crate-metadata.json")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    write_records(tmp_path, recorded, anew=False)
    assert {name: (tmp_path / name).read_bytes() for name in names} == before
    for name in names:
        (tmp_path / name).write_bytes(b"{}")
        write_records(tmp_path, recorded, anew=False)
        assert (tmp_path / name).read_bytes() == before[name]
