"""Where stored files lie: in the user's own cache folder, or in one that machines share.

Two environment variables say otherwise than the default: ``MPG_CACHE`` names another folder of one's own (or
``off``: nothing is stored), ``MPG_SHARED_STORE`` one that several machines use together. In either a folder
of our own is made (in one's own for its owner only), and nothing outside that is ever touched.
"""

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["CACHE", "MOST_BYTES", "SHARED", "Folder", "store_folder"]

#: Environment variable: another folder than the user's cache folder, or "off".
CACHE = "MPG_CACHE"
#: Environment variable: a folder that several machines use together.
SHARED = "MPG_SHARED_STORE"
#: Files that were not read for longest go when all together are larger than this.
MOST_BYTES = 1_000_000_000
OFF = frozenset({"off", "0", "no", "none"})
_OURS = "mpg-results"
_KEY = re.compile(r"[0-9a-f]{64}")
_ENDINGS = (".result", ".claim", ".part")
_MODES = {False: (0o700, 0o600), True: (0o770, 0o660)}


@dataclass(slots=True)
class Folder:
    """A folder of stored files, or none: whatever goes wrong with it, work goes on without.

    Attributes
    ----------
    path : Path or None
        Where; ``None`` if nothing is stored.
    shared : bool
        Whether other users and machines use it too.
    problem : str
        Why it cannot be used, or not be written to, in one sentence; empty while it can.
    tell : callable
        What is done with a sentence for whoever runs this; by default nothing.
    """

    path: Path | None
    shared: bool = False
    problem: str = ""
    tell: Callable[[str], object] = field(default=lambda text: None, repr=False)
    _ready: bool = field(default=False, repr=False)

    @property
    def is_usable(self) -> bool:
        """Whether files can be looked for here; makes the folder where it is not there yet."""
        if self.path is not None and not self.problem and not self._ready:
            try:
                self._make(self.path)
                self._ready = True
            except OSError as error:
                self._give_up(error)
        return self._ready

    @property
    def is_writable(self) -> bool:
        """Whether files can be stored here, as far as is known."""
        return self.is_usable and not self.problem

    def read(self, key: str) -> bytes | None:
        """A stored file, or None.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.

        Returns
        -------
        bytes or None
        """
        if not self.is_usable:
            return None
        path = self.file(key)
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        except OSError:
            if path.is_symlink() or path.is_dir():
                self.remove(key)
            return None
        if not self._is_ours(os.fstat(handle)):
            os.close(handle)
            self.remove(key)
            return None
        try:
            with os.fdopen(handle, "rb") as stream:
                content = stream.read()
        except OSError:
            return None
        with suppress(OSError):  # read now, so kept longest
            os.utime(path)
        return content

    def write(self, key: str, content: bytes) -> bool:
        """Store a file, whole or not at all; whether that went well.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.
        content : bytes
            All of it.

        Returns
        -------
        bool
        """
        if not self.is_writable or self.path is None or len(content) > MOST_BYTES // 4:
            return False
        temporary = None
        try:
            handle, name = tempfile.mkstemp(dir=self.path, suffix=".part")
            temporary = Path(name)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(_MODES[self.shared][1])
            temporary.replace(self.file(key))
        except OSError as error:
            if temporary is not None:
                with suppress(OSError):
                    temporary.unlink()
            self._give_up(error)
            return False
        self._keep_within(MOST_BYTES)
        return True

    def try_out(self) -> bool:
        """Whether a file can be stored now; if not, that is told before a run rather than during it.

        Returns
        -------
        bool
        """
        if self.is_usable:
            try:
                with tempfile.NamedTemporaryFile(dir=self.path, suffix=".part") as stream:
                    stream.write(b"?")
                    stream.flush()
            except OSError as error:
                self._give_up(error)
        return self.is_writable

    def has(self, key: str) -> bool:
        """Whether there is a file under a key (it is not opened).

        Parameters
        ----------
        key : str
            64 hexadecimal digits.

        Returns
        -------
        bool
        """
        return self.is_usable and self.file(key).is_file()

    def remove(self, key: str) -> None:
        """Remove what lies under a key, whatever it is.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.
        """
        path = self.file(key)
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                path.rename(path.with_name(f"{path.name}.{os.getpid()}.foreign"))
            else:
                path.unlink()

    def file(self, key: str) -> Path:
        """Where a file with this key lies.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.

        Returns
        -------
        Path
        """
        if self.path is None or not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key")
        return self.path / f"{key}.result"

    def size(self) -> tuple[int, int]:
        """How many files of ours there are, and their bytes together.

        Returns
        -------
        tuple of (int, int)
        """
        found = list(self._files())
        return len(found), sum(size for _, _, size in found)

    def clean(self) -> tuple[int, int]:
        """Remove every file of ours, and the folder if nothing else lies in it.

        Returns
        -------
        tuple of (int, int)
            How many files went, and their bytes together.
        """
        number = total = 0
        for _, path, size in list(self._files()):
            with suppress(OSError):
                path.unlink()
                number, total = number + 1, total + size
        if self.path is not None:
            with suppress(OSError):
                self.path.rmdir()
        self._ready = False
        return number, total

    def _make(self, path: Path) -> None:
        """Make the folder, or see that the one that is there is ours.

        Raises
        ------
        OSError
            If that cannot be, or others could read or change what is private.
        """
        if self.shared and not path.parent.is_dir():
            raise OSError(f"the folder {path.parent} that {SHARED} names is not there")
        path.mkdir(mode=_MODES[self.shared][0], parents=True, exist_ok=True)
        if os.name != "posix":
            return
        about = path.lstat()
        if not stat.S_ISDIR(about.st_mode):
            raise OSError(f"{path} is not a folder")
        if self.shared:
            if about.st_mode & stat.S_IWOTH:
                raise OSError(f"everyone can write to {path}")
        elif about.st_uid != os.geteuid():
            raise OSError(f"{path} belongs to another user")
        elif about.st_mode & 0o077:
            path.chmod(0o700)

    def _is_ours(self, about: os.stat_result) -> bool:
        if os.name != "posix" or self.shared:
            return stat.S_ISREG(about.st_mode)
        return stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()

    def _files(self) -> Iterator[tuple[float, Path, int]]:
        """Time of last use, path and size of every file of ours."""
        if self.path is None:
            return
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.endswith(_ENDINGS):
                        with suppress(OSError):
                            about = entry.stat(follow_symlinks=False)
                            yield about.st_mtime, Path(entry.path), about.st_size
        except OSError:
            return

    def _keep_within(self, most: int) -> None:
        found = sorted(self._files())
        total = sum(size for _, _, size in found)
        for _, path, size in found:
            if total <= most:
                return
            with suppress(OSError):
                path.unlink()
                total -= size

    def _give_up(self, error: OSError) -> None:
        """Go on without, and say so once."""
        if not self.problem:
            self.problem = (
                f"Results cannot be stored in {self.path} ({error.strerror or error}). Work goes on without "
                f"the store and takes longer; {CACHE} names another folder."
            )
            self.tell(self.problem)


def store_folder(
    *, cache: str | None = None, shared: str | None = None, tell: Callable[[str], object] | None = None
) -> Folder:
    """Where this process stores results.

    Parameters
    ----------
    cache, shared : str, optional
        In place of the environment variables ``MPG_CACHE`` and ``MPG_SHARED_STORE``.
    tell : callable, optional
        What is done with a sentence about what is wrong with it; by default nothing.

    Returns
    -------
    Folder
    """
    folder = _folder(cache, shared)
    if tell is not None:
        folder.tell = tell
    return folder


def _folder(cache: str | None, shared: str | None) -> Folder:
    cache = os.environ.get(CACHE, "").strip() if cache is None else cache
    shared = os.environ.get(SHARED, "").strip() if shared is None else shared
    if cache.lower() in OFF:
        return Folder(None)
    if shared:
        return Folder(Path(shared).expanduser().absolute() / _OURS, shared=True)
    if cache:
        return Folder(Path(cache).expanduser().absolute() / _OURS)
    import platformdirs

    return Folder(Path(platformdirs.user_cache_path("mpg_research", appauthor=False)) / _OURS)
