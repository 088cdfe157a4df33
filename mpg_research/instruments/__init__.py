"""Questionnaires as data: items, ranges, scoring, norms and reliability.

A questionnaire is a TOML file (see ``obvl_k.toml``); nothing about one is in code. Neither item
texts nor the publisher's norm tables are shipped: a study brings its own norm table, with its
source. Names are imported on first use, so that importing this package costs nothing.
"""

from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.instruments.items import ItemStatistics as ItemStatistics
    from mpg_research.instruments.items import item_statistics as item_statistics
    from mpg_research.instruments.load import SHIPPED_INSTRUMENTS as SHIPPED_INSTRUMENTS
    from mpg_research.instruments.load import load_instrument as load_instrument
    from mpg_research.instruments.model import AgeBand as AgeBand
    from mpg_research.instruments.model import Instrument as Instrument
    from mpg_research.instruments.model import MissingRule as MissingRule
    from mpg_research.instruments.model import NormBand as NormBand
    from mpg_research.instruments.model import NormTable as NormTable
    from mpg_research.instruments.model import Reliability as Reliability
    from mpg_research.instruments.model import adapt_instrument as adapt_instrument
    from mpg_research.instruments.norms import read_norm_table as read_norm_table
    from mpg_research.instruments.reliability import estimate_reliability as estimate_reliability
    from mpg_research.instruments.reliability import estimate_stability as estimate_stability
    from mpg_research.instruments.score import score_items as score_items
    from mpg_research.instruments.score import score_totals as score_totals

__getattr__, __dir__, __all__ = public_names(__name__)
