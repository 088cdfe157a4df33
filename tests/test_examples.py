"""Every example in the documentation of the package gives what it says it gives."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Modules with an example; looked up in the text, so that collecting the tests imports none of them.
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "mpg_research").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert found.attempted
    assert not found.failed


def test_examples_of_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for page in PAGES:
        found = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS, encoding="utf-8")
        assert not found.failed, page.name


def test_no_example_is_skipped() -> None:
    for path in (*(ROOT / "mpg_research").rglob("*.py"), *PAGES):
        assert "doctest: +SKIP" not in path.read_text(encoding="utf-8"), path.name
