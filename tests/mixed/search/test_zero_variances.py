"""Every pattern of variances at zero: nested, crossed, with residual structures; by every rule."""

from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import AR1, CAR1, MixedFit, VarianceBy, fit_mixed
from mpg_research.mixed.covariance.random_part import lower_factor
from mpg_research.mixed.inference.information import information
from mpg_research.mixed.search.solution import MixedSolution, solve
from tests.mixed.random_models import LAYOUTS, random_model

RULES = ("satterthwaite", "kenward-roger", "residual", "normal")
LEVELS = ("family", "worker", "organisation")
PATTERNS = list(product((True, False), repeat=3))
RESIDUALS: dict[str, Any] = {
    "none": None,
    "AR1": AR1("wave", within="family"),
    "CAR1": CAR1("months", within="family"),
    "VarianceBy": VarianceBy("sex"),
    "both": (CAR1("months", within="family"), VarianceBy("sex")),
}
# The same numbers by two eliminations.
SAME = 1e-8


def _within(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Less the mean of each group, so that nothing varies between them."""
    return values - (np.bincount(codes, values) / np.bincount(codes))[codes]


def _nested(present: tuple[bool, ...], seed: int = 1) -> pd.DataFrame:
    """Families in workers in organisations; a level that is not present varies less than chance would."""
    rng = np.random.default_rng(seed)
    n_organisations, n_workers, n_families, waves = 5, 20, 80, 4
    organisation = np.arange(n_workers) % n_organisations
    worker = np.arange(n_families) % n_workers
    family = np.repeat(np.arange(n_families), waves)
    at_family = _within(rng.normal(0, 2, n_families), worker) if present[0] else np.zeros(n_families)
    at_worker = _within(rng.normal(0, 2, n_workers), organisation) if present[1] else np.zeros(n_workers)
    at_organisation = rng.normal(0, 3, n_organisations) if present[2] else np.zeros(n_organisations)
    noise = _within(rng.normal(size=family.size), family)
    x = _within(rng.normal(size=family.size), family)
    deep = worker[family]
    y = at_family[family] + at_worker[deep] + at_organisation[organisation[deep]] + noise + 0.3 * x
    wave = np.tile(np.arange(waves), n_families)
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "family": [f"f{one}" for one in family],
            "worker": [f"w{one}" for one in deep],
            "organisation": [f"o{one}" for one in organisation[deep]],
            "item": [f"i{one}" for one in (wave + family) % 6],
            "wave": wave,
            "months": wave + rng.uniform(0, 0.4, family.size),
            "sex": rng.choice(["boy", "girl"], family.size),
            "place": rng.normal(size=n_organisations)[organisation[deep]],
        }
    )


@cache
def _fitted(formula: str, present: tuple[bool, ...], kind: str = "none") -> MixedFit:
    return fit_mixed(formula, _nested(present), residual=RESIDUALS[kind])


def _answers(fit: MixedFit, rule: Any) -> None:
    """Tests and limits by a rule have numbers."""
    fit = replace(fit, df_rule=rule)
    fixed = fit.fixed
    assert np.all(np.isfinite(fixed[["estimate", "std_error", "statistic"]].to_numpy()))
    assert np.all(fixed["std_error"] > 0)
    assert np.all(fixed["df"] > 0)
    assert 0 <= fit.test("x").p_value <= 1
    assert np.all(np.isfinite(fit.solution.covariance))


@pytest.mark.parametrize("present", PATTERNS)
@pytest.mark.parametrize("rule", RULES)
def test_any_nested_levels_at_zero(present: tuple[bool, ...], rule: Any) -> None:
    fit = _fitted("y ~ x + place + (1 | organisation/worker/family)", present)
    names = [face.group for face in fit.solution.faces]
    zero = {name: bool(face.zero_sd) for name, face in zip(names, fit.solution.faces, strict=True)}
    assert list(zero.values()) == [not one for one in present], zero
    _answers(fit, rule)


@pytest.mark.parametrize("kind", [name for name in RESIDUALS if name != "none"])
@pytest.mark.parametrize("present", PATTERNS)
def test_any_nested_levels_at_zero_with_a_residual_structure(present: tuple[bool, ...], kind: str) -> None:
    fit = _fitted("y ~ x + (1 | organisation) + (1 | worker) + (1 | family)", present, kind)
    for rule in RULES:
        _answers(fit, rule)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (1 | family) + (1 | item)",
        "y ~ x + (1 + x | family) + (1 | item) + (1 | organisation)",
        "y ~ x + (1 + x || family) + (1 + x || worker)",
        "y ~ x + (1 | item)",
        "y ~ x + (0 + x | family) + (1 | worker)",
    ],
)
def test_other_terms_at_zero(formula: str, rule: Any) -> None:
    for present in ((False, False, False), (False, True, False), (True, False, False), (False, False, True)):
        _answers(_fitted(formula, present), rule)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | org/worker)", "y ~ x + (1 | org/worker/family)"])
def test_true_variances_of_zero_within_organisations_under_the_defaults(formula: str) -> None:
    zeros = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        org = np.repeat(np.arange(8), 24)
        data = pd.DataFrame({"org": org, "worker": np.arange(192) // 8, "family": np.arange(192) // 4})
        data["x"] = rng.normal(size=192)
        data["y"] = data["x"] + rng.normal(size=8)[org] + rng.normal(size=192)
        fit = fit_mixed(formula, data)
        _answers(fit, fit.df_rule)
        faces = {face.group: bool(face.zero_sd) for face in fit.solution.faces}
        zeros += faces[max(faces, key=len)] and not faces["org"]
    assert zeros >= 4


def _reduced(solution: MixedSolution) -> MixedSolution:
    """The model at the same theta without the columns whose variance is zero."""
    random, theta = [], []
    for index, term in enumerate(solution.problem.random):
        factor = solution.relative_factor(index)
        kept = [j for j in range(len(factor)) if np.any(factor[j] != 0)]
        if kept:
            names = tuple(term.term_names[j] for j in kept)
            random.append(replace(term, z=term.z[:, kept], term_names=names))
            theta.append(term.structure.pack(lower_factor(factor[kept])[:, : len(kept)]))
    problem = replace(solution.problem, random=tuple(random))
    given = np.concatenate([*theta, solution.residual_parameters])
    return solve(problem, method=solution.method, theta=given)


@pytest.mark.parametrize("layout", [one for one in LAYOUTS if one != "no random effects"])
def test_what_the_data_say_about_the_rest_is_that_of_the_model_without_them(layout: str) -> None:
    compared = 0
    for seed in range(24):
        structure = None if "nested" in layout and "crossed" not in layout else "none"
        corner = "zero terms" if seed % 2 else "zero variance"
        made = random_model(3000 + seed, layout=layout, corner=corner, structure=structure)
        full = solve(made.problem, method=made.method, theta=made.theta)
        if all(not np.any(full.relative_factor(t)) for t in range(len(made.problem.random))):
            # nothing random is left: the information is that of least squares
            assert information(full, "expected").matrix.shape[0] >= 1
            continue
        less = _reduced(full)
        assert less.log_likelihood == pytest.approx(full.log_likelihood, rel=SAME, abs=SAME)
        kinds = ("observed", "expected") if made.method == "REML" else ("observed",)
        for kind in kinds:
            whole, rest = (
                information(replace(one, message="converged", cache={}), kind) for one in (full, less)
            )
            # numbered by another basis of the same face, where that has more than one dimension
            assert whole.matrix.shape == rest.matrix.shape
            size = max(1.0, float(np.max(np.abs(whole.matrix))))
            assert np.linalg.eigvalsh(whole.matrix) / size == pytest.approx(
                np.linalg.eigvalsh(rest.matrix) / size, abs=SAME
            )
            compared += 1
    assert compared >= 12
