"""Fewer agencies: what coordination costs now, and what three stated assumptions would make of it.

Tables of :class:`AgenciesScenario` (beside ``sample_flow``)
-----------------------------------------------------------
- ``coordination_now(spent_on, ...)``: euros per family and year of help, on agencies and on network meetings.
- ``scenario(assumption_number, money_part, ...)``: by the number of the assumption: what coordination would
  cost more, what fewer agencies would save, and the balance, in euros per family and year of help.
- ``assumptions(assumption, agencies_at_most, coordination_hours, share_saved)``: as ``study.toml`` states
  them.
- ``above(assumption, share_above, extra_agencies)``: in which share of months more agencies are involved, and
  how many more.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import coded, key_column, modelled, setting
from mpg_research.analysis.economics.prices import read_prices
from mpg_research.analysis.economics.uses import NETWORK_MEETING
from mpg_research.analysis.process.care_months import CareMonths, care_months
from mpg_research.analysis.process.care_tables import care_notes
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.analysis.value.benefits import words_of
from mpg_research.analysis.value.estimate_rows import estimate_row
from mpg_research.analysis.value.largest_parts import DIFFERENCE_PARTS, parts_of, sums_of
from mpg_research.analysis.value.money_columns import MONEY_ESTIMATE
from mpg_research.analysis.value.weighed import AGENCY_MONTH
from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import NotApplicableError
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.economics.reading import read_clusters
from mpg_research.study.model import FlowStep, SampleFlow, Study
from mpg_research.study.which_scores import Scores

__all__ = ["AgenciesScenario", "price_fewer_agencies"]

_MONTHS_A_YEAR = 12.0
_HOUR = "contact_hour"
_ASSUMPTION = key_column("assumption_number", digits=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgenciesScenario(Result):
    """What :func:`price_fewer_agencies` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "agencies_scenario"


