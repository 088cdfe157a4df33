"""Results at the edges, for every kind of analysis: made up, shaped as the analyses shape them.

Zero, touching zero, rounded to zero, opposite direction, tiny and huge, beyond the scale, not computed, few
and many families, nobody and everybody, two organisations, p just under and just above .05. Each maker takes
its numbers by name, or draws those that are not given from pools of edges.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pandas as pd

from mpg_research.analysis.columns import ESTIMATE, MONTHS, coded, ends, modelled
from mpg_research.analysis.result import Provenance, ResultTable, settings_table
from mpg_research.disclosure import Audience, DisclosurePolicy, InstrumentFacts, Released, release
from mpg_research.study.model import FlowStep, SampleFlow
from tests.disclosure.made_results import DIGEST, NAMES, MadeResult, result_of
from tests.disclosure.made_tables import made_table

NAN, INF = math.nan, math.inf
SCALE = (10.0, 40.0)
#: Change, and its interval.
CHANGES = (
    (-4.1, -5.0, -3.2),
    (4.1, 3.2, 5.0),
    (-0.03, -0.05, -0.01),
    (0.03, 0.01, 0.05),
    (-0.04, -1.0, 0.92),
    (0.04, -0.9, 1.0),
    (0.0, -1.0, 1.0),
    (0.0, 0.0, 0.0),
    (-2.0, -4.0, 0.0),
    (2.0, 0.0, 4.0),
    (-2.0, -4.0, -0.0004),
    (2.0, -0.0004, 4.0),
    (-2.0, -4.0, 0.02),
    (-1.2, -3.0, 0.6),
    (1.2, -0.6, 3.0),
    (-25.0, -60.0, 10.0),
    (-90.0, -99.0, -80.0),
    (-29.9, -30.0, -29.0),
    (1e9, 1e8, 1e10),
    (-3.0, -900.0, -1.0),
    (NAN, NAN, NAN),
    (-2.0, NAN, NAN),
    (-2.0, -INF, INF),
    (INF, 1.0, INF),
    (-0.05, -0.0999, -0.0001),
)
#: Standardised change and its interval: each of one class, and some of two.
SIZES = (
    (-0.2, -0.3, -0.1),
    (0.6, 0.52, 0.7),
    (-0.95, -1.1, -0.81),
    (0.5, 0.05, 1.2),
    (-0.78, -0.94, -0.63),
    (NAN, NAN, NAN),
    (-0.3, NAN, NAN),
)
P_VALUES = (
    *(0.04996, 0.0499, 0.05, 0.0501, 0.0504, 0.05 - 1e-9, 0.05 + 1e-9, 1e-12, 0.0004, 0.0009996, 0.31),
    *(0.9996, 1.0, 0.0, NAN),
)
FAMILIES = (0, 1, 8, 10, 14, 247, 12345)
#: Families in help who never answered, and families who are lost later.
SILENT = ((20, 33), (0, 33), (0, 0), (18, 33), (3, 50), (1, 4), (14, 1), (580, 20), (10, 10), (19, 6))
SHARES = (0.0, 0.0004, 0.04, 0.22, 0.496, 0.5, 0.504, 0.7499, 0.9996, 1.0, NAN)
RESEARCHER, FUNDER, LINDE = Audience("researcher"), Audience("funder"), Audience("organisation", "linde")


@dataclass(frozen=True, slots=True)
class Case:
    """A result with its reader and the rules of the study."""

    name: str
    result: MadeResult
    audience: Audience
    policy: DisclosurePolicy

    @property
    def released(self) -> Released:
        return release(self.result, self.audience, policy=self.policy)


def policy_with(direction: str = "higher_is_worse", names: Any = None, **rules: Any) -> DisclosurePolicy:
    named = NAMES if names is None else names
    rules.setdefault("rounding", 0)
    return DisclosurePolicy(
        organisations={key: {"nl": name, "en": name} for key, name in named.items()},
        instruments={"obvl_k": InstrumentFacts("OBVL-K", direction, subject="parenting_stress")},  # type: ignore[arg-type]
        **rules,
    )


def provenance(*, outcome: str = "raw", **parameters: Any) -> Provenance:
    facts = {"primary_month": 12.0, "raw_minimum": SCALE[0], "raw_maximum": SCALE[1], **parameters}
    return Provenance("made", True, DIGEST, "0.1.0", facts, "obvl_k", outcome)  # type: ignore[arg-type]


def computed(facts: dict[str, Any], *, n: int = 247) -> tuple[ResultTable, Provenance]:
    """What was computed as the table of settings, the rest as the provenance."""
    numbers = {key: value for key, value in facts.items() if not isinstance(value, str)}
    words = {key: value for key, value in facts.items() if isinstance(value, str)}
    return settings_table(numbers, n_families=n, n_organisations=6), provenance(**words)


def table(name: str, rows: list[dict[str, Any]], *keys: str, **others: Any) -> ResultTable:
    data = pd.DataFrame(rows)
    values = tuple(one for one in data.columns if one not in {*keys, "n_families", "n_organisations"})
    return made_table(name, data, keys, values, **others)


def pooled(name: str, rows: list[dict[str, Any]], *keys: str, n: int = 247, **others: Any) -> ResultTable:
    """A table over all organisations."""
    full = [{**row, "n_families": row.get("n_families", n), "n_organisations": 6} for row in rows]
    return table(name, full, *keys, **others)


def by_organisation(name: str, rows: list[dict[str, Any]], *keys: str, **others: Any) -> ResultTable:
    return table(name, rows, "organisation", *keys, organisation_columns=("organisation",), **others)


def estimates(change: tuple[float, float, float], p_value: float | None = None) -> dict[str, float]:
    value, low, high = change
    error = (high - low) / 4
    is_clear = low > 0 or high < 0
    p_value = (0.003 if is_clear else 0.4) if p_value is None else p_value
    return {
        "estimate": value,
        "std_error": error,
        "df": 80.0,
        "statistic": value / error if error else NAN,
        "p_value": p_value if math.isfinite(value) else NAN,
        "conf_low": low,
        "conf_high": high,
    }


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of one kind of result.

    ``seeds``: drawn results that together speak every sentence about such a result
    (``benchmarks/edge_sentences.py --choose`` finds them again where the maker or the catalogue changed).
    ``given``: what is seldom drawn, by the numbers that bring it about. ``needs``: tests that its sentences
    need, by the names in the catalogue's conditions; those of many kinds stand in ``edge_needs.py``.
    """

    kind: str
    make: "Callable[[Draw], MadeResult]"
    seeds: tuple[int, ...]
    given: tuple[Mapping[str, Any], ...] = ()
    needs: Mapping[str, Callable[[Released, Mapping[str, object]], bool]] = field(default_factory=dict)


