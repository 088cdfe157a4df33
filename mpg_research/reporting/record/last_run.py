"""What the last run of a study came to: what failed, and what is other than before. It is internal.

It lies beside the overview of the reports, in no recipient's folder, and tells no time: a run that finds
nothing to do leaves it as it is.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mpg_research.reporting.files import json_bytes
from mpg_research.writing import write_atomically

__all__ = ["NAME", "LastRun", "News", "news_of", "read_last_run", "write_last_run"]

NAME = ".last-run.json"
_FORMAT = 1
_TABLES = "tables"

Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class News:
    """What a run changed.

    Attributes
    ----------
    first, anew : int
        Pages that were made for the first time, and pages that were there before.
    causes : tuple of (str, str)
        Why pages were made anew: a kind ("data", "new", "gone", "notebook", "package", "asked") and the name
        of a file, where it is one.
    tables : mapping of str to tuple of int
        By recipient: tables of pages made anew in which something is other than before, and how many there
        are.
    """

    first: int = 0
    anew: int = 0
    causes: tuple[tuple[str, str], ...] = ()
    tables: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def is_none(self) -> bool:
        """Whether nothing is other than before."""
        changed = any(number for number, _ in self.tables.values())
        return not self.first and not changed and {kind for kind, _ in self.causes} <= {"asked"}


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the last run ended.

    Attributes
    ----------
    failed : mapping of str to str
        Why a step failed the last time, by its name.
    news : News
        What the last run changed that changed anything.
    """

    failed: Mapping[str, str] = field(default_factory=dict)
    news: News = News()


def news_of(before: Entries, after: Entries) -> News:
    """What is other in pages that were made than in those that were there.

    Parameters
    ----------
    before, after : mapping of str to mapping
        Entries of manifests by name of step: as they were, and of the pages that were made.

    Returns
    -------
    News
    """
    known = {name: before[name] for name in after if name in before}
    causes: dict[tuple[str, str], None] = {}
    tables: dict[str, tuple[int, int]] = {}
    for name, entry in known.items():
        causes |= dict.fromkeys(_causes(entry, after[name]))
        old, new = (_tables(each) for each in (entry, after[name]))
        recipient = name.partition("/")[0]
        changed = sum(old.get(file) != digest for file, digest in new.items())
        was = tables.get(recipient, (0, 0))
        tables[recipient] = (was[0] + changed, was[1] + len(new))
    return News(len(after) - len(known), len(known), tuple(sorted(causes)), dict(sorted(tables.items())))


def read_last_run(folder: Path) -> LastRun:
    """How the last run of a study ended; as if there had been none where that cannot be read.

    Parameters
    ----------
    folder : Path
        ``reports/<study>``.

    Returns
    -------
    LastRun
    """
    try:
        found = json.loads((folder / NAME).read_bytes())
        if found.pop("format") != _FORMAT:
            return LastRun()
        news = found["news"]
        return LastRun(
            failed={str(name): str(reason) for name, reason in found["failed"].items()},
            news=News(
                first=int(news["first"]),
                anew=int(news["anew"]),
                causes=tuple((str(kind), str(name)) for kind, name in news["causes"]),
                tables={str(name): (int(one), int(all_)) for name, (one, all_) in news["tables"].items()},
            ),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return LastRun()


def write_last_run(
    folder: Path,
    *,
    steps: Iterable[str],
    failed: Mapping[str, str],
    news: News,
    private: bool = False,
) -> None:
    """Write down how a run ended, where that is other than what stands there.

    Parameters
    ----------
    folder : Path
        ``reports/<study>``.
    steps : iterable of str
        Names of the steps that the run was about.
    failed : mapping of str to str
        Why steps of them failed.
    news : News
        What it changed; where that is nothing, what the run before changed stays.
    private : bool
        Whether only its owner may read it.
    """
    before = read_last_run(folder)
    others = set(before.failed) - set(steps)
    now = LastRun(
        failed=dict(sorted({**{name: before.failed[name] for name in others}, **failed}.items())),
        news=before.news if news.is_none else news,
    )
    if now != before:
        write_atomically(folder / NAME, json_bytes({"format": _FORMAT, **asdict(now)}), private=private)


def _causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """In what two entries of one step differ of what pages are made from."""
    was, now = (_mapping(entry, "inputs") for entry in (before, after))
    found = []
    for group in ("data", "settings"):
        old, new = _mapping(was, group), _mapping(now, group)
        for name in {*old, *new}:
            if old.get(name) != new.get(name):
                found.append(
                    ("data" if name in old and name in new else "new" if name in new else "gone", name)
                )
    if was.get("notebook") != now.get("notebook"):
        found.append(("notebook", ""))
    same = all(was.get(part) == now.get(part) for part in ("code", "words"))
    if not same or before.get("versions") != after.get("versions"):
        found.append(("package", ""))
    return found or [("asked", "")]


def _tables(entry: Mapping[str, Any]) -> dict[str, str]:
    outputs = _mapping(entry, "outputs")
    return {name: digest for name, digest in outputs.items() if name.split("/")[1:2] == [_TABLES]}


def _mapping(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = entry.get(name)
    return found if isinstance(found, Mapping) else {}
