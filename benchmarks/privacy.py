"""Attacks on releases, counted: what was tried, what held, and how many names follow by nearest value.

    python benchmarks/privacy.py [--made 400] [--studies 12] [--write]

Two kinds of releases are attacked. Made ones are tables of random organisations, one of them small, with
classes and totals, put through the gate for every reader; of each hidden count a linear program says between
which values it lies. Real ones are the synthetic example study with one organisation cut down to a few
families, analysed anew and released to a researcher, a funder and an organisation. ``--write`` puts the
counts into docs/privacy.md and the data-protection pages, between the marks that stand there.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research import compare_organisations, describe_quality, load_study, reliable_change
from mpg_research.disclosure import Audience, Released, policy_of, release
from mpg_research.disclosure.reconstruction import hidden_counts, open_counts
from mpg_research.disclosure.rules.complementary_suppression import cover_small_rows
from mpg_research.disclosure.rules.labels import label_organisations
from mpg_research.study import shipped_example
from tests.disclosure.test_reconstruction import READERS, released

MINIMUM = 10
PAGES = ("docs/privacy.md", "docs/data_protection.nl.md", "docs/data_protection.en.md")
START, END = "<!-- attacks: start -->", "<!-- attacks: end -->"


def made_releases(number: int) -> dict[str, tuple[int, int]]:
    """Hidden counts tried and held, by rounding."""
    counts = {}
    kinds = {"nearest 5": {}, "midpoint of 6": {"rounding": 6, "midpoint": True}}
    for name, rules in kinds.items():
        tried = held = 0
        for seed in range(1000, 1000 + number):
            for reader in READERS:
                shown, _ = released(seed, reader, **rules)
                found = hidden_counts([shown])
                tried += len(found)
                held += len(found) - len(open_counts(found, MINIMUM))
        counts[name] = (tried, held)
    return counts


def cover_ratio(number: int) -> float:
    """Organisations hidden to cover, against the fewest that would do, by trying all."""
    ours = fewest = 0
    rng = np.random.default_rng(12)
    for _ in range(number):
        sizes = rng.integers(10, 90, 7).astype(float)
        small = np.zeros(7, dtype=bool)
        small[0] = True
        sizes[0] = rng.integers(1, 10)
        order = rng.permutation(7).tolist()
        ours += int(cover_small_rows(small, sizes, MINIMUM, order=order, each_knows_its_own=True).sum())
        fewest += next(
            many
            for many in range(7)
            if any(_covers(sizes, {0, *chosen}) for chosen in combinations(range(1, 7), many))
        )
    return ours / fewest


def _covers(sizes: np.ndarray, hidden: set[int]) -> bool:
    rests = [[sizes[row] for row in hidden if row != knower] for knower in (None, *hidden)]
    return all(len(rest) >= 2 and sum(rest) > MINIMUM for rest in rests)


def small_studies(number: int) -> Iterator[Path]:
    """The example study with another organisation cut down to a few families each time."""
    rng = np.random.default_rng(4)
    example = shipped_example()
    organisations = list(load_study(example).organisations)
    with tempfile.TemporaryDirectory() as folder:
        for place in range(number):
            target = Path(folder) / str(place)
            target.mkdir()
            key, size = organisations[place % len(organisations)], int(rng.integers(2, 10))
            episodes = pd.read_csv(example / "episodes.csv", dtype=str)
            families = episodes.loc[episodes["organisation"] == key, "family"].unique()
            dropped = set(rng.permutation(families)[size:])
            for path in example.iterdir():
                if path.suffix == ".csv" and "family" in (data := pd.read_csv(path, dtype=str)).columns:
                    data[~data["family"].isin(dropped)].to_csv(target / path.name, index=False)
                elif path.is_file():
                    (target / path.name).write_bytes(path.read_bytes())
            yield target


def real_releases(number: int) -> tuple[int, int, int]:
    """Hidden counts tried and held in releases of real analyses; and how many releases."""
    tried = held = releases = 0
    for folder in small_studies(number):
        study = load_study(folder)
        policy = policy_of(study)
        results = [compare_organisations(study), reliable_change(study), describe_quality(study)]
        reader = study.organisations[0]
        for audience in (Audience("researcher"), Audience("funder"), Audience("organisation", reader)):
            for result in results:
                found = hidden_counts([release(result, audience, policy=policy)])
                tried, releases = tried + len(found), releases + 1
                held += len(found) - len(open_counts(found, MINIMUM))
    return tried, held, releases


def names_by_nearest_value() -> tuple[int, int]:
    """Organisations that the funder names by the own rows of their reports: right ones, and all."""
    study = load_study(shipped_example())
    policy, comparison = policy_of(study), compare_organisations(study)
    funder = release(comparison, Audience("funder"), policy=policy)
    truth = label_organisations(
        study.organisations, Audience("funder"), policy=policy, digest=comparison.provenance.digest
    ).code_of
    right = 0
    for key in study.organisations:
        own = release(comparison, Audience("organisation", key), policy=policy)
        right += _nearest(funder, own) == truth[key]
    return right, len(study.organisations)


def _nearest(funder: Released, own: Released) -> str:
    theirs = funder.tables["adjusted_change"].data.pivot(
        index="organisation", columns="months", values="estimate"
    )
    mine = own.tables["adjusted_change"].data.set_index(["organisation", "months"]).loc["own", "estimate"]
    apart = (theirs - mine).abs().sum(axis=1)
    return str(apart.idxmin())


def main() -> None:
    """Attack, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--made", type=int, default=400)
    parser.add_argument("--studies", type=int, default=12)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = ["| attack | tried | held |", "|---|---|---|"]
    for name, (tried, held) in made_releases(options.made).items():
        lines.append(
            f"| a linear program looks for hidden counts: {options.made} random studies with one small "
            f"organisation, three readers, counts rounded to {name} | {tried:,} hidden counts | {held:,} |"
        )
    tried, held, releases = real_releases(options.studies)
    lines.append(
        f"| the same in {releases} releases of analyses of the synthetic example study, one organisation "
        f"cut down to 2 to 9 families | {tried:,} hidden counts | {held:,} |"
    )
    right, every = names_by_nearest_value()
    lines.append(
        f"| the funder lays the organisations' own reports beside its own and takes the nearest estimates | "
        f"{every} unnamed organisations | {every - right} |"
    )
    ratio = cover_ratio(300)
    text = "\n".join(lines) + (
        f"\n\nTo protect one small organisation against readers who know every total and their own number "
        f"exactly, the gate hides {ratio:.2f} times as many others as the fewest that would do "
        f"(300 random tables).\n"
    )
    print(text)
    if options.write:
        for name in PAGES:
            page = Path(name)
            if page.exists() and START in page.read_text():
                marked = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
                page.write_text(marked.sub(lambda _: f"{START}\n{text}{END}", page.read_text()))


if __name__ == "__main__":
    main()
