"""Attacks on releases, counted: what was tried, what held, and how many names follow by nearest value.

    python benchmarks/privacy.py [--made 400] [--studies 12] [--write]

Two kinds of releases are attacked. Made ones are tables of random organisations, one of them small, with
classes and totals, put through the gate for every reader; of each hidden count a linear program says between
which values it lies. Real ones are the synthetic example study with one organisation cut down to a few
families, analysed anew and released to a researcher, a funder and an organisation. ``--write`` puts the
counts into docs/explanation/privacy.md, between the marks that stand there, and into
docs/reference/attacks.toml, the source of the tables of the data-protection pages.
"""

import argparse
import json
import re
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research import compare_organisations, describe_quality, load_study, reliable_change
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.disclosure.reconstruction import hidden_counts, open_counts
from mpg_research.disclosure.rules.complementary_suppression import cover_small_rows
from mpg_research.disclosure.rules.labels import label_organisations
from mpg_research.study import shipped_example
from tests.disclosure.made_results import made_policy, result_of
from tests.disclosure.test_reconstruction import READERS, released, study

MINIMUM = 10
DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, ATTACKS = DOCS / "explanation" / "privacy.md", DOCS / "reference" / "attacks.toml"
START, END = "<!-- attacks: start -->", "<!-- attacks: end -->"


def made_releases(number: int) -> dict[str, tuple[int, int]]:
    """Hidden counts tried and held, by rounding."""
    counts = {}
    kinds = {
        "counts rounded to nearest 5": {},
        "counts rounded to midpoint of 6": {"rounding": 6, "midpoint": True},
        "rounding = 0": {"rounding": 0},
    }
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
        loaded = load_study(folder)
        policy = policy_of(loaded)
        results = [compare_organisations(loaded), reliable_change(loaded), describe_quality(loaded)]
        reader = loaded.organisations[0]
        for audience in (Audience("researcher"), Audience("funder"), Audience("organisation", reader)):
            for result in results:
                found = hidden_counts([release(result, audience, policy=policy)])
                tried, releases = tried + len(found), releases + 1
                held += len(found) - len(open_counts(found, MINIMUM))
    return tried, held, releases


def names_by_value() -> tuple[int, int, int]:
    """Organisations that the funder names by the own rows of their reports: by nearest values, by equal ones.

    And how many there are.
    """
    loaded = load_study(shipped_example())
    policy, comparison = policy_of(loaded), compare_organisations(loaded)
    funder = release(comparison, Audience("funder"), policy=policy).tables["adjusted_change"].data
    truth = label_organisations(
        loaded.organisations, Audience("funder"), policy=policy, digest=comparison.provenance.digest
    ).code_of
    theirs = funder.pivot(index="organisation", columns="months", values="estimate")
    nearest = equal = 0
    for key in loaded.organisations:
        table = release(comparison, Audience("organisation", key), policy=policy).tables["adjusted_change"]
        own = table.data.set_index(["organisation", "months"]).loc["own", "estimate"]
        nearest += (theirs - own).abs().sum(axis=1).idxmin() == truth[key]
        equal += bool((np.abs(np.subtract.outer(own.to_numpy(), theirs.to_numpy())) < 1e-9).any())
    return nearest, equal, len(loaded.organisations)


def whole_groups(number: int) -> tuple[int, int]:
    """Shares of none or all of an organisation in random studies: how many there were, how many are shown."""
    tried = shown_as_such = 0
    for seed in range(2000, 2000 + number):
        result, _ = study(seed)
        exact = result.tables["shares_by_organisation"].data["estimate"]
        whole = int(exact.isin([0.0, 1.0]).sum())
        for reader in READERS:
            told, _ = released(seed, reader)
            tried += whole
            if "shares_by_organisation" in told.tables:
                shares = told.tables["shares_by_organisation"].data["estimate"]
                shown_as_such += int(shares.isin([0.0, 1.0]).sum())
    return tried, shown_as_such


