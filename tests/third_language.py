"""A made-up language: English with an accent on every vowel, in a folder of its own, with French numbers.

What stands on a page without an accent did not come from the catalogue of that language.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from html import unescape
from pathlib import Path

from mpg_research.languages import CATALOGUE, texts_in

CODE = "xx"
_ACCENTS = str.maketrans("aeiouAEIOU", "áéíóúÁÉÍÓÚ")
#: What is no word of a text: the name of a placeholder, of a term and of its field.
_NAME = re.compile(r"(\{[\w.]*)")
#: What stands in a page and is no text of the catalogue.
_NOT_SAID = re.compile(
    r"<style[^>]*>.*?</style>|<code>.*?</code>|<pre>.*?</pre>|<!--.*?-->|<[^>]*>", re.DOTALL
)
_SPOKEN_ATTRIBUTES = re.compile(r'(?:alt|aria-label|title)="([^"]*)"')


def accented(text: str) -> str:
    """A text with an accent on every vowel, placeholders as they are."""
    return "".join(part if part.startswith("{") else part.translate(_ACCENTS) for part in _NAME.split(text))


def write_language(folder: Path) -> Path:
    """Write the language as one file of texts and a ``language.toml``; the folder to point to."""
    own = folder / CODE
    own.mkdir(parents=True)
    texts = "\n".join(f"{quoted(key)} = {quoted(accented(text))}" for key, text in texts_in("en").items())
    (own / "everything.toml").write_text(f"{texts}\n", encoding="utf-8")
    grammar = tomllib.loads((CATALOGUE / "en" / "language.toml").read_text(encoding="utf-8"))
    grammar |= {"name": accented("Accented"), "locale": "fr", "order": 3, "zero_before_p": True}
    grammar["first"] = accented(grammar["first"])
    grammar["between"] = [accented(word) for word in grammar["between"]]
    for part in ("nouns", "verbs"):
        grammar[part] = {accented(many): accented(one) for many, one in grammar[part].items()}
    for part in ("articles", "terms"):
        grammar[part] = {
            name: {field: accented(word) for field, word in fields.items()}
            for name, fields in grammar[part].items()
        }
    (own / "language.toml").write_text("\n".join(_toml(grammar)) + "\n", encoding="utf-8")
    return folder


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _toml(tree: dict, section: str = "") -> Iterable[str]:
    plain = {key: value for key, value in tree.items() if not isinstance(value, dict)}
    if section:
        yield f"[{section}]"
    yield from (f"{quoted(key)} = {quoted(value)}" for key, value in plain.items())
    for key in tree.keys() - plain.keys():
        yield from _toml(tree[key], f"{section}.{quoted(key)}" if section else quoted(key))


def words_without_accent(page: str, *, data: Iterable[str] = ()) -> list[str]:
    """The words of a page or text that have a vowel without an accent, those of the data aside."""
    said = [*_SPOKEN_ATTRIBUTES.findall(page), _NOT_SAID.sub(" ", page)]
    text = unescape(" ".join(said))
    for known in sorted(data, key=len, reverse=True):
        text = text.replace(known, " ")
    return [word for word in re.findall(r"\w{2,}", text) if re.search("[aeiouAEIOU]", word)]
