"""Does a recipient's folder name anybody else? A last search through every file before it is published.

The gate decides what is shown; this search is the second lock. It looks for the keys and public names of
all organisations but the recipient's own, as whole words, in every form a text can hide in: markup,
escapes, embedded pictures.
"""

import html
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mpg_research.errors import DisclosureError
from mpg_research.present.language.names import clean_name
from mpg_research.reporting.page.accessibility import embedded_text
from mpg_research.reporting.page.packed_text import packed_text
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["decoded", "forbidden_names", "refuse_names", "refuse_names_in", "searchable_text"]

#: A name shorter than this, or of digits only, occurs in every text; searching for it says nothing.
SHORTEST_NAME = 3
_DATA_ADDRESS = re.compile(r"data:image/svg\+xml[^\"'\s>)]*", re.IGNORECASE)
#: Characters without a shape of their own (directions, joiners); pages are shown without those of a name.
_INVISIBLE = dict.fromkeys(code for code in range(0x10000) if unicodedata.category(chr(code)) == "Cf")
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w")
_WORDS = re.compile(r"\w+")
_PNG = b"\x89PNG\r\n\x1a\n"
#: Chunks of a PNG that hold the picture itself.
_PICTURE = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"pHYs", b"gAMA", b"sRGB", b"cHRM"})
#: Bytes of a packed text that are looked at.
_LONGEST_TEXT = 1_000_000
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def forbidden_names(
    config: StudyConfig, *, role: str, organisation: str = "", keys: Iterable[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that must not occur in a recipient's files, and the recipient's own.

    Parameters
    ----------
    config : StudyConfig
        The study: its organisations and its disclosure settings.
    role : {"researcher", "funder", "organisation"}
        The recipient's role.
    organisation : str
        Key of the recipient's organisation.
    keys : iterable of str
        Further organisation keys that occur in the data.

    Returns
    -------
    forbidden, own : tuple of tuple of str
        Longest first. Names too short to search for are left out.
    """
    settings = config.disclosure
    if role == "researcher" or settings.public_groups:
        return (), ()
    if role == "funder" and settings.name_organisations_to_funder:
        return (), ()
    names: dict[str, set[str]] = {key: {key} for key in (*config.organisations, *keys)}
    for key, declared in config.organisations.items():
        names[key] |= set(declared.name.texts)
    mine = names.get(organisation, ()) if organisation else ()
    own = {form for name in mine for form in (_plain(name), _plain(clean_name(name)))}
    # A name with something invisible in it is shown in another form than it has.
    others = {
        form
        for key, listed in names.items()
        if key != organisation
        for name in listed
        for form in (_plain(name), _plain(clean_name(name)))
    }
    searchable = {name for name in others - own if len(name) >= SHORTEST_NAME and not name.isdigit()}
    return _longest_first(searchable), _longest_first(own - {""})


def refuse_names(files: Mapping[str, Path], *, forbidden: Iterable[str], own: Iterable[str]) -> None:
    """Stop if one of the files names somebody it must not name.

    Parameters
    ----------
    files : mapping of str to Path
        The files to publish, by the name they will have.
    forbidden, own : iterable of str
        See :func:`forbidden_names`. The recipient's own names are blanked out first, since another's
        name may be part of them.

    Raises
    ------
    DisclosureError
        With the file in which a name was found. The name itself is given by its length only, so that the
        message can be passed on.
    """
    _refuse_in(((name, path.read_bytes()) for name, path in sorted(files.items())), forbidden, own)


def refuse_names_in(pages: Mapping[str, bytes], *, forbidden: Iterable[str], own: Iterable[str]) -> None:
    """Stop if one of these pages, which were not written yet, names somebody it must not name.

    Parameters
    ----------
    pages : mapping of str to bytes
        By the name they will have.
    forbidden, own : iterable of str
        See :func:`forbidden_names`.

    Raises
    ------
    DisclosureError
        As of :func:`refuse_names`.
    """
    _refuse_in(sorted(pages.items()), forbidden, own)


def _refuse_in(contents: Iterable[tuple[str, bytes]], forbidden: Iterable[str], own: Iterable[str]) -> None:
    listed = tuple(forbidden)
    if not listed:
        return
    others, mine = WholeWords(listed), WholeWords(tuple(own))
    for name, content in contents:
        text = f"{_plain(name)} {searchable_text(content)}"
        words = frozenset(_WORDS.findall(text))  # blanking takes some away, and makes none
        found = others.first_in(mine.blanked(text, words), words)
        if found:
            raise DisclosureError(
                f"{name} names another organisation than the one it is for (a name of {len(found)} "
                "characters), so nothing of this report was published. This is a bug in the package or "
                "in the notebook, unless that organisation's key or public name in study.toml is an everyday "
                "word: then give it another one."
            )


class WholeWords:
    """Finds any of many names as whole words, in one pass over a text.

    The letter before a name is looked at where one was found: as a condition in front of each of hundreds of
    alternatives it would be tried at every letter of the text.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._words = {name: frozenset(_WORDS.findall(name)) for name in _longest_first(names)}

    def first_in(self, text: str, words: frozenset[str] | None = None) -> str:
        """The first name in the text; empty where there is none. ``words``: those of the text, or more."""
        return next((text[start:end] for start, end in self._places(text, words)), "")

    def blanked(self, text: str, words: frozenset[str] | None = None) -> str:
        """The text with a space in place of every name."""
        parts, last = [], 0
        for start, end in self._places(text, words):
            parts.append(text[last:start])
            last = end
        return " ".join([*parts, text[last:]])

    def _places(self, text: str, words: frozenset[str] | None) -> Iterator[tuple[int, int]]:
        pattern = self._pattern(frozenset(_WORDS.findall(text)) if words is None else words)
        position = 0
        while pattern is not None and (found := pattern.search(text, position)):
            start = found.start()
            if start and _WORD.match(text, start - 1):
                position = start + 1  # within a longer word: another name may begin inside this one
            else:
                yield found.span()
                position = found.end()

    def _pattern(self, there: frozenset[str]) -> re.Pattern[str] | None:
        """Of the names that can be there: each word of a name that stands by itself is a whole word too."""
        names = [name for name, words in self._words.items() if words <= there]
        return re.compile(rf"(?:{'|'.join(re.escape(name) for name in names)})(?!\w)") if names else None


def searchable_text(content: bytes) -> str:
    """Everything in a file that a reader could read, with and without its markup."""
    raw = decoded(content)
    raw = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), raw)
    embedded = " ".join(embedded_text(html.unescape(address)) for address in _DATA_ADDRESS.findall(raw))
    text = f"{raw} {embedded}"
    if "<" not in text and "&" not in text:  # nothing in it is markup: with and without, it is the same
        return _plain(text)
    return _plain(f"{text} {_TAG.sub('', html.unescape(text))} {html.unescape(_TAG.sub(' ', text))}")


