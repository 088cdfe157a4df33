"""With ``rounding = 0`` numbers are exact, and what follows from a hidden one is hidden all the same."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import columns as declare
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, Released, release
from tests.disclosure.made_results import NAMES, MadeResult, made_policy, result_of

READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
readers = pytest.mark.parametrize("reader", READERS, ids=[reader.role for reader in READERS])
POLICIES = ({}, {"name_organisations_to_funder": True}, {"public_groups": True}, {"minimum_families": 20})
MINIMUM = 10
KEYS = ("organisation", "variable")


def case_mix(seed: int) -> MadeResult:
    """Shares of the families of each organisation, some of few, of none and of all; and what is made of them:
    their distance in standard deviations from the share of all others.
    """
    rng = np.random.default_rng(seed)
    sizes = {key: int(rng.integers(12, 90)) for key in NAMES}
    total, rows = sum(sizes.values()), []
    for variable in ("alone", "debts", "work"):
        chances = rng.choice([0.0, 0.1, 0.5, 1.0], len(sizes))
        counts = dict(zip(sizes, rng.binomial(list(sizes.values()), chances).tolist(), strict=True))
        for key, size in sizes.items():
            rest = (sum(counts.values()) - counts[key]) / (total - size)
            spread = max(np.sqrt(rest * (1 - rest)), 0.1)
            rows.append((key, variable, counts[key] / size, (counts[key] / size - rest) / spread, size))
    data = pd.DataFrame(rows, columns=[*KEYS, "share", "apart", "n_families"])
    shares = data[[*KEYS, "share", "n_families"]].assign(n_group=data["n_families"])
    largest = data.groupby("variable")["apart"].max().reset_index().assign(n_families=total)
    test = pd.DataFrame({"check": ["spread"], "value": [data["share"].std()], "n_families": total})
    named = (declare.ORGANISATION, declare.coded("variable"))
    of_group = declare.observed_share("share", of="n_group")
    follows = declare.observed("apart", follows="shares.share")
    tables = (
        ResultTable("shares", shares, (*named, of_group, declare.N_GROUP)),
        ResultTable("apart", data[[*KEYS, "apart", "n_families"]], (*named, follows)),
        ResultTable("largest", largest, (declare.coded("variable"), follows)),
        ResultTable("spread", test, (declare.coded("check"), follows.but(name="value"))),
    )
    return result_of("made", *tables)


def shown(seed: int, reader: Audience, **rules: object) -> Released:
    return release(case_mix(seed), reader, policy=made_policy(rounding=0, **rules))


@readers
@pytest.mark.parametrize("rules", POLICIES, ids=str)
def test_what_follows_from_a_hidden_number_is_hidden(reader: Audience, rules: dict[str, object]) -> None:
    hidden_once = 0
    for seed in range(12):
        tables = shown(seed, reader, **rules).tables
        if "shares" not in tables:
            assert not {"apart", "largest", "spread"} & set(tables)
            continue
        rows = tables["shares"].data.set_index(list(KEYS))["share"]
        hidden = rows.index[rows.isna()]
        hidden_once += len(hidden)
        for name, keys in (("apart", list(KEYS)), ("largest", ["variable"])):
            if name in tables:
                made = tables[name].data.set_index(keys)["apart"]
                lost = hidden if name == "apart" else hidden.get_level_values("variable").unique()
                assert made.loc[lost].isna().all(), (seed, name)
        if len(hidden):
            assert "spread" not in tables or tables["spread"].data["value"].isna().all()
    assert hidden_once > 12


@readers
def test_shares_of_few_of_none_and_of_all_are_hidden_and_others_are_exact(reader: Audience) -> None:
    """Those of an organisation without a name fit several counts instead, and never say all or none."""
    exact = 0
    for seed in range(12):
        truth = case_mix(seed).tables["shares"].data
        counts = truth["share"] * truth["n_group"]
        rest = truth["n_group"] - counts
        whole = (counts < 0.5) | (rest < 0.5)
        few = whole | (counts < MINIMUM - 0.5) | (rest < MINIMUM - 0.5)
        values = np.sort(shown(seed, reader).tables["shares"].data["share"].dropna())
        if reader.role == "researcher":
            assert np.allclose(values, np.sort(truth.loc[~few, "share"]))
        assert len(values) <= (~whole).sum()
        exact += len(values)
    assert exact > 20


def test_the_researcher_sees_no_more_hidden_numbers_than_with_rounding() -> None:
    """Looser is the rounding alone: what is hidden with it is hidden without it."""
    for seed, rules in product(range(8), POLICIES):
        policies = [made_policy(rounding=rounding, **rules) for rounding in (0, 5)]
        found = [release(case_mix(seed), READERS[0], policy=policy) for policy in policies]
        assert set(found[0].tables) == set(found[1].tables)
        for name in found[1].tables:
            if name == "sample_flow":
                continue
            missing = [each.tables[name].marks == "suppressed" for each in found]
            assert (missing[0] | ~missing[1]).all(axis=None), (seed, name)


@pytest.mark.parametrize("reader", READERS[1:], ids=[reader.role for reader in READERS[1:]])
def test_the_families_of_an_unnamed_organisation_follow_from_no_error_interval_or_statistic(
    reader: Audience,
) -> None:
    """n = constant / error squared, the constant known from the row of an organisation that knows both."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        families = rng.choice(np.arange(20, 200), len(NAMES), replace=False).astype(float)
        constant = 10.0 ** rng.uniform(1, 2)
        error, change = np.sqrt(constant / families), rng.normal(-4, 2, len(NAMES))
        data = pd.DataFrame({"organisation": list(NAMES), "estimate": change, "std_error": error})
        data = data.assign(df=80.0, statistic=change / error, p_value=0.2, n_families=families)
        data = data.assign(conf_low=change - 2 * error, conf_high=change + 2 * error)
        table = ResultTable("changes", data, (declare.EACH_ORGANISATION, *declare.ESTIMATE))
        found = (
            release(result_of("made", table), reader, policy=made_policy(rounding=0)).tables["changes"].data
        )
        others = found[found["organisation"] != "own"]
        told = {
            "error": others["std_error"],
            "interval": (others["conf_high"] - others["conf_low"]) / 4,
            "statistic": others["estimate"] / others["statistic"],
        }
        for way, errors in told.items():
            number = constant / errors.to_numpy(dtype=float) ** 2
            near = np.abs(np.subtract.outer(number, families)).min(axis=1)
            assert (near < 0.01).sum() <= 1, (seed, way, near)  # one may be met by chance
        own = found[found["organisation"] == "own"]
        assert np.isin(own["std_error"], error).all()
