"""Models with almost as many coefficients as families are withheld, and nothing else for that reason."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mpg_research import fit_trajectory, load_study
from mpg_research.analysis import columns as declare
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, release
from mpg_research.disclosure.applied_rules import SETTING_OF
from mpg_research.present import say
from mpg_research.study import shipped_example
from tests.disclosure.made_results import MadeResult, made_policy, make_trajectory, result_of
from tests.present.edge_words import REASONS

READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
readers = pytest.mark.parametrize("reader", READERS, ids=[reader.role for reader in READERS])


def model(families: int, coefficients: int) -> MadeResult:
    """Coefficients of which only two are listed, an estimate of the same model, and something observed."""
    estimate = declare.modelled("estimate")
    listed = pd.DataFrame({"term": ["(Intercept)", "months"], "estimate": [20.0, -0.3]})
    courses = pd.DataFrame({"months": [0.0, 12.0], "estimate": [20.0, 16.4]})
    seen = pd.DataFrame({"months": [0.0, 12.0], "mean": [20.3, 16.1]})
    pooled = [data.assign(n_families=families, n_organisations=6) for data in (listed, courses, seen)]
    tables = (
        ResultTable("listed", pooled[0], (declare.coded("term"), estimate), n_coefficients=coefficients),
        ResultTable("courses", pooled[1], (declare.MONTHS.but(adds_up=""), estimate)),
        ResultTable("seen", pooled[2], (declare.MONTHS.but(adds_up=""), declare.observed("mean"))),
    )
    return result_of("made", *tables)


@readers
@pytest.mark.parametrize("rounding", [0, 5])
@pytest.mark.parametrize("minimum", [5, 10, 20])
def test_what_few_degrees_of_freedom_are_left_to_is_withheld(
    reader: Audience, rounding: int, minimum: int
) -> None:
    rng = np.random.default_rng(minimum)
    for _ in range(15):
        coefficients = int(rng.integers(2, 60))
        families = coefficients + int(rng.integers(0, 2 * minimum)) + minimum
        families = max(families - int(rng.integers(0, minimum + 1)), minimum)
        policy = made_policy(rounding=rounding, minimum_families=minimum)
        shown = release(model(families, coefficients), reader, policy=policy)
        few = families - coefficients < minimum
        assert ("listed" not in shown.tables, "courses" not in shown.tables) == (few, few)
        assert "seen" in shown.tables
        for name in ("listed", "courses") if few else ():
            reason = shown.reason_for(name)
            assert (reason.code, dict(reason.values)) == ("few_degrees_of_freedom", {"minimum": minimum})


def test_the_reason_is_a_rule_with_words_and_a_setting() -> None:
    assert "few_degrees_of_freedom" in REASONS
    assert SETTING_OF["few_degrees_of_freedom"] == "minimum_families"


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_page_says_why(language: str) -> None:
    result = make_trajectory(families=30)
    tables = {
        name: replace(table, n_coefficients=25 if name == "coefficients" else 0)
        for name, table in result.tables.items()
    }
    shown = release(replace(result, tables=tables), READERS[0], policy=made_policy(rounding=5))
    assert shown.reason_for("coefficients").code == "few_degrees_of_freedom"
    assert say(shown, "notes", language=language) is not None


def test_a_model_says_how_many_coefficients_it_has_those_of_organisations_too() -> None:
    found = fit_trajectory(load_study(shipped_example()))
    assert found.tables["coefficients"].n_coefficients == len(found.tables["coefficients"].data) == 5
