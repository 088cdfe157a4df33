"""Sentences of random edge results, held to the tests of ``present/catalogue/conditions.toml``.

The long form of ``tests/present/sentences/test_edges.py``: every kind of result is drawn from its edges
many times, for every reader, in both languages, with all its tables and figures. Writes
``edge_sentences.md`` beside itself::

    python benchmarks/edge_sentences.py --draws 300
    python benchmarks/edge_sentences.py --choose   # seeds that together speak every sentence, for the tests
"""

import argparse
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.present.edge_checks import examine, faults_in, listening  # noqa: E402
from tests.present.edge_kinds import MAKERS  # noqa: E402
from tests.present.edge_words import figures  # noqa: E402
from tests.present.sentences.test_edges import cases  # noqa: E402

HEAD = """# Sentences of random edge results

Made by `python benchmarks/edge_sentences.py --draws {draws}`. A fault is a sentence without the tests that
its claim needs, a dash or "nan" for a number, a direction of nothing, a number beyond the scale, a share
beyond everybody, a p-value on the other side of its decision, or a difference between Dutch and English.

| kind of result | drawn | different sentences | faults |
| --- | ---: | ---: | ---: |
"""


def sweep(draws: int) -> list[str]:
    """Draw and check; one row per kind, and the faults printed."""
    rows = []
    for kind in MAKERS:
        keys, n_faults = set(), 0
        for case in cases(kind, range(1000, 1000 + draws)):
            faults, said = examine(case.released)
            keys, n_faults = keys | said, n_faults + len(faults)
            for fault in faults:
                print(f"{case.name}: {fault}", flush=True)
        rows.append(f"| {kind} | {draws} | {len(keys)} | {n_faults} |")
        print(rows[-1], flush=True)
    keys, n_faults, rounds = set(), 0, max(1, draws // 30)
    for seed in range(rounds):
        for language in ("nl", "en"):
            with listening() as heard:
                faults = [fault for text in figures(seed, language) for fault in faults_in(text)]
            keys |= {one.key for one in heard if one.key.startswith("figure.")}
            n_faults += len(faults)
            for fault in faults:
                print(f"figures {seed}: {fault}", flush=True)
    rows.append(f"| words of figures | {rounds} | {len(keys)} | {n_faults} |")
    return rows


def choose(draws: int) -> None:
    """Per kind, few seeds that together speak all the sentences that ``draws`` of them speak."""
    for kind in MAKERS:
        spoken = {}
        for seed in range(draws):
            for case in cases(kind, [seed]):
                spoken[seed] = examine(case.released, tables=False)[1]
        wanted, chosen = set().union(*spoken.values()), []
        while wanted:
            best = max(spoken, key=lambda seed: len(spoken[seed] & wanted))
            chosen.append(best)
            wanted -= spoken[best]
        print(f'    "{kind}": {tuple(chosen)},', flush=True)


def main(arguments: Iterable[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--choose", action="store_true")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    warnings.simplefilter("ignore")
    if asked.choose:
        choose(asked.draws)
        return
    page = HEAD.format(draws=asked.draws) + "\n".join(sweep(asked.draws)) + "\n"
    (HERE / "edge_sentences.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
