"""The folder of one project in which is written down what was released to whom; for its owner only.

It lies in the user's state folder, outside reports, the store of results and every study::

    <state>/mpg_research/releases/<project>/ledger.json          with which secret it was made
    <state>/mpg_research/releases/<project>/families/<name>      a set of families, as salted marks
    <state>/mpg_research/releases/<project>/studies/<name>       which set the study of these files has
    <state>/mpg_research/releases/<project>/to/<reader>/<name>   one result as this reader was last given it
"""

import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mpg_research.errors import ReportError
from mpg_research.reporting.files import json_bytes, lock_folder, remove_tree
from mpg_research.reporting.ledger.entries import Entry, NotOurs, read_entry, token_in
from mpg_research.reporting.ledger.families import Families, families_of, read_families
from mpg_research.reporting.ledger.secret import keyed
from mpg_research.study.names import safe_folder_name
from mpg_research.writing import write_atomically

if TYPE_CHECKING:
    from mpg_research.reporting.store.source import StudySource

__all__ = ["LEDGER_VARIABLE", "Ledger", "forget_project", "ledger_root", "projects"]

#: Environment variable: another folder than the one in the user's state folder.
LEDGER_VARIABLE = "MPG_RELEASES"
_ABOUT, _FORMAT, _TO = "ledger.json", 1, "to"
_HEAD = 128
#: Seconds to wait for another run that writes to the same project.
_PATIENCE = 20.0


