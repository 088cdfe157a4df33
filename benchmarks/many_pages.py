"""Pages by the hundred on synthetic studies: time, size and memory, and what becomes of runs that are killed.

    python benchmarks/many_pages.py [PART ...] [--organisations 60] [--families 6000] [--study DIR] [--write]

Parts: ``load`` (reading and checking), ``rest`` (every page but those of organisations, with the analyses
behind them), ``pages`` (the pages of all organisations), ``kill`` (those pages again, the run killed
``--kills`` times at random moments and resumed: the same bytes, and no page made twice), ``two`` (two runs at
once on one study, into two folders with one cache folder, and into one), ``cache`` (a cache folder that
cannot be written), ``one`` (private memory and processor time of page jobs). All by default, in this
order; ``kill``, ``two`` and ``cache`` compare with the pages of ``pages``.

The study is simulated into a temporary folder, or taken from ``--study``. The cache folder of whoever runs
this is not touched. ``--write`` adds the rows to benchmarks/many_pages.md.
"""

import argparse
import hashlib
import json
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from measured_run import Measured, environment, measure, run_command

HERE = Path(__file__).resolve().parent
PARTS = ("load", "rest", "pages", "kill", "two", "cache", "one")
ORGANISATIONS_PAGE = "report_organisation"
#: What is said where results cannot be stored.
NOT_STORED = "Results cannot be stored"
#: Organisations whose pages stand for all, where all would take too long.
FEW = 2


@dataclass
class Bench:
    """A study, where its reports go, and what was measured of it."""

    study: Path
    place: Path
    jobs: tuple[str, ...]
    kills: int
    latest: float
    full: str
    rows: list[tuple[str, str]] = field(default_factory=list)

    @property
    def package(self) -> Path:
        """The checkout that is measured."""
        return HERE.parent

    def organisations(self) -> list[str]:
        """Keys of the organisations, as the study declares them."""
        declared = tomllib.loads((self.study / "study.toml").read_text(encoding="utf-8"))
        return list(declared["organisations"])

    def command(self, *more: str, output: str = "reports") -> list[str]:
        """The run of the study."""
        return run_command(str(self.study), self.place / output, *self.jobs, *more)

    def run(self, *more: str, output: str = "reports", cache: str = "cache") -> Measured:
        """Run it to its end."""
        surroundings = environment(self.package, self.place / cache)
        return measure(self.command(*more, output=output), surroundings, folder=self.place)

    def note(self, what: str, value: str) -> None:
        """Keep a row, and show it."""
        self.rows.append((what, value))
        print(f"{what}: {value}", file=sys.stderr, flush=True)

    def told(self, what: str, measured: Measured) -> None:
        """Keep a row of a command."""
        cores = f"{measured.seconds:.0f} s, {measured.processor_seconds:.0f} processor seconds"
        failed = "" if measured.exit_code == 0 else f", exit code {measured.exit_code}"
        self.note(what, f"{cores}, {measured.peak_mebibytes:.0f} MiB at most{failed}")


def load(bench: Bench) -> None:
    """Reading and checking the study."""
    command = [sys.executable, "-m", "mpg_research", "check", str(bench.study)]
    surroundings = environment(bench.package, bench.place / "cache")
    bench.told("reading and checking", measure(command, surroundings, folder=bench.place))


def rest(bench: Bench) -> None:
    """Every page but those of organisations."""
    from mpg_research.reporting.notebooks import find_notebooks

    names = [name for name in find_notebooks() if name not in (ORGANISATIONS_PAGE, "course_profile")]
    bench.told(
        "the rest, with all analyses", bench.run(*[part for name in names for part in ("--only", name)])
    )
    for page in sorted((bench.place / "reports").glob("*/researcher/nl/*.html")):
        bench.note(f"size of {page.stem}", f"{page.stat().st_size / 1000:.0f} kB")


def pages(bench: Bench) -> None:
    """The pages of all organisations."""
    measured = bench.run("--only", ORGANISATIONS_PAGE)
    bench.told("pages of organisations", measured)
    made = sorted((bench.place / "reports").glob(f"*/*/*/{ORGANISATIONS_PAGE}.html"))
    sizes = [page.stat().st_size / 1000 for page in made]
    bench.note("pages", f"{len(made)}, of {statistics.median(sizes):.0f} kB (at most {max(sizes):.0f})")
    each = measured.processor_seconds / len(made)
    bench.note("processor seconds a page, with everything beside it", f"{each:.2f}")


