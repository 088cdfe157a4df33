"""Does a recipient's folder name anybody else? A last search through every file before it is published.

The gate decides what is shown; this search is the second lock. It looks for the keys and public names of
all organisations but the recipient's own, as whole words, in every form a text can hide in: markup,
escapes, embedded pictures.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from mpg_research.errors import DisclosureError
from mpg_research.reporting.page.accessibility import embedded_text
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["forbidden_names", "refuse_names", "searchable_text"]

#: A name shorter than this, or of digits only, occurs in every text; searching for it says nothing.
SHORTEST_NAME = 3
_DATA_ADDRESS = re.compile(r"data:image/svg\+xml[^\"'\s>)]*", re.IGNORECASE)
#: Characters without a shape of their own (directions, joiners); pages are shown without those of a name.
_INVISIBLE = dict.fromkeys(code for code in range(0x10000) if unicodedata.category(chr(code)) == "Cf")
_TAG = re.compile(r"<[^>]*>")
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
        names[key] |= {declared.name.nl, declared.name.en}
    own = {_plain(name) for name in names.get(organisation, ())} if organisation else set()
    others = {_plain(name) for key, listed in names.items() if key != organisation for name in listed}
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
    listed = tuple(forbidden)
    if not listed:
        return
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in listed))
    mine = tuple(own)
    blank = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in mine)) if mine else None
    for name, path in sorted(files.items()):
        text = f"{_plain(name)} {searchable_text(path.read_bytes())}"
        if blank is not None:
            text = blank.sub(" ", text)
        found = pattern.search(text)
        if found:
            raise DisclosureError(
                f"{name} names another organisation than the one it is for (a name of {len(found.group())} "
                "characters), so nothing of this report was published. This is a bug in the package or "
                "in the notebook, unless that organisation's key or public name in study.toml is an everyday "
                "word: then give it another one."
            )


def searchable_text(content: bytes) -> str:
    """Everything in a file that a reader could read, with and without its markup."""
    raw = content.decode("utf-8", errors="replace")
    raw = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), raw)
    embedded = " ".join(embedded_text(html.unescape(address)) for address in _DATA_ADDRESS.findall(raw))
    text = f"{raw} {embedded}"
    return _plain(f"{text} {_TAG.sub('', html.unescape(text))} {html.unescape(_TAG.sub(' ', text))}")


def _plain(text: str) -> str:
    """One form for texts that look the same: composed letters, single spaces, nothing invisible."""
    composed = unicodedata.normalize("NFKC", html.unescape(text)).translate(_INVISIBLE)
    return " ".join(composed.split())


def _longest_first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (-len(name), name)))
