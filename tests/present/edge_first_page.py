"""Edge results of the funder's first page: who was measured of all families, and how they fared."""

import math
import re
from collections.abc import Iterator

import pandas as pd

from mpg_research.analysis.families.shares import share_table
from mpg_research.disclosure import Released, release
from mpg_research.disclosure.released import SUPPRESSED
from mpg_research.present.figures import draw as draw_figure
from mpg_research.study.model import FlowStep, SampleFlow
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_families import classes
from tests.present.edge_needs import Words, change, lower_is_better, rows_of
from tests.present.edge_results import FUNDER, Draw, Edges, policy_with, provenance

#: Classes that can stand together in one table, and how many families each has.
_HUNDREDS = (
    (("improved", "unchanged", "deteriorated", "not_judged"), (58, 160, 14, 18)),
    (("improved", "unchanged", "deteriorated", "not_judged"), (58, 160, 0, 32)),
    (("improved", "unchanged", "deteriorated", "not_judged"), (58, 160, 4, 18)),
    (("improved", "not_improved", "not_judged"), (60, 176, 14)),
    (("not_worse", "deteriorated", "not_judged"), (20, 20, 20)),
    (("judged", "not_judged"), (30, 30)),
    (("improved", "unchanged_or_not_judged", "deteriorated"), (333, 333, 334)),
    (("improved", "not_known_improved"), (12, 40)),
    (("not_known_worse", "deteriorated"), (40, 12)),
    (("improved", "unchanged"), (0, 0)),
    (("improved", "unchanged", "deteriorated", "not_judged"), (5000, 6000, 20, 800)),
    ((), ()),
)
_LOST = (
    (("as_planned", "other_end", "drop_out", "not_filled_in", "not_yet"), (40, 12, 30, 40, 31)),
    (("as_planned", "not_as_planned", "in_help"), (40, 30, 40)),
    (("any_end", "not_filled_in", "not_yet"), (60, 40, 20)),
    (("otherwise", "drop_out", "in_help"), (20, 4, 40)),
    (("otherwise", "drop_out", "in_help"), (20, 14, 40)),
    ((), ()),
)


def followed(draw: Draw) -> MadeResult:
    names, counts = draw("hundred", _HUNDREDS)
    lost_names, lost = draw("lost", _LOST)
    measured = draw("measured", (84, 12, 0, 4))
    used = measured + sum(lost)
    silent, unused = draw("silent", ((20, 33), (0, 0), (3, 2), (14, 0)))
    steps = {"helped": used + silent + unused, "answered": used + unused, "analysed": used}
    flow = [
        FlowStep(code, f"Step {code}", 9 * n, n, n) for code, n in {**steps, "around_month": measured}.items()
    ]
    tables = [
        share_table(name, _rows(tuple(found), tuple(numbers)))
        for name, found, numbers in (("of_all_families", names, counts), ("not_measured", lost_names, lost))
    ]
    facts = {"near": draw("near", (1.5, 0.5, 1.0))}
    return result_of(
        "followed_families", *tables, flow=SampleFlow(tuple(flow)), provenance=provenance(**facts)
    )


def _rows(names: tuple[str, ...], counts: tuple[int, ...]) -> pd.DataFrame:
    columns = ["class", "estimate", "conf_low", "conf_high", "clustered_low", "clustered_high", "n_group"]
    rows = [{**row, "n_organisations": 6} for row in classes(names, counts)]
    return pd.DataFrame(rows, columns=[*columns, "n_families", "n_organisations"])


def _whole(released: Released, name: str) -> bool:
    found = released.tables.get(name)
    if found is None or not len(found.data):
        return False
    shown = found.data[["estimate", "n_families", "n_group"]].notna().all(axis=None)
    return bool(shown) and not bool((found.marks["n_families"] == SUPPRESSED).any())


def _adds_up(released: Released, words: Words) -> bool:
    numbers = [int(text) for text in re.findall(r"(?<!<)\b\d+", str(words["parts"]))]
    return _whole(released, "of_all_families") and sum(numbers) == 100


def _share_is_that_of_steps(released: Released, words: Words) -> bool:
    steps = rows_of(released, "sample_flow").set_index("step")["n_families"]
    used, measured = float(steps["analysed"]), float(steps["around_month"])
    text = str(words["share"])
    said = float(re.sub(r"[^\d]", "", text))
    if text.startswith(("<", ">")):
        return 0 < measured < used and abs(100 * measured / used - said) <= 1
    return abs(100 * measured / used - said) <= 0.5


def _out_of_hundred(_: Released, words: Words) -> bool:
    return 0 <= float(re.sub(r"[^\d]", "", str(words["share"]))) <= 100


def _shares_apart_hidden(released: Released, _: Words) -> bool:
    rows = rows_of(released, "share_indicators")
    known = rows[rows["share_observed"].between(0, 1)]
    return not len(known) or bool((known.groupby("indicator")["organisation"].nunique() < 2).all())


def _hundred_part(released: Released, words: Words) -> bool:
    rows = rows_of(released, "of_all_families")["estimate"] * 100
    near = (rows - float(str(words["number"]).removeprefix("<"))).abs() <= len(rows) * 0.5 + 1.5
    return _whole(released, "of_all_families") and bool(near.any())


def _margin_known(released: Released, words: Words) -> bool:
    row = change(released)
    margin = (row["conf_high"] - row["conf_low"]) / 2
    return math.isfinite(margin) and float(f"{margin / math.sqrt(2):.1f}") > 0


def _nothing_compared(released: Released, _: Words) -> bool:
    policy = released.policy
    return not (policy.randomised or policy.has_comparison or policy.public_groups)


NEEDS = {
    "lower_scores_better": lambda released, _: lower_is_better(released),
    "higher_scores_better": lambda released, _: not lower_is_better(released),
    "nothing_compared": _nothing_compared,
    "several_organisations": lambda released, _: change(released)["n_organisations"] > 1,
    "margin_known": _margin_known,
    "out_of_hundred": _out_of_hundred,
    "hundred_part": _hundred_part,
    "shares_apart_hidden": _shares_apart_hidden,
    "hundred_whole": _adds_up,
    "hundred_not_whole": lambda released, _: (
        not _whole(released, "of_all_families") or not rows_of(released, "of_all_families")["estimate"].sum()
    ),
    "measured_known": _share_is_that_of_steps,
    "lost_not_known": lambda released, _: not _whole(released, "not_measured"),
}


def pictures(language: str) -> Iterator[str]:
    """Titles, captions and descriptions of the pictures, with numbers rounded too."""
    for rounding in (0, 5):
        result = followed(Draw(0, hundred=_HUNDREDS[0], lost=_LOST[0], measured=84))
        released = release(result, FUNDER, policy=policy_with(rounding=rounding))
        for name in ("every_hundred", "who_was_measured"):
            yield str(draw_figure(released, name, language=language))


#: Kinds of results, with seeds that speak their sentences and what is seldom drawn.
EDGES = (
    Edges(
        "followed_families",
        followed,
        (0, 1, 2, 3, 4, 5, 6, 7),
        tuple(
            {"hundred": hundred, "lost": _LOST[place % len(_LOST)], "measured": 84}
            for place, hundred in enumerate(_HUNDREDS)
        ),
        NEEDS,
    ),
)
