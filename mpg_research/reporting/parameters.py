"""The typed parameters of each notebook, checked before the kernel starts and again inside it.

Parameters travel to a kernel as text, and what carries them there only logs a name it does not know and
turns ``007`` into ``7``. Here an unknown or mistyped parameter stops the run. Only JSON types are used.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from mpg_research.errors import ConfigError, suggestion
from mpg_research.reporting.notebooks import NotebookParameters, notebook_spec

__all__ = ["check_parameters", "validate_parameters"]

Parameters = TypeVar("Parameters", bound=NotebookParameters)


def validate_parameters(
    notebook: str, values: Mapping[str, Any], *, folder: str | Path | None = None
) -> NotebookParameters:
    """Check the parameters of a notebook against the types that its own cell of parameters gives them.

    Parameters
    ----------
    notebook : str
        Name of the notebook.
    values : mapping
        Parameters by name; JSON types only.
    folder : str or Path, optional
        Where the notebook lies; by default where ``notebook_spec`` looks.

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
    return check_parameters(notebook_spec(notebook, folder).model, values, notebook)


def check_parameters(model: type[Parameters], values: Mapping[str, Any], notebook: str) -> Parameters:
    """Check parameters against a typed model; the message names every one that is wrong.

    Raises
    ------
    ConfigError
        If a parameter is unknown or of the wrong type.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        lines = [_sentence(finding, model) for finding in error.errors(include_url=False)]
    raise ConfigError("\n".join([f"The parameters of notebook {notebook} are not right:", *lines]))


def _sentence(finding: Any, model: type[NotebookParameters]) -> str:
    name = ".".join(str(part) for part in finding["loc"])
    if finding["type"] == "extra_forbidden":
        return (
            f"- {name!r} is not a parameter of this notebook{suggestion(name, model.model_fields)}. "
            f"It takes: {', '.join(model.model_fields)}."
        )
    expected = finding["msg"].removeprefix("Input should be ")
    return f"- {name}: found {finding['input']!r}, expected {expected}."
