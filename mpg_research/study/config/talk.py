"""The section [talk] of study.toml: when a family is called, and who is due for a talk."""

from typing import Annotated

from pydantic import Field

from mpg_research.study.config.sections import Number, Section

__all__ = ["TalkConfig"]

_Months = Annotated[Number, Field(gt=0, le=120)]


class TalkConfig(Section):
    """[talk]: numbers behind the page for the talk with a family and behind ``mpg due``.

    Every default is this package's own choice: neither the toolkit nor the manual of a questionnaire names
    one. Times are in months (or weeks, or waves) of the study's axis, as in ``[analysis]``.

    Attributes
    ----------
    ahead : float
        The page says how likely a score so much later is no better than now.
    recent : float
        "Going the right way now" looks back so far.
    still_alarms : float
        Of the families elsewhere whose course went well, at most this share is called off track or "may be
        standing still" at its measurement around ``still_month``: the limit is learnt from that.
    still_month : float
    unmeasured_after : float
        A family without a measurement for longer than this is due: the planned distance, and some more.
    evaluate_after : float
        After so long without clear progress a family is due: evaluate, stop or hand over.
    clear_progress : float
        Progress is clear where the family's own line fell (or rose, where that is better) since the start
        with at least this chance.
    """

    ahead: _Months = 6.0
    recent: _Months = 3.0
    still_alarms: Annotated[Number, Field(gt=0, lt=1)] = 0.2
    still_month: _Months = 4.0
    unmeasured_after: _Months = 2.0
    evaluate_after: _Months = 6.0
    clear_progress: Annotated[Number, Field(gt=0.5, lt=1)] = 0.9
