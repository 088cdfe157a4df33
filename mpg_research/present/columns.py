"""What each column of a table is, how it is written, and for whom it is shown."""

from dataclasses import dataclass

from mpg_research.present import organisation_columns

__all__ = ["HIDDEN_KEYS", "Shape", "interval_of", "is_left_out", "shape_of"]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the numbers of a column are written.

    Attributes
    ----------
    kind : str
        "number", "count", "share", "p" or "df".
    digits : int
        Decimals.
    plain : bool
        Whether readers of plain language see the column.
    """

    kind: str = "number"
    digits: int = 1
    plain: bool = True


QUALITIES = ("sensitivity", "specificity", "positive_value", "negative_value")
CONCORDANCE = ("naive", "chance", "difference", "conf_low", "conf_high")
SHAPES = {
    "std_error": Shape(digits=2, plain=False),
    "df": Shape("df", plain=False),
    "df_numerator": Shape("df", plain=False),
    "df_denominator": Shape("df", plain=False),
    "statistic": Shape(digits=2, plain=False),
    "p_value": Shape("p", plain=False),
    "p_adjusted": Shape("p"),
    "standardised": Shape(digits=2, plain=False),
    "standardised_low": Shape(digits=2, plain=False),
    "standardised_high": Shape(digits=2, plain=False),
    "sd": Shape(digits=2, plain=False),
    "item_rest_correlation": Shape(digits=2),
    "correlation": Shape(digits=2),
    "covariance": Shape(digits=3),
    "n_organisations": Shape("count"),
}
# Tables in which an ordinary column needs other digits.
SPECIAL = {
    ("coefficients", "estimate"): Shape(digits=3),
    ("coefficients", "conf_low"): Shape(digits=3),
    ("coefficients", "conf_high"): Shape(digits=3),
    ("coefficients", "std_error"): Shape(digits=3, plain=False),
    ("reliability", "estimate"): Shape(digits=2),
    ("reliability", "conf_low"): Shape(digits=2),
    ("reliability", "conf_high"): Shape(digits=2),
    ("items", "mean"): Shape(digits=2),
    ("items", "sd"): Shape(digits=2),
    ("variance_components", "sd"): Shape(digits=2),
    ("joint_test", "p_value"): Shape("p"),
    ("item_completeness", "share_answered"): Shape("share", digits=1),
    ("thresholds", "std_error"): Shape(digits=2),
    ("thresholds", "critical"): Shape(digits=2, plain=False),
    ("thresholds", "threshold"): Shape(digits=2),
    ("errors", "sd"): Shape(digits=2),
    ("true_shares", "estimate"): Shape("share", digits=0),
    ("waves_needed", "waves_needed"): Shape("count"),
    ("waves_needed", "months_needed"): Shape("count"),
    ("predictors", "estimate"): Shape(digits=3, plain=False),
    ("predictors", "conf_low"): Shape(digits=3, plain=False),
    ("predictors", "conf_high"): Shape(digits=3, plain=False),
    ("predictors", "odds_ratio"): Shape(digits=2),
    ("predictors", "odds_low"): Shape(digits=2),
    ("predictors", "odds_high"): Shape(digits=2),
    ("rules", "alarms_per_family"): Shape(digits=2),
    **dict.fromkeys((("by_month", name) for name in CONCORDANCE), Shape(digits=2)),
    **{
        (table, name): Shape(digits=2)
        for table in ("without_change", "without_change_by_month")
        for name in ("in_study", "without_change", "difference", "conf_low", "conf_high")
    },
    ("words", "ended_badly_low"): Shape("share", digits=0),
    ("words", "ended_badly_high"): Shape("share", digits=0),
    ("calibration", "predicted"): Shape("share"),
    ("calibration", "observed"): Shape("share"),
    ("calibration", "conf_low"): Shape("share"),
    ("calibration", "conf_high"): Shape("share"),
    ("calibration_summary", "value"): Shape(digits=2),
    ("decision_curve", "acting_from"): Shape("share", digits=0),
    ("decision_curve", "forecast"): Shape(digits=3),
    ("decision_curve", "everybody"): Shape(digits=3),
    ("published", "sensitivity"): Shape("share"),
    ("published", "specificity"): Shape("share"),
}
# Tables whose estimates are shares of families.
SHARE_TABLES = frozenset(
    {
        "shares",
        "shares_by_organisation",
        "shares_by_month",
        "merged",
        "merged_by_month",
        "methods",
        "respondents",
        "ever",
        "ends",
        "stops",
        "drop_out",
        "drop_out_by_organisation",
        "measured",
        "measured_by_organisation",
        "rules",
    }
)
SHARE_COLUMNS = frozenset(
    {"estimate", "conf_low", "conf_high", "clustered_low", "clustered_high"}
    | {f"{name}{end}" for name in QUALITIES for end in ("", "_low", "_high")}
)
INTERVALS = {
    **organisation_columns.INTERVALS,
    **{f"{name}_low": (f"{name}_high", f"{name}_interval") for name in QUALITIES},
    "clustered_low": ("clustered_high", "clustered_interval"),
    "odds_low": ("odds_high", "odds_interval"),
    "conf_low": ("conf_high", "interval"),
    "standardised_low": ("standardised_high", "standardised_interval"),
    "ended_badly_low": ("ended_badly_high", "ended_badly_interval"),
    "ended_early_low": ("ended_early_high", "ended_early_interval"),
}
# That an expected score is not zero is no finding; and beside a p-value that is corrected for the number of
# comparisons the uncorrected one invites misuse. Both stay in the CSV.
LEFT_OUT = {
    **organisation_columns.LEFT_OUT,
    **dict.fromkeys(
        ("mean_course", "mean_curve", "adjusted_means", "adjusted_curve"), ("statistic", "p_value")
    ),
    **dict.fromkeys(("pairwise", "difference_from_mean"), ("p_value",)),
}
#: Keys of a table that say how its values are meant and are not worth a column of their own.
HIDDEN_KEYS = frozenset(
    {("case_mix", "kind"), ("shares", "direction"), ("shares_by_organisation", "direction")}
)


def shape_of(table: str, column: str) -> Shape:
    """How a column of a table is written."""
    if (table, column) in SPECIAL:
        return SPECIAL[table, column]
    if table in SHARE_TABLES and column in SHARE_COLUMNS:
        return Shape("share", digits=0)
    if column in SHAPES:
        return SHAPES[column]
    if column in organisation_columns.SHARES:
        return Shape("share", digits=0)
    if column in organisation_columns.DIGITS:
        return Shape(digits=organisation_columns.DIGITS[column])
    if column == "joint_p_value":
        return Shape("p")
    if column.startswith("n_"):
        return Shape("count", digits=0)
    if column.startswith("share_") or column.startswith("ended_early"):
        return Shape("share", digits=0)
    return Shape()


def is_left_out(table: str, column: str) -> bool:
    """Whether a column stands in the CSV only."""
    return column in LEFT_OUT.get(table, ())


def interval_of(column: str) -> tuple[str, str] | None:
    """The column with the upper end and the heading of both, if the column is a lower end."""
    return INTERVALS.get(column)
