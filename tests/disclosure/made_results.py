"""Results made by hand, shaped as the analyses make them, with numbers that are easy to recognise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from mpg_research.analysis.result import Provenance, ResultTable, collect_tables, sample_flow_table
from mpg_research.disclosure import DisclosurePolicy, InstrumentFacts
from mpg_research.errors import Note
from mpg_research.study.model import FlowStep, SampleFlow
from tests.disclosure.made_tables import made_table

DIGEST = "5d" * 32
NAMES = {
    "berk": "Stichting De Berk",
    "eik": "Jeugdhulp Eikenrode",
    "es": "Es & Zonen <script>alert(1)</script>",
    "iep": "Het Iepenhuis",
    "linde": "Lindehof",
    "wilg": "Wilgenland",
}
SIZES = {"berk": 61, "eik": 74, "es": 33, "iep": 21, "linde": 40, "wilg": 18}
ESTIMATES = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
STANDARDISED = ("standardised", "standardised_low", "standardised_high")


@dataclass(frozen=True, slots=True)
class MadeResult:
    kind: str
    tables: Mapping[str, ResultTable]
    flow: SampleFlow = field(default_factory=SampleFlow)
    notes: tuple[Note, ...] = ()
    provenance: Provenance = field(
        default_factory=lambda: Provenance("made", True, DIGEST, "0.1.0", {}, "obvl_k", "raw")
    )
    level: float = 0.95
    converged: bool = True

    @property
    def compares_organisations(self) -> bool:
        """As the analyses of these kinds say it."""
        return self.kind in ("organisations", "organisation_robustness")


def made_policy(**rules) -> DisclosurePolicy:
    rules.setdefault("rounding", 0)
    names = rules.pop("names", NAMES)
    return DisclosurePolicy(
        organisations={key: {"nl": name, "en": name} for key, name in names.items()},
        instruments={"obvl_k": InstrumentFacts("OBVL-K", subject="parenting_stress")},
        **rules,
    )


def estimate(value: float, error: float = 0.4, df: float = 80.0) -> tuple[float, ...]:
    statistic = value / error
    p_value = float(np.exp(-0.717 * abs(statistic) - 0.416 * statistic**2))
    return (value, error, df, statistic, p_value, value - 2 * error, value + 2 * error)


def flow_of(*families: int) -> SampleFlow:
    codes = ("read", "instrument", "scored", "course", "declared", "analysed")
    pairs = zip((*codes[: len(families) - 1], "analysed"), families, strict=True)
    return SampleFlow(tuple(FlowStep(code, f"Step {code}", 9 * n, n, n) for code, n in pairs))


def result_of(kind: str, *tables: ResultTable, flow: SampleFlow | None = None, **others) -> MadeResult:
    flow = flow or flow_of(300, 280, 247)
    return MadeResult(kind, collect_tables([*tables, sample_flow_table(flow)]), flow=flow, **others)


def frame(rows: Sequence[tuple], *columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))


def make_trajectory(change: float = -4.1, error: float = 0.45, families: int = 247, **others) -> MadeResult:
    months = (0.0, 3.0, 6.0, 9.0, 12.0, 18.0)
    slope = change / 12
    course = [(m, *estimate(24.3 + slope * m, 0.3 + 0.02 * m), families, 6) for m in months]
    changes = [
        (
            m,
            *estimate(slope * m, error * m / 12),
            slope * m / 5.2,
            (slope * m - 1) / 5.2,
            (slope * m + 1) / 5.2,
            families,
            6,
        )
        for m in months[1:]
    ]
    observed = [
        (float(m), 24.3 + slope * m + 0.2 * np.sin(m), 5.2, 300 - 12 * m, 240 - 10 * m, 6) for m in range(19)
    ]
    terms = [(t, *estimate(v), families, 6) for t, v in (("(Intercept)", 24.3), ("months", slope))]
    parts = [("family", "(Intercept)", "(Intercept)", 16.0, 4.0, 1.0, families, 6)]
    tables = (
        made_table(
            "mean_course",
            frame(course, "months", *ESTIMATES, "n_families", "n_organisations"),
            ("months",),
            ESTIMATES,
        ),
        made_table(
            "change",
            frame(changes, "months", *ESTIMATES, *STANDARDISED, "n_families", "n_organisations"),
            ("months",),
            (*ESTIMATES, *STANDARDISED),
        ),
        made_table(
            "observed_course",
            frame(observed, "months", "mean", "sd", "n_measurements", "n_families", "n_organisations"),
            ("months",),
            ("mean", "sd", "n_measurements"),
        ),
        made_table(
            "coefficients",
            frame(terms, "term", *ESTIMATES, "n_families", "n_organisations"),
            ("term",),
            ESTIMATES,
        ),
        made_table(
            "variance_components",
            frame(
                parts,
                *(
                    "group",
                    "term_1",
                    "term_2",
                    "covariance",
                    "sd",
                    "correlation",
                    "n_families",
                    "n_organisations",
                ),
            ),
            ("group", "term_1", "term_2"),
            ("covariance", "sd", "correlation"),
        ),
    )
    return result_of("trajectory", *tables, **others)


def make_organisations(
    sizes: Mapping[str, int] | None = None,
    changes: Mapping[str, float] | None = None,
    p_value: float = 0.31,
    **others,
) -> MadeResult:
    sizes = SIZES if sizes is None else sizes
    if changes is None:
        changes = {key: -3.0 - 0.5 * place for place, key in enumerate(sizes)}
    mean = float(np.mean(list(changes.values())))
    months = (0.0, 6.0, 12.0)
    adjusted, change, difference, pairs, mix = [], [], [], [], []
    for key, size in sizes.items():
        error = 6 / np.sqrt(size)
        adjusted += [(key, m, *estimate(24.5 + changes[key] * m / 12, error), size) for m in months]
        for m in months[1:]:
            here = changes[key] * m / 12
            change.append((key, m, *estimate(here, error), here / 5, here / 5 - 0.3, here / 5 + 0.3, size))
            apart = (changes[key] - mean) * m / 12
            difference.append((key, m, *estimate(apart, error), min(sizes.values())))
        mix.append((key, "child_age", "", 8 + size / 31, size))
        mix += [(key, "single_parent", level, share, size) for level, share in (("no", 0.6), ("yes", 0.4))]
    for one, two in combinations(sizes, 2):
        gap = changes[one] - changes[two]
        pairs.append((one, two, 12.0, *estimate(gap, 1.5), 0.9, min(sizes[one], sizes[two])))
    total = sum(sizes.values())
    joint = [("organisation:months", 12.0, 1.2, 5.0, 80.0, p_value, total, len(sizes))]
    by = [(key, 9 * size, size) for key, size in sizes.items()]
    columns = ("organisation", "months", *ESTIMATES)
    one = {"organisation_columns": ("organisation",)}
    tables = (
        made_table("adjusted_means", frame(adjusted, *columns, "n_families"), columns[:2], ESTIMATES, **one),
        made_table(
            "adjusted_change",
            frame(change, *columns, *STANDARDISED, "n_families"),
            columns[:2],
            (*ESTIMATES, *STANDARDISED),
            **one,
        ),
        made_table(
            "difference_from_mean",
            frame(difference, *columns, "n_families"),
            columns[:2],
            ESTIMATES,
            parts_of_total=("organisation",),
            **one,
        ),
        made_table(
            "pairwise",
            frame(
                pairs, "organisation_1", "organisation_2", "months", *ESTIMATES, "p_adjusted", "n_families"
            ),
            ("organisation_1", "organisation_2", "months"),
            (*ESTIMATES, "p_adjusted"),
            organisation_columns=("organisation_1", "organisation_2"),
        ),
        made_table(
            "joint_test",
            frame(
                joint,
                *(
                    "effect",
                    "months",
                    "statistic",
                    "df_numerator",
                    "df_denominator",
                    "p_value",
                    "n_families",
                    "n_organisations",
                ),
            ),
            ("effect", "months"),
            ("statistic", "df_numerator", "df_denominator", "p_value"),
        ),
        made_table(
            "case_mix",
            frame(mix, "organisation", "variable", "level", "mean_or_share", "n_families"),
            ("organisation", "variable", "level"),
            ("mean_or_share",),
            **one,
        ),
        made_table(
            "by_organisation",
            frame(by, "organisation", "n_measurements", "n_families"),
            ("organisation",),
            ("n_measurements",),
            parts_of_total=("organisation",),
            **one,
        ),
    )
    others.setdefault("flow", flow_of(total + 40, total))
    return result_of("organisations", *tables, **others)


def make_quality(sizes: Mapping[str, int] | None = None, **others) -> MadeResult:
    sizes = SIZES if sizes is None else sizes
    total = sum(sizes.values())
    overview = [
        ("families", total, total),
        ("episodes", total + 20, total),
        ("organisations", len(sizes), total),
        ("measurements", 2341, total - 3),
        ("measurements_scored", 2338, total - 3),
        ("measurements_before_start", 14, 8),
        ("families_without_measurements", 3, 3),
        ("median_measurements_per_family", 9, total),
    ]
    months = [(float(m), 220 - 11 * m, 200 - 10 * m, 6) for m in range(20)]
    items = [
        ("obvl_k", f"item_{i:02d}", 2000, 0.98 - i / 200, 3 if i == 2 else 0, total) for i in range(1, 11)
    ]
    by = [(key, 9 * size, 0.9, 9.0, size // 2, 0.25, 0.15, 0.4, size) for key, size in sizes.items()]
    by_values = (
        *(
            "n_measurements",
            "share_with_baseline",
            "measurements_per_family",
            "n_reached",
            "share_ended_early",
        ),
        *("ended_early_low", "ended_early_high"),
    )
    tables = (
        made_table("overview", frame(overview, "quantity", "value", "n_families"), ("quantity",), ("value",)),
        made_table(
            "measurements_by_month",
            frame(months, "months", "n_measurements", "n_families", "n_organisations"),
            ("months",),
            ("n_measurements",),
            parts_of_total=("months",),
        ),
        made_table(
            "item_completeness",
            frame(
                items,
                "instrument",
                "item",
                "n_measurements",
                "share_answered",
                "n_out_of_range",
                "n_families",
            ),
            ("instrument", "item"),
            ("n_measurements", "share_answered", "n_out_of_range"),
        ),
        made_table(
            "by_organisation",
            frame(by, "organisation", *by_values, "n_families"),
            ("organisation",),
            by_values,
            organisation_columns=("organisation",),
            parts_of_total=("organisation",),
        ),
        made_table(
            "problems",
            frame(
                [("duplicate", "warning", 4, 4), ("out_of_range", "warning", 31, 31)],
                "code",
                "severity",
                "n_findings",
                "n_families",
            ),
            ("code", "severity"),
            ("n_findings",),
        ),
    )
    return result_of("data_quality", *tables, **others)


def make_measurement(**others) -> MadeResult:
    counts = (4, 60, 310, 520, 480, 330, 210, 120, 50, 12)
    bins = [("obvl_k", 10.0 + 3 * i, 12.0 + 3 * i, n, max(1, n // 3), 6) for i, n in enumerate(counts)]
    items = [("obvl_k", f"item_{i:02d}", 2 + i / 20, 0.9, 0.4 + i / 50, 2000, 240) for i in range(1, 11)]
    reliability = [
        ("obvl_k", "alpha", 0.78, 0.74, 0.82, 247, 247),
        ("obvl_k", "omega", 0.79, 0.75, 0.83, 247, 247),
    ]
    tables = (
        made_table(
            "reliability",
            frame(
                reliability,
                *(
                    "instrument",
                    "coefficient",
                    "estimate",
                    "conf_low",
                    "conf_high",
                    "n_measurements",
                    "n_families",
                ),
            ),
            ("instrument", "coefficient"),
            ("estimate", "conf_low", "conf_high", "n_measurements"),
        ),
        made_table(
            "items",
            frame(
                items,
                "instrument",
                "item",
                "mean",
                "sd",
                "item_rest_correlation",
                "n_measurements",
                "n_families",
            ),
            ("instrument", "item"),
            ("mean", "sd", "item_rest_correlation", "n_measurements"),
        ),
        made_table(
            "score_distribution",
            frame(
                bins,
                "instrument",
                "score_low",
                "score_high",
                "n_measurements",
                "n_families",
                "n_organisations",
            ),
            ("instrument", "score_low", "score_high"),
            ("n_measurements",),
            parts_of_total=("score_low", "score_high"),
        ),
    )
    return result_of("measurement", *tables, **others)
