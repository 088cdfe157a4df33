"""Edge results about the agreement between two respondents."""

import math

from mpg_research.analysis.columns import coded, ends, key_column, modelled, number_of, observed
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_needs import Words, rows_of, usable
from tests.present.edge_results import CHANGES, FAMILIES, INF, NAN, Draw, Edges, pooled, provenance

LIMITS = ((-11.4, 8.8), (-45.0, 60.0), (-0.04, 0.03), (0.0, 0.0), (NAN, NAN), (2.0, 9.0))
ICCS = (
    (0.44, 0.25, 0.61),
    (0.0, -0.2, 0.2),
    (-0.1, -0.4, 0.3),
    (1.0, 0.99, 1.0),
    (NAN, NAN, NAN),
    (0.4, NAN, INF),
)


def respondents(draw: Draw) -> MadeResult:
    n = draw("n", FAMILIES)
    lower, upper = draw("limits", LIMITS)
    numbers = {
        "mean_difference": draw("change", CHANGES),
        "lower_limit": (lower, lower - 1, lower + 1),
        "upper_limit": (upper, upper - 1, upper + 1),
    }
    rows = [
        {
            "quantity": name,
            **dict(zip(("estimate", "conf_low", "conf_high"), values, strict=True)),
            "n_pairs": 3 * n,
        }
        for name, values in numbers.items()
    ]
    coefficients = [
        {
            "coefficient": name,
            **dict(zip(("estimate", "conf_low", "conf_high"), draw(name, ICCS), strict=True)),
        }
        for name in ("icc_agreement", "icc_consistency")
    ]
    bands = [
        {
            "score_low": low,
            "score_high": low + 6.0,
            "mean_difference": draw("difference", (-1.4, 0.0, 3.0, NAN)),
            "sd_difference": draw("spread", (3.5, NAN)),
            "n_pairs": 2 * n,
        }
        for low in (10.0, 16.0)
    ]
    n_pairs = number_of("n_pairs", of="measurements")
    estimate, icc = observed("estimate"), modelled("estimate", digits=2)
    columns = {
        "respondent_difference": (
            coded("quantity"),
            estimate,
            *ends(estimate, "conf", heading="interval"),
            n_pairs,
        ),
        "respondent_icc": (coded("coefficient"), icc, *ends(icc, "conf", heading="interval")),
        "respondent_bands": (
            key_column("score_low", ends="low", adds_up="families"),
            key_column("score_high", ends="high", adds_up="families"),
            observed("mean_difference"),
            observed("sd_difference", digits=2, plain=False),
            n_pairs,
        ),
    }
    tables = [
        ResultTable(name, pooled(name, made, n=n).data, columns[name])
        for name, made in zip(columns, (rows, coefficients, bands), strict=True)
    ]
    people = draw("people", (("first_parent", "second_parent"), ("mother", "step_father")))
    facts = {
        "first": people[0],
        "second": people[1],
        "share": 0.95,
        "within": draw("within", (0.5, 0.0, 2.0)),
    }
    return result_of("respondents", *tables, provenance=provenance(**facts))


def difference(released: Released) -> dict[str, float]:
    rows = rows_of(released, "respondent_difference")
    return dict(rows[rows["quantity"] == "mean_difference"].iloc[0])


def is_known(released: Released) -> bool:
    return usable(released, difference(released))  # type: ignore[arg-type]


def is_alike(released: Released, words: Words) -> bool:
    rows = rows_of(released, "respondent_icc")
    row = rows[rows["coefficient"] == "icc_agreement"].iloc[0]
    numbers = [float(row[name]) for name in ("estimate", "conf_low", "conf_high")]
    return all(math.isfinite(number) and -1 <= number <= 1 for number in numbers)


#: Seeds that speak its sentences, what is seldom drawn (first with all numbers known), and what they need.
EDGES = (
    Edges(
        "respondents",
        respondents,
        (2, 4, 5, 9),
        (
            {
                "n": 247,
                "change": (4.1, 3.2, 5.0),
                "limits": (-11.4, 8.8),
                "icc_agreement": ICCS[0],
                "within": 0.5,
            },
            {"n": 247, "change": (-4.1, -5.0, -3.2), "icc_consistency": ICCS[0], "within": 0.0},
            {"n": 247, "change": (-0.04, -1.0, 0.92)},
            {"n": 247, "change": (NAN, NAN, NAN)},
            {"n": 8},
        ),
        {
            "respondents_higher": lambda released, _: difference(released)["conf_low"] > 0,
            "respondents_lower": lambda released, _: difference(released)["conf_high"] < 0,
            "respondents_unclear": lambda released, _: (
                difference(released)["conf_low"] <= 0 and difference(released)["conf_high"] >= 0
            ),
            "respondents_not_known": lambda released, _: not is_known(released),
            "respondents_alike": is_alike,
        },
    ),
)
