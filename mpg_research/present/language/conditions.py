"""Under which results each sentence of the catalogue may be said, as data.

The table stands in ``catalogue/conditions.toml``; ``docs/reference/sentences.md`` is made from it by
``python -m mpg_research.present.language.conditions``.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mpg_research.languages import OF_MESSAGES
from mpg_research.present.language.phrases import phrases_in

__all__ = ["Condition", "as_page", "conditions", "is_sentence", "needs"]

#: Sections of labels and of fixed texts of a page, and the parts of figures and profiles that are labels: by
#: themselves they claim nothing of a result.
_LABELS = re.compile(
    r"^(?:general|unit|concept|column|value|caption|intervention|neutral|page|notebook|decisions|by_hand|brief"
    r"|purpose|source|decided|moment|due|plan|check_page|family_page|methods|paper|cite|checklist)\."
    r"|^figure\.(?:\w+\.)?(?:own|families|mean|model|observed|others|out_of|lane|title|(?:\w+_)?axis(?:_\w)?|limit_\w+)$"
    r"|^profile\.(?:title|figure_title|heading_\w+|\w+_axis|month|score|error|expected|signal|\w+_parent)$"
)
_INTRODUCTION = """# When each sentence may be said

Made from `mpg_research/present/catalogue/conditions.toml` by
`python -m mpg_research.present.language.conditions`; do not edit this page. A sentence that the catalogue has
and this table has not, or the other way round, fails `tests/present/language/test_conditions.py`.
`tests/present/sentences/test_edges.py` renders every sentence from edge results, in Dutch and in English,
and holds it to the tests named here; `benchmarks/edge_sentences.py` does the same with random results.
"""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a sentence may be said.

    Attributes
    ----------
    when : str
        The results under which it may be said, in words.
    needs : tuple of str
        Names of the tests that must hold of the result, from :func:`needs`.
    """

    when: str
    needs: tuple[str, ...] = ()


def is_sentence(key: str) -> bool:
    """Whether a phrase is a sentence or a part of one that says something of a result; not a label.

    Examples
    --------
    >>> is_sentence("trajectory.fell"), is_sentence("column.organisation"), is_sentence("figure.funnel.title")
    (True, False, False)
    """
    return _LABELS.search(key) is None


@cache
def conditions() -> Mapping[str, Condition]:
    """The condition of every sentence, by its key in the catalogue."""
    tree = {name: part for name, part in _read().items() if name != "needs"}
    return {key: Condition(entry[0], tuple(entry[1:])) for key, entry in _leaves(tree)}


@cache
def needs() -> Mapping[str, str]:
    """What each test that sentences need says of a result, by its name."""
    return dict(_read()["needs"])


def _read() -> dict[str, Any]:
    text = files("mpg_research.present").joinpath("catalogue", "conditions.toml").read_text("utf-8")
    return tomllib.loads(text)


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    for name, part in tree.items():
        if isinstance(part, Mapping):
            yield from _leaves(part, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", part


def as_page() -> str:
    """The table as a page for maintainers, in Markdown."""
    english = phrases_in(OF_MESSAGES).entries
    sections: dict[str, list[str]] = {}
    for key, condition in conditions().items():
        section = key.rpartition(".")[0] if key.startswith("figure.") else key.partition(".")[0]
        told = "; ".join((condition.when, *(needs()[need] for need in condition.needs)))
        sections.setdefault(section, []).append(f"| `{key}` | {_cell(told)} | {_cell(english[key])} |")
    parts = [_INTRODUCTION]
    for section, rows in sections.items():
        head = "| sentence | may be said where | in English |\n| --- | --- | --- |"
        parts.append("\n".join([f"## {section}\n", head, *rows, ""]))
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    from pathlib import Path

    Path("docs/reference/sentences.md").write_text(as_page(), encoding="utf-8")
