"""Running the notebooks of a study: what is to be done, doing it, and the record of it."""

from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.reporting.run.run import RunSummary as RunSummary
    from mpg_research.reporting.run.run import run_study as run_study

__getattr__, __dir__, __all__ = public_names(__name__)
