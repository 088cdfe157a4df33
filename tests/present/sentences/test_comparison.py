"""The fair comparison in words, tables and figures, through the gate, for every reader."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from mpg_research import check_robustness, compare_cohorts, compare_organisations, load_study
from mpg_research.disclosure import Audience, release
from mpg_research.disclosure.released import Released
from mpg_research.present import PresentedFigure, draw, say, tabulate
from mpg_research.present.language.phrases import phrases_in
from mpg_research.study import Study, shipped_example
from tests.analysis.documented_tables import undocumented_tables
from tests.exact_policy import exact_policy

READERS = {
    "researcher": Audience("researcher"),
    "funder": Audience("funder"),
    "organisation": Audience("organisation", "vlierdonk"),
}
#: Drawn here, on the example study.
COMPARISON_FIGURES = {
    "funnel", "caterpillar", "rank_sets", "case_mix_difference", "share_indicators", "share_funnel",
    "run_chart",
}  # fmt: skip
OTHERS = ("Brinkelaar", "Hazelgaard", "Merelstroom", "Tjalkmeer", "Zonnewaerd")


@pytest.fixture(scope="module")
def results() -> dict[str, object]:
    study = load_study(shipped_example())
    few = ("child_age", "single_parent")
    verbs = (compare_organisations, check_robustness, compare_cohorts)
    found = [verb(study, case_mix=few) for verb in verbs]
    return {result.kind: result for result in found} | {"study": study}


def released(results: dict[str, object], kind: str, reader: str) -> Released:
    return release(results[kind], READERS[reader], policy=exact_policy(results["study"], minimum_families=3))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_table_and_sentence_can_be_shown(
    results: dict[str, object], reader: str, language: str
) -> None:
    known = phrases_in(language)
    for kind in ("organisations", "organisation_robustness", "organisations_over_time"):
        shown = released(results, kind, reader)
        assert "{" not in str(say(shown, language=language))
        for name in shown.tables:
            written = str(tabulate(shown, name, language=language))
            assert "{" not in written, name
            assert "nan" not in written.split(), name
            assert known.has(f"caption.{name}"), name


@pytest.mark.parametrize("figure", sorted(COMPARISON_FIGURES))
@pytest.mark.parametrize("reader", READERS)
def test_figures_are_pictures_with_words(results: dict[str, object], figure: str, reader: str) -> None:
    kind = "organisations_over_time" if figure == "run_chart" else "organisations"
    shown = draw(released(results, kind, reader), figure, language="nl")
    assert isinstance(shown, PresentedFigure)
    assert ElementTree.fromstring(shown.svg).tag.endswith("svg")
    assert re.search(r"\d", shown.alt)
    assert shown.svg == draw(released(results, kind, reader), figure, language="nl").svg


@pytest.mark.parametrize("reader", ["funder", "organisation"])
def test_other_organisations_have_no_names(results: dict[str, object], reader: str) -> None:
    for kind in ("organisations", "organisation_robustness", "organisations_over_time"):
        shown = released(results, kind, reader)
        texts = [str(tabulate(shown, name, language="en")) for name in shown.tables]
        texts += [str(say(shown, topic, language="en")) for topic in (None, "ranks", "funnel")]
        for figure in COMPARISON_FIGURES - {"run_chart"} if kind == "organisations" else ():
            texts.append(str(draw(shown, figure, language="en")))
        assert not [name for name in OTHERS if any(name in text for text in texts)]


def test_the_first_sentences_are_about_the_own_organisation(results: dict[str, object]) -> None:
    answer = str(say(released(results, "organisations", "organisation"), "answer", language="en"))
    first, second = re.split(r"(?<=\.)\s+(?=[A-Z])", answer.split("\n\n")[-1])[:2]
    assert "at Vlierdonk is not demonstrably different from average" in first
    assert "probably between" in first
    assert second.startswith("At Vlierdonk")


def test_ranks_never_come_without_their_uncertainty(results: dict[str, object]) -> None:
    words = str(say(released(results, "organisations", "researcher"), "ranks", language="en"))
    assert "uncertain" in words
    assert "Rankability" in words
    table = str(tabulate(released(results, "organisations", "researcher"), "ranks", language="en"))
    assert "Ranks not excluded" in table


def test_shares_of_small_numbers_of_an_unnamed_organisation_are_coarse(results: dict[str, object]) -> None:
    shown = released(results, "organisations", "funder").tables["share_indicators"].data
    shares = shown["share_observed"].dropna()
    assert ((shares * 100).round(6) % 1 == 0).all()


def test_a_hidden_share_does_not_follow_from_its_funnel_plot(results: dict[str, object]) -> None:
    policy = replace(exact_policy(results["study"]), name_organisations_to_funder=True)
    shown = release(results["organisations"], READERS["funder"], policy=policy).tables
    shares, funnel = (
        shown[name].data.set_index(["organisation", "indicator"])
        for name in ("share_indicators", "share_funnel")
    )
    hidden = shares.index[shares["share_observed"].isna()]
    # A share that hardly anybody has (or lacks) has no plot at all.
    drawn = hidden.intersection(funnel.index)
    assert len(drawn)
    assert funnel.loc[drawn, ["share_observed", "adjusted_share", "ratio"]].isna().all(axis=None)
    assert funnel["ratio"].notna().any()


def test_no_list_of_workers(results: dict[str, object]) -> None:
    study = results["study"]
    workers = set(study.tables["episodes"]["worker"].dropna().astype(str))
    for table in results["organisations"].tables.values():
        texts = table.data.select_dtypes(exclude="number").astype(str).to_numpy().ravel()
        assert not workers & set(texts), table.name


def test_the_conclusion_in_words(results: dict[str, object]) -> None:
    words = str(say(released(results, "organisation_robustness", "researcher"), language="en"))
    assert "conclusion" in words
    over_time = str(say(released(results, "organisations_over_time", "researcher"), language="nl"))
    assert "signaal" in over_time


def test_the_documentation_of_a_verb_names_every_table(results: dict[str, object]) -> None:
    for result in results.values():
        if not isinstance(result, Study):
            assert undocumented_tables(result) == set(), result.kind
