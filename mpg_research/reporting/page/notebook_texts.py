"""The text cells of the notebooks, by their key in the catalogue.

A text cell of a shipped notebook has two tags: a language, and ``text:KEY``. What is published is the text
``notebook.KEY`` of the catalogue in the language of the report, in the words of the study; so a language that
no notebook has cells of still has its texts. In the notebook itself the texts stand in the languages of the
package, for whoever opens it: ``python -m mpg_research.reporting.page.notebook_texts`` writes them there
from the catalogue, and renews the list of what stands in them (:mod:`mpg_research.reporting.own_notebooks`).
A cell whose text was changed by hand is published as it stands.
"""

import re
from collections.abc import Sequence
from typing import Any

from mpg_research.languages import languages
from mpg_research.present.language.phrases import Phrases, phrases_in

__all__ = ["TEXT", "text_key", "texts_of_notebook", "title_in", "title_of", "write_texts"]

#: What the tag of a text cell begins with that names its key.
TEXT = "text:"
_TITLE = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)


def title_in(text: str) -> re.Match[str] | None:
    """Where the title is in a text cell: its heading of the first level, whose words are group 1."""
    return _TITLE.search(text)


def title_of(cells: Sequence[Any], phrases: Phrases) -> str:
    """The title of a notebook in a language; "" where it has none.

    Parameters
    ----------
    cells : sequence of NotebookNode
        All cells of the notebook.
    phrases : Phrases
        The catalogue in that language.
    """
    texts = texts_of_notebook(cells, phrases)
    found = (title_in(text) for _, text in sorted(texts.items()))
    return next((match.group(1) for match in found if match), "")


def text_key(cell: Any) -> str:
    """The key of a cell's text, without "notebook."; "" where it has none."""
    tags = cell["metadata"].get("tags", [])
    return next((str(tag).removeprefix(TEXT) for tag in tags if str(tag).startswith(TEXT)), "")


def texts_of_notebook(cells: Sequence[Any], phrases: Phrases) -> dict[int, str]:
    """What stands in the text cells of a page in one language, by the cell's place in the notebook.

    Of the cells with one key there is one: that in the language, or else the first. A cell without a key is
    shown as it stands, unless it is in another language.

    Parameters
    ----------
    cells : sequence of NotebookNode
        All cells of the notebook.
    phrases : Phrases
        The catalogue in the language of the page.
    """
    language, known = phrases.language, set(languages())
    keyed: dict[str, list[int]] = {}
    texts: dict[int, str] = {}
    for place, cell in enumerate(cells):
        if cell["cell_type"] != "markdown":
            continue
        spoken = known & set(cell["metadata"].get("tags", []))
        key = text_key(cell)
        if key and phrases.has(f"notebook.{key}"):
            keyed.setdefault(key, []).append(place)
        elif not spoken or language in spoken:
            texts[place] = _source(cell)
    for key, places in keyed.items():
        own = [place for place in places if language in cells[place]["metadata"].get("tags", [])]
        for place in own or places[:1]:
            by_hand = bool(own) and _source(cells[place]) != phrases_in(language).entries[f"notebook.{key}"]
            texts[place] = _source(cells[place]) if by_hand else phrases.entries[f"notebook.{key}"]
    return texts


def write_texts(node: Any) -> Any:
    """The notebook with the texts of the catalogue in its text cells, each in the language of its tag.

    Parameters
    ----------
    node : dict
        A notebook as its JSON file has it; changed in place.
    """
    for cell in node["cells"]:
        key = text_key(cell) if cell["cell_type"] == "markdown" else ""
        for language in set(languages()) & set(cell["metadata"].get("tags", [])) if key else ():
            cell["source"] = phrases_in(language).entries[f"notebook.{key}"].splitlines(keepends=True)
    return node


def _source(cell: Any) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


if __name__ == "__main__":
    import json
    from pathlib import Path

    from mpg_research.reporting.own_notebooks import OWN_LIST, write_own_list

    for path in sorted(Path("notebooks").glob("*.ipynb")):
        written = write_texts(json.loads(path.read_text(encoding="utf-8")))
        path.write_text(
            json.dumps(written, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )
    OWN_LIST.write_bytes(write_own_list(Path("notebooks").glob("*.ipynb")))
