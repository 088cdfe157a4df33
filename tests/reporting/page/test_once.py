"""What stands on a page twice is said once: tables below figures, and remarks that are true of all tables."""

import re

from mpg_research.disclosure import Audience, release
from mpg_research.present import draw, tabulate
from mpg_research.reporting.page.html import page_words
from mpg_research.reporting.page.once import name_regions_apart, say_once
from tests.disclosure.made_results import made_policy, make_organisations, make_trajectory

DIRECTION = "Op de OBVL-K is een lagere score beter."


def parts() -> dict[str, str]:
    reader, policy = Audience("organisation", "linde"), made_policy()
    trajectory, comparison = (
        release(make(), reader, policy=policy) for make in (make_trajectory, make_organisations)
    )
    table = tabulate(comparison, "adjusted_change", language="nl")
    return {
        "figure": draw(comparison, "adjusted_change", language="nl").html,
        "table": f'<div class="shown" id="T-1">{table.html}</div>',
        "other": tabulate(comparison, "difference_from_mean", language="nl").html,
        "course": draw(trajectory, "mean_course", language="nl").html,
    }


def once(*names: str) -> str:
    given = parts()
    return say_once("\n".join(given[name] for name in names), page_words("nl"))


def test_a_table_that_stands_on_the_page_is_linked_from_its_figure() -> None:
    for order in (("figure", "table", "other", "course"), ("table", "figure", "course")):
        page = once(*order)
        bodies = re.findall(r"<thead>.*?</tbody>", page, re.DOTALL)
        assert len(bodies) == len(set(bodies))
        assert page.count('<a href="#T-1">De cijfers in deze figuur staan in de tabel “Verandering') == 1
        assert page.count("<details") == 1, "the course has no table of its own"


def test_a_table_that_stands_below_its_figure_only_stays_there() -> None:
    page = once("figure", "other", "course")
    assert page.count("<details") == 2
    assert "href=" not in page


def test_what_is_true_of_all_tables_is_said_at_the_first_that_is_seen() -> None:
    given = parts()
    assert sum(part.count(DIRECTION) for part in given.values()) >= 4
    page = once("course", "figure", "table", "other")
    assert page.count(DIRECTION) == 1
    assert page.index(DIRECTION) < page.index("</figcaption>")
    assert page.count("betrouwbaarheidsinterval) geeft") == 1
    assert '<p class="table-note"><small></small></p>' not in page
    folded = f"<details><summary>a</summary>{given['other']}</details>{given['table']}"
    page = say_once(folded, page_words("nl"))
    assert page.count(DIRECTION) == 1
    assert page.index(DIRECTION) > page.index("</details>"), "not where it is folded away"


def test_regions_have_a_name_each() -> None:
    part = '<div class="scroll" role="region" tabindex="0" aria-label="Scores"></div>'
    names = re.findall(
        r'aria-label="([^"]*)"', name_regions_apart(part * 3 + part.replace("Scores", "Andere"))
    )
    assert names == ["Scores", "Scores (2)", "Scores (3)", "Andere"]
