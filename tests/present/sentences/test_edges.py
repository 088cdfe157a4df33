"""Every sentence is rendered from results at the edges, in both languages, and what is said must hold."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pytest

from mpg_research.analysis.columns import Column, setting
from mpg_research.analysis.result import settings_table
from mpg_research.disclosure import release
from mpg_research.present import say, tabulate
from mpg_research.present.columns import shape_of
from mpg_research.present.language.conditions import conditions
from mpg_research.present.profile import present_profile
from tests.disclosure.made_results import result_of
from tests.present.edge_checks import NO_NUMBER, examine, faults_in, listening, profile_faults
from tests.present.edge_organisations import NUMBERS
from tests.present.edge_results import FUNDER, LINDE, RESEARCHER, Case, Draw, policy_with, readers
from tests.present.edge_signals import MAKERS
from tests.present.edge_words import family_profiles, figures, footnotes, profiles, refusals, remarks

#: Seeds of drawn results that together speak every sentence about results; ``benchmarks/edge_sentences.py
#: --choose`` finds them again where the generator or the catalogue changed.
SEEDS = {
    "trajectory": (1, 2, 31, 13, 9, 5, 6, 11, 14),
    "organisations": (30, 18, 16, 5, 7, 19, 1, 24, 2, 4, 9, 14),
    "organisation_robustness": (5, 16, 1, 3, 6, 7),
    "organisations_over_time": (6, 15, 17, 2, 30),
    "measurement": (18, 5, 0, 1, 2, 7),
    "data_quality": (7, 6),
    "individual_change": (2, 5, 17, 6, 22),
    "reliable_trend": (17, 2, 5),
    "course": (29, 15, 0),
    "missing_data": (8, 23, 12, 2, 25, 36),
    "signals": (1, 5, 0),
    "signal_quality": (1, 0, 5, 10, 24),
    "sudden_changes": (31, 0, 7, 16),
    "expected_course": (0,),
}
RELIABLE = {"reliability": 0.76, "reliability_kind": "alpha", "threshold": 7.3}
NO_SIGNAL = {"points": 12.0, "signal": 0.0, "looked_for": 2.7}
LINDE_CLEAR = {"gaps": True, "sizes": NUMBERS, "gap_linde": (-4.1, -5.0, -3.2)}
SHARES = {"share_measured": 0.5, "n_measured": 247, "share_dropped_out": 0.4, "n_dropped_out": 247}
#: What is seldom drawn, by name; each with the numbers that bring it about.
GIVEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("trajectory", {"n": 8}),
    ("trajectory", {"n": 247, "change": (math.nan, math.nan, math.nan)}),
    (
        "trajectory",
        {"change": (4.1, 3.2, 5.0), "size": (0.6, 0.52, 0.7), "n": 247, "rules": {"randomised": True}},
    ),
    ("trajectory", {"n": 247, "rules": {"has_comparison": True}}),
    ("trajectory", {"n": 247, "rules": {"public_groups": True}}),
    ("organisations", {"sizes": NUMBERS, "case_mix": [], "rules": {"randomised": True}}),
    ("individual_change", {"split": (100, 6, 60), "origin": "published", **RELIABLE, "spread": 5.4}),
    ("individual_change", {"split": (6, 100, 7), "origin": "estimated", **RELIABLE}),
    ("individual_change", {"split": (100, 6, 60), "origin": "estimated", **RELIABLE}),
    ("reliable_trend", {"split": (100, 6, 60)}),
    ("individual_change", {"split": (100, 60, 6), "origin": "estimated", **RELIABLE}),
    ("reliable_trend", {"split": (6, 100, 7)}),
    ("reliable_trend", {"split": (100, 60, 6)}),
    ("course", {"split_six": (100, 0, 60, 0, 80, 4)}),
    ("course", {"split_six": (100, 20, 4, 40, 80, 60)}),
    ("signals", {"split_four": (60, 100, 50, 4)}),
    ("signals", {"split_four": (60, 4, 100, 50)}),
    ("expected_course", {"coverage": math.nan}),
    ("measurement", {"n": 247, "items": True, "n_alpha": 4}),
    ("data_quality", {"families": 250, "organisations": 6, "count": 3246}),
    ("organisations_over_time", {**NO_SIGNAL, "looked_for": math.nan, "step": math.nan}),
    ("organisations_over_time", {**NO_SIGNAL, "drift_seen": 0.9, "step_seen": 1.0, "step": 44.0}),
    ("organisations", {**LINDE_CLEAR, "p_linde": 0.003, "own": (-4.1, -5.0, -3.2)}),
    ("organisations", {**LINDE_CLEAR, "p_linde": 0.0504, "own": (-0.03, -0.05, -0.01)}),
    ("organisations", {"sizes": {key: n for key, n in NUMBERS.items() if key != "linde"}}),
    ("organisations", {"sizes": NUMBERS, **SHARES, "ends_known": False}),
)
WORDS = {
    "figures nl": lambda: figures(0, "nl", every=2),
    "figures en": lambda: figures(0, "en", every=2, start=1),
    **{
        f"{name} {language}": lambda said=said, language=language: said(language)
        for name, said in (("profiles", profiles), ("refusals", refusals), ("footnotes", footnotes))
        for language in ("nl", "en")
    },
    **{f"remarks {language}": lambda language=language: remarks(0, language) for language in ("nl", "en")},
}


def cases(kind: str, seeds: Iterable[int]) -> Iterator[Case]:
    """Drawn results of a kind, each with a reader."""
    for seed in seeds:
        result = MAKERS[kind](Draw(seed))
        for audience, policy in readers(result, seed):
            yield Case(f"{kind} {seed}", result, audience, policy)


def given_cases(kind: str) -> Iterator[Case]:
    """The results of a kind that are given by name; of a comparison for the organisation itself."""
    compared = kind == "organisations"
    for place, (_, given) in enumerate(one for one in GIVEN if one[0] == kind):
        result = MAKERS[kind](Draw(place, **given))
        policy = policy_with(**{"public_groups": compared, **given.get("rules", {})})
        yield Case(f"{kind} given {place}", result, LINDE if compared else RESEARCHER, policy)


@cache
def found(kind: str) -> tuple[list[str], frozenset[str]]:
    """What is wrong in what is said of a kind of result, and the sentences that were spoken."""
    faults, keys = [], set()
    for case in (*cases(kind, SEEDS[kind]), *given_cases(kind)):
        wrong, said = examine(case.released, tables=kind != "organisations")
        faults += [f"{case.name}: {fault}" for fault in wrong]
        keys |= said
    return faults, frozenset(keys)


@cache
def worded(name: str) -> tuple[list[str], frozenset[str]]:
    """The same of what is said beside results."""
    with listening() as heard:
        texts = list(WORDS[name]())
    checked = [] if name.startswith("footnotes") else texts
    return [fault for text in checked for fault in faults_in(text)], frozenset(one.key for one in heard)


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_said_of_edge_results_holds(kind: str) -> None:
    faults, _ = found(kind)
    assert faults == []


@pytest.mark.parametrize("name", WORDS)
def test_what_is_said_beside_results_holds(name: str) -> None:
    faults, keys = worded(name)
    assert faults == []
    assert keys


def test_every_sentence_was_rendered() -> None:
    spoken = {key for kind in MAKERS for key in found(kind)[1]} | {
        key for name in WORDS for key in worded(name)[1]
    }
    assert set(conditions()) - spoken == set()


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_page_of_a_family_says_the_answers_in_its_table(language: str) -> None:
    for one in family_profiles():
        with listening() as heard:
            present_profile(one, language=language)
        assert profile_faults(one, heard) == []


@pytest.mark.parametrize("column", ["answer", "category", "standing"])
def test_an_answer_that_is_not_in_the_table_is_found(column: str) -> None:
    for one in family_profiles():
        with listening() as heard:
            present_profile(one, language="nl")
        summary = one.tables["summary"]
        other = {"answer": "improving", "category": "improved", "standing": "better"}[column]
        data = summary.data.assign(**{column: other})
        changed = replace(one, tables={**one.tables, "summary": replace(summary, data=data)})
        same = bool((summary.data[column] == other).all())
        assert bool(profile_faults(changed, heard)) is not same


@pytest.mark.parametrize("minimum", [3, 10, 30])
def test_how_many_never_answered_is_right_but_for_rounding(minimum: int) -> None:
    """Rounded or not, what is said of those who never answered holds of the numbers as they were."""
    random = Random(minimum)
    for _ in range(60):
        silent, lost = random.randrange(4 * minimum), random.randrange(3 * minimum)
        result = MAKERS["trajectory"](Draw(0, n=random.randrange(60, 400), silent=(silent, lost)))
        for audience in (RESEARCHER, FUNDER):
            released = release(result, audience, policy=policy_with(minimum_families=minimum))
            first = say(released, "sample", language="en").sentences[0]
            numbers = [int(text.replace(",", "")) for text in re.findall(r"[\d,]+(?= fam|(?: \(\d))", first)]
            if first.startswith("At most"):
                assert silent < numbers[0] + max(10, minimum)
            elif first.startswith("All"):
                assert silent == 0
            else:
                assert abs(numbers[-1] - silent) < (max(10, minimum) if "about" in first else 1)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 0.0, 1e300, 12.0, 7.3])
def test_any_setting_can_be_written(value: float) -> None:
    """A threshold without end (a reliability of zero gives one) is a dash in its table, and no crash."""
    for column in (setting("value"), Column(name="value", meaning="rank")):
        shape = shape_of(column, value)
        assert shape.digits == (1 if value == 7.3 else 0)
    result = result_of("made", settings_table({"threshold": value}, n_families=60, n_organisations=6))
    written = str(tabulate(release(result, RESEARCHER, policy=policy_with()), "settings", language="en"))
    assert NO_NUMBER.search(written) is None
