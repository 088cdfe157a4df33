"""What a growth model of a study is asked: whose scores, adjusted for what, at which months."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mpg_research.analysis.growth.estimate_tables import chosen_months, describe_parameters, study_notes
from mpg_research.analysis.growth.scale import scale_of
from mpg_research.analysis.result import provenance_of
from mpg_research.errors import Note
from mpg_research.statistics.providers.ranks import Better
from mpg_research.study.model import CourseFrame, SampleFlow, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.scoring.reach import (
    Reach,
    ReportedMonths,
    months_are_typed,
    reach_of,
    reported_months,
    within_reach,
)
from mpg_research.study.which_scores import Scores

__all__ = ["ModelQuestion", "choose_scores", "reach_of_course", "reported_primary"]


@dataclass(frozen=True, slots=True)
class ModelQuestion:
    """A question about the course of a study's families.

    Attributes
    ----------
    study : Study
    course : CourseFrame
        The scores it is about.
    months : list of float
        Moments to report.
    primary_month : float
        The declared primary month where it is among ``months``, else the last of them; not beyond the data.
    reach : Reach
        How far the data go. ``course`` holds nothing later.
    notes : tuple of Note
        Where the months are not those that were asked for.
    """

    study: Study
    course: CourseFrame
    months: list[float]
    primary_month: float
    reach: Reach
    notes: tuple[Note, ...] = ()

    @property
    def better(self) -> Better:
        """Which change is the better one."""
        direction = self.study.instruments[self.course.instrument].direction
        return "low" if direction == "higher_is_worse" else "high"

    @property
    def scale(self) -> tuple[float, float] | None:
        """Lowest and highest possible score."""
        return scale_of(self.study.instruments[self.course.instrument], self.course.outcome)

    def parts(self, flow: SampleFlow, notes: Iterable[Note], **parameters: Any) -> dict[str, Any]:
        """What every result of such a question has in common: flow, notes and provenance.

        Parameters
        ----------
        flow : SampleFlow
        notes : iterable of Note
            After those about the study.
        **parameters
            Arguments in force.
        """
        course = self.course
        described = describe_parameters(
            self.study, course, primary_month=self.primary_month, **{"months": self.months, **parameters}
        )
        return {
            "flow": flow,
            "notes": (*study_notes(self.study, course.instrument, course.outcome), *self.notes, *notes),
            "provenance": provenance_of(
                self.study, parameters=described, instrument=course.instrument, outcome=course.outcome
            ),
        }


def choose_scores(
    study: Study,
    scores: Scores,
    *,
    case_mix: tuple[str, ...] | None,
    months: tuple[float, ...] | list[float] | None,
) -> ModelQuestion:
    """Choose scores and months; ``None`` is what ``study.toml`` says.

    Raises
    ------
    ConfigError
        If the months are no increasing moments with one after 0, if nobody was measured at a chosen one or
        later, or if a choice is unknown.
    """
    wanted = chosen_months(study, months)
    columns = study.config.analysis.case_mix if case_mix is None else case_mix
    course = course_frame(study, scores=scores, case_mix=tuple(columns))
    declared = float(study.config.analysis.primary_month)
    primary = declared if declared in wanted else wanted[-1]
    reach = reach_of_course(study, course)
    reported = reported_months(reach, wanted, primary, typed=_is_typed(study, months is not None))
    return ModelQuestion(
        study, within_reach(course, reach), reported.months, reported.primary, reach, reported.notes
    )


def reach_of_course(study: Study, course: CourseFrame) -> Reach:
    """How far the scores of a course go, by the study's ``minimum_measured``."""
    return reach_of(
        course.data,
        minimum=study.config.analysis.minimum_measured,
        dates=study.config.time.kind == "dates",
    )


def reported_primary(study: Study, reach: Reach, month: float | None = None) -> ReportedMonths:
    """The primary month (or another one asked for) as far as the data go, as the only month.

    Raises
    ------
    ConfigError
        If the month was chosen, and nobody was measured then or later.
    """
    asked = float(study.config.analysis.primary_month if month is None else month)
    typed = _is_typed(study, month is not None)
    return reported_months(reach, [asked], asked, typed=typed)


def _is_typed(study: Study, asked: bool) -> bool:
    return asked or months_are_typed(study.config.analysis)
