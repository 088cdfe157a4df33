"""The shipped example, through the gate and onto paper, for every kind of reader."""

import re

import pytest

from mpg_research import compare_organisations, describe_quality, fit_trajectory, load_study
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.present import PresentedTable, draw, say, tabulate
from mpg_research.present.sentences.say import topics
from mpg_research.study import shipped_example


@pytest.fixture(scope="module")
def study():
    return load_study(shipped_example())


@pytest.fixture(scope="module")
def results(study):
    return [
        describe_quality(study),
        fit_trajectory(study, shape="linear"),
        compare_organisations(study, shape="linear"),
    ]


def everything_said(released, language: str) -> str:
    parts = [say(released, topic, language=language).html for topic in (None, *topics())]
    for name in released.tables:
        shown = tabulate(released, name, language=language)
        parts += [shown.html, str(shown)]
        parts += [shown.csv] if isinstance(shown, PresentedTable) else []
    return "\n".join(parts)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_external_reader_meets_the_name_of_another(study, results, language):
    policy = policy_of(study)
    own = study.organisations[0]
    for audience in (Audience("funder"), Audience("organisation", own)):
        text = "\n".join(
            everything_said(release(result, audience, policy=policy), language) for result in results
        )
        for key in study.organisations:
            hidden = key != audience.organisation
            for name in {key, study.organisation_name(key, language)}:
                assert not (hidden and re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE)), name
        assert study.digest not in text


def test_every_number_of_families_shown_is_large_enough(study, results):
    policy = policy_of(study)
    for audience in (
        Audience("researcher"),
        Audience("funder"),
        Audience("organisation", study.organisations[-1]),
    ):
        for result in results:
            for table in release(result, audience, policy=policy).tables.values():
                families = table.data["n_families"].dropna()
                assert ((families == 0) | (families >= policy.minimum_families)).all(), table.name


def test_the_report_of_an_organisation_reads_well(study, results):
    released = release(results[2], Audience("organisation", "tjalkmeer"), policy=policy_of(study))
    text = " ".join(say(released, language="nl").sentences)
    assert "Bij Tjalkmeer" in text
    assert "gemiddelde van de organisaties" in text
    assert "None" not in text
    assert "nan" not in text.split()
    assert "Tjalkmeer" in draw(released, "adjusted_change", language="nl").alt
