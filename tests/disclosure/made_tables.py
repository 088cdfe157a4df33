"""Tables made by hand, with the declarations that the analyses give to columns of these names."""

import pandas as pd

from mpg_research.analysis import columns as declared
from mpg_research.analysis.columns import Column
from mpg_research.analysis.data.quality import _OVERVIEW_VALUE
from mpg_research.analysis.organisations.funnel import FLAGS, LINES, STEPS, SUMMARY
from mpg_research.analysis.organisations.ranks import _BOTH, _RANKS
from mpg_research.analysis.organisations.shares import _POINTS, _SHARE_COLUMNS
from mpg_research.analysis.result import ResultTable
from mpg_research.analysis.robustness.check import _VERDICT

KNOWN = {
    column.name: column
    for column in (
        *declared.CORRECTED_ESTIMATE,
        *declared.STANDARDISED,
        *declared.SIMULTANEOUS,
        *FLAGS,
        *_RANKS,
        *_BOTH,
        *_POINTS,
        *_SHARE_COLUMNS,
        declared.P_ADJUSTED,
        declared.MONTHS,
        declared.N_MEASUREMENTS,
        declared.N_EPISODES,
        declared.N_GROUP,
        declared.N_FAMILIES,
        declared.N_ORGANISATIONS,
        declared.observed("mean", own=True),
        declared.observed("sd", own=True, digits=2, plain=False),
        declared.observed("measurements_per_family", own=True),
        declared.observed("mean_or_share", own=True),
        declared.observed_share("share_with_baseline", own=True),
        declared.observed_share("share_answered", of="n_measurements", digits=1),
        Column(name="minimum", meaning="extreme"),
        Column(name="maximum", meaning="extreme"),
    )
}
TABLES = {
    "overview": (_OVERVIEW_VALUE,),
    "share_indicators": _SHARE_COLUMNS,
    "funnel_lines": LINES,
    "funnel_summary": SUMMARY,
    "funnel_steps": STEPS,
    "mean_course": declared.LEVEL_ESTIMATE,
    "adjusted_means": declared.LEVEL_ESTIMATE,
    "change": declared.ESTIMATE,
    "adjusted_change": declared.ESTIMATE,
    "coefficients": declared.estimates(digits=3, error_digits=3),
    **dict.fromkeys(("drop_out_by_organisation", "measured", "merged"), declared.SHARE),
    "robustness": _VERDICT,
    "tipping_point": (declared.modelled("delta_at_tipping"),),
    "named": (
        declared.coded("primary", is_key=False),
        declared.coded("side", is_key=False),
        declared.modelled("difference"),
    ),
}
_LABELS = {
    "quantity",
    "step",
    "coefficient",
    "severity",
    "effect",
    "group",
    "kind",
    "level",
    "variable",
    "code",
}
_LABELS |= {"term", "class", "indicator", "check", "primary", "variant", "approach"}


def made_table(
    name: str,
    data: pd.DataFrame,
    keys: tuple[str, ...] = (),
    values: tuple[str, ...] = (),
    organisation_columns: tuple[str, ...] = (),
    parts_of_total: tuple[str, ...] = (),
    unit: str = "aggregate",
) -> ResultTable:
    """A table whose columns mean what they mean in the analyses; unknown names are observed numbers."""
    own = {column.name: column for column in TABLES.get(name, ())}
    columns = []
    for key in keys:
        adds = "families" if key in parts_of_total else "counts" if key in ("months", "level") else ""
        if key in organisation_columns:
            column = declared.ORGANISATION.but(name=key)
        elif key in ("score_low", "score_high"):
            column = declared.key_column(key, ends=key.removeprefix("score_"))
        elif key == "indicator":
            column = KNOWN[key]
        elif key in _LABELS:
            column = declared.coded(key)
        else:
            column = own.get(key) or (declared.MONTHS if key == "months" else declared.key_column(key))
        columns.append(column.but(adds_up=adds))
    for value in values:
        known = own.get(value) or KNOWN.get(value)
        if known is None and value.startswith("n_"):
            known = declared.number_of(value)
        elif known is None and value.startswith("share_"):
            known = declared.observed_share(value)
        columns.append(known or declared.observed(value))
    return ResultTable(name, data, tuple(columns), unit)  # type: ignore[arg-type]
