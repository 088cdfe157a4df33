"""The example study with prices of agencies and settings of costs, and small changes of it."""

from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd

from mpg_research import load_study
from mpg_research.study import shipped_example
from mpg_research.study.config.costs import CostsConfig
from mpg_research.study.model import Study

SOURCE = {"nl": "een bron", "en": "a source"}
ASSUMPTIONS = [
    {"label": {"nl": f"aanname {most}", "en": f"assumption {most}"}, "agencies_at_most": most,
     "coordination_hours": hours, "share_saved": share, "source": SOURCE}
    for most, hours, share in ((2, 2.0, 0.5), (1, 4.0, 0.5), (3, 0.0, 1.0))
]  # fmt: skip


@cache
def example() -> Study:
    return load_study(shipped_example())


def with_costs(study: Study, **settings: Any) -> Study:
    """With the section [costs]."""
    config = study.config.model_copy(update={"costs": CostsConfig.model_validate(settings)})
    return replace(study, config=config)


def with_prices(study: Study, rows: list[dict[str, Any]], *, drop: tuple[str, ...] = ()) -> Study:
    """With other prices: rows of item, payer and unit_price, and what else they say."""
    old = study.tables["prices"]
    kept = old[~old["item"].astype(str).isin([*drop, *(row["item"] for row in rows)])]
    shared = {"year": 2024, "unit": "unit", "kind": "fiscal", "source": "made", "distribution": "fixed",
              "price_low": float("nan"), "price_high": float("nan")}  # fmt: skip
    added = pd.DataFrame([{**shared, **row} for row in rows], columns=list(old.columns)).astype(old.dtypes)
    return replace(study, tables={**study.tables, "prices": pd.concat([kept, added], ignore_index=True)})


def priced(**settings: Any) -> Study:
    """The example with a price of agencies of two payers."""
    agency = [
        {"item": "agency_month", "payer": "municipality", "unit_price": 250.0},
        {"item": "agency_month", "payer": "health_insurer", "unit_price": 150.0},
    ]
    settings.setdefault("fewer_agencies", ASSUMPTIONS)
    return with_costs(with_prices(example(), agency), **settings)
