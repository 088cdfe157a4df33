"""The figures of attacks stand in both data-protection pages as the command writes them."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("attack_figures", ROOT / "benchmarks" / "attack_figures.py")
FIGURES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(FIGURES)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_pages_have_the_table_that_the_command_writes(language: str) -> None:
    path = ROOT / "docs" / "reference" / f"data_protection.{language}.md"
    assert path.read_text(encoding="utf-8") == FIGURES.page(language)


def test_figures_that_are_not_there_yet_are_said_to_be_missing() -> None:
    attack = {"en": "one way", "nl": "een manier", "before": [2, 3]}
    assert "| one way | 2 of 3 | not counted yet |" in FIGURES.table([attack], "en")
    assert "| een manier | 2 van 3 | 0 van 9 |" in FIGURES.table([{**attack, "worked": 0, "tried": 9}], "nl")


def test_both_pages_have_the_same_parts() -> None:
    shapes = []
    for language in ("nl", "en"):
        text = (ROOT / "docs" / "reference" / f"data_protection.{language}.md").read_text(encoding="utf-8")
        shapes.append(re.findall(r"^(?:#+|\||-)", text, flags=re.MULTILINE))
    assert shapes[0] == shapes[1]
