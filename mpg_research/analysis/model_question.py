"""What a growth model of a study is asked: whose scores, adjusted for what, at which months."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mpg_research.analysis.result import provenance_of
from mpg_research.analysis.tables import chosen_months, describe_parameters, study_notes
from mpg_research.errors import Note
from mpg_research.statistics.ranks import Better
from mpg_research.study.course import course_frame
from mpg_research.study.model import CourseFrame, SampleFlow, Study

__all__ = ["ModelQuestion", "ask"]


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
        The declared primary month where it is among ``months``, else the last of them.
    """

    study: Study
    course: CourseFrame
    months: list[float]
    primary_month: float

    @property
    def better(self) -> Better:
        """Which change is the better one."""
        direction = self.study.instruments[self.course.instrument].direction
        return "low" if direction == "higher_is_worse" else "high"

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
            "notes": (*study_notes(self.study, course.instrument, course.outcome), *notes),
            "provenance": provenance_of(
                self.study, parameters=described, instrument=course.instrument, outcome=course.outcome
            ),
        }


def ask(
    study: Study,
    *,
    instrument: str | None,
    outcome: str | None,
    case_mix: tuple[str, ...] | None,
    respondents: str | None,
    episodes: str | None,
    months: tuple[float, ...] | list[float] | None,
) -> ModelQuestion:
    """Choose scores and months; ``None`` is what ``study.toml`` says.

    Raises
    ------
    ConfigError
        If the months are no increasing moments with one after 0, or a choice is unknown.
    """
    wanted = chosen_months(study, months)
    columns = study.config.analysis.case_mix if case_mix is None else case_mix
    course = course_frame(
        study,
        instrument=instrument,
        outcome=outcome,
        respondents=respondents,
        episodes=episodes,
        case_mix=tuple(columns),
    )
    declared = float(study.config.analysis.primary_month)
    return ModelQuestion(study, course, wanted, declared if declared in wanted else wanted[-1])
