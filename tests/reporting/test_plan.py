"""A plan from the command line and by hand in its notebook."""

import csv
import json
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.plan import plan_by_hand, write_plan
from mpg_research.study import shipped_notebooks

SMALL = {"inputs": {"effect": -5, "organisations": 2, "waves": 4}, "vary": {"families": [30, 60]}}


def test_the_command_writes_a_page_per_language_and_the_numbers(tmp_path: Path, capsys) -> None:
    given = ["--set", "effect=-5", "--set", "organisations=2", "--set", "waves=4", "--vary", "families=30,60"]
    assert main(["plan", *given, "--simulations", "50", "--jobs", "1", "--output", str(tmp_path)]) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["plan.csv", "plan_en.html", "plan_nl.html"]
    for language in ("nl", "en"):
        page = (tmp_path / f"plan_{language}.html").read_text(encoding="utf-8")
        assert not inspect_page(page, language=language)
        assert "{" not in page[page.index("<main") :]
    with (tmp_path / "plan.csv").open(encoding="utf-8-sig") as file:
        assert {row["families"] for row in csv.DictReader(file)} == {"30", "60"}
    assert "60 gezinnen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--set", "effect=0"], "effect = 0"),
        ([], "no effect for the question"),
        (
            ["--set", "effect=-3", "--set", "icc_family=0.9", "--set", "icc_worker=0.2"],
            "less than 1 together",
        ),
        (["--set", "effect=-3", "--set", "waves=1"], "waves = 1"),
        (["--set", "effect=-3", "--set", "familys=3"], "Did you mean"),
        (["--set", "effect=-3", "--set", "families=1e9"], "families"),
        (["--set", "effect"], "expected NAME=VALUE"),
        (["--set", "effect=-3", "--vary", "families=100,100"], "each value once"),
        (["--set", "effect=-3", "--simulations", "1"], "simulations = 1"),
        (["--set", "effect=-3", "--question", "wonder"], "no question 'wonder'"),
        (["--set", "effect=-3", "--power", "0.01"], "more than alpha"),
    ],
)
def test_what_is_no_plan_gets_one_message_and_no_file(
    tmp_path: Path, capsys, given: list[str], said: str
) -> None:
    assert main(["plan", *given, "--output", str(tmp_path / "plan")]) > 1
    told = capsys.readouterr().err
    assert told.count("mpg:") == 1
    assert said in told
    assert not (tmp_path / "plan").exists()


def test_a_file_of_a_plan_is_read_and_options_go_before_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('question = "mean_change"\nsimulations = 50\n[inputs]\neffect = -5\nwaves = 4\n', "utf-8")
    made = write_plan(file, languages=["en"], inputs=["families=40", "organisations=1"], jobs=1)
    assert made.files == ()
    assert "margin" in str(made)


def test_the_notebook_makes_its_plan_or_says_why_not() -> None:
    cells = json.loads((shipped_notebooks() / "plan_study.ipynb").read_text(encoding="utf-8"))["cells"]
    parameters, last = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    names: dict[str, object] = {}
    exec(compile(parameters, "parameters", "exec"), names)
    assert set(names["inputs"]) | set(names["vary"]) == {"effect", "families"}
    exec(compile(last, "last", "exec"), {**names, **SMALL, "simulations": 50})
    found = plan_by_hand(language="nl", inputs={"families": 40}, simulations=50)
    assert found.files == ()
    assert "Er is geen plan gemaakt" in found._repr_html_()
