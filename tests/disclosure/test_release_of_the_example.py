"""Attacks on what is released of the example study, and of it with one organisation of seven families."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest

from mpg_research import compare_organisations, describe_quality, load_study, reliable_change
from mpg_research.analysis.organisations.compare import OrganisationComparison
from mpg_research.disclosure import Audience, Released, policy_of, release
from mpg_research.disclosure.reconstruction import hidden_counts, open_counts
from mpg_research.study import Study, shipped_example

SMALL = "zonnewaerd"
READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "vlierdonk"))
roles = pytest.mark.parametrize("reader", READERS, ids=[reader.role for reader in READERS])


def cut_down(target: Path, key: str, size: int) -> Path:
    """The example with only the first families of one organisation."""
    copytree(shipped_example(), target)
    episodes = pd.read_csv(target / "episodes.csv", dtype=str)
    dropped = set(episodes.loc[episodes["organisation"] == key, "family"].unique()[size:])
    for path in target.glob("*.csv"):
        data = pd.read_csv(path, dtype=str)
        if "family" in data:
            data[~data["family"].isin(dropped)].to_csv(path, index=False)
    return target


@pytest.fixture(scope="module")
def example() -> tuple[Study, OrganisationComparison]:
    study = load_study(shipped_example())
    return study, compare_organisations(study)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, OrganisationComparison]:
    study = load_study(cut_down(tmp_path_factory.mktemp("small") / "study", SMALL, 7))
    return study, compare_organisations(study)


def of(found: tuple[Study, OrganisationComparison], reader: Audience) -> Released:
    study, comparison = found
    return release(comparison, reader, policy=policy_of(study))


@roles
def test_the_small_one_follows_from_no_ranks(
    small: tuple[Study, OrganisationComparison], reader: Audience
) -> None:
    ranks = of(small, reader).tables.get("ranks")
    if ranks is not None:
        assert ranks.data[["rank", "expected_rank", "best_third", "worst_third"]].isna().all(axis=None)


@roles
def test_the_small_one_follows_from_no_funnel(
    small: tuple[Study, OrganisationComparison], reader: Audience
) -> None:
    tables = of(small, reader).tables
    if "funnel_lines" in tables:
        lines = tables["funnel_lines"].data
        assert lines.filter(regex="^(plain_)?(low|high)_").isna().all(axis=None)
    summary = tables.get("funnel_summary")
    if summary is not None:
        values = summary.data.set_index("quantity")["value"]
        assert values[["target", "target_adjusted", "phi", "tau2"]].isna().all()
    if "funnel" in tables:
        assert tables["funnel"].data[["z", "z_adjusted"]].isna().all(axis=None)


@roles
def test_the_size_of_the_smallest_is_said_nowhere(
    example: tuple[Study, OrganisationComparison], reader: Audience
) -> None:
    for name in ("funnel_steps", "share_funnel_steps"):
        steps = of(example, reader).tables[name].data
        assert steps.loc[steps["check"] == "enough_observations", "value"].isna().all()


@roles
def test_a_solver_finds_no_small_number_in_all_results_together(
    small: tuple[Study, OrganisationComparison], reader: Audience
) -> None:
    study, comparison = small
    results = (comparison, reliable_change(study), describe_quality(study))
    found = hidden_counts([release(result, reader, policy=policy_of(study)) for result in results])
    assert len(found) > 100
    assert open_counts(found, 10) == []


def test_effective_numbers_do_not_follow_from_errors(example: tuple[Study, OrganisationComparison]) -> None:
    funnel = of(example, READERS[2]).tables["funnel"].data.set_index("organisation")
    constant = funnel.loc["own", "n_effective"] * funnel.loc["own", "std_error"] ** 2
    exact = example[1].tables["funnel"].data["n_effective"].to_numpy()
    for code, row in funnel.drop(index="own").iterrows():
        assert np.abs(exact - constant / row["std_error"] ** 2).min() > 0.01, code


def test_no_equal_number_joins_two_reports(example: tuple[Study, OrganisationComparison]) -> None:
    """The own rows of an organisation's report and the lettered ones of the funder's have none alike."""
    study, _ = example
    funder = of(example, READERS[1]).tables["adjusted_change"].data
    for key in study.organisations:
        own = of(example, Audience("organisation", key)).tables["adjusted_change"].data
        own = own[own["organisation"] == "own"].set_index("months")
        for column in ("estimate", "std_error", "conf_low", "conf_high", "standardised"):
            theirs = funder.set_index("months")[column]
            assert (np.abs(theirs - own[column].reindex(theirs.index)) > 1e-9).all(), (key, column)


@roles
def test_nothing_is_said_of_every_family_of_an_organisation(tmp_path: Path, reader: Audience) -> None:
    folder = Path(copytree(shipped_example(), tmp_path / "study"))
    episodes = pd.read_csv(folder / "episodes.csv", dtype=str)
    episodes.loc[episodes["organisation"] == "tjalkmeer", "problem_addiction"] = "1"
    ended = (episodes["organisation"] == "merelstroom") & episodes["end"].notna()
    episodes.loc[ended, "end_reason"] = "03"
    episodes.to_csv(folder / "episodes.csv", index=False)
    study = load_study(folder)
    tables = of((study, compare_organisations(study)), reader).tables
    mix = tables["case_mix"].data
    assert not {0.0, 1.0} & set(mix.loc[mix["kind"] == "share", "mean_or_share"])
    assert not {0.0, 1.0} & set(tables["share_indicators"].data["share_observed"])


def test_hidden_case_mix_follows_from_no_difference(example: tuple[Study, OrganisationComparison]) -> None:
    """A line through the shares that are shown, read at the differences of those that are not."""
    tables = of(example, READERS[0]).tables
    mix, gaps = tables["case_mix"].data, tables["case_mix_difference"].data
    hidden = mix[mix["mean_or_share"].isna() & (mix["level"] == "yes")]
    assert len(hidden) > 5
    gap = gaps.set_index(["organisation", "variable"])["standardised_difference"]
    assert all(np.isnan(gap[row.organisation, row.variable]) for row in hidden.itertuples())


def test_two_titles_hide_the_same_organisations(tmp_path: Path) -> None:
    folder = cut_down(tmp_path / "study", SMALL, 7)
    seen = set()
    for title in ("Voorbeeldstudie", "Voorbeeldstudie, tweede ronde"):
        text = (folder / "study.toml").read_text(encoding="utf-8")
        (folder / "study.toml").write_text(text.replace("Voorbeeldstudie", title), encoding="utf-8")
        study = load_study(folder)
        shown = release(describe_quality(study), READERS[0], policy=policy_of(study)).tables[
            "by_organisation"
        ]
        seen.add(frozenset(shown.data.loc[shown.data["n_families"].isna(), "organisation"]))
        assert set(shown.marks["n_families"]) == {"suppressed", "rounded"}
    assert len(seen) == 1
    assert SMALL in next(iter(seen))
