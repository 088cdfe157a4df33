"""A page against what its reader was given before: new numbers, or those of then.

New numbers of a result go out if nothing was released of it yet, if they are the very numbers of an earlier
time, or if at every earlier time the study had the same families with the same data, or others in at least
the minimum of families. Else the reader keeps what was last released of that result, whole.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpg_research.errors import ReportError
from mpg_research.reporting.files import json_sha256
from mpg_research.reporting.ledger.entries import (
    Earlier,
    Entry,
    fingerprint_of,
    numbers_in,
    token_in,
    write_entry,
)
from mpg_research.reporting.ledger.families import Families, is_too_close
from mpg_research.reporting.ledger.ledger import Ledger
from mpg_research.reporting.ledger.secret import keyed
from mpg_research.study.names import safe_folder_name
from mpg_research.writing import write_atomically

if TYPE_CHECKING:
    from mpg_research.analysis.result import AnalysisResult
    from mpg_research.disclosure import Audience, Released
    from mpg_research.reporting.store.folder import Folder
    from mpg_research.reporting.store.source import StudySource

__all__ = ["Asked", "Comparison", "comparing", "current", "record_releases"]

_CURRENT: "list[Comparison]" = []


@dataclass(frozen=True, slots=True)
class Asked:
    """Which result something is: the same in every run.

    Attributes
    ----------
    verb : str
        The analysis.
    options : mapping
        Its arguments after the study, and what else tells this result from others.
    """

    verb: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.verb} {json.dumps(dict(self.options), sort_keys=True, default=str)}"

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{safe_folder_name(self.verb)}.{json_sha256(self.text)[:24]}"


@dataclass(slots=True)
class Comparison:
    """What one page releases, held beside what its reader was given before.

    Attributes
    ----------
    ledger : Ledger
        Of the project.
    reader : str
        Folder of the reader.
    kept : dict of str to str
        By result: the kind of each whose earlier numbers are kept.
    shown : dict of str to str
        By result: which version of its entry holds when the page is published.
    """

    ledger: Ledger
    reader: str
    kept: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    _before: dict[str, str] = field(default_factory=dict)
    _new: dict[str, bytes] = field(default_factory=dict)
    _families: list[Families] = field(default_factory=list)

    def compare(
        self, asked: Asked, result: "AnalysisResult", released: "Released", source: "StudySource"
    ) -> "Released":
        """What the reader gets of a result.

        Parameters
        ----------
        asked : Asked
            Which result it is.
        result : AnalysisResult
            Before the gate.
        released : Released
            After it.
        source : StudySource
            The study.

        Returns
        -------
        Released
            As it was given, or what was released before.

        Raises
        ------
        ReportError
            If what was released before cannot be read, or the result is for another reader than the page.
        """
        from mpg_research.disclosure.earlier import as_released_before, describe_released

        _refuse_other(self.reader, released.audience)
        name, secret = asked.name, self.ledger.secret
        entry = self.ledger.entry(self.reader, name)
        self._before[name] = self.ledger.token(self.reader, name)
        fingerprint = _fingerprint(result, secret, source.folder)
        times = entry.times if entry is not None else ()
        again = [each for each in times if each.fingerprint == fingerprint]
        if entry is not None and not again and self._is_too_close(times, released, source):
            self.kept[name] = released.kind
            self.shown[name] = self._before[name]
            return as_released_before(entry.released, released, result)
        latest = again[-1] if again else Earlier(fingerprint, self._now(source).name(secret))
        new = Entry(
            asked.text, (*(each for each in times if each != latest), latest), describe_released(released)
        )
        content = write_entry(new, secret=secret, place=self.ledger.place(self.reader, name))
        self.shown[name] = token_in(content)
        if self.shown[name] != self._before[name]:
            self._new[name] = content
        return released

    def stage(self, folder: Path) -> dict[str, Any]:
        """Write what is new to a folder, and say what publishing must know.

        Parameters
        ----------
        folder : Path
            In the staging folder of the page.

        Returns
        -------
        dict
            JSON types only; for :func:`record_releases`.
        """
        for name, content in self._new.items():
            write_atomically(folder / name, content, private=True)
        return {
            "before": dict(self._before),
            "shown": dict(self.shown),
            "new": {name: str(folder / name) for name in self._new},
        }

    def record(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {"compared": True, "kept": sorted(set(self.kept.values())), "shown": dict(self.shown)}

    def _now(self, source: "StudySource") -> Families:
        if not self._families:
            self._families.append(self.ledger.families_now(source))
        return self._families[0]

    def _is_too_close(self, times: tuple[Earlier, ...], released: "Released", source: "StudySource") -> bool:
        now, minimum = self._now(source), released.policy.minimum_families
        return any(
            is_too_close(self.ledger.families(name), now, minimum)
            for name in {each.families for each in times}
        )


@contextmanager
def comparing(comparison: Comparison | None) -> Iterator[None]:
    """Let the sessions of this process compare what they release, or (``None``) not.

    Parameters
    ----------
    comparison : Comparison or None
        Of the page that is made meanwhile.
    """
    before = list(_CURRENT)
    _CURRENT[:] = [comparison] if comparison is not None else []
    try:
        yield
    finally:
        _CURRENT[:] = before


def current() -> Comparison | None:
    """What the page that is made now compares with; None by hand."""
    return _CURRENT[-1] if _CURRENT else None


def record_releases(ledger: Ledger, reader: str, staged: Mapping[str, Any]) -> None:
    """Write down what a page releases, before it is put in place.

    Parameters
    ----------
    ledger : Ledger
        Of the project.
    reader : str
        Folder of the reader.
    staged : mapping
        From :meth:`Comparison.stage`.

    Raises
    ------
    ReportError
        If another run released something to this reader meanwhile, or it cannot be written down.
    """
    try:
        with ledger.held():
            for name, shown in staged["shown"].items():
                if ledger.token(reader, name) not in {shown, staged["before"][name]}:
                    raise ReportError(
                        "Meanwhile another run of this study released other numbers to the same reader. "
                        "Run again."
                    )
            for name, file in staged["new"].items():
                ledger.write(reader, name, Path(file).read_bytes())
    except OSError as error:
        raise ReportError(
            f"What is released cannot be written down in {ledger.folder} ({error.strerror or error}), so "
            "that a later release could not be compared with it. Make room, or ask for the right to write "
            "there."
        ) from None


def _fingerprint(result: "AnalysisResult", secret: str, folder: "Folder") -> str:
    """The fingerprint of a result: from the store, where one was left for these numbers and this secret.

    The numbers themselves are looked at each time (a notebook may have changed them), which is much faster
    than writing them out. Without the secret nobody can leave a fingerprint there that is taken for ours.
    """
    numbers = numbers_in(result)
    if not numbers:
        return fingerprint_of(result, secret)
    key = keyed(secret, "fingerprint 1 of", numbers).hex()
    kept = folder.read(key) or b""
    found, seal = kept[:64], kept[64:]
    if not hmac.compare_digest(seal, keyed(secret, "fingerprint", key, found)):
        found = fingerprint_of(result, secret).encode()
        folder.write(key, found + keyed(secret, "fingerprint", key, found))
    return found.decode()


def _refuse_other(reader: str, audience: "Audience") -> None:
    own = safe_folder_name(audience.organisation) if audience.organisation else audience.role
    if own != reader:
        raise ReportError(
            f"The page is for {reader}, and shows something that was released to {own}. Begin it with its "
            "own name."
        )
