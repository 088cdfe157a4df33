"""How the columns of the fair comparison of organisations are written."""

__all__ = ["CODED_VALUES", "DIGITS", "INTERVALS", "LEFT_OUT", "SHARES", "value_kind"]

#: Columns of text whose values have labels in the catalogue.
CODED_VALUES = frozenset(
    {"indicator", "primary", "check", "verdict", "variant", "conclusion", "joint_conclusion", "side"}
    | {"beyond", "beyond_adjusted", "beyond_false_discovery", "observed_beyond_chance"}
)
#: Decimals where they are not one.
DIGITS = {
    **dict.fromkeys(("rank", "rank_low", "rank_high", "set_low", "set_high", "all_low", "all_high"), 0),
    **dict.fromkeys(("compared", "different", "percentile"), 0),
    **dict.fromkeys(("still_named", "other_side", "newly_named"), 0),
    **dict.fromkeys(("ways", "named_in", "other_side_in", "left_out", "named_left_out"), 0),
    **dict.fromkeys(("z", "z_adjusted", "standardised_difference", "reliability", "agreement"), 2),
    **dict.fromkeys(
        ("within", "between", "spread", "largest_shift", "ratio", "robust_error", "error_ratio"), 2
    ),
}
SHARES = frozenset(
    {"best_third", "worst_third", "observed_low", "observed_high", "expected_share", "adjusted_share"}
    | {f"observed_difference{end}" for end in ("", "_low", "_high")}
)
INTERVALS = {
    f"{name}_low": (f"{name}_high", f"{name}_interval")
    for name in (
        *("simultaneous", "difference", "observed", "observed_difference", "adjusted_change"),
        *("raw", "shrunken", "rank", "set", "all", "robust"),
    )
}
#: In the CSV only: what a figure needs and a reader does not.
LEFT_OUT = {
    "raw_and_shrunken": ("comparison_low", "comparison_high"),
    "funnel": ("std_error", "z", "beyond"),
    "funnel_lines": tuple(f"plain_{end}_{level}" for end in ("low", "high") for level in ("95", "998")),
    "share_funnel": ("beyond",),
    "share_funnel_lines": tuple(f"plain_{end}_{level}" for end in ("low", "high") for level in ("95", "998")),
    **dict.fromkeys(("by_cohort", "all_by_cohort"), ("std_error", "df", "statistic", "p_value")),
    "robustness": ("spread", "agreement", "other_side"),
}

_P_CHECKS = frozenset({"case_mix_model", "overdispersion", "volume"})


def value_kind(quantity: object, check: object) -> tuple[str, int] | None:
    """Kind and decimals of a number in the column "value", from the key of its row; None: as it comes."""
    name = str(quantity or "")
    if check in _P_CHECKS or name.endswith("p_value"):
        return "p", 3
    if check == "plot" or name.startswith(("alarm_", "share_")):
        return "share", 1
    if name == "families_for_reliability_70":
        return "count", 0
    if name in ("phi", "tau2", "false_discovery_z", "between_sd", "point_sd"):
        return "number", 2
    return None
