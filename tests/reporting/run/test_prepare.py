"""What pages share is imported before their processes are made."""

import os
from pathlib import Path

import pytest

from mpg_research.reporting.run.prepare import prepare_process
from mpg_research.reporting.warm.pool import open_pool
from mpg_research.reporting.warm.work import Work
from mpg_research.study.shipped import shipped_notebooks
from tests.reporting.run import sharing


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_page_with_its_analyses_imports_nothing_that_its_parent_could_have(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPG_CACHE", str(tmp_path / "cache"))
    notebook = shipped_notebooks() / "report_organisation.ipynb"
    parameters = {"study": str(study), "language": "nl", "organisation": "org_a", "output": str(tmp_path)}
    work = Work(
        "a", f"{sharing.__name__}:new_modules", {}, ({"source": str(notebook), "parameters": parameters},)
    )
    given = {
        "study": str(study),
        "many": True,
        "analyses": {"comparison": {"verb": "compare_organisations", "options": {}}},
    }
    with open_pool(1, function=f"{sharing.__name__}:prepare", given=given, fork=True) as pool:
        assert pool.prepare()["missing"] == ["comparison"]
        (ended,) = (ended for ended in pool.run([work]) if ended.what != "begins")
    assert ended.what == "done", ended.error
    ours = tuple(f"mpg_research.{room}" for room in ("disclosure", "present", "reporting"))
    slow = ("babel", "matplotlib", "nbconvert", "papermill", "pingouin", "pyarrow", "scipy", "statsmodels")
    assert [name for name in ended.result if name.startswith((*ours, *slow))] == []


@pytest.mark.parametrize("cache", ["off", "in the way/cache"])
def test_without_a_store_no_analysis_is_made_beforehand(
    cache: str, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in the way").write_text("a file where the folder would be")
    asked = {"quality": {"verb": "describe_quality", "options": {}}}
    given = {"study": str(study), "many": False, "is_first": True, "analyses": asked}
    monkeypatch.setenv("MPG_CACHE", str(tmp_path / "cache"))
    assert prepare_process(given)["missing"] == ["quality"]
    monkeypatch.setenv("MPG_CACHE", cache if cache == "off" else str(tmp_path / cache))
    assert prepare_process(given)["missing"] == []
