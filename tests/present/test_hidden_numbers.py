"""Nothing that carries a figure or a table says more than it shows: what was withheld can be anything.

Two results that differ only in what no reader may know give the same bytes: picture (the places of its marks,
lines, axes and texts), description, caption, numbers, HTML. And where a mark lies is a number of its table.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import StringIO
from random import Random
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from mpg_research.disclosure import Audience, Released, release
from mpg_research.present import PresentedFigure, draw, tabulate
from mpg_research.present.registry import kinds
from tests.disclosure.made_results import SIZES, MadeResult, made_policy, make_organisations
from tests.present.edge_kinds import KINDS
from tests.present.edge_results import Draw

AUDIENCES = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
#: So high that most kinds of results have rows about fewer families.
MINIMUM = 45
#: What a row says of its families; what it is about, and how many they are, stays.
SAID = frozenset({"mean", "model", "p", "df", "quantile", "money", "extreme"})
#: Kinds whose tables have no row about few families, or none with numbers of this sort.
WITHOUT_SECRETS = frozenset(
    {"signal_quality", "respondents", "data_quality", "followed_families", "without_progress"}
)
#: Kinds all of whose rows are about many families unless few are asked for.
FEW = {
    "target_trial": {"n": 30},
    "model_fit": {"far": 6},
    "family_flow": {"n": 30},
    "fidelity": {"n": 30},
    "rater_drift": {"n": 30},
    "domains": {"n": 30},
    "instruments": {"n": 30},
    "costs_and_effects": {"n": 30},
    "organisations_costs_and_effects": {"number": 5, "smallest": 4},
    "costs_and_benefits": {"n": 30},
    "agencies_scenario": {"n": 30},
    "own_voice": {"n": 30},
    "outcome_set": {"n": 30},
}


def result_for(kind: str) -> MadeResult:
    edges = KINDS[kind]
    given = edges.given[0] if edges.given else {}
    return edges.make(Draw(0, **{**given, **FEW.get(kind, {})}))


def with_other_secrets(result: MadeResult, minimum: int, seed: int) -> tuple[MadeResult, int]:
    """The result with other numbers in each row about too few families, and how many were changed."""
    draw_ = Random(seed)
    tables, changed = {}, 0
    for name, table in result.tables.items():
        data = table.data.copy()
        small = (data["n_families"] > 0) & (data["n_families"] < minimum)
        for column in table.columns:
            if table.unit != "family" and column.meaning in SAID and small.any():
                values = data[column.name].astype(float)
                values[small] = [draw_.uniform(0.01, 0.99) * 10 for _ in range(int(small.sum()))]
                data[column.name] = values
                changed += int(small.sum())
        tables[name] = replace(table, data=data)
    return replace(result, tables=tables), changed


def everything(released: Released, names: Iterable[str]) -> Iterator[Any]:
    """All that a reader gets of the figures and tables of a result."""
    for figure in names:
        shown = draw(released, figure, language="nl")
        yield str(shown), shown.html
        if isinstance(shown, PresentedFigure):
            yield shown.svg, shown.title, shown.alt, shown.caption, shown.data.csv, shown.data.html
    for name in released.tables:
        table = tabulate(released, name, language="nl")
        yield name, str(table), table.html, getattr(table, "csv", "")


@pytest.mark.parametrize("kind", [kind.name for kind in kinds().values() if kind.figures])
def test_what_is_withheld_changes_no_byte(kind: str) -> None:
    result = result_for(kind)
    names = [figure.name for figure in kinds()[kind].figures]
    other, changed = with_other_secrets(result, MINIMUM, seed=1)
    assert bool(changed) is (kind not in WITHOUT_SECRETS)
    for audience in AUDIENCES:
        policy = made_policy(minimum_families=MINIMUM)
        one, another = (release(each, audience, policy=policy) for each in (result, other))
        assert list(everything(one, names)) == list(everything(another, names)), audience


SVG = "{http://www.w3.org/2000/svg}"


def horizontal_axis(root: ElementTree.Element) -> Callable[[float], float]:
    """From a place in the picture to the value there, by the ticks that a reader sees."""
    for group in root.iter(f"{SVG}g"):
        texts = [(text.get("x"), (text.text or "").replace("\N{MINUS SIGN}", "-")) for text in group]
        if group.get("text-anchor") == "middle" and all(re.fullmatch(r"-?[\d.]+", said) for _, said in texts):
            (first_at, first), *_, (last_at, last) = ((float(x or "nan"), float(said)) for x, said in texts)
            return lambda at: first + (at - first_at) / (last_at - first_at) * (last - first)
    raise AssertionError("the picture has no axis with numbers")


def places_of_marks(root: ElementTree.Element) -> list[float]:
    """Where the dots lie, and the ends of the lines of intervals."""
    found = [float(dot.get("cx", "nan")) for dot in root.iter(f"{SVG}circle")]
    for line in root.iter(f"{SVG}path"):
        if line.get("stroke-width") in {"2.4", "1.8"}:
            found += [float(x) for x in re.findall(r"[ML](-?[\d.]+) ", line.get("d", ""))]
    return found


@pytest.mark.parametrize("figure", ["adjusted_change", "caterpillar", "funnel"])
@pytest.mark.parametrize("audience", AUDIENCES, ids=lambda audience: audience.role)
def test_where_a_mark_lies_is_a_number_of_the_table_below_it(figure: str, audience: Audience) -> None:
    """Read back from the picture as somebody with a ruler would; of the one withheld nothing lies there."""
    if figure == "adjusted_change":
        result = make_organisations(
            {**SIZES, "iep": 6}, dict(zip(SIZES, (-3, -4, -5, -27, -6, -2), strict=True))
        )
    else:
        result = result_for("organisations")
    shown = draw(release(result, audience, policy=made_policy()), figure, language="en")
    assert isinstance(shown, PresentedFigure)
    root = ElementTree.fromstring(shown.svg)
    value_at = horizontal_axis(root)
    point = abs(value_at(1.0) - value_at(0.0))
    table = pd.read_csv(StringIO(shown.data.csv))
    numbers = table.select_dtypes("number").to_numpy(dtype=float).ravel()
    numbers = numbers[~pd.isna(numbers)]
    marks = (
        places_of_marks(root)
        if figure != "funnel"
        else [float(dot.get("cx", "nan")) for dot in root.iter(f"{SVG}circle")]
    )
    assert len(marks) >= 5
    for place in marks:
        assert min(abs(numbers - value_at(place))) <= 0.2 * point, f"{value_at(place)} is not in the table"
