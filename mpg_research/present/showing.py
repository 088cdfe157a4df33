"""Release and present in one go: what a notebook calls."""

from typing import Any

from mpg_research.disclosure import Audience, DisclosurePolicy, release
from mpg_research.disclosure.released import Released
from mpg_research.errors import ConfigError
from mpg_research.languages import languages
from mpg_research.present.presented import PresentedFigure, PresentedTable, PresentedText

__all__ = ["show"]


def show(
    result: Any,
    part: str = "sentences",
    *,
    audience: Audience | None = None,
    policy: DisclosurePolicy | None = None,
    language: str = "",
) -> PresentedTable | PresentedFigure | PresentedText:
    """Release a result for an audience and present one part of it.

    Parameters
    ----------
    result : AnalysisResult or Released
        What an analysis returned, or what was released of it.
    part : str
        ``"sentences"``, ``"sentences:TOPIC"``, ``"table:NAME"`` or ``"figure:NAME"``.
    audience : Audience, optional
        Who reads; needed for a result that was not released yet.
    policy : DisclosurePolicy, optional
        The study's rules, from ``policy_of(study)``; needed with an audience.
    language : str
        Code of the language; the first of :func:`mpg_research.languages.languages` by default.

    Returns
    -------
    PresentedTable, PresentedFigure or PresentedText
        What a notebook shows, and what ``save(folder)`` writes.

    Raises
    ------
    ConfigError
        If ``part`` cannot be read, or audience or policy are missing.

    Examples
    --------
    >>> from mpg_research import load_study, show
    >>> from mpg_research.study import shipped_example
    >>> from mpg_research import Audience, describe_quality, policy_of
    >>> study = load_study(shipped_example())
    >>> found = describe_quality(study)
    >>> policy, reader = policy_of(study), Audience("researcher")
    >>> shown = show(found, "table:overview", audience=reader, policy=policy, language="en")
    >>> type(shown).__name__
    'PresentedTable'
    """
    if not isinstance(result, Released):
        if audience is None or policy is None:
            raise ConfigError(
                "show() needs audience= and policy=policy_of(study) to release the result first."
            )
        result = release(result, audience, policy=policy)
    language = language or languages()[0]
    kind, _, name = part.partition(":")
    if kind == "sentences":
        from mpg_research.present.sentences.say import say

        return say(result, name or None, language=language)
    if kind == "table" and name:
        from mpg_research.present.tables.tabulate import tabulate

        return tabulate(result, name, language=language)
    if kind == "figure" and name:
        from mpg_research.present.figures import draw

        return draw(result, name, language=language)
    raise ConfigError(f'Cannot show {part!r}; expected "sentences", "table:NAME" or "figure:NAME".')