def subtractions(number: int) -> tuple[int, int]:
    """Two releases of studies that differ by 1 to 9 families: counts, and differences that were found.

    By hand, without the record of releases, which would keep the first numbers. A difference is found where
    the two rounded counts leave only one.
    """
    tried = found = 0
    for seed in range(3000, 3000 + number):
        rng = np.random.default_rng(seed)
        result, _ = study(seed)
        table = result.tables["made"]
        new = rng.multinomial(int(rng.integers(1, 10)), [1 / 6] * 6)
        more = table.data.assign(n_families=table.data["n_families"] + new)
        later = result_of("made", replace(table, data=more))
        for reader in READERS:
            policy = made_policy(rounding=5)
            two = [release(each, reader, policy=policy).tables["made"] for each in (result, later)]
            marks = [each.marks["n_families"].to_numpy() for each in two]
            tried += int(((marks[0] != "suppressed") & (marks[1] != "suppressed")).sum())
            if reader.organisation is None:  # it may know how its own families change
                found += int(((marks[0] == "") & (marks[1] == "")).sum())
            else:
                own = (two[0].data["organisation"] == "own").to_numpy()
                found += int(((marks[0] == "") & (marks[1] == "") & ~own).sum())
                tried -= int(own.sum())
    return tried, found


def write_attacks(counts: dict[str, tuple[int, int]]) -> None:
    """The counts of today (worked, tried) in attacks.toml, by the English name of the attack."""
    text = ATTACKS.read_text(encoding="utf-8")
    head = text[: text.index("[[attack]]")]
    blocks = []
    for attack in tomllib.loads(text)["attack"]:
        worked, tried = counts[attack["en"]]
        lines = [
            "[[attack]]",
            *(f"{key} = {json.dumps(attack[key], ensure_ascii=False)}" for key in ("en", "nl", "before")),
        ]
        blocks.append("\n".join([*lines, f"tried = {tried}", f"worked = {worked}"]) + "\n")
    ATTACKS.write_text(head + "\n".join(blocks), encoding="utf-8")


def main() -> None:
    """Attack, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--made", type=int, default=400)
    parser.add_argument("--studies", type=int, default=12)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = ["| attack | tried | held |", "|---|---|---|"]
    hidden = opened = 0
    for name, (tried, held) in made_releases(options.made).items():
        hidden, opened = hidden + tried, opened + tried - held
        lines.append(
            f"| a linear program looks for hidden counts: {options.made} random studies with one small "
            f"organisation, three readers, {name} | {tried:,} hidden counts | {held:,} |"
        )
    tried, held, releases = real_releases(options.studies)
    hidden, opened = hidden + tried, opened + tried - held
    lines.append(
        f"| the same in {releases} releases of analyses of the synthetic example study, one organisation "
        f"cut down to 2 to 9 families | {tried:,} hidden counts | {held:,} |"
    )
    groups, as_such = whole_groups(options.made)
    lines.append(f"| shares of none or all of an organisation | {groups:,} | {groups - as_such:,} |")
    beside, found = subtractions(options.made)
    lines.append(
        f"| two releases by hand that differ by 1 to 9 families: the difference of a count "
        f"| {beside:,} counts | {beside - found:,} |"
    )
    right, equal, every = names_by_value()
    lines.append(
        f"| the funder lays the organisations' own reports beside its own and takes the nearest estimates | "
        f"{every} unnamed organisations | {every - right} |"
    )
    lines.append(f"| the same by equal numbers | {every} unnamed organisations | {every - equal} |")
    ratio = cover_ratio(300)
    text = "\n".join(lines) + (
        f"\n\nTo protect one small organisation against readers who know every total and their own number "
        f"exactly, the gate hides {ratio:.2f} times as many others as the fewest that would do "
        f"(300 random tables).\n"
    )
    print(text)
    if options.write:
        marked = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
        page = marked.sub(lambda _: f"{START}\n{text}{END}", PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(page, encoding="utf-8")
        write_attacks(
            {
                "recovering a suppressed number": (opened, hidden),
                "naming an organisation by equal numbers": (equal, every),
                "naming an organisation by the nearest numbers": (right, every),
                "subtracting two releases": (found, beside),
                "learning what holds for a whole group": (as_such, groups),
            }
        )


if __name__ == "__main__":
    main()
