"""Time and memory of the main job on the example study: a full run, then a run with nothing changed.

    python benchmarks/main_job.py [STUDY]

Prints a small Markdown table. Memory is the largest sum over this process tree of the resident set,
sampled ten times a second, so pages shared between workers count more than once.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SAMPLES_PER_SECOND = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """What one command took."""

    seconds: float
    peak_mebibytes: float
    exit_code: int


def measure(command: list[str]) -> Measured:
    """Run a command to its end, watching the memory of it and its descendants."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, resident_mebibytes(process.pid))
        time.sleep(1 / SAMPLES_PER_SECOND)
    return Measured(time.perf_counter() - started, peak, process.returncode)


def resident_mebibytes(pid: int) -> float:
    """Resident memory of a process and its descendants; 0 where the system does not tell."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(_resident(member) for member in family) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def _resident(process: "psutil.Process") -> int:  # noqa: F821
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def main() -> int:
    study = sys.argv[1:2]
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "mpg_research", "run", *study, "--output", output]
        rows = [("everything, from nothing", measure(command)), ("again, nothing changed", measure(command))]
        pages = len(list(Path(output).rglob("*.html")))
    print(f"{pages} pages")
    print("| run | seconds | peak memory (MiB) | exit code |")
    print("|---|---:|---:|---:|")
    for label, measured in rows:
        print(f"| {label} | {measured.seconds:.1f} | {measured.peak_mebibytes:.0f} | {measured.exit_code} |")
    return max(measured.exit_code for _, measured in rows)


if __name__ == "__main__":
    sys.exit(main())
