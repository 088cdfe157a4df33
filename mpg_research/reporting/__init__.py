"""Reports: typed parameters, notebooks that are run, pages that are checked, and the record of it all.

Names are imported on first use, so that a run in which nothing has changed loads almost nothing.
"""

from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.reporting.page.accessibility import inspect_page as inspect_page
    from mpg_research.reporting.parameters import validate_parameters as validate_parameters
    from mpg_research.reporting.run.run import RunSummary as RunSummary
    from mpg_research.reporting.run.run import run_study as run_study
    from mpg_research.reporting.session.session import Session as Session
    from mpg_research.reporting.session.session import begin as begin

__getattr__, __dir__, __all__ = public_names(__name__)