def kill(bench: Bench) -> None:
    """The same, killed at random moments and resumed."""
    shutil.rmtree(bench.place / "killed", ignore_errors=True)
    surroundings = environment(bench.package, bench.place / "cache")
    command = bench.command("--only", ORGANISATIONS_PAGE, output="killed")
    made: Counter[str] = Counter()
    seen: set[tuple[str, int]] = set()
    at: list[int] = []
    rng = random.Random(1)
    while len(at) < bench.kills:
        process = subprocess.Popen(
            command, env=surroundings, cwd=bench.place, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(timeout=rng.uniform(0, bench.latest))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        _count(bench.place / "killed", made, seen)
        if process.returncode == 0:
            break
        at.append(len(made))
    last = bench.run("--only", ORGANISATIONS_PAGE, output="killed")
    _count(bench.place / "killed", made, seen)
    twice = sum(number > 1 for number in made.values())
    different = _different(bench.place / "reports", bench.place / "killed")
    bench.note(
        f"killed {len(at)} times (when there were {', '.join(map(str, at))} pages) and resumed",
        f"{len(made)} pages, {twice} made twice, {different} files different, exit code {last.exit_code}",
    )


def two(bench: Bench) -> None:
    """Two runs at once on one study: with nothing stored yet into two folders, then into one."""
    for name in ("two_a", "two_b", "two", "two_cache"):
        shutil.rmtree(bench.place / name, ignore_errors=True)
    codes = _at_once(bench, ("two_a", "two_b"), cache="two_cache")
    different = [_different(bench.place / "reports", bench.place / name) for name in ("two_a", "two_b")]
    made = len(list((bench.place / "two_cache").glob("*/*.result")))
    left = len(list((bench.place / "two_cache").glob("*/*.claim")))
    bench.note(
        "two runs at once into two folders, nothing stored yet",
        f"exit codes {codes}, {different} files different, {made} files stored, {left} claims left",
    )
    codes = _at_once(bench, ("two", "two"), cache="cache")
    different = [_different(bench.place / "reports", bench.place / "two")]
    bench.note("two runs at once into one folder", f"exit codes {codes}, {different} files different")


def _at_once(bench: Bench, outputs: tuple[str, str], *, cache: str) -> list[int]:
    """Pages of some organisations by two runs at once; how each ended."""
    surroundings = environment(bench.package, bench.place / cache)
    chosen = _named(bench.organisations()[:FEW])
    both = [
        subprocess.Popen(
            bench.command("--only", ORGANISATIONS_PAGE, *chosen, output=name),
            env=surroundings,
            cwd=bench.place,
            stdout=subprocess.DEVNULL,
        )
        for name in outputs
    ]
    return [process.wait() for process in both]


def cache(bench: Bench) -> None:
    """A cache folder that cannot be made, for a file lies in its place, and one that is full."""
    (bench.place / "no_folder").write_text("in the way")
    asked = ("--only", ORGANISATIONS_PAGE, "--organisation", bench.organisations()[0], "--language", "nl")
    for what, folder in (("that cannot be made", "no_folder/cache"), ("on a full disk", bench.full)):
        if not folder:
            continue
        shutil.rmtree(bench.place / "without", ignore_errors=True)
        surroundings = environment(bench.package, bench.place / folder)
        done = subprocess.run(
            bench.command(*asked, output="without"),
            env=surroundings,
            cwd=bench.place,
            capture_output=True,
            text=True,
            check=False,
        )
        says = "says so" if NOT_STORED in done.stderr else "does not say so"
        different = _different(bench.place / "reports", bench.place / "without")
        bench.note(
            f"one page, cache folder {what}",
            f"exit code {done.returncode}, {says}, {different} files different",
        )


def one(bench: Bench) -> None:
    """Pages of a few organisations, results being there: what each takes by itself, and its memory."""
    few = bench.organisations()[: 2 * FEW]
    asked = ("--only", ORGANISATIONS_PAGE, "--force", "--jobs", "1")
    bench.run(*asked, *_named(few[:1]), output="one")  # what is not stored yet is made and stored here
    half = bench.run(*asked, *_named(few[:FEW]), output="one")
    whole = bench.run(*asked, *_named(few), output="one")
    pages = len(list((bench.place / "one").glob(f"*/*/*/{ORGANISATIONS_PAGE}.html")))
    each = (whole.processor_seconds - half.processor_seconds) / (pages / 2)
    bench.note("processor seconds a page, results being there", f"{each:.2f} (of {pages // 2} pages)")
    bench.note("the same with the start of the run", f"{whole.processor_seconds / pages:.2f}")
    bench.note("private memory of a page job", f"{whole.private_mebibytes:.0f} MiB at most")
    sizes = [
        page.stat().st_size / 1000 for page in (bench.place / "one").glob(f"*/*/*/{ORGANISATIONS_PAGE}.html")
    ]
    bench.note("size of these pages", f"{max(sizes):.0f} kB at most")


def _named(organisations: list[str]) -> list[str]:
    return [part for name in organisations for part in ("--organisation", name)]


def _count(folder: Path, made: Counter[str], seen: set[tuple[str, int]]) -> None:
    """Count every page whose file is another than at the last look."""
    for page in folder.glob(f"*/*/*/{ORGANISATIONS_PAGE}.html"):
        name, moment = str(page.relative_to(folder)), page.stat().st_mtime_ns
        if (name, moment) not in seen:
            seen.add((name, moment))
            made[name] += 1


def _different(one: Path, other: Path) -> int:
    """How many files of the second folder are missing in the first or differ; manifests by their outputs."""
    return sum(
        not (one / file.relative_to(other)).is_file()
        or _content(one / file.relative_to(other)) != _content(file)
        for file in sorted(other.glob("*/*/*/**/*"))
        if file.is_file()
    )


def _content(file: Path) -> str:
    if file.name == "ro-crate-metadata.json":  # has the day; all else in it stands in the manifest
        return ""
    if file.name == "manifest.json":
        steps = json.loads(file.read_text(encoding="utf-8"))["steps"]
        return json.dumps({key: step["outputs"] for key, step in sorted(steps.items())})
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="which parts (default: all)")
    parser.add_argument("--organisations", type=int, default=60)
    parser.add_argument("--families", type=int, default=6000)
    parser.add_argument("--study", type=Path, help="a study that is there, in place of a simulated one")
    parser.add_argument("--place", type=Path, help="folder for reports and cache, to go on with later")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument(
        "--latest", type=float, default=20.0, help="seconds after which a run is killed, at most"
    )
    parser.add_argument(
        "--full", default="", metavar="DIR", help="a folder on a full disk, for the part cache"
    )
    parser.add_argument("--jobs", type=int, help="as of mpg run")
    parser.add_argument("--write", action="store_true", help="add the rows to benchmarks/many_pages.md")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.parts) - set(PARTS)):
        parser.error(f"no such part: {', '.join(unknown)}. There are {', '.join(PARTS)}.")
    parts: dict[str, Callable[[Bench], None]] = {
        "load": load, "rest": rest, "pages": pages, "kill": kill, "two": two, "cache": cache, "one": one,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        place = (asked.place or Path(temporary)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        study = asked.study.resolve() if asked.study else place / "study"
        if not (study / "study.toml").is_file():
            more = ("--families", str(asked.families), "--organisations", str(asked.organisations))
            command = [sys.executable, "-m", "mpg_research", "simulate", str(study), *more, "--truth", "none"]
            surroundings = environment(HERE.parent, place / "cache")
            subprocess.run(command, env=surroundings, check=True, stdout=subprocess.DEVNULL)
        jobs = () if asked.jobs is None else ("--jobs", str(asked.jobs))
        bench = Bench(study, place, jobs, asked.kills, asked.latest, asked.full)
        for name in asked.parts or PARTS:
            parts[name](bench)
    measurements = f"{asked.organisations} organisations, {asked.families:,} families"
    head = f"## {measurements}\n\n| work | measured |\n|---|---|\n"
    made = head + "".join(f"| {what} | {value} |\n" for what, value in bench.rows)
    print(made)
    if asked.write:
        page = HERE / "many_pages.md"
        title = "# Pages by the hundred\n\nMade by `python benchmarks/many_pages.py`, on synthetic studies.\n"
        before = page.read_text(encoding="utf-8") if page.is_file() else title
        page.write_text(f"{before.rstrip()}\n\n{made}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
