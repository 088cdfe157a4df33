"""Why a run would make each of its pages, or need not: ``mpg run --explain``. Nothing is run or written."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from mpg_research.reporting.allowed_notebooks import judge_notebooks, refuse_unknown
from mpg_research.reporting.files import file_sha256
from mpg_research.reporting.formats import formats_of, made_with
from mpg_research.reporting.ledger.releases import Releases, open_releases, why_released_anew
from mpg_research.reporting.run.fingerprint import Inputs, step_fingerprint, words_of
from mpg_research.reporting.run.manifest import FORMAT, NAME, hasher_of, is_up_to_date, read_manifest
from mpg_research.reporting.run.plan import Step, plan_steps, published_files
from mpg_research.reporting.run.prepare import study_config
from mpg_research.reporting.run.run import _notebooks_in, _still_or_all_problems, place_of
from mpg_research.study.shipped import shipped_example, shipped_notebooks

__all__ = ["Explanation", "explain_run", "what_changed", "why_due"]

_OF_CODE = {
    "analysis": "the code of the analyses changed",
    "showing": "the code that shows results changed",
    "pages": "the code that makes pages changed",
}
_OF_STANDING = {
    "own": "the notebook is the package's again",
    "registered": "the notebook is registered now",
    "modified": "the notebook is not registered any more",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a step would be run.

    Attributes
    ----------
    step : Step
        The step.
    reasons : tuple of str
        Each a short phrase; empty if the step is up to date.
    """

    step: Step
    reasons: tuple[str, ...]


def explain_run(
    path: str | Path | None = None,
    *,
    reports: str | Path = "reports",
    only: Sequence[str] = (),
    organisation: Sequence[str] = (),
    language: Sequence[str] = (),
    force: bool = False,
    notebooks: str | Path | None = None,
    private: bool = False,
    allow_modified: bool = False,
) -> tuple[Explanation, ...]:
    """Say of every step of a run why it would be made, or that it need not.

    Parameters
    ----------
    path : str or Path, optional
        The study folder or its ``study.toml``; by default the example study.
    reports : str or Path
        Folder under which the reports lie.
    only, organisation, language : sequence of str
        Which notebooks, organisations and languages; empty: all.
    force : bool
        Whether the run would also make anew what is up to date.
    notebooks : str or Path, optional
        Folder of the notebooks; by default those of the package.
    private : bool
        Whether the run would make the researcher's own pages, not for release.
    allow_modified : bool
        Whether the run would also run notebooks that were changed and are not registered.

    Returns
    -------
    tuple of Explanation
        In the order of the run.

    Raises
    ------
    ConfigError, DataError
        If the study cannot be used, or a notebook may not run.
    """
    config = study_config(path if path is not None else shipped_example())
    there = _notebooks_in(Path(notebooks) if notebooks else shipped_notebooks())
    steps = plan_steps(
        config, only=only, organisation=organisation, language=language, notebooks=there, private=private
    )
    hashes = {step.notebook: file_sha256(there[step.notebook].file) for step in steps}
    standings = judge_notebooks((there[name] for name in hashes), config.folder)
    if not allow_modified:
        refuse_unknown(standings, there, config.folder)
    inputs = _still_or_all_problems(config).inputs
    folder = place_of(config, reports, private=private)
    asked = ("--force asks for it",) if force else ()
    releases = open_releases(config.study.name, folder, make=False)
    if private:
        releases = replace(releases, ledger=None, problem="")
    return tuple(
        Explanation(
            step,
            asked
            + why_due(
                folder / step.recipient,
                step,
                inputs=inputs,
                notebook_sha256=hashes[step.notebook],
                standing=standings[step.notebook].kind,
                releases=releases,
                formats=made_with(formats_of(config)),
            ),
        )
        for step in steps
    )


