"""How a page's results were calculated: each by its own choices, nothing of what it does not show."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mpg_research.errors import NotApplicableError, Note
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.registry import kinds
from mpg_research.reporting.session.decisions import Choices, describe_decisions
from mpg_research.reporting.session.session import begin
from mpg_research.study import read_config
from tests.disclosure.made_results import NAMES, make_organisations, make_trajectory

KINDS = ("trajectory", "organisations", "organisations_over_time", "organisation_robustness")
SAYS = {
    "satterthwaite": ("Satterthwaite", "Satterthwaite"),
    "kenward-roger": ("Kenward en Roger", "Kenward and Roger"),
    "holm": ("volgens Holm", "Holm's method"),
    "adjusted": ("Gecorrigeerd voor", "Adjusted for"),
    "unadjusted": ("niet gecorrigeerd", "Not adjusted"),
}


def drawn(rng: np.random.Generator) -> list[Choices]:
    results = []
    for kind in KINDS[: rng.integers(2, len(KINDS) + 1)]:
        parameters = {"formula": "score ~ months", "df": str(rng.choice(["satterthwaite", "kenward-roger"]))}
        parameters |= {"case_mix": ["child_age"]} if rng.random() < 0.5 else {}
        parameters |= {"adjust": "holm"} if rng.random() < 0.5 else {}
        number = int(rng.integers(20, 999))
        results.append(Choices(kind, parameters, 0.95, (f"Used: {number}.",), bool(rng.random() < 0.7)))
    return results


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("place", [0, 1])
def test_each_result_says_its_own_choices_and_no_other(study: Path, seed: int, place: int) -> None:
    language = ("nl", "en")[place]
    results = drawn(np.random.default_rng(seed))
    found = describe_decisions(read_config(study), results, instrument=None, outcome="raw", language=language)
    shown = [each for each in results if each.is_shown]
    assert len(found.parts) == len(shown)
    shared = " ".join(found.sentences)
    assert not any(words[place] in shared for words in SAYS.values())
    for each, (_, sentences) in zip(shown, found.parts, strict=True):
        text = " ".join(sentences)
        true = {each.parameters["df"], "adjusted" if "case_mix" in each.parameters else "unadjusted"}
        true |= {"holm"} if "adjust" in each.parameters else set()
        assert {name for name, words in SAYS.items() if words[place] in text} == true
        assert each.used[0] in text


def made(parameters: dict[str, object], result):
    return replace(result, provenance=replace(result.provenance, parameters=parameters))


@pytest.mark.parametrize("seed", range(12))
def test_a_page_says_it_of_what_it_shows_to_its_readers(study: Path, seed: int) -> None:
    """With random numbers of organisations and families: no comparison shown, none described."""
    rng = np.random.default_rng(seed)
    keys = list(NAMES)[: rng.integers(2, 7)]
    fit = made(
        {"formula": "score ~ months", "df": "satterthwaite"},
        make_trajectory(families=int(rng.integers(20, 400))),
    )
    notes = (
        Note("synthetic_data", "Synthetic data."),
        Note("organisations_random", "x", {"n_organisations": len(keys)}),
    )
    sizes = {key: int(rng.integers(20, 90)) for key in keys}
    comparison = made(
        {"formula": "score ~ months", "df": "kenward-roger", "adjust": "holm", "case_mix": ["child_age"]},
        make_organisations(sizes, notes=notes),
    )
    session = begin("report_funder", study=str(study), language="en")
    shown = str(session.table(comparison, "adjusted_change"))
    text = str(session.decisions(fit, comparison))
    assert "Satterthwaite" in text
    is_shown = "not shown here" not in shown
    assert is_shown == (len(keys) >= 4)
    for words in ("Kenward", "Holm", "Adjusted for"):
        assert (words in text) == is_shown
    if is_shown:
        first, second = text.split("The comparison of the organisations")
        assert "Satterthwaite" in first
        assert "Kenward" not in first
        assert "Satterthwaite" not in second
        assert "Used: " in first
        assert "Used: " in second
    remarks = str(session.notes(fit, comparison))
    assert "synthetic data" in remarks
    assert ("random effects" in remarks) == is_shown


def test_a_question_that_does_not_arise_is_not_described(study: Path) -> None:
    session = begin("report_funder", study=str(study), language="nl")

    def refuse(_study: object) -> None:
        raise NotApplicableError("There is one organisation.", code="one_organisation")

    absent = session.analyse(refuse)
    fit = made({"formula": "score ~ months", "df": "satterthwaite"}, make_trajectory())
    text = str(session.decisions(fit, absent))
    assert "Satterthwaite" in text
    assert "vergelijking" not in text
    assert "minstens twee organisaties" in str(session.decisions(absent))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_kind_of_result_has_a_name_to_stand_above_its_choices(language: str) -> None:
    phrases = phrases_in(language)
    assert [kind for kind in kinds() if not phrases.has(f"decisions.result.{kind}")] == []
