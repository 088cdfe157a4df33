"""How a notebook shows a result that stands by itself on the last line of a cell.

``compare_organisations(study)`` gives a result whose tables are unrounded and may hold small numbers. What is
displayed of it came through the gate all the same, under the rules of its study, for the researcher (or the
reader for whom the notebook's session is): the finding in words, one figure, every table below a line that
opens it, and what was withheld and why. The study is found among the notebook's own names by the
fingerprint of its data. Without it there are no rules to go by, and what to do is displayed instead.
"""

from __future__ import annotations

import sys
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpg_research.disclosure.released import Released

__all__ = ["display_result", "show_bare_results"]

#: The classes of results, by module and name: they need not be loaded to be looked for.
_RESULTS = (
    ("mpg_research.analysis.result", "Result"),
    ("mpg_research.reporting.store.stored", "StoredResult"),
)
_NO_RULES = (
    "{kind}: not displayed, since none of the notebook's names holds the study that it was computed from, "
    "whose rules say what may be shown. Keep the study under a name (study = load_study(...)) and write the "
    "result on a line by itself again, or name reader and rules: "
    'show(result, audience=Audience("researcher"), policy=policy_of(study)).'
)


def show_bare_results() -> None:
    """Let the notebook that imports this package display results; elsewhere nothing happens.

    Called when ``mpg_research`` is imported. It loads nothing: classes of results are looked for by name.
    """
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell: Any = get_shell() if get_shell is not None else None
    formatter = getattr(getattr(shell, "display_formatter", None), "mimebundle_formatter", None)
    if formatter is None:
        return

    def display(result: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return display_result(result, shell.user_ns)

    for module, name in _RESULTS:
        formatter.for_type_by_name(module, name, display)


def display_result(result: Any, names: Mapping[str, Any]) -> dict[str, str]:
    """What a notebook displays of a result: nothing that did not come through the gate.

    Parameters
    ----------
    result : AnalysisResult
        What an analysis returned.
    names : mapping
        The names of the notebook, among which its study is.

    Returns
    -------
    dict of str to str
        The same as HTML and as plain text, by media type.

    Examples
    --------
    >>> from mpg_research import describe_quality, load_study
    >>> from mpg_research.study import shipped_example
    >>> study = load_study(shipped_example())
    >>> shown = display_result(describe_quality(study), {"study": study, "language": "en"})
    >>> "<table" in shown["text/html"]
    True
    >>> display_result(describe_quality(study), {})["text/plain"].partition(":")[0]
    'data_quality'
    """
    from mpg_research.errors import MpgError

    try:
        found = _released(result, names)
        if found is None:
            return _said(_NO_RULES.format(kind=result.kind))
        return _displayed(*found)
    except MpgError as error:
        return _said(f"{result.kind}: not displayed. {error}")


def _said(text: str) -> dict[str, str]:
    return {"text/html": f"<p>{escape(text)}</p>", "text/plain": text}


def _released(result: Any, names: Mapping[str, Any]) -> tuple[Released, str] | None:
    """What may be shown of it, and in which language: by a session of its study, else by the study.

    Of several the one named last counts.
    """
    from mpg_research.disclosure import Audience, policy_of, release
    from mpg_research.languages import languages
    from mpg_research.reporting.private import is_private
    from mpg_research.reporting.session.session import Session
    from mpg_research.study.model import Study

    values = list(names.values())[::-1]
    digest = result.provenance.digest
    for session in values:
        if isinstance(session, Session) and session.digest == digest:
            return session.release(result), session.language
    asked = names.get("language")
    for study in values:
        if isinstance(study, Study) and study.digest == digest:
            known = [each for each in (asked, *study.config.study.languages) if each in languages()]
            reader = Audience("researcher", private=is_private())
            return release(result, reader, policy=policy_of(study)), str(known[0])
    return None


def _displayed(released: Released, language: str) -> dict[str, str]:
    """Words, a figure, tables to open, what is not shown."""
    from mpg_research.present import PresentedTable, say, tabulate
    from mpg_research.present.language.phrases import phrases_in
    from mpg_research.present.registry import kind_named

    phrases = phrases_in(language)
    words = say(released, language=language)
    parts, plain = [words.html], [str(words)]
    kind = kind_named(released.kind)
    names = [figure.name for figure in kind.figures] if kind else []
    drawn, picture = _first_figure(released, names, language)
    if picture is not None:
        parts.append(picture.html)
        plain.append(str(picture))
    within = picture.data.html if picture is not None else ""
    for name in released.tables:
        table = tabulate(released, name, language=language)
        if isinstance(table, PresentedTable) and table.html != within:
            summary = f"<summary>{escape(table.caption)} <small><code>{escape(name)}</code></small></summary>"
            parts.append(f"<details>{summary}\n{table.html}\n</details>")
            plain.append(str(table))
    told = say(released, "withheld", language=language)
    if told.sentences and released.converged:
        parts.append(told.html)
        plain.append(str(told))
    if others := [name for name in names if name != drawn]:
        line = phrases("by_hand.more_figures", names=", ".join(f'"figure:{name}"' for name in others))
        parts.append(f"<p><small>{escape(line)}</small></p>")
        plain.append(line)
    html = f'<div class="mpg-result" lang="{language}">\n' + "\n".join(parts) + "\n</div>"
    return {"text/html": html, "text/plain": "\n\n".join(text for text in plain if text)}


def _first_figure(released: Released, names: list[str], language: str) -> tuple[str, Any]:
    """The first figure of the kind that there is something to draw in, with its name."""
    from mpg_research.present import PresentedFigure, draw

    for name in names:
        found = draw(released, name, language=language)
        if isinstance(found, PresentedFigure):
            return name, found
    return "", None