class Draw:
    """Numbers by name; what is not given is drawn from a pool."""

    def __init__(self, seed: int = 0, **given: Any) -> None:
        self.random, self.given = Random(seed), given

    def __call__(self, name: str, pool: Any) -> Any:
        drawn = self.random.choice(list(pool))
        return self.given.get(name, drawn)


# --- the mean course -------------------------------------------------------------------------------------


def trajectory(draw: Draw) -> MadeResult:
    change, size, n = draw("change", CHANGES), draw("size", SIZES), draw("n", FAMILIES)
    start = draw("start", (24.3, 10.0, 40.0, 41.5, NAN))
    standardised = dict(zip(("standardised", "standardised_low", "standardised_high"), size, strict=True))
    course = [
        {"months": month, **estimates((start + add, start + add - 1, start + add + 1))}
        for month, add in ((0.0, 0.0), (12.0, change[0]))
    ]
    changes = [{"months": 12.0, **estimates(change, draw("p", (None,))), **standardised}]
    dot, n_dot = draw("dot", (0.0,)), draw("n_dot", (n,))
    observed = [
        {
            "months": float(month),
            "mean": 24.0 - month / 4 + (dot if month == 12 else 0.0),
            "sd": 5.0,
            "n_measurements": n if month < 12 else n_dot,
            "n_families": n if month < 12 else n_dot,
        }
        for month in (0, 3, 6, 12)
    ]
    parts = [
        pooled("mean_course", course, "months", n=n),
        pooled("change", changes, "months", n=n),
        pooled("observed_course", observed, "months"),
    ]
    facts = {"case_mix": draw("case_mix", ([], ["child_age"]))}
    outcome = draw("outcome", ("raw", "raw", "t_score"))
    silent, converged, notes = draw("silent", SILENT), draw("converged", (True,)), draw("notes", ((),))
    parts += other_ways(change, draw("other", CHANGES), draw("ratio", (1.12, 1.0, 0.0, 40.0, NAN)), n)
    return result_of(
        "trajectory",
        *parts,
        flow=answered_flow(max(n, 10), *silent),
        converged=converged,
        notes=notes,
        provenance=provenance(outcome=outcome, **facts),
    )


