"""The overview stays as it lies there while nothing that it is made of changed, and is made anew else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from mpg_research.reporting.notebooks import find_notebooks
from mpg_research.reporting.run import index
from mpg_research.reporting.run.fingerprint import read_inputs
from mpg_research.study import read_config, shipped_example


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Write the overview; how many pages were made for it."""
    monkeypatch.setenv("MPG_CACHE", str(tmp_path / "cache"))
    config = read_config(shipped_example())
    inputs = read_inputs(config)

    def make(**changed: object) -> int:
        notebooks = changed.pop("notebooks", None) or find_notebooks()
        with patch.object(index, "index_page", wraps=index.index_page) as page:
            index.write_index(
                tmp_path / "reports",
                config,
                notebooks=notebooks,  # type: ignore[arg-type]
                inputs=replace(inputs, **changed),  # type: ignore[arg-type]
            )
        return page.call_count

    return make


def test_nothing_changed_nothing_made(made: Callable[..., int], tmp_path: Path) -> None:
    assert made() == 2
    pages = {path.name: path.read_bytes() for path in (tmp_path / "reports").glob("*.html")}
    assert set(pages) == {"index.html", "index.en.html"}
    assert made() == 0
    assert pages == {path.name: path.read_bytes() for path in (tmp_path / "reports").glob("*.html")}


def test_whatever_it_is_made_of_makes_it_due(made: Callable[..., int], tmp_path: Path) -> None:
    assert made() == 2
    for part in ("data", "settings", "code", "words", "versions"):
        assert made(**{part: {"x": "changed"}}) == 2, part
    assert made(notebooks=dict(list(find_notebooks().items())[:2])) == 2
    manifest = tmp_path / "reports" / "funder" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"format": 3, "steps": {}}), encoding="utf-8")
    assert made() == 2
    assert made() == 0


def test_a_page_that_was_changed_or_is_gone_is_made_again(made: Callable[..., int], tmp_path: Path) -> None:
    made()
    page = tmp_path / "reports" / "index.en.html"
    whole = page.read_bytes()
    page.write_text("changed by hand", encoding="utf-8")
    assert made() == 2
    assert page.read_bytes() == whole
    page.unlink()
    assert made() == 2
    assert page.read_bytes() == whole


def test_what_is_stored_is_believed_only_whole(made: Callable[..., int], tmp_path: Path) -> None:
    made()
    (stored,) = (tmp_path / "cache").rglob("*.result")
    stored.write_bytes(stored.read_bytes()[:-3])
    assert made() == 2


def test_without_a_place_to_store_it_is_made_every_time(
    made: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPG_CACHE", "off")
    assert [made(), made()] == [2, 2]
