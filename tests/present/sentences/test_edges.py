"""Every sentence is rendered from results at the edges, in both languages, and what is said must hold."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from random import Random

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
from tests.present.edge_kinds import KINDS, MAKERS
from tests.present.edge_results import FUNDER, LINDE, RESEARCHER, Case, Draw, policy_with, readers
from tests.present.edge_words import family_profiles, figures, footnotes, profiles, refusals, remarks

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
    for place, given in enumerate(KINDS[kind].given):
        result = MAKERS[kind](Draw(place, **given))
        policy = policy_with(**{"public_groups": compared, **given.get("rules", {})})
        yield Case(f"{kind} given {place}", result, LINDE if compared else RESEARCHER, policy)


@cache
def found(kind: str) -> tuple[list[str], frozenset[str]]:
    """What is wrong in what is said of a kind of result, and the sentences that were spoken."""
    faults, keys = [], set()
    for case in (*cases(kind, KINDS[kind].seeds), *given_cases(kind)):
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


@pytest.mark.parametrize("column", ["answer", "category", "standing", "signal"])
def test_an_answer_that_is_not_in_the_table_is_found(column: str) -> None:
    for one in family_profiles():
        with listening() as heard:
            present_profile(one, language="nl")
        summary = one.tables["summary"]
        other = {"answer": "improving", "category": "improved", "standing": "better", "signal": "on_track"}[
            column
        ]
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
            if at_most := re.search(r"some (\d+) at most", first):
                assert silent < int(at_most[1]) + max(10, minimum)
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
