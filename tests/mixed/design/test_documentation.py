"""What docs/reference/for_r_and_spss_users.md says about models and names is true."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mpg_research.mixed import AR1, CAR1, VarianceBy, fit_mixed
from mpg_research.mixed.covariance.registered import STRUCTURES
from mpg_research.mixed.covariance.series_structure import SeriesStructure
from mpg_research.mixed.design.build import design_problem
from mpg_research.mixed.formula.parse import FUNCTIONS

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "reference" / "for_r_and_spss_users.md").read_text()
DATA = pd.read_csv(ROOT / "tests" / "oracles" / "mixed" / "families.csv").assign(
    wave=lambda frame: frame.groupby("family").cumcount() + 1,
    flag=lambda frame: frame["sex"] == "girl",
    w=1.0,
)
CELL = re.compile(r"(?<!\\)\|")


def rows(heading: str) -> list[list[str]]:
    """The cells of every table under a heading, without the header lines."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip().replace("\\|", "|") for cell in CELL.split(line)[1:-1]] for line in lines]


RANDOM = [cells[-1].strip("`") for cells in rows("One model, four programs") if cells[-1].startswith("`(")]


@pytest.mark.parametrize("term", RANDOM)
def test_every_random_term_of_the_table_is_read(term: str) -> None:
    problem, _ = design_problem(f"score ~ months + {term}", DATA)
    assert problem.random


def test_the_residual_structures_of_the_table_exist() -> None:
    named = {
        name
        for cells in rows("One model, four programs")
        for name in re.findall(r"residual=(\w+)", cells[-1])
    }
    assert named == {one.structure.__name__ for one in STRUCTURES}
    page = (ROOT / "docs" / "reference" / "covariance_structures.md").read_text()
    assert all(f"| `{one.usage}` |" in page for one in STRUCTURES)
    fit = fit_mixed("score ~ wave + (1 | family)", DATA, residual=AR1("wave", within="family"), weights="w")
    assert fit.convergence
    (both,) = (cells[-1] for cells in rows("One model, four programs") if "residual=(" in cells[-1])
    parts = re.findall(r'(\w+)\("(\w+)"(?:, within="(\w+)")?\)', both)
    assert [name for name, *_ in parts] == ["CAR1", "VarianceBy"]
    (_, time, within), (_, stratum, _) = parts
    data = DATA.assign(months=DATA["months"] + DATA["wave"] / 10)
    residual = (CAR1(time, within=within), VarianceBy(stratum))
    assert len(fit_mixed("score ~ wave + (1 | family)", data, residual=residual).residual_parameters) == 2


def test_the_structure_of_the_page_runs() -> None:
    page = (ROOT / "docs" / "reference" / "covariance_structures.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {"data": DATA.drop_duplicates(["family", "months"])}
    exec(code, names)
    assert names["fit"].convergence
    listed = set(re.findall(r"`(\w+)(?:\([^`]*\))?`", page.split("| member |")[1].split("\n\n")[0]))
    members = {"slopes", "bends", "combination", "start", "start_from", "learn", "read", "refusal", "faces"}
    assert members | {"meanings", "covers"} <= listed
    assert all(hasattr(SeriesStructure, name) for name in members)


def test_names_of_terms() -> None:
    formula = (
        "score ~ months * organisation + poly(months, 2) + bs(months, df=4) + log(months + 1) + I(months^2)"
        " + flag + C(wave) + (1 | organisation:family)"
    )
    problem, design = design_problem(formula, DATA)
    known = {*problem.x_names, *design.aliased, *(term.group for term in problem.random)}
    named = [cells[1] for cells in rows("Names of terms")[1:]]
    said = [re.findall(r"`([^`]+)`", cell)[0] for cell in named]
    assert len(said) == 10
    assert not [name for name in said if name not in known]


def test_the_functions_of_formulas() -> None:
    listed = re.search(r"Functions are `([^`]+)`", TEXT)
    assert listed is not None
    assert set(listed.group(1).split()) == set(FUNCTIONS)


def test_questions_of_the_table_are_methods_of_a_fit() -> None:
    fit = fit_mixed("score ~ months * organisation + (1 | family)", DATA)
    asked = {name for cells in rows("Asking the fit") for name in re.findall(r"`fit\.(\w+)", cells[-1])}
    assert len(asked) > 10
    assert not [name for name in asked if not hasattr(fit, name)]
