"""What the processes of these tests do: functions that a warm process finds by their names."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpg_research.errors import DataError
from mpg_research.reporting.warm.messages import tell

PREPARED: list[object] = []


def prepare(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("refuse"):
        raise DataError("row 3: found 5.")
    PREPARED.append(given["is_first"])
    return {"pid": os.getpid()}


def do(given: Mapping[str, Any], part: Mapping[str, Any]) -> Any:
    return globals()[part["deed"]](**{name: value for name, value in part.items() if name != "deed"})


def say(what: object = None) -> dict[str, Any]:
    return {"what": what, "pid": os.getpid(), "prepared": len(PREPARED)}


def raise_error() -> None:
    raise ValueError("odd")


def leave() -> None:
    os._exit(3)


def crash() -> None:
    import ctypes

    ctypes.string_at(0)


def sleep() -> None:
    time.sleep(3600)


def beat(times: int) -> str:
    for number in range(times):
        tell(beat=number)
        time.sleep(0.05)
    return "lived"


def leave_a_mark() -> None:
    """Change this process in ways that the next piece of work must not see."""
    import mpg_research.errors

    os.environ["MPG_MARK"] = "1"
    os.chdir("/")
    sys.path.insert(0, "/nowhere")
    mpg_research.errors.DataError = None  # type: ignore[misc, assignment]


def marks() -> list[object]:
    import mpg_research.errors

    return [os.environ.get("MPG_MARK"), os.getcwd(), sys.path[0], mpg_research.errors.DataError is None]


def start_another(note: str) -> None:
    """Start a process that would outlive this one, write down its number, and wait."""
    import subprocess

    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    Path(note).write_text(f"{os.getpid()} {other.pid}")
    time.sleep(3600)


def take_memory() -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    return len(bytearray(4 << 30))


def when(file: str) -> list[str]:
    """Write a line into a file that several pieces of work share, and read it."""
    with Path(file).open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    return Path(file).read_text().splitlines()
