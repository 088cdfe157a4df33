"""Type III tests of formulas that leave out margins, and factors whose levels are numbers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import MixedFit, fit_mixed

ORACLES = Path(__file__).parents[2] / "oracles" / "mixed"
# At R's own theta.
CLOSED_FORM = 1e-5


def _noted(fit: MixedFit) -> set[frozenset[str]]:
    """The terms of which a note says that their test may not be lmerTest's."""
    notes = [note for note in fit.notes if note.code == "removed_margin"]
    assert len(notes) <= 1
    names = str(notes[0].values["terms"]).split(", ") if notes and notes[0].values["terms"] else []
    return {frozenset(name.split(":")) for name in names}


def _by_means(fit: MixedFit, term: str) -> float | None:
    """F of equally weighted means, or of their slope, for terms of one variable; x and z have mean 0."""
    if ":" in term:
        return None
    if term in ("x", "z"):
        return float(fit.slopes(term).test().statistic)
    return float(fit.means(term).contrasts(method="reference", adjust="none").test().statistic)


def test_tests_are_lmertests_or_a_note_says_that_they_average() -> None:
    data = pd.read_csv(ORACLES / "margins.csv")
    stored: list[dict[str, Any]] = json.loads((ORACLES / "margins.json").read_text(encoding="utf-8"))
    fits: dict[str, MixedFit] = {}
    equal = differing = averaged = 0
    smaller = set()
    for row in stored:
        formula = row["formula"]
        if formula not in fits:
            fits[formula] = fit_mixed(f"y ~ {formula} + (1 | g)", data, theta=[row["theta"]])
        fit = fits[formula]
        if any(note.values.get("smaller_in_r") for note in fit.notes):
            assert row["columns"] < len(fit.fixed)
            smaller.add(formula)
            continue
        assert fit.log_likelihood == pytest.approx(row["loglik"], abs=1e-6)
        found = fit.test(row["term"])
        same = found.df == row["df"] and found.statistic == pytest.approx(row["statistic"], rel=CLOSED_FORM)
        if frozenset(row["term"].split(":")) not in _noted(fit):
            assert same, row
            assert found.df_denominator == pytest.approx(row["df_denominator"], rel=1e-3)
            equal += 1
            continue
        differing += not same
        if formula.startswith("0 +"):
            continue  # all its means are zero: more than that they are equal
        wanted = _by_means(fit, row["term"])
        if wanted is not None:
            assert found.statistic == pytest.approx(wanted, rel=1e-5)
            averaged += 1
    assert equal > 60
    assert differing > 15
    assert averaged > 10
    assert len(smaller) > 3


def test_the_first_level_does_not_matter_to_a_test_that_averages() -> None:
    data = pd.read_csv(ORACLES / "margins.csv")
    one = fit_mixed("y ~ arm * sex - sex + (1 | g)", data)
    other = fit_mixed("y ~ arm * sex - sex + (1 | g)", data, reference={"sex": "m", "arm": "c"})
    assert one.test("arm").statistic == pytest.approx(other.test("arm").statistic, rel=1e-6)
    assert _noted(one) == {frozenset({"arm"})}
    assert not _noted(fit_mixed("y ~ arm * sex * x + (1 | g)", data))


@pytest.mark.parametrize(
    ("column", "term", "spoken"),
    [
        ([str(value) for value in range(20)], "score", True),
        ([f"{value},5" for value in range(20)], "C(score)", True),
        (list(range(20)), "C(score)", True),
        (list(range(20)), "score", False),
        ([str(value % 5) for value in range(20)], "C(score)", False),
        ([f"team {value}" for value in range(20)], "score", False),
    ],
)
def test_numbers_that_count_as_levels_are_spoken_of(column: list[Any], term: str, spoken: bool) -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"score": column * 6, "family": np.repeat(np.arange(12), 10)})
    data["y"] = rng.normal(size=120) + rng.normal(size=12)[data["family"]]
    fit = fit_mixed(f"y ~ {term} + (1 | family)", data)
    found = [note for note in fit.notes if note.code == "numbers_as_levels"]
    assert bool(found) == spoken
    if spoken:
        assert found[0].level == "caution"
        assert found[0].values["n_levels"] == 20
        assert "amount" in found[0].text
