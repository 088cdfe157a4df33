"""One command measured: seconds, processor seconds of it and its children, and the most memory they held."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mpg_research.reporting.warm.memory import private_memory

SAMPLES_PER_SECOND = 4
#: So many times as long as looking takes, nothing is looked at.
SPARED = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """What one command took; ``private_mebibytes``: the most that one process of the second generation, such
    as a page's, held for itself.
    """

    seconds: float
    processor_seconds: float
    peak_mebibytes: float
    exit_code: int
    private_mebibytes: float = 0.0


def environment(package: Path, cache: Path) -> dict[str, str]:
    """The surroundings of a command: which checkout it runs; a cache folder, and beside it a secret and a
    record of releases, that are not the user's.

    Python may keep what it compiled, as it does where a package is installed.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PYTHONPATH": str(package),
        "MPG_CACHE": str(cache),
        "MPG_SECRET_FILE": str(cache.parent / "secret"),
        "MPG_RELEASES": str(cache.parent / "releases"),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def how_busy() -> str:
    """How many processes wanted a core in the last minutes, for whoever reads the figures."""
    if not hasattr(os, "getloadavg"):
        return ""
    load = os.getloadavg()[1]
    cores = os.cpu_count() or 1
    busy = "The machine was busy with other work: processor seconds and ratios say more than seconds. "
    said = f"Processes that wanted one of its {cores} cores in the five minutes before: {load:.1f}."
    return f"{busy if load > cores / 4 else ''}{said}"


def run_command(study: str | None, output: Path, *more: str) -> list[str]:
    """The command that makes the reports of a study."""
    named = [] if study is None else [study]
    return [sys.executable, "-m", "mpg_research", "run", *named, "--output", str(output), *more]


def measure(command: Sequence[str], surroundings: Mapping[str, str], *, folder: Path) -> Measured:
    """Run a command to its end in a folder, watching the memory of it and its descendants."""
    import resource

    import psutil  # noqa: F401  (imported here, so that the first look takes no longer than the others)

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(command, env=dict(surroundings), cwd=folder, stdout=subprocess.DEVNULL)
    peak = private = 0.0
    while process.poll() is None:
        looked = time.perf_counter()
        peak = max(peak, held_mebibytes(process.pid))
        private = max(private, private_mebibytes(process.pid))
        # reading the pages of much memory takes long, and from the same cores
        time.sleep(max(1 / SAMPLES_PER_SECOND, SPARED * (time.perf_counter() - looked)))
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, used, peak, process.returncode, private)


def held_mebibytes(pid: int) -> float:
    """Memory of a process and its descendants: pages that are shared count once (PSS), where it is known."""
    import psutil

    try:
        process = psutil.Process(pid)
        members = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_held(member.pid) for member in members) / 2**20


def private_mebibytes(pid: int) -> float:
    """The most memory that a child of a child of a process has for itself; 0 where that is not known."""
    import psutil

    try:
        jobs = [job for child in psutil.Process(pid).children() for job in child.children()]
        return max((private_memory(job.pid) or 0 for job in jobs), default=0) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def _held(pid: int) -> int:
    import psutil

    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
