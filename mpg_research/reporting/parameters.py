"""The typed parameters of each notebook, checked before the kernel starts and again inside it.

Parameters travel to a kernel as text, and what carries them there only logs a name it does not know and
turns ``007`` into ``7``. Here an unknown or mistyped parameter stops the run. Only JSON types are used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.languages import languages
from mpg_research.study.config.sections import Language

__all__ = [
    "NOTEBOOKS",
    "SENSITIVE_NOTEBOOKS",
    "CourseProfileParameters",
    "NotebookParameters",
    "NotebookSpec",
    "OrganisationReportParameters",
    "TrajectoryParameters",
    "notebook_spec",
    "validate_parameters",
]


class NotebookParameters(BaseModel):
    """What every notebook takes.

    Attributes
    ----------
    study : str
        Folder of the study, or its ``study.toml``. Empty: the example study.
    language : str
        Code of the language of the report; the first one by default.
    output : str
        Folder that tables and figures are written to. Empty (by hand): nothing is written.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    study: str = ""
    language: Language = languages()[0]
    output: str = ""


class TrajectoryParameters(NotebookParameters):
    """Parameters of the notebooks that fit a course over time.

    Attributes
    ----------
    shape : {"linear", "spline"}
        Form of the mean course.
    """

    shape: Literal["linear", "spline"] = "spline"


class OrganisationReportParameters(NotebookParameters):
    """Parameters of the report for one organisation.

    Attributes
    ----------
    organisation : str
        Key of the organisation in ``study.toml``. Empty (by hand): the first one there.
    """

    organisation: str = Field(default="")


class CourseProfileParameters(NotebookParameters):
    """Parameters of the course profile of one family.

    Attributes
    ----------
    family : str
        The family's id in the study.
    episode : str
        Its period of help. Empty: the last one with a score.
    """

    family: str = ""
    episode: str = ""


@dataclass(frozen=True, slots=True)
class NotebookSpec:
    """One notebook of the package.

    Attributes
    ----------
    name : str
        File name without ``.ipynb``.
    role : {"researcher", "funder", "organisation"}
        For whom it is written.
    model : type of NotebookParameters
        Its typed parameters.
    """

    name: str
    role: Literal["researcher", "funder", "organisation"]
    model: type[NotebookParameters]


NOTEBOOKS: Mapping[str, NotebookSpec] = {
    spec.name: spec
    for spec in (
        NotebookSpec("01_data_quality", "researcher", NotebookParameters),
        NotebookSpec("02_measurement", "researcher", NotebookParameters),
        NotebookSpec("03_trajectories", "researcher", TrajectoryParameters),
        NotebookSpec("04_organisations", "researcher", NotebookParameters),
        NotebookSpec("05_individual_change", "researcher", NotebookParameters),
        NotebookSpec("06_missing_data", "researcher", NotebookParameters),
        NotebookSpec("report_funder", "funder", NotebookParameters),
        NotebookSpec("report_organisation", "organisation", OrganisationReportParameters),
    )
}

#: Notebooks about one family; no run and no recipient ever gets them.
SENSITIVE_NOTEBOOKS: Mapping[str, type[NotebookParameters]] = {"course_profile": CourseProfileParameters}


def notebook_spec(notebook: str) -> NotebookSpec:
    """The notebook of that name, of those that a run makes.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if notebook not in NOTEBOOKS:
        raise ConfigError(
            f"There is no notebook {notebook!r}; the notebooks are {', '.join(NOTEBOOKS)}. "
            f"{did_you_mean(notebook, NOTEBOOKS)}".rstrip()
        )
    return NOTEBOOKS[notebook]


def validate_parameters(notebook: str, values: Mapping[str, Any]) -> NotebookParameters:
    """Check the parameters of a notebook against its typed model.

    Parameters
    ----------
    notebook : str
        Name of the notebook.
    values : mapping
        Parameters by name; JSON types only.

    Returns
    -------
    NotebookParameters
        All parameters, defaults filled in.

    Raises
    ------
    ConfigError
        If a parameter is unknown or of the wrong type; the message names every one of them.

    Examples
    --------
    >>> validate_parameters("03_trajectories", {"language": "en"}).language
    'en'
    """
    sensitive = SENSITIVE_NOTEBOOKS.get(notebook)
    model = notebook_spec(notebook).model if sensitive is None else sensitive
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        lines = [_sentence(finding, model) for finding in error.errors(include_url=False)]
    raise ConfigError("\n".join([f"The parameters of notebook {notebook} are not right:", *lines]))


def _sentence(finding: Any, model: type[NotebookParameters]) -> str:
    name = ".".join(str(part) for part in finding["loc"])
    if finding["type"] == "extra_forbidden":
        return (
            f"- {name!r} is not a parameter of this notebook, which takes {', '.join(model.model_fields)}. "
            f"{did_you_mean(name, model.model_fields)}".rstrip()
        )
    expected = finding["msg"].removeprefix("Input should be ")
    return f"- {name}: found {finding['input']!r}, expected {expected}."