def why_due(
    folder: Path,
    step: Step,
    *,
    inputs: Inputs,
    notebook_sha256: str,
    standing: str = "own",
    releases: Releases | None = None,
    formats: Sequence[str] = (),
) -> tuple[str, ...]:
    """What changed since a step was made.

    Parameters
    ----------
    folder : Path
        The recipient's folder.
    step : Step
        The step.
    inputs : Inputs
        Hashes and versions that all steps share.
    notebook_sha256 : str
        Hash of the notebook.
    standing : {"own", "registered", "modified"}
        Of the notebook.
    releases : Releases, optional
        The secret and the record of releases; by default neither counts.
    formats : sequence of str
        In which the page would be published beside the web page, and with what.

    Returns
    -------
    tuple of str
        Short phrases; empty if the step is up to date.
    """
    manifest = read_manifest(folder)
    secret = releases.secret.mark if releases is not None else ""
    fingerprint = step_fingerprint(
        step,
        inputs=inputs,
        notebook_sha256=notebook_sha256,
        standing=standing,
        secret=secret,
        formats=formats,
    )
    entry = manifest["steps"].get(step.key)
    anew = why_released_anew(entry, releases, step.recipient) if releases is not None else ""
    if is_up_to_date(folder, step, fingerprint, manifest):
        return (anew,) if anew else ()
    if not isinstance(entry, dict):
        return ("made by an earlier version" if _is_of_another_format(folder) else "never made",)
    found = [*_changed(entry, step, inputs, notebook_sha256), *_touched(folder, step, entry)]
    if entry.get("notebook_is", "own") != standing:
        found.append(_OF_STANDING[standing])
    if _formats_in(entry) != {each.partition(" ")[0] for each in formats}:
        found.append("other formats are asked for")
    if anew:
        found.append(anew)
    return tuple(found) or ("what it was made from, or the secret of this user, changed",)


def what_changed(
    steps: Mapping[str, Step],
    entries: Mapping[str, Mapping[str, Any]],
    path: str | Path,
    *,
    notebooks: str | Path | None = None,
) -> tuple[str, ...]:
    """Which of the things that pages were made from are others now: files, settings, code, libraries.

    Parameters
    ----------
    steps : mapping of str to Step
        The pages.
    entries : mapping of str to mapping
        What the manifests say of them, by the same names.
    path : str or Path
        The study.
    notebooks : str or Path, optional
        Folder of the notebooks; by default those of the package.

    Returns
    -------
    tuple of str
        Short phrases, each once; empty where all is the same.
    """
    inputs = _still_or_all_problems(study_config(path)).inputs
    there = _notebooks_in(Path(notebooks) if notebooks else shipped_notebooks())
    found: dict[str, None] = {}
    for name, step in steps.items():
        digest = file_sha256(there[step.notebook].file)
        for reason in _changed(entries[name], step, inputs, digest):
            is_own = reason.startswith(("the notebook", "its parameters"))
            found[f"{name}: {reason}" if is_own else reason] = None
    return tuple(found)


def _formats_in(entry: Mapping[str, Any]) -> set[str]:
    """The formats in which a page was published beside the web page."""
    endings = {PurePosixPath(name).suffix.removeprefix(".") for name in _mapping(entry, "outputs")}
    return endings & {"pdf", "docx"}


def _is_of_another_format(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / NAME).read_bytes())["format"] != FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _changed(entry: Mapping[str, Any], step: Step, inputs: Inputs, notebook_sha256: str) -> Iterator[str]:
    """Which of the things that a page is made of are others than in its record."""
    own = hasher_of(step)
    made = _mapping(entry, "inputs")
    for group, now in (("data", inputs.data), ("settings", inputs.settings)):
        before = _mapping(made, group)
        for name in sorted({*before, *now}):
            if name not in now:
                yield f"{name} is no longer part of the study"
            elif name not in before:
                yield f"{name} is new"
            elif before[name] != own(now[name]):
                yield f"{name} changed"
    if made.get("notebook") != notebook_sha256:
        yield "the notebook changed"
    if dict(_mapping(entry, "parameters")) != dict(step.parameters):
        yield "its parameters changed"
    words = _mapping(made, "words")
    for language, now_words in words_of(step, inputs).items():
        if words.get(language) != now_words:
            yield f"the words of {language} changed" if language else "what all languages share changed"
    versions = _mapping(entry, "versions")
    for name in sorted({*versions, *inputs.versions}):
        was, is_now = versions.get(name), inputs.versions.get(name)
        if was != is_now:
            yield f"made by version {was}" if name == "mpg_research" else f"{name} is {is_now}, was {was}"
    code = _mapping(made, "code")
    for part, sentence in _OF_CODE.items():
        if code.get(part) != inputs.code[part]:
            yield sentence


def _touched(folder: Path, step: Step, entry: Mapping[str, Any]) -> Iterator[str]:
    """Which of its files are no longer what was published."""
    outputs = _mapping(entry, "outputs")
    if not outputs:
        yield "its files are not in its record"
    for name, recorded in outputs.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is gone"
        elif file_sha256(path) != recorded:
            what = "its page" if name == published_files(step)["page"] else name
            yield f"{what} was changed by hand"


def _mapping(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = entry.get(name)
    return found if isinstance(found, Mapping) else {}
