"""Edge results about how well the growth model fits, and about who the families are at the start."""

import math

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    by_row,
    coded,
    key_column,
    modelled,
    number_of,
    observed,
    observed_share,
    quantile,
    tally,
)
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import NAMES, MadeResult, result_of
from tests.present.edge_needs import Words, fact, rows_of
from tests.present.edge_results import FAMILIES, INF, NAN, Draw, Edges, pooled, provenance

#: Marginal and conditional R squared.
EXPLAINED = (
    (0.05, 0.74),
    (0.0, 0.0),
    (0.0, 1.0),
    (0.4, 0.4),
    (1.0, 1.0),
    (NAN, NAN),
    (0.3, 0.1),
    (-0.1, INF),
)
SHARES = (0.72, 0.0, 1.0, NAN, -0.1, 1.4)
#: Shares beyond two standard deviations on either side.
TAILS = ((0.012, 0.018), (0.0, 0.0), (0.5, 0.5), (NAN, 0.01))
ENDS = ((-0.08, 0.079), (0.0, 0.0), (-0.0004, 0.0002), (-3.0, 0.1), (NAN, 0.1), (-INF, INF))
RISES = ((4.1, 3.9), (0.0, 0.0), (-0.0099, 4.0), (-0.011, 4.0), (-12.0, 80.0), (NAN, NAN))
_VALUE = {
    "n_parameters": tally("value"),
    "n_measurements": number_of("value", of="measurements"),
}
_QUANTILES = {"p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}


def model_fit(draw: Draw) -> MadeResult:
    n = draw("n", FAMILIES)
    marginal, conditional = draw("explained", EXPLAINED)
    share = draw("share", SHARES)
    left, right = draw("tails", TAILS)
    low, high = draw("ends", ENDS)
    down, up = draw("rises", RISES)
    far = draw("far", (n,))
    statistics = [
        {"quantity": "r2_marginal", "value": marginal},
        {"quantity": "r2_conditional", "value": conditional},
        {"quantity": "aic", "value": 12898.0},
        {"quantity": "n_measurements", "value": 9.0 * n},
    ]
    variances = [
        {"group": "family", "unexplained_variance": 26.3, "icc": share},
        {"group": "residual", "unexplained_variance": 10.0, "icc": 1 - share},
    ]
    spread = [
        {
            "from_sd_low": start,
            "from_sd_high": start + 0.5,
            "n_measurements": 2 * n,
            "share": value,
            "normal_share": 0.023 if abs(start + 0.25) > 2 else 0.2,
            "n_measurements_of_all": 9 * n,
            "n_families": far if abs(start + 0.25) > 2 else n,
        }
        for start, value in ((-2.5, left), (-0.5, 0.4), (0.0, 0.5), (2.0, right))
    ]
    fitted = [
        {
            "tenth": float(tenth),
            "fitted": 12.0 + 2 * tenth,
            "residual_mean": draw("mean", (-0.4, 0.0, 0.7)),
            "residual_sd": draw("sd", (2.3, 0.0, 3.2)),
            "n_measurements": 2 * n,
        }
        for tenth in range(1, 6)
    ]
    influence = [
        {
            "of_leaving_out": "change_of_answer",
            **dict(zip(_QUANTILES, (low, low / 2, 0.0, high / 2, high), strict=True)),
        },
    ]
    slices = [
        {
            "group": "family",
            "term_1": "Intercept",
            "term_2": "Intercept",
            "moved_by": at,
            "deviance_rise": rise,
        }
        for at, rise in ((-1.0, down), (0.0, 0.0), (1.0, up))
    ]
    columns = {
        "fit_statistics": (coded("quantity"), by_row("value", "quantity", _VALUE, "model")),
        "variance_shares": (coded("group"), modelled("unexplained_variance"), modelled("icc", digits=3)),
        "residual_spread": (
            key_column("from_sd_low", ends="low", adds_up="counts"),
            key_column("from_sd_high", ends="high", adds_up="counts"),
            number_of("n_measurements"),
            observed_share("share", of="n_measurements_of_all"),
            modelled("normal_share", percent=True),
            number_of("n_measurements_of_all", of="measurements", csv_only=True),
        ),
        "residuals_by_fitted": (
            key_column("tenth", adds_up="counts"),
            modelled("fitted"),
            modelled("residual_mean"),
            modelled("residual_sd"),
            number_of("n_measurements"),
        ),
        "influence": (
            coded("of_leaving_out"),
            *(quantile(name, at, digits=3) for name, at in _QUANTILES.items()),
        ),
        "deviance_slices": (
            coded("group"),
            key_column("term_1"),
            key_column("term_2"),
            key_column("moved_by"),
            modelled("deviance_rise"),
        ),
    }
    rows = (statistics, variances, spread, fitted, influence, slices)
    tables = [
        ResultTable(name, pooled(name, made, n=n).data, columns[name])
        for name, made in zip(columns, rows, strict=True)
    ]
    return result_of("model_fit", *tables, provenance=provenance(case_mix=[]))


def intake(draw: Draw) -> MadeResult:
    n = draw("n", FAMILIES)
    score = draw("score", ((24.3, 5.2), (10.0, 0.0), (40.0, NAN), (41.5, 5.0), (NAN, NAN)))
    time = draw("time", (9.9, 0.0, 1.0, NAN))
    kept = [
        {"variable": "child_age", "level": "", "kind": "mean", "mean_or_share": 8.3, "sd": 3.1},
        {"variable": "single_parent", "level": "no", "kind": "share", "mean_or_share": 0.6, "sd": NAN},
        {"variable": "single_parent", "level": "yes", "kind": "share", "mean_or_share": 0.4, "sd": NAN},
        {"variable": "first_score", "level": "", "kind": "mean", "mean_or_share": score[0], "sd": score[1]},
        {"variable": "time_measured", "level": "", "kind": "mean", "mean_or_share": time, "sd": 4.0},
    ]
    share = observed("mean_or_share", percent=True, own=True)
    columns = (
        coded("variable"),
        coded("level", adds_up="families"),
        coded("kind", csv_only=True),
        by_row("mean_or_share", "kind", {"share": share}, "mean").but(own=True),
        observed("sd", plain=False, own=True),
    )
    everybody = [{**row, "n_unknown": 0} for row in kept]
    each = [{**row, "organisation": key, "n_families": max(n // 6, 2)} for key in NAMES for row in kept]
    tables = [
        ResultTable(
            "intake", pooled("intake", everybody, n=n).data, (*columns, number_of("n_unknown", of="families"))
        ),
        ResultTable(
            "intake_by_organisation",
            pooled("intake_by_organisation", each).data.drop(columns="n_organisations"),
            (EACH_ORGANISATION, *columns),
        ),
    ]
    return result_of("intake", *tables, provenance=provenance())


def value(released: Released, name: str) -> float:
    rows = rows_of(released, "fit_statistics")
    found = rows.loc[rows["quantity"] == name, "value"] if len(rows) else rows
    return float(found.iloc[0]) if len(found) else math.nan


def is_explained(released: Released) -> bool:
    return 0 <= value(released, "r2_marginal") <= value(released, "r2_conditional") <= 1


def lowest(released: Released) -> float:
    return float(rows_of(released, "deviance_slices")["deviance_rise"].astype(float).min())


def has_share(released: Released, _: Words) -> bool:
    rows = rows_of(released, "variance_shares")
    return 0 <= float(rows.loc[rows["group"] == "family", "icc"].iloc[0]) <= 1


def first_score(released: Released) -> tuple[float, float]:
    rows = rows_of(released, "intake")
    row = rows[rows["variable"] == "first_score"].iloc[0]
    return float(row["mean_or_share"]), float(row["sd"])


def on_scale(released: Released) -> bool:
    mean = first_score(released)[0]
    if released.provenance.outcome != "raw":
        return math.isfinite(mean)
    return fact(released, "raw_minimum") <= mean <= fact(released, "raw_maximum")


#: Seeds that speak its sentences, what is seldom drawn (first with all numbers known), and what they need.
EDGES = (
    Edges(
        "model_fit",
        model_fit,
        (1, 2, 3, 4, 5),
        (
            {
                "n": 247, "explained": EXPLAINED[0], "share": 0.72, "tails": TAILS[0], "ends": ENDS[0],
                "rises": RISES[0],
            },
            {"n": 247, "explained": (0.3, 0.1)},
            {"n": 247, "rises": (-0.011, 4.0)},
            {"n": 8},
        ),
        {
            "model_explains": lambda released, _: is_explained(released),
            "model_not_computed": lambda released, _: not is_explained(released),
            "families_share": has_share,
            "deviance_lowest_here": lambda released, _: lowest(released) >= -0.01,
            "deviance_lower_elsewhere": lambda released, _: lowest(released) < -0.01,
        },
    ),
    Edges(
        "intake",
        intake,
        (1, 2, 3, 4, 5),
        (
            {"n": 247, "score": (24.3, 5.2), "time": 9.9},
            {"n": 247, "score": (40.0, NAN)},
            {"n": 8},
        ),
        {
            "first_score_known": lambda released, _: (
                on_scale(released) and math.isfinite(first_score(released)[1])
            ),
            "first_score_alone": lambda released, _: (
                on_scale(released) and not math.isfinite(first_score(released)[1])
            ),
        },
    ),
)  # fmt: skip
