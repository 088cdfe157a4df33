"""Every sentence is rendered from results at the edges, in both languages, and what is said must hold."""

import pytest

from tests.present.edge_checks import faults_of
from tests.present.edge_results import Case, Draw, readers
from tests.present.edge_signals import MAKERS

SEEDS = range(12)


def cases(kind: str, seeds: range):
    for seed in seeds:
        result = MAKERS[kind](Draw(seed))
        for audience, policy in readers(result, seed):
            yield Case(f"{kind} {seed}", result, audience, policy)


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_said_of_drawn_edges_holds(kind: str) -> None:
    for case in cases(kind, SEEDS):
        assert faults_of(case.released) == [], case.name