def decoded(content: bytes) -> str:
    """A file as text: of a PNG what it says in words, of a PDF or Word document its texts, of others all."""
    packed = packed_text(content)
    if packed is not None:
        return packed
    words = png_words(content) if content.startswith(_PNG) else None
    return (content if words is None else words).decode("utf-8", errors="replace")


def png_words(content: bytes) -> bytes | None:
    """The text chunks of a PNG, unpacked, and whatever follows its end; None where it is not whole."""
    found, place, size = [], len(_PNG), len(content)
    while place + 12 <= size:
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + length]
        if len(body) < length:
            return None
        if kind not in _PICTURE:
            found.append(body)
            for start in _packed(body):
                try:
                    found.append(zlib.decompressobj().decompress(body[start:], _LONGEST_TEXT))
                except zlib.error:
                    continue
        place += 12 + length
        if kind == b"IEND":
            return b" ".join([*found, content[place:]])
    return None


def _packed(body: bytes) -> list[int]:
    """Where a packed text may begin in a chunk: after each zero byte and the byte that names the method."""
    ends = [index for index, byte in enumerate(body[:400]) if byte == 0]
    return [start for end in ends for start in (end + 1, end + 2)]


def _plain(text: str) -> str:
    """One form for texts that look the same: composed letters, single spaces, nothing invisible."""
    unescaped = html.unescape(text) if "&" in text else text
    if not unescaped.isascii():
        unescaped = unicodedata.normalize("NFKC", unescaped).translate(_INVISIBLE)
    return " ".join(unescaped.split())


def _longest_first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (-len(name), name)))
