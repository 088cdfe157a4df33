"""The target trial as readers meet it: nothing small is shown, nothing is called an effect."""

import re
import tomllib
from pathlib import Path

import pytest

import mpg_research
from mpg_research import Audience, load_study, policy_of, release
from mpg_research.analysis import TargetTrial, emulate_target_trial
from mpg_research.languages import languages
from mpg_research.present.sentences.say import say
from mpg_research.study import Study, shipped_example

CATALOGUE = Path(mpg_research.__file__).parent / "present" / "catalogue"
#: What a comparison without a lot cannot say.
CAUSAL = re.compile(
    r"\beffect(?!ive|ieve)\w*|\bhelps?\b(?! has| ended)|\bhelpt\b|\bworks?\b|\bwerkt\b"
    r"|\bcauses?d?\b|\bdoordat\b",
    re.IGNORECASE,
)
#: That it cannot be told so, or what a trial would have found.
DENIED = ("no proof", "bewijst niet", "cannot work", "niet kan werken")


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(shipped_example())


@pytest.fixture(scope="module")
def trial(study: Study) -> TargetTrial:
    return emulate_target_trial(study, replicates=20)


@pytest.mark.parametrize("language", languages())
def test_no_sentence_speaks_of_an_effect(language: str) -> None:
    with (CATALOGUE / language / "trials.toml").open("rb") as file:
        sentences = tomllib.load(file)["target_trial"]
    for key, text in sentences.items():
        found = [match.group() for match in CAUSAL.finditer(text)]
        assert not found or any(words in text for words in DENIED), (key, found)


def test_small_numbers_stay_behind_the_gate(study: Study, trial: TargetTrial) -> None:
    policy = policy_of(study)
    for audience in (
        Audience("researcher"),
        Audience("funder"),
        Audience("organisation", str(study.organisations[0])),
    ):
        released = release(trial, audience, policy=policy)
        for name, table in released.tables.items():
            data = table.data
            for column in ("n_families", "n_treated", "n_untreated", "n_started"):
                if column in data and name != "sample_flow":
                    told = data[column].dropna()
                    assert (told >= policy.minimum_families).all(), (name, column)
        for language in languages():
            for topic in ("answer", "certainty", "nothing_done", "limits"):
                assert str(say(released, topic, language=language))


def test_what_cannot_be_estimated_has_a_reason_and_no_number(study: Study, trial: TargetTrial) -> None:
    released = release(trial, Audience("funder"), policy=policy_of(study))
    refused = trial.tables["verdicts"].data
    refused = refused[refused["estimable"] != "answered"]
    assert len(refused)
    text = str(say(released, "answer", language="en"))
    assert "Cannot be estimated from these data" in text
    assert "because" in text
    sentences = [each for each in text.split(". ") if each.startswith("Cannot be estimated")]
    for sentence in sentences:
        assert not re.search(r"\d", re.sub(r"\d+ months?", "", sentence))
