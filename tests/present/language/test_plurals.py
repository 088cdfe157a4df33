"""One of a thing is never many, whichever sentence it stands in: all phrases, with ones and other numbers."""

import re

import numpy as np
import pytest

from mpg_research.languages import grammar_of, languages
from mpg_research.plurals import counted, singular_after_one, singulars
from mpg_research.present.language.phrases import phrases_in
from mpg_research.study.model import CheckReport, FlowStep, SampleFlow

#: English words in -s behind a number that are no plural; Dutch ones in -en or -s.
SINGULAR = {
    "en": {"counts", "differs", "goes", "has", "includes", "is", "lies", "shows", "yes"},
    "nl": {"een", "is", "gemeten", "hangen", "vergeleken", "erbuiten", "plaats", "prijs"},
}
PLURAL = {
    "en": r"\b1 (?:other |different |published |unanswered |funnel )?(\w+s)\b",
    "nl": r"\b1 (?:andere |vergeleken )?(\w+(?:en|s))\b",
}
UNITS = {
    None: None,
    "patient": {"nl": ("patiënt", "patiënten", "de"), "en": ("patient", "patients", "")},
    "child": {"nl": ("kind", "kinderen", "het"), "en": ("child", "children", "")},
}
#: Placeholders that are no counts: a size has its unit, a share its sign, a moment its word, money its sign.
SIZES = re.compile(
    r"size|unit|level|low|high|fall|rise|estimate|period|moment|month|share|mean|sd|start|end|margin|drift|"
    r"step|delta|threshold|spread|reliability|shift|difference|chance|value|median|percent|corr|p$|minimum|"
    r"sensitivity|specificity|coverage|standardised|own$|name|column|outcome|families$|cutoff|first$|second$|last$|"
    r"amount|what$|best$|saved$|coordination$|gains$|pays$|net$|help$|answer$"
)


def written(language: str, unit: str | None, number: dict[str, str], key: str) -> str:
    words = UNITS[unit]
    phrases = phrases_in(language, unit=words[language] if words else None)
    values = {name: number.get(name, "x") for name in phrases.placeholders(key)}
    return phrases(key, **values)


@pytest.mark.parametrize("unit", list(UNITS))
@pytest.mark.parametrize("language", languages())
def test_no_sentence_speaks_of_one_things(language: str, unit: str | None) -> None:
    phrases = phrases_in(language)
    words = UNITS[unit]
    many = words[language][1] if words else None
    found = []
    for key in phrases.entries:
        counts = {name: "1" for name in phrases.placeholders(key) if not SIZES.search(name)}
        text = written(language, unit, counts, key)
        for noun in re.findall(PLURAL[language], text):
            if noun not in SINGULAR[language]:
                found.append((key, text))
        if unit and re.search(rf"\b1 {many}\b", text):
            found.append((key, text))
    assert found == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("language", languages())
def test_every_other_number_leaves_the_sentence_as_it_is(language: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    phrases = phrases_in(language)
    for key in phrases.entries:
        number = {name: str(rng.choice([0, *range(2, 400)])) for name in phrases.placeholders(key)}
        plain = re.sub(r"\{(\w+):[^|}]*\|([^}]*)\}", r"\2", phrases.entries[key])
        assert written(language, None, number, key) == plain.format(**number)


@pytest.mark.parametrize("language", languages())
def test_the_rules_name_no_word_twice_and_end_in_the_singular(language: str) -> None:
    for many, one in singulars(language).items():
        assert singular_after_one(f" {many}.", language) == f" {one}."
        for plural, single in grammar_of(language).verbs.items():
            assert singular_after_one(f" {many} {plural} x", language) == f" {one} {single} x"


@pytest.mark.parametrize("seed", range(3))
def test_counts_in_messages_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(200):
        errors, many = (int(n) for n in rng.integers(0, 4, 2))
        flow = SampleFlow((FlowStep("read", "Read", many, errors, many),)).as_text()
        for text in (
            flow,
            counted(errors, "values out of range"),
            counted(many, "families in organisation x"),
        ):
            assert re.search(r"\b1 (values|families|measurements|episodes)\b", text) is None
            assert re.search(r"\b(?:0|[2-9]) (value|family|measurement|episode)\b", text) is None


def test_the_head_of_a_report_agrees() -> None:
    text = CheckReport("s").as_text()
    assert "0 errors, 0 warnings" in text


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("time", ["months", "weeks", "waves"])
def test_the_first_of_one_has_no_number(language: str, time: str) -> None:
    phrases = phrases_in(language, time=time)
    first = {"nl": "eerste", "en": "first"}[language]
    seen = 0
    for key in phrases.entries:
        if f"{first} {{period}}" not in phrases.entries[key]:
            continue
        seen += 1
        for number in (1, 2, 11, 12):
            unit = ("wave" if time == "waves" else "month") + ("" if number == 1 else "s")
            period = phrases(f"unit.period_{unit}", number=str(number))
            known = dict.fromkeys(phrases.placeholders(key), "x") | {"period": period}
            text = phrases(key, **known)
            assert f"{first} 1 " not in text
            assert f"{first} {period.removeprefix('1 ')}" in text
    assert seen > 5
