"""Rules of disclosure that a study loosened are named on the pages that they touch, and in the index."""

import json
from pathlib import Path

import pytest

from mpg_research.reporting.run.run import run_study

NAMED = "[disclosure]\nname_organisations_to_funder = true\n"
REASON = "reason = { nl = 'Zo <b>afgesproken</b>.', en = 'As agreed.' }\n"
NOTEBOOKS = ["01_data_quality", "report_funder", "report_organisation"]


def pages(study: Path, rules: str, out: Path, notebooks: Path, language: str = "nl") -> dict[str, str]:
    """What stands above the content of each page, and the index."""
    with (study / "study.toml").open("a", encoding="utf-8") as file:
        file.write(rules)
    summary = run_study(
        study, reports=out, notebooks=notebooks, only=NOTEBOOKS, language=[language], jobs=1,
        allow_modified=True,
    )  # fmt: skip
    assert summary.exit_code == 0, [each.reason for each in summary.outcomes]
    files = {f"{each.step.role}": f"{each.step.recipient}/{each.step.key}.html" for each in summary.outcomes}
    texts = {name: (summary.folder / file).read_text("utf-8") for name, file in files.items()}
    return {**texts, "index": (summary.folder / "index.html").read_text("utf-8")}


def looser_part(page: str) -> str:
    start = page.find('<div class="looser"')
    return "" if start < 0 else page[start : page.index("</div>", start)]


def test_a_rule_is_named_where_it_touches_and_nowhere_else(
    study: Path, notebooks: Path, tmp_path: Path
) -> None:
    found = pages(study, NAMED + REASON, tmp_path / "out", notebooks)
    parts = {name: looser_part(page) for name, page in found.items()}
    assert not parts["researcher"]
    assert not parts["organisation"]
    for name in ("funder", "index"):
        assert "name_organisations_to_funder" in parts[name]
        assert "versoepeld" in parts[name]
        assert "Zo &lt;b&gt;afgesproken&lt;/b&gt;." in parts[name]
    manifests = {
        role: json.loads((tmp_path / "out/small" / role / "manifest.json").read_bytes())["steps"]
        for role in ("funder", "researcher")
    }
    (entry,) = manifests["funder"].values()
    assert entry["disclosure"] == {
        "private": False,
        "looser": [{"setting": "name_organisations_to_funder", "value": True, "default": False}],
        "reason": {"nl": "Zo <b>afgesproken</b>.", "en": "As agreed."},
    }
    (entry,) = manifests["researcher"].values()
    assert entry["disclosure"] == {"private": False}


def test_without_a_reason_the_pages_say_so(study: Path, notebooks: Path, tmp_path: Path) -> None:
    rules = "[disclosure]\nminimum_families = 5\nminimum_other_organisations = 2\n"
    found = pages(study, rules, tmp_path / "out", notebooks)
    for page in found.values():
        assert "minimum_families" in looser_part(page)
        assert "minimum_other_organisations" in looser_part(page)
        assert "Er is geen reden vastgelegd." in looser_part(page)


def test_the_defaults_are_not_named(study: Path, notebooks: Path, tmp_path: Path) -> None:
    rules = "[disclosure]\nminimum_families = 12\npublic_groups = false\n"
    assert not any(map(looser_part, pages(study, rules, tmp_path / "out", notebooks).values()))


def test_pages_made_before_a_change_stay_named_in_the_index(
    study: Path, notebooks: Path, tmp_path: Path
) -> None:
    """Who makes one page anew by stricter rules has the others still by the looser ones."""
    found = pages(study, NAMED + REASON, tmp_path / "out", notebooks)
    assert looser_part(found["index"])
    text = (study / "study.toml").read_text("utf-8").replace("funder = true", "funder = false")
    (study / "study.toml").write_text(text, "utf-8")
    run_study(
        study,
        reports=tmp_path / "out",
        notebooks=notebooks,
        only=["01_data_quality"],
        jobs=1,
        allow_modified=True,
    )
    assert looser_part((tmp_path / "out/small/index.html").read_text("utf-8"))
    run_study(
        study,
        reports=tmp_path / "out",
        notebooks=notebooks,
        only=["report_funder"],
        jobs=1,
        allow_modified=True,
    )
    assert not looser_part((tmp_path / "out/small/index.html").read_text("utf-8"))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_each_rule_has_words_of_its_own(language: str) -> None:
    from mpg_research.present.language.phrases import phrases_in
    from mpg_research.study.config.looser_rules import _RULES

    phrases = phrases_in(language)
    for setting in _RULES:
        assert phrases.placeholders(f"page.looser_rule.{setting}") <= {"setting", "value", "default"}
