"""What an economic evaluation is asked to report (CHEERS 2022), and what this study states of it.

Tables of :class:`CostsChecklist` (beside ``sample_flow``)
---------------------------------------------------------
- ``cheers(item_number, cheers_item, stated)``: the 28 items by number, and whether the study states its own
  text ("own"), the settings answer it ("settings"), the report itself does ("report"), or nothing does
  ("nothing"); a report of which no analysis applies to the study answers nothing.

References
----------
Husereau, D. et al. (2022). Consolidated Health Economic Evaluation Reporting Standards 2022 (CHEERS 2022)
statement. *BMJ*, 376, e067975. https://doi.org/10.1136/bmj-2021-067975
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mpg_research.analysis.columns import coded, key_column
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.analysis.value.benefits import weigh_costs_and_benefits, words_of
from mpg_research.analysis.value.compare import compare_costs_and_effects
from mpg_research.errors import ConfigError, MpgError, NotApplicableError, did_you_mean
from mpg_research.study.model import FlowStep, SampleFlow, Study

__all__ = ["CHEERS", "CostsChecklist", "list_what_is_reported"]

#: The items in their order, by keys of ours (also those of ``[costs.cheers]``), and where an answer comes
#: from when the study states none: settings, the report, or nothing.
CHEERS = {
    "title": "report", "abstract": "report", "background": "nothing", "analysis_plan": "nothing",
    "population": "report", "setting": "nothing", "comparators": "settings", "perspective": "settings",
    "horizon": "settings", "discounting": "settings", "outcomes_chosen": "settings",
    "outcomes_measured": "report", "outcomes_valued": "settings", "resources": "report",
    "currency": "settings", "model": "report", "analytics": "report", "heterogeneity": "nothing",
    "distribution": "report", "uncertainty": "report", "engagement": "nothing", "parameters": "report",
    "results": "report", "effect_of_uncertainty": "report", "effect_of_engagement": "nothing",
    "findings": "report", "funding": "nothing", "conflicts": "nothing",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsChecklist(Result):
    """What :func:`list_what_is_reported` found; its table is described in the module's docstring."""

    kind: ClassVar[str] = "costs_checklist"


def list_what_is_reported(study: Study) -> CostsChecklist:
    """Fill in the checklist for economic evaluations from the settings of a study.

    Parameters
    ----------
    study : Study
        A loaded study.

    Returns
    -------
    CostsChecklist

    Raises
    ------
    ConfigError
        If ``[costs.cheers]`` has a key that is no item.
    NotApplicableError
        Without the table ``prices``: nothing about money is reported then.
        Tables ``cheers`` and ``sample_flow``.

    Examples
    --------
    >>> from mpg_research import list_what_is_reported, load_study
    >>> from mpg_research.study import shipped_example
    >>> len(list_what_is_reported(load_study(shipped_example())).tables["cheers"].data)
    28
    """
    settings = study.config.costs
    for key in settings.cheers:
        if key not in CHEERS:
            raise ConfigError(
                f"[costs.cheers] {key} in study.toml is no item of the checklist; expected one of "
                f"{', '.join(CHEERS)}. {did_you_mean(key, CHEERS)}".rstrip()
            )
    if "prices" not in study.tables or not len(study.tables["prices"]):
        raise NotApplicableError(
            f"Study {study.name} has no table prices, so nothing about money is reported.", code="no_prices"
        )
    episodes = study.tables["episodes"]
    families = {
        "n_families": int(episodes["family"].nunique()),
        "n_organisations": int(episodes["organisation"].nunique()) if "organisation" in episodes else 1,
    }
    unstated = () if settings.thresholds else ("outcomes_valued",)
    applies = [_applies(study, verb) for verb in (weigh_costs_and_benefits, _compare)]
    lacking = set() if any(applies) else {key for key, at in CHEERS.items() if at == "report"} - {"title"}
    for key, there in zip(("distribution", "outcomes_measured"), applies, strict=True):
        lacking |= set() if there else {key}
    rows = [
        {
            "item_number": number,
            "cheers_item": key,
            "stated": "own"
            if key in settings.cheers
            else "nothing"
            if key in unstated or key in lacking
            else place,
            **families,
        }
        for number, (key, place) in enumerate(CHEERS.items(), start=1)
    ]
    flow = SampleFlow((FlowStep("helped", "helped", 0, families["n_families"], len(episodes)),))
    year = settings.year or int(study.tables["prices"]["year"].max())
    parameters = {
        "texts": {key: words_of(text) for key, text in settings.cheers.items()},
        "perspective": settings.perspective, "months": float(settings.horizon_months),
        "rate_costs": settings.discount_costs, "rate_effects": settings.discount_effects,
        "effect": settings.effect, "otherwise": settings.otherwise, "year": year,
        "thresholds": list(settings.thresholds), "round_to": settings.round_to,
    }  # fmt: skip
    columns = (
        key_column("item_number", digits=0),
        coded("cheers_item", is_key=False),
        coded("stated", is_key=False),
    )
    return CostsChecklist(
        tables=collect_tables([ResultTable("cheers", pd.DataFrame(rows), columns), sample_flow_table(flow)]),
        flow=flow, notes=study.notes, provenance=provenance_of(study, parameters=parameters), level=0.95,
    )  # fmt: skip


def _compare(study: Study) -> object:
    return compare_costs_and_effects(study, replications=50)


def _applies(study: Study, verb: Callable[[Study], object]) -> bool:
    """Whether an analysis of the page has an answer for this study."""
    try:
        verb(study)
    except MpgError:
        return False
    return True
