"""Questionnaires as data: items, ranges, scoring, norms and reliability.

A questionnaire is a TOML file (see ``obvl_k.toml``); nothing about one is in code. Neither item
texts nor the publisher's norm tables are shipped: a study brings its own norm table, with its
source. Names are imported on first use, so that importing this package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpg_research.instruments.items import ItemStatistics, item_statistics
    from mpg_research.instruments.load import SHIPPED_INSTRUMENTS, load_instrument
    from mpg_research.instruments.model import (
        AgeBand,
        Instrument,
        MissingRule,
        NormBand,
        NormTable,
        Reliability,
        adapt_instrument,
    )
    from mpg_research.instruments.norms import read_norm_table
    from mpg_research.instruments.reliability import estimate_reliability, estimate_stability
    from mpg_research.instruments.score import score_items, score_totals

__all__ = [
    "SHIPPED_INSTRUMENTS",
    "AgeBand",
    "Instrument",
    "ItemStatistics",
    "MissingRule",
    "NormBand",
    "NormTable",
    "Reliability",
    "adapt_instrument",
    "estimate_reliability",
    "estimate_stability",
    "item_statistics",
    "load_instrument",
    "read_norm_table",
    "score_items",
    "score_totals",
]

_HOMES = {
    "ItemStatistics": "items",
    "item_statistics": "items",
    "SHIPPED_INSTRUMENTS": "load",
    "load_instrument": "load",
    "AgeBand": "model",
    "Instrument": "model",
    "MissingRule": "model",
    "NormBand": "model",
    "NormTable": "model",
    "Reliability": "model",
    "adapt_instrument": "model",
    "read_norm_table": "norms",
    "estimate_reliability": "reliability",
    "estimate_stability": "reliability",
    "score_items": "score",
    "score_totals": "score",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
