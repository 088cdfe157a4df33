"""The section [plan] of study.toml: what was decided before anybody looked at the results."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from mpg_research.study.config.sections import File, Number, Section, Text
from mpg_research.study.schemas import SCHEMAS

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["SEALED_FILE", "PlanConfig", "QuestionConfig", "names_in_plan"]

#: The file in the study's folder that holds the sealed plan and its amendments.
SEALED_FILE = "plan.sealed.json"
_Margin = Annotated[Number, Field(ge=0)]


class QuestionConfig(Section):
    """[[plan.questions]]: a question, how much hangs on it, and the analyses that answer it.

    Attributes
    ----------
    text : text
        The question, or one per language.
    kind : {"primary", "secondary"}
        Whether the study was made for it.
    analyses : tuple of str
        Names of the analyses that answer it, as notebooks ask for them: "describe_change".
    """

    text: Text
    kind: Literal["primary", "secondary"] = "primary"
    analyses: tuple[str, ...] = Field(min_length=1)


class PlanConfig(Section):
    """[plan]: questions and choices of before the study, for ``mpg protocol``.

    Attributes
    ----------
    questions : tuple of QuestionConfig
        One or more, of which one is primary.
    outcome : str, optional
        Key of the questionnaire of the primary outcome; that of [analysis] where it is left out.
    month : float, optional
        The month of the primary outcome; that of [analysis] where it is left out.
    model, exclusions, stopping : text, optional
        The model, whom is left out, and when the study stops, in words.
    case_mix : tuple of str, optional
        What is adjusted for; that of [analysis] where it is left out.
    margins : dict
        Name = the smallest difference that means something, 0 or more.
    thresholds : dict
        Name = the number from which something counts.
    subgroups : tuple of str
        Columns of the episodes that results are looked at apart by, or "organisation".
    power : str, optional
        A JSON file (a key ``sentence``, per language or one) or CSV (a column ``sentence``) that says how
        large the study should be.
    """

    questions: tuple[QuestionConfig, ...] = Field(min_length=1)
    outcome: str | None = None
    month: Number | None = None
    model: Text | None = None
    case_mix: tuple[str, ...] | None = None
    exclusions: Text | None = None
    margins: dict[str, _Margin] = Field(default_factory=dict)
    thresholds: dict[str, Number] = Field(default_factory=dict)
    subgroups: tuple[str, ...] = ()
    stopping: Text | None = None
    power: File | None = None

    @model_validator(mode="after")
    def _has_primary_question(self) -> "PlanConfig":
        if not any(question.kind == "primary" for question in self.questions):
            raise ValueError('a question with kind = "primary" among its questions')
        if len(set(self.subgroups)) != len(self.subgroups):
            raise ValueError("each of the subgroups once")
        return self

    @property
    def analyses(self) -> tuple[str, ...]:
        """The analyses of all questions, each once."""
        return tuple(dict.fromkeys(name for question in self.questions for name in question.analyses))


def names_in_plan(config: "StudyConfig") -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    """Subgroups of [plan] that are nothing this study knows.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Yields
    ------
    tuple
        The place in study.toml, what was found, what was expected, and what to do.
    """
    if config.plan is None:
        return
    episodes = config.tables.episodes
    known = {
        *(column.name for column in SCHEMAS["episodes"].columns),
        *config.analysis.case_mix,
        *(name for each in (episodes, *episodes.sources) for name in (*each.columns, *each.constants)),
    }
    for name in config.plan.subgroups:
        if name not in known:
            yield (
                ("plan", "subgroups"),
                f"the subgroup {name}",
                "a column of the episodes (child_age, organisation), or one of [analysis] case_mix",
                "Correct the name, or map the column under [tables.episodes] columns.",
            )
