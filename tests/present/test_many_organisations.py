"""What readers see of 60 and 300 organisations: no more than of few, and all rows in the file beside."""

import csv
import dataclasses
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from mpg_research.disclosure import Audience, Released, release
from mpg_research.present import draw, registry, tabulate
from mpg_research.present.many import FEW, HALF, MOST, quantiles
from mpg_research.present.presented import PresentedFigure, PresentedTable
from mpg_research.present.tables.brief import SHOWN_ROWS
from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.page.once import name_regions_apart
from tests.present.many_organisations import many_organisations

LINDE, RESEARCHER, FUNDER = Audience("organisation", "linde"), Audience("researcher"), Audience("funder")
#: Characters of all figures and tables of a comparison together, whatever the number of organisations.
PAGE_OF_ONE, PAGE_OF_ALL = 300_000, 800_000
LINK = re.compile(r'<a href="([^"]+)" download>([^<]+)</a>')


@pytest.fixture(scope="module", params=[60, 300])
def number(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def for_linde(number: int) -> Released:
    result, policy = many_organisations(number)
    return release(result, LINDE, policy=policy)


@pytest.fixture(scope="module")
def for_researcher(number: int) -> Released:
    result, policy = many_organisations(number)
    return release(result, RESEARCHER, policy=policy)


def shown(released: Released, language: str = "nl") -> dict[str, PresentedFigure | PresentedTable]:
    """Every figure and table of a released comparison, under the folder where its file is published."""
    found = {}
    for name in released.tables:
        found[f"table {name}"] = tabulate(released, name, language=language, folder="tables/page")
    for figure in registry.kinds()["organisations"].figures:
        drawn = draw(released, figure.name, language=language, folder="figures/page")
        found[f"figure {figure.name}"] = drawn
    return {name: each for name, each in found.items() if isinstance(each, PresentedFigure | PresentedTable)}


def rows_of(html: str) -> list[str]:
    return re.findall(r"<tr.*?</tr>", html.partition("<tbody>")[2], re.DOTALL)


def test_a_page_does_not_grow_with_the_number_of_organisations(
    for_linde: Released, for_researcher: Released
) -> None:
    assert sum(len(each.html) for each in shown(for_linde).values()) < PAGE_OF_ONE
    assert sum(len(each.html) for each in shown(for_researcher).values()) < PAGE_OF_ALL


def test_the_own_rows_are_there_and_nobody_elses(for_linde: Released) -> None:
    long = [
        name
        for name, table in for_linde.tables.items()
        if "organisation" in table.organisation_columns and len(table.data) > SHOWN_ROWS
    ]
    assert {"adjusted_change", "case_mix_difference"} <= set(long)
    for name in long:
        presented = tabulate(for_linde, name, language="nl")
        rows = rows_of(presented.html)
        assert all("Lindehof (eigen)" in row for row in rows), name
        data = for_linde.tables[name].data
        assert len(rows) == int((data["organisation"] == for_linde.own).sum()), name


def test_the_file_has_all_rows_and_the_page_says_where_it_lies(
    for_linde: Released, for_researcher: Released
) -> None:
    for released in (for_linde, for_researcher):
        for name, each in shown(released).items():
            table = each.data if isinstance(each, PresentedFigure) else each
            part = re.search(r'<p class="table-part">(.*?)</p>', table.html)
            written = list(csv.DictReader(io.StringIO(table.csv)))
            if len(rows_of(table.html)) == len(written):
                assert part is None, name
                continue
            assert part is not None, name
            folder = "figures" if isinstance(each, PresentedFigure) else "tables"
            assert LINK.findall(part[1]) == [(f"{folder}/page/{table.name}.csv",) * 2], name
            assert str(len(written)) in part[1].replace(".", ""), "how many rows the whole table has"


def test_what_is_said_of_the_others_follows_from_the_released_rows(for_linde: Released) -> None:
    table = for_linde.tables["adjusted_change"].data
    others = table.loc[table["organisation"] != for_linde.own, "estimate"]
    presented = tabulate(for_linde, "adjusted_change", language="en")
    (row,) = rows_of(presented.html)
    for at in (HALF, MOST):
        low, high = quantiles(others, at)
        assert {low, high} <= set(others), "an end is a number that is shown"
        assert np.mean((others >= low) & (others <= high)) >= at[1] - at[0]
        text = f"{low:.1f} to {high:.1f}".replace("-", "\u2212")
        assert f'<td class="number">{text}</td>' in row


def test_withheld_rows_have_no_part_in_what_is_said_of_the_others() -> None:
    sizes = {"linde": 40, **{f"place_{place:03d}": 40 if place > 5 else 4 for place in range(1, 40)}}
    result, policy = many_organisations(40, sizes=sizes)
    # Made up so that each difference is about the smallest of all: withheld as a whole, with what is beside.
    tables = {name: table for name, table in result.tables.items() if name != "difference_from_mean"}
    released = release(dataclasses.replace(result, tables=tables), LINDE, policy=policy)
    table = released.tables["raw_and_shrunken"]
    assert table.data["raw"].isna().any(), "some are withheld"
    known = table.data.loc[table.data["organisation"] != released.own, "raw"].dropna()
    presented = tabulate(released, "raw_and_shrunken", language="en")
    low, high = quantiles(known, MOST)
    assert f"{low:.1f} to {high:.1f}".replace("-", "\u2212") in presented.html


class Circles(HTMLParser):
    """Places of the small circles of a picture, in the order in which they stand in it."""

    def __init__(self, svg: str) -> None:
        super().__init__()
        self.places: list[float] = []
        self.titles = 0
        self.feed(svg)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.titles += tag in ("title", "desc")
        if tag == "circle" and float(values["r"]) < 2.2:
            self.places.append(float(values["cx"]))


@pytest.mark.parametrize("name", ["adjusted_change", "difference_from_mean", "caterpillar", "rank_sets"])
def test_dots_have_no_name_and_no_order_but_that_of_their_numbers(for_linde: Released, name: str) -> None:
    svg = draw(for_linde, name, language="nl").svg.decode()
    circles = Circles(svg)
    dots = circles.places[:-1]  # the last one stands in the legend
    assert len(dots) > FEW
    assert dots == sorted(dots)
    assert circles.titles == 0
    assert not re.search(r">Organisatie [A-Z]", svg)


def test_the_own_number_stands_beside_the_strip(for_linde: Released) -> None:
    drawn = draw(for_linde, "adjusted_change", language="nl")
    for said in ("Lindehof", "\u22124,1"):
        assert said in drawn.svg.decode()
    for said in ("\u22124,1", "acht van de tien"):
        assert said in drawn.alt


@pytest.mark.parametrize("audience", [LINDE, RESEARCHER, FUNDER], ids=str)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_everything_can_be_read_by_everybody(audience: Audience, language: str) -> None:
    result, policy = many_organisations(60)
    released = release(result, audience, policy=policy)
    parts = [each.html for each in shown(released, language).values()]
    assert parts
    body = f"<body><main><h1>T</h1>{''.join(parts)}</main></body>"
    page = name_regions_apart(f"<!doctype html><html lang='{language}'><title>T</title>{body}</html>")
    assert inspect_page(page, language=language) == ()


def test_few_organisations_keep_a_row_each() -> None:
    result, policy = many_organisations(FEW)
    released = release(result, LINDE, policy=policy)
    presented = tabulate(released, "adjusted_change", language="nl")
    assert len(rows_of(presented.html)) == FEW
    assert "table-part" not in presented.html
    assert ">Organisatie A</text>" in draw(released, "adjusted_change", language="nl").svg.decode()


def test_the_rows_that_stand_out_are_shown_in_the_order_of_the_table() -> None:
    apart = {f"p_place_{place:03d}": 0.01 for place in (7, 31)}
    result, policy = many_organisations(60, gaps=True, gap_linde=(0.1, -1.0, 1.0), **apart, **{
        f"gap_place_{place:03d}": (-2.0, -3.0, -1.0) if place in (7, 31) else (0.1, -1.0, 1.0)
        for place in range(1, 60)
    })  # fmt: skip
    released = release(result, RESEARCHER, policy=policy)
    presented = tabulate(released, "difference_from_mean", language="nl")
    rows = rows_of(presented.html)
    assert len(rows) == SHOWN_ROWS
    places = [int(found[1]) for row in rows if (found := re.search(r"Huis (\d+)<", row))]
    assert {7, 31} <= set(places)
    assert places == sorted(places)
    assert "kleinste gecorrigeerde p-waarden" in presented.html
