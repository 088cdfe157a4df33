"""What is said and drawn of a kind of result is registered once, and every kind of result is."""

import inspect
import pkgutil
from importlib import import_module

import pytest

import mpg_research.analysis
from mpg_research.analysis.result import Result
from mpg_research.disclosure import Audience, release
from mpg_research.errors import ConfigError
from mpg_research.languages import languages
from mpg_research.present import draw, say, tabulate
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.registry import Figure, figures, kinds
from mpg_research.present.sentences.say import topics
from tests.disclosure.made_results import made_policy, make_trajectory, result_of
from tests.present.edge_kinds import KINDS

#: About one family: it has a page of its own (present/profile.py) and never comes through the gate.
OF_ONE_FAMILY = {"family_profile"}


def kinds_of_results() -> set[str]:
    """The kinds that the modules of the analyses define."""
    found = set()
    for module in pkgutil.walk_packages(mpg_research.analysis.__path__, "mpg_research.analysis."):
        for _, each in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(each, Result) and "kind" in vars(each):
                found.add(each.kind)
    return found


def test_every_kind_of_result_is_registered_and_has_its_edges() -> None:
    assert set(kinds()) == kinds_of_results() - OF_ONE_FAMILY
    assert set(KINDS) == set(kinds()), "tests/present/edge_*.py: EDGES"


@pytest.mark.parametrize("language", languages())
def test_every_figure_has_its_words(language: str) -> None:
    phrases = phrases_in(language)
    for figure in figures().values():
        assert figure.shows
        names = (figure.name, *figure.aliases)
        for part in ("title", "caption", "alt"):
            assert any(phrases.has(f"figure.{name}.{part}") for name in names), figure.name
        for table in figure.shows:
            assert phrases.has(f"caption.{table}"), "a table below a picture has a caption"


def test_no_two_figures_answer_to_one_name() -> None:
    names = [name for each in figures().values() for name in (each.name, *each.aliases)]
    assert len(names) == len(set(names))
    assert all(isinstance(each, Figure) for each in figures().values())


def test_a_name_that_is_unknown_gets_the_nearest_that_is_known() -> None:
    released = release(make_trajectory(), Audience("researcher"), policy=made_policy())
    with pytest.raises(
        ConfigError, match=r"no figure 'mean_curse'; .*observed_course.*\. Did you mean \"mean_course\"\?"
    ):
        draw(released, "mean_curse", language="nl")
    with pytest.raises(ConfigError, match=r"topic 'certainly'; .*, or none\. Did you mean \"certainty\"\?"):
        say(released, "certainly", language="nl")
    other = release(result_of("made"), Audience("researcher"), policy=made_policy())
    with pytest.raises(
        ConfigError, match=r"no sentences for results of kind 'made'; there are for .*signals"
    ):
        say(other, language="nl")


def test_what_another_kind_has_is_said_to_be_absent_here() -> None:
    released = release(make_trajectory(), Audience("researcher"), policy=made_policy())
    for language in languages():
        for shown in (
            draw(released, "funnel", language=language),
            tabulate(released, "ranks", language=language),
        ):
            assert not shown.shows_numbers  # type: ignore[union-attr]
            assert shown.sentences  # type: ignore[union-attr]


def test_topics_are_those_of_the_kinds_and_those_of_all() -> None:
    assert topics() == (
        *(
            "answer",
            "certainty",
            "limits",
            "need",
            "in_short",
            "method",
            "payers",
            "assumptions",
            "tipping",
            "first_page",
            "measured",
            "not_concluded",
            "to_ask",
            "surer",
            "sensitivity",
            "first_page_shares",
            "shares",
            "ranks",
            "funnel",
            "own_families",
            "own_numbers",
            "own_stands_out",
            "own_mix",
            "own_discuss",
            "own_team",
            "nothing_done",
            "headline",
            "sample",
            "notes",
            "withheld",
        ),
    )
