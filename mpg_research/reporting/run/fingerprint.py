"""What a page is made of, part by part and as one hash.

A step whose fingerprint and published files are the same as in its record is not run again. The parts are
told apart so that a changed word makes the pages of its language due and runs no analysis, and so that
``mpg run --explain`` can say which of them changed.
"""

from collections.abc import Sequence
from typing import Any

from mpg_research.reporting.files import json_sha256
from mpg_research.reporting.pictures import png_is_wanted
from mpg_research.reporting.run.plan import Step
from mpg_research.reporting.store.inputs import Inputs as Inputs
from mpg_research.reporting.store.inputs import library_versions as library_versions
from mpg_research.reporting.store.inputs import read_inputs as read_inputs

__all__ = ["Inputs", "library_versions", "read_inputs", "step_fingerprint", "words_of"]


def step_fingerprint(
    step: Step,
    *,
    inputs: Inputs,
    notebook_sha256: str,
    standing: str = "own",
    secret: str = "",
    formats: Sequence[str] = (),
) -> str:
    """One hash over everything a step's output depends on.

    Parameters
    ----------
    step : Step
        The step.
    inputs : Inputs
        Hashes and versions that all steps share.
    notebook_sha256 : str
        Hash of the notebook's file.
    standing : {"own", "registered", "modified"}
        Of the notebook; a page says if it was made by one that was changed.
    secret : str
        Mark of the secret that letters are drawn with.
    formats : sequence of str
        In which the page is published beside the web page, and with which version of what makes them.

    Returns
    -------
    str
    """
    parts: dict[str, Any] = {
        "data": dict(inputs.data),
        "settings": dict(inputs.settings),
        "code": dict(inputs.code),
        "words": words_of(step, inputs),
        "versions": dict(inputs.versions),
        "notebook": notebook_sha256,
        "step": step.name,
        "parameters": dict(step.parameters),
        **({"notebook_is": standing} if standing != "own" else {}),
        **({"png": True} if png_is_wanted() else {}),
        **({"formats": list(formats)} if formats else {}),
        **({"private": True} if step.private else {}),
        **({"secret": secret} if secret else {}),
    }
    return json_sha256(parts)


def words_of(step: Step, inputs: Inputs) -> dict[str, str]:
    """Hashes of the texts that a page is written with: of its language, and of what all languages share."""
    return {language: inputs.words.get(language, "") for language in ("", step.language)}