def price_fewer_agencies(study: Study, *, level: float = 0.95) -> AgenciesScenario:
    """Put a price on fewer agencies around a family, under the three assumptions of ``study.toml``.

    Parameters
    ----------
    study : Study
        A loaded study with prices, and with ``n_agencies`` in the table ``care``.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    AgenciesScenario

    Raises
    ------
    NotApplicableError
        Without assumptions, agencies on record, or a price of an agency's month.
        Tables ``coordination_now``, ``scenario``, ``assumptions``, ``above`` and ``sample_flow``.

    Notes
    -----
    Of all periods of help, as in ``describe_costs``. A year is twelve months of help whose agencies (or
    network meetings) are known, that is twelve rows of care; the calendar months in which help starts and
    ends count whole, so twelve rows are a little less than a year of help.

    A scenario, not a finding: every month with more agencies than an assumption allows is taken to have just
    so many, a share of the price of those taken away is saved, and each such month takes some hours of
    coordination more. Nothing is assumed about the scores. Ratios of sums over families; errors over workers
    (each worker's families together), which say how exactly the months are known and nothing of whether an
    assumption is true.

    Examples
    --------
    >>> from mpg_research import load_study, price_fewer_agencies
    >>> from mpg_research.study import shipped_example
    >>> found = price_fewer_agencies(load_study(shipped_example()))
    >>> found.tables["scenario"].data["money_part"].tolist()[:3]
    ['coordination', 'saved', 'balance']
    """
    stated = study.config.costs.fewer_agencies
    if not stated:
        raise NotApplicableError(
            "No assumptions about fewer agencies are stated, and none is made here: add three times "
            "[[costs.fewer_agencies]] to study.toml, each with its source.",
            code="no_agency_assumptions",
        )
    prices = read_prices(study)
    by_item = prices.rows.groupby("item")["price"].sum()
    if AGENCY_MONTH not in by_item:
        raise NotApplicableError(
            f"The table prices has no price of the item {AGENCY_MONTH}, so what fewer agencies would save is "
            "not known. Add one with its source.",
            code="no_agency_price",
        )
    if _HOUR not in by_item and any(each.coordination_hours > 0 for each in stated):
        raise NotApplicableError(
            f"The table prices has no price of the item {_HOUR}, so what more coordination would cost is not "
            "known. Add one with its source.",
            code="no_hour_price",
        )
    care = care_months(study, scores=Scores(episodes="all"))
    if "agencies" not in care.recorded:
        raise NotApplicableError(
            f"The table care of study {study.name} holds no n_agencies, so whether there came to be fewer "
            "is not known.",
            code="no_agencies",
        )
    agencies = care.rows["agencies"].to_numpy(dtype=float)
    known = np.isfinite(agencies)
    unit = care.unit[known]
    agencies = agencies[known]
    n = len(care.units)
    months = np.bincount(unit, minlength=n).astype(float)
    worker, g = read_clusters(care.units["worker"].astype(str).to_numpy(), n)
    family = pd.factorize(care.units["family"])[0]
    used = months > 0
    counts = {
        "n_families": int(care.units["family"][used].nunique()),
        "n_organisations": int(care.units["organisation"][used].nunique()),
    }  # fmt: skip

    def in_all(monthly: FloatArray) -> FloatArray:
        return np.bincount(unit, monthly, minlength=n).astype(float)

    def yearly(total: FloatArray, of: FloatArray, scale: float = _MONTHS_A_YEAR) -> dict[str, float]:
        found = _per_month(total, of, worker, g, scale, level)
        return found | parts_of(found["estimate"], sums_of(family, total))

    price, hour = float(by_item[AGENCY_MONTH]), float(by_item.get(_HOUR, 0.0))
    now = [{"spent_on": "agencies", **yearly(in_all(agencies * price), months), **counts}]
    met = _meetings(study, care)
    if met is not None and NETWORK_MEETING in by_item:
        cost = met[0] * float(by_item[NETWORK_MEETING])
        now.append({"spent_on": "network_meetings", **yearly(cost, met[1]), **counts})
    rows, above, settings = [], [], []
    for number, each in enumerate(stated, start=1):
        extra = np.maximum(agencies - each.agencies_at_most, 0.0)
        more = (extra > 0) * float(each.coordination_hours) * hour
        saved = extra * price * float(each.share_saved)
        for part, monthly, full in (
            ("coordination", -more, (extra > 0) * 1.0), ("saved", saved, extra),
            ("balance", saved - more, None),
        ):  # fmt: skip
            numbers = yearly(in_all(monthly), months)
            if (
                full is not None and not monthly.any()
            ):  # nothing by assumption, which says nothing of families
                numbers |= parts_of(0.0, sums_of(family, in_all(full)))
            rows.append({"assumption_number": number, "money_part": part, **numbers, **counts})
        above.append(
            {"assumption_number": number, "share_above": float((extra > 0).sum() / months.sum()),
             "extra_agencies": float(extra.sum() / months.sum()), **counts}
        )  # fmt: skip
        settings.append(
            {"assumption_number": number, "agencies_at_most": float(each.agencies_at_most),
             "coordination_hours": float(each.coordination_hours), "share_saved": float(each.share_saved),
             **counts}
        )  # fmt: skip
    flow = _flow(care.units, used)
    amounts = (*MONEY_ESTIMATE, *DIFFERENCE_PARTS)
    tables = [
        ResultTable("coordination_now", pd.DataFrame(now), (coded("spent_on"), *amounts)),
        ResultTable("scenario", pd.DataFrame(rows), (_ASSUMPTION, coded("money_part"), *amounts)),
        ResultTable(
            "assumptions", pd.DataFrame(settings),
            (_ASSUMPTION, setting("agencies_at_most"), setting("coordination_hours"),
             setting("share_saved", percent=True, digits=0)),
        ),
        ResultTable(
            "above", pd.DataFrame(above),
            (_ASSUMPTION, modelled("share_above", percent=True), modelled("extra_agencies", digits=1)),
        ),
        sample_flow_table(flow),
    ]  # fmt: skip
    parameters = {
        "labels": [words_of(each.label) for each in stated],
        "sources": [words_of(each.source) for each in stated],
        "agencies_at_most": [int(each.agencies_at_most) for each in stated],
        "hours": [float(each.coordination_hours) for each in stated],
        "shares_saved": [float(each.share_saved) for each in stated],
        "year": prices.year, "perspective": study.config.costs.perspective, "level": level,
        "round_to": study.config.costs.round_to,
    }  # fmt: skip
    return AgenciesScenario(
        tables=collect_tables(tables), flow=flow,
        notes=(*study.notes, *prices.notes, *care_notes(care, study)),
        provenance=provenance_of(study, parameters=parameters), level=level,
    )  # fmt: skip


def _per_month(
    total: FloatArray, months: FloatArray, worker: IntArray, g: int, scale: float, level: float
) -> dict[str, float]:
    """Totals of families over their months, times a scale: a ratio of sums, with its error over workers."""
    ratio = total.sum() / months.sum()
    influence = cluster_sums(((total - ratio * months) / months.sum())[:, None], worker, g)[:, 0]
    variance = scale**2 * g / max(g - 1, 1) * float(influence @ influence)
    return estimate_row(float(scale * ratio), variance, float(max(g - 1, 1)), level=level)


def _meetings(study: Study, care: CareMonths) -> tuple[FloatArray, FloatArray] | None:
    """Network meetings of each period of help, and the months of which they are known."""
    table = study.tables["care"]
    if "network_meeting" not in table:
        return None
    place, n = care.unit_of(table), len(care.units)
    held = pd.to_numeric(table["network_meeting"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    kept = (place >= 0) & np.isfinite(held)
    if not kept.any():
        return None
    months = np.bincount(place[kept], minlength=n).astype(float)
    return np.bincount(place[kept], held[kept], minlength=n).astype(float), months


def _flow(units: pd.DataFrame, used: np.ndarray) -> SampleFlow:
    steps = [
        FlowStep(code, text, 0, int(rows["family"].nunique()), len(rows))
        for code, text, rows in (
            ("care_recorded", "with a month of care", units),
            ("agencies_recorded", "with a month of which the agencies are known", units[used]),
        )
    ]
    return SampleFlow(tuple(steps))