def other_ways(
    change: tuple[float, float, float], other: tuple[float, float, float], ratio: float, n: int
) -> list[ResultTable]:
    """The change by the model and with a free curve, and its robust errors."""
    free = [
        {"approach": approach, "months": 12.0, **estimates(numbers)}
        for approach, numbers in (("bend", change), ("spline", other))
    ]
    low, high = ends(ESTIMATE[0], "robust")
    errors = [
        {
            "months": 12.0, "estimate": change[0], "conf_low": change[1], "conf_high": change[2],
            "robust_error": 0.4, "robust_low": change[1], "robust_high": change[2], "error_ratio": ratio,
        }
    ]  # fmt: skip
    known = [column for column in ESTIMATE if column.name in ("estimate", "conf_low", "conf_high")]
    robust = (*known, modelled("robust_error", is_error=True), low, high, modelled("error_ratio", digits=2))
    return [
        ResultTable(
            "sensitivity", pooled("sensitivity", free, n=n).data, (coded("approach"), MONTHS, *ESTIMATE)
        ),
        ResultTable("robust_change", pooled("robust_change", errors, n=n).data, (MONTHS, *robust)),
    ]


def answered_flow(n: int, silent: int, lost: int) -> SampleFlow:
    """A flow in which so many of those in help never answered, and so many were lost after that."""
    steps = (("helped", n + lost + silent), ("answered", n + lost), ("analysed", n))
    return SampleFlow(tuple(FlowStep(code, f"Step {code}", 9 * m, m, m) for code, m in steps))


def readers(result: MadeResult, seed: int) -> Iterator[tuple[Audience, DisclosurePolicy]]:
    """One of the readers that such a result has, and rules that let much through; at times also rounded."""
    random = Random(seed)
    direction = random.choice(("higher_is_worse", "higher_is_better"))
    compared = result.kind.startswith("organisation")
    audience = random.choice((RESEARCHER, FUNDER, LINDE) if compared else (RESEARCHER, FUNDER))
    rules: dict[str, Any] = {"time_unit": random.choice(("months", "months", "waves"))}
    if compared:
        rules["public_groups"] = random.random() < 0.7
    yield audience, policy_with(direction, **rules)
    if seed % 3 == 1:
        yield audience, policy_with(direction, rounding=5, **rules)


#: Kinds of results, with seeds that speak their sentences and what is seldom drawn.
EDGES = (
    Edges(
        "trajectory",
        trajectory,
        (1, 2, 31, 13, 9, 5, 6, 11, 14),
        (
            {"n": 8},
            {"n": 247, "change": (NAN, NAN, NAN)},
            {"change": (4.1, 3.2, 5.0), "size": (0.6, 0.52, 0.7), "n": 247, "rules": {"randomised": True}},
            {"n": 247, "change": (-0.03, -0.05, -0.01), "start": 24.3, "outcome": "raw"},
            {"n": 247, "change": (-4.56, -5.6, -3.5), "start": 24.82, "outcome": "raw"},
            {"n": 247, "rules": {"has_comparison": True}},
            {"n": 247, "rules": {"public_groups": True}},
        ),
    ),
)