class Ledger:
    """What was released of one project.

    Parameters
    ----------
    project : str
        Name of the study.
    secret : str
        The secret of this user.
    """

    def __init__(self, project: str, secret: str) -> None:
        self.project = project
        self.secret = secret
        self.folder = ledger_root() / safe_folder_name(project)

    def open(self, *, make: bool) -> str:
        """See that it can be used; what is wrong with the place, in one sentence, or nothing.

        Parameters
        ----------
        make : bool
            Whether it is made where it is not there, and tried out.

        Returns
        -------
        str

        Raises
        ------
        ReportError
            If there is a record, and it is damaged or was made with another secret: then nothing can be
            compared with what was released.
        """
        try:
            if make:
                self._make()
            elif not self.folder.exists():
                return ""
            self._refuse_other_hands()
            self._refuse_foreign()
            if make:
                with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".writing-"):
                    pass
        except OSError as error:
            return (
                f"What was released earlier is not known: {self.folder} cannot be used "
                f"({error.strerror or error}). The numbers of this run were not compared with earlier "
                f"releases, nor written down for later ones; {LEDGER_VARIABLE} names another folder."
            )
        return ""

    def entry(self, reader: str, name: str) -> Entry | None:
        """What a reader was last given of a result; None if nothing was.

        Parameters
        ----------
        reader : str
            Folder of the reader.
        name : str
            Of the result.

        Returns
        -------
        Entry or None

        Raises
        ------
        ReportError
            If what was written down cannot be read.
        """
        file = self._file(reader, name)
        try:
            return read_entry(file.read_bytes(), secret=self.secret, place=self.place(reader, name))
        except FileNotFoundError:
            return None
        except NotOurs:
            raise self._damaged(file) from None
        except OSError as error:
            raise self._damaged(file, f" ({error.strerror or error})") from None

    def token(self, reader: str, name: str) -> str:
        """What tells the present version of an entry from others; empty where there is none.

        Parameters
        ----------
        reader, name : str
            As in :meth:`entry`.

        Returns
        -------
        str
        """
        try:
            with self._file(reader, name).open("rb") as stream:
                return token_in(stream.read(_HEAD))
        except OSError:
            return ""

    def write(self, reader: str, name: str, content: bytes) -> None:
        """Put an entry in place of the one before.

        Parameters
        ----------
        reader, name : str
            As in :meth:`entry`.
        content : bytes
            From :func:`mpg_research.reporting.ledger.entries.write_entry`.
        """
        self._write(self._file(reader, name), content)

    def place(self, reader: str, name: str) -> str:
        """What an entry is sealed to.

        Parameters
        ----------
        reader, name : str
            As in :meth:`entry`.

        Returns
        -------
        str
        """
        return f"{self.project}\0{reader}\0{name}"

    def families_now(self, source: "StudySource") -> Families:
        """The families of a study; read from the study only where these files were not seen before.

        Parameters
        ----------
        source : StudySource
            The study.

        Returns
        -------
        Families
        """
        pointer = self.folder / "studies" / keyed(self.secret, "study", source.of_results).hex()[:32]
        with suppress(OSError, UnicodeDecodeError, ValueError, ReportError):
            return self.families(pointer.read_text(encoding="ascii"))
        found = families_of(source.pristine(), self.secret)
        name = found.name(self.secret)
        self._write(self.folder / "families" / name, found.content())
        if source.is_as_hashed():
            self._write(pointer, name.encode())
        return found

    def families(self, name: str) -> Families:
        """A set of families that was written down.

        Parameters
        ----------
        name : str
            From :meth:`Families.name`.

        Returns
        -------
        Families

        Raises
        ------
        ReportError
            If it is not there or not what was written.
        """
        file = self.folder / "families" / Path(name).name
        try:
            found = read_families(file.read_bytes())
        except (OSError, ValueError):
            raise self._damaged(file) from None
        if found.name(self.secret) != name:
            raise self._damaged(file)
        return found

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder while entries are compared and written; another run waits for a moment.

        Raises
        ------
        ReportError
            If another run holds it for long.
        """
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                lock = lock_folder(self.folder)
                lock.__enter__()
                break
            except ReportError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def _file(self, reader: str, name: str) -> Path:
        return self.folder / _TO / Path(reader).name / Path(name).name

    def _write(self, file: Path, content: bytes) -> None:
        for folder in (file.parent.parent, file.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, content, private=True)

    def _make(self) -> None:
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = self.folder / _ABOUT
        if not about.exists() and not (self.folder / _TO).exists():
            self.folder.chmod(0o700)
            write_atomically(about, json_bytes(self._about()), private=True)

    def _about(self) -> dict[str, object]:
        return {"format": _FORMAT, "project": self.project, "secret": keyed(self.secret, "ledger").hex()}

    def _refuse_other_hands(self) -> None:
        """Raise an ``OSError`` if the folder is somebody else's or others may look into it."""
        about = self.folder.lstat()
        if not stat.S_ISDIR(about.st_mode):
            raise OSError(f"{self.folder} is not a folder")
        if os.name == "posix" and about.st_uid != os.geteuid():
            raise OSError("it belongs to another user")
        if os.name == "posix" and about.st_mode & 0o077:
            raise OSError(f"others may look into it; take that right away: chmod 700 {self.folder}")

    def _refuse_foreign(self) -> None:
        file = self.folder / _ABOUT
        try:
            known = json.loads(file.read_bytes())
        except (FileNotFoundError, ValueError):
            raise self._damaged(file) from None
        if not isinstance(known, dict) or known.get("format") != _FORMAT:
            raise self._damaged(file)
        if known != self._about():
            raise ReportError(
                f"The record of what was released of {self.project} ({self.folder}) was made with another "
                "secret, so that nothing can be compared with it. Put the secret of then back "
                "(MPG_SECRET_FILE names its file); or, if it is lost, remove the record: "
                f"mpg releases --forget {self.project}. After that, differences with what was handed over "
                "are no longer guarded."
            )

    def _damaged(self, file: Path, why: str = "") -> ReportError:
        return ReportError(
            f"The record of what was released of {self.project} is damaged or not ours: {file}{why}. Nothing "
            "can be compared with it. Put it back from a backup; or remove the whole record: "
            f"mpg releases --forget {self.project}. After that, differences with what was handed over are no "
            "longer guarded."
        )


def ledger_root() -> Path:
    """Where the records of all projects lie: ``MPG_RELEASES``, else in the user's state folder.

    Returns
    -------
    Path
    """
    named = os.environ.get(LEDGER_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_state_path("mpg_research", appauthor=False)) / "releases"


def projects() -> dict[str, dict[str, int]]:
    """What there is a record of.

    Returns
    -------
    dict of str to dict of str to int
        By project: how many results each reader was given.
    """
    found: dict[str, dict[str, int]] = {}
    for folder in _project_folders():
        readers = sorted((folder / _TO).glob("*"))
        found[_project_in(folder)] = {reader.name: len(list(reader.iterdir())) for reader in readers}
    return found


def forget_project(project: str) -> bool:
    """Remove the record of a project.

    Parameters
    ----------
    project : str
        Name of the study.

    Returns
    -------
    bool
        Whether there was one.
    """
    folder = ledger_root() / safe_folder_name(project)
    if not folder.is_dir():
        return False
    remove_tree(folder)
    return True


def _project_folders() -> list[Path]:
    with suppress(OSError):
        return sorted(path for path in ledger_root().iterdir() if path.is_dir())
    return []


def _project_in(folder: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((folder / _ABOUT).read_bytes())["project"])
    return folder.name
