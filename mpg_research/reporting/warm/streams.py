"""Standard output and standard error of a notebook, also of what does not write through Python."""

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["CellStream", "Descriptors", "notebook_streams"]

_NUMBERS = {"stdout": 1, "stderr": 2}


class CellStream(io.TextIOBase):
    """A text stream whose text becomes an output of the cell that runs.

    Parameters
    ----------
    name : {"stdout", "stderr"}
        Which stream it stands for.
    put : callable
        Takes that name and the text.
    """

    encoding = "UTF-8"
    errors = "strict"

    def __init__(self, name: str, put: Callable[[str, str], None]) -> None:
        super().__init__()
        self.name = name
        self._put = put

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, text: str) -> int:
        """Put the text among the outputs."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        self._put(self.name, text)
        return len(text)

    def isatty(self) -> bool:
        """No terminal."""
        return False

    def fileno(self) -> int:
        """The descriptor that programs started by the notebook write to."""
        return _NUMBERS[self.name]


class Descriptors:
    """File descriptors 1 and 2 led into files, for what C code and other programs write.

    Inside the ``with`` block :meth:`read` gives what came since it was last asked.
    """

    def __enter__(self) -> "Descriptors":
        self._before = {name: os.dup(number) for name, number in _NUMBERS.items()}
        self._files = {name: tempfile.TemporaryFile() for name in _NUMBERS}  # noqa: SIM115
        for name, number in _NUMBERS.items():
            os.dup2(self._files[name].fileno(), number)
        return self

    def __exit__(self, *_: object) -> None:
        for name, number in _NUMBERS.items():
            os.dup2(self._before[name], number)
            os.close(self._before[name])
            self._files[name].close()

    def read(self) -> Iterator[tuple[str, str]]:
        """Name of the stream and text, for each stream that something was written to."""
        for name, file in self._files.items():
            size = os.fstat(file.fileno()).st_size
            if size:
                # The position is shared with whoever writes: reading and emptying start from the front.
                file.seek(0)
                text = file.read(size).decode("utf-8", errors="replace")
                file.seek(0)
                file.truncate()
                yield name, text


@contextmanager
def notebook_streams(put: Callable[[str, str], None]) -> Iterator[Descriptors]:
    """All that is written to standard output and error becomes outputs; nothing can be read from the input.

    Parameters
    ----------
    put : callable
        Takes the name of a stream and a text.

    Yields
    ------
    Descriptors
        To be read after each cell.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    with Descriptors() as descriptors, open(os.devnull) as nothing:
        sys.stdin, sys.stdout, sys.stderr = nothing, CellStream("stdout", put), CellStream("stderr", put)
        try:
            yield descriptors
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
