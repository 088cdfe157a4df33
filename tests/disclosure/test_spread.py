"""No number over all organisations gives away the difference of one that is withheld: tried by solving."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.organisations.effects import OrganisationEffects
from mpg_research.analysis.robustness.same_conclusion import VERDICT_COLUMNS, judge, not_possible, verdict_row
from mpg_research.disclosure import Audience, release
from mpg_research.present import say, tabulate
from tests.disclosure.made_results import NAMES, flow_of, made_policy, make_organisations, result_of
from tests.disclosure.made_tables import made_table

READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "berk"))


def robustness(rng: np.random.Generator, sizes: dict[str, int], changes: dict[str, float]):
    """The tables of check_robustness as its own functions make them, of organisations with these changes."""
    keys, raw = tuple(sizes), np.array(list(changes.values()))
    covariance = np.diag(rng.uniform(0.2, 1.5, raw.size))
    families, df = np.array(list(sizes.values()), dtype=float), np.full(raw.size, 80.0)
    effects = OrganisationEffects(
        keys, families, 12.0, "fixed", raw, covariance, df, raw, covariance, 0.0, "low"
    )
    primary = judge(effects, level=0.95)
    rows = [verdict_row("primary", primary, primary, 0.95)]
    for name in ("unadjusted", "straight_line"):
        found = judge(effects, level=0.95, shift=rng.normal(0, 0.4, raw.size))
        rows.append(verdict_row(name, found, primary, 0.95))
    rows.append(not_possible("random"))
    data = pd.DataFrame(rows, columns=["variant", *VERDICT_COLUMNS])
    data["n_families"], data["n_organisations"] = int(families.sum()), len(keys)
    gaps = [(key, "no", "better", gap, sizes[key]) for key, gap in primary.difference.items()]
    named = pd.DataFrame(gaps, columns=["organisation", "primary", "side", "difference", "n_families"])
    own = ("organisation",)
    return result_of(
        "organisation_robustness",
        made_table("robustness", data, ("variant",), VERDICT_COLUMNS),
        made_table("named", named, own, ("primary", "side", "difference"), own, own),
        flow=flow_of(int(families.sum()) + 40, int(families.sum())),
    )


def numbers_of(released) -> list[float]:
    """Every number that is shown, of all tables but the flow."""
    found = []
    for name, table in released.tables.items():
        if name != "sample_flow":
            data = table.data.drop(columns=["n_families", "n_organisations", "suppressed"], errors="ignore")
            shown = data.select_dtypes("number").to_numpy(dtype=float).ravel()
            found += shown[np.isfinite(shown)].tolist()
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("audience", READERS, ids=lambda audience: audience.role)
def test_the_difference_of_two_follows_from_no_number(seed: int, audience: Audience) -> None:
    rng = np.random.default_rng(seed)
    keys = ["berk", *rng.choice(list(NAMES)[1:], 1)]
    sizes = {key: int(rng.integers(20, 90)) for key in keys}
    changes = {key: float(rng.normal(-4, 2)) for key in keys}
    gap = abs(changes[keys[0]] - changes[keys[1]])
    policy = made_policy(names={key: NAMES[key] for key in keys})
    for made in (robustness(rng, sizes, changes), make_organisations(sizes, changes)):
        released = release(made, audience, policy=policy)
        # A difference, half of it, its standard deviation (n - 1 or n), each way round.
        for number, factor in product(numbers_of(released), (1.0, 2.0, np.sqrt(2.0), np.sqrt(0.5), 0.5)):
            assert abs(abs(number) * factor - gap) > 1e-6
        assert "robustness" not in released.tables
        for language in ("nl", "en"):
            assert "not possible" not in str(say(released, language=language))
            assert str(tabulate(released, "robustness", language=language))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("audience", READERS, ids=lambda audience: audience.role)
def test_a_small_one_among_many_follows_from_no_spread(seed: int, audience: Audience) -> None:
    """All changes but one known, and their spread: a quadratic equation for the last."""
    rng = np.random.default_rng([seed, 1])
    keys = list(NAMES)
    small = str(rng.choice(keys[1:]))
    sizes = {key: int(rng.integers(20, 90)) if key != small else int(rng.integers(3, 10)) for key in keys}
    changes = {key: float(rng.normal(-4, 2)) for key in keys}
    true = np.array(list(changes.values()))
    released = release(robustness(rng, sizes, changes), audience, policy=made_policy())
    others = np.array([value for key, value in changes.items() if key != small])
    for spread in numbers_of(released):
        for ddof in (0, 1):
            # Sum of squares of all six around their mean, as a function of the unknown one.
            a, b = 1 - 1 / 6, -2 * others.sum() / 6
            c = (others**2).sum() - others.sum() ** 2 / 6 - (6 - ddof) * spread**2
            roots = np.roots([a, b, c])
            assert not np.isclose(roots, changes[small], atol=1e-6).any()
    gaps = true - true.mean()
    assert not np.isclose(np.abs(numbers_of(released)), abs(gaps[keys.index(small)]), atol=1e-6).any()
    assert "named" not in released.tables  # its differences add up to zero


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_is_withheld_the_spread_is_there(seed: int) -> None:
    rng = np.random.default_rng([seed, 2])
    sizes = {key: int(rng.integers(20, 90)) for key in NAMES}
    made = robustness(rng, sizes, {key: float(rng.normal(-4, 2)) for key in NAMES})
    for audience in READERS:
        released = release(made, audience, policy=made_policy())
        assert released.tables["robustness"].data["spread"].notna().sum() == 3
        assert "named" in released.tables
