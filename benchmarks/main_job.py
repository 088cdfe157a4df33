"""Time, processor time and memory of the main job on the example study.

    python benchmarks/main_job.py [PART ...] [--runs 3] [--against DIR] [--jobs N] [--write]

Parts: ``everything`` (from nothing, cache folder empty, then again with nothing changed), ``notebook`` (the
wording of one notebook changed), ``word`` (a word of a catalogue changed), ``page`` (one page with what was
computed already there). All by default. Each is run three times and the median stands in the table.

The package is copied to a temporary folder and changed there, so neither the checkout nor the cache folder of
whoever runs this is touched, nor what was released. ``--against`` names another checkout, run in turn, part
by part, in the same session; its figures and the ratios stand beside. ``--write`` writes
benchmarks/main_job.md. Processor seconds are those of the command and all processes that it waited for.
Memory is the largest sum over the processes, sampled four times a second, shared pages counted once where the
system tells (PSS), else per process.
"""

import argparse
import compileall
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

from measured_run import Measured, environment, how_busy, measure, run_command

HERE = Path(__file__).resolve().parent
PARTS = ("everything", "notebook", "word", "page")
COPIED = ("mpg_research", "notebooks", "data")
#: The notebook whose wording is changed.
ONE_NOTEBOOK = "01_data_quality.ipynb"
#: What one page is made of: a notebook for organisations, one organisation, one language.
ONE_PAGE = ("--only", "report_organisation", "--language", "nl", "--organisation")


class Job:
    """One checkout, copied, with its reports and its cache folder."""

    def __init__(self, checkout: Path, place: Path, jobs: int | None) -> None:
        self.package, self.output, self.cache = place / "package", place / "reports", place / "cache"
        self.more = () if jobs is None else ("--jobs", str(jobs))
        for name in COPIED:
            if (checkout / name).is_dir():
                shutil.copytree(
                    checkout / name, self.package / name, ignore=shutil.ignore_patterns("__pycache__")
                )
        # As pip leaves a package that it installs.
        compileall.compile_dir(self.package / "mpg_research", quiet=1)
        self.study = str(self.package / "data" / "example")
        self.changes = 0
        self.notebook_was_changed = False

    def run(self, *more: str) -> Measured:
        """Make the reports, or those asked for."""
        notebooks = ["--notebooks", str(self.package / "notebooks")]
        # A checkout from before notebooks had to be the package's own does not know this option.
        command_line = (self.package / "mpg_research" / "cli.py").read_text(encoding="utf-8")
        if self.notebook_was_changed and "--allow-modified" in command_line:
            notebooks.append("--allow-modified")
        command = run_command(self.study, self.output, *notebooks, *self.more, *more)
        return measure(command, environment(self.package, self.cache), folder=self.package)

    def change_notebook(self) -> None:
        """Add a sentence to the last text cell of the first notebook of which pages are made."""
        self.changes += 1
        self.notebook_was_changed = True
        path = self.package / "notebooks" / ONE_NOTEBOOK
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cell = next(cell for cell in reversed(notebook["cells"]) if cell["cell_type"] == "markdown")
        # Its text is its own from here on: a text cell without the tag is published as it stands.
        tags = cell.get("metadata", {}).get("tags", [])
        cell["metadata"] = {"tags": [tag for tag in tags if not tag.startswith("text:")]}
        cell["source"] = "".join(cell["source"]) + f"\n\nChanged {self.changes}."
        path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def change_word(self) -> None:
        """Change one sentence of the English catalogue of growth."""
        self.changes += 1
        path = self.package / "mpg_research" / "present" / "catalogue" / "en" / "growth.toml"
        lines = path.read_text(encoding="utf-8").splitlines()
        row = next(
            number
            for number, line in enumerate(lines)
            if " = " in line and line.endswith('."') and "'''" not in line and '"""' not in line
        )
        lines[row] = f'{lines[row][:-2]}, changed {self.changes}."'
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def one_page(self) -> Measured:
        """One page of one organisation, made anew, from what was computed already."""
        made = sorted(path.parent.name for path in self.output.glob("*/*/manifest.json"))
        organisation = next(name for name in made if name not in ("funder", "researcher"))
        return self.run(*ONE_PAGE, organisation, "--force")


def once(jobs: list[Job], parts: list[str]) -> Iterator[tuple[int, str, Measured]]:
    """Each part once in each checkout, in turn, in the order in which one part needs the other."""
    first = [job.run() for job in jobs]
    if "everything" in parts:
        yield from ((which, "everything, from nothing", run) for which, run in enumerate(first))
        yield from ((which, "again, nothing changed", job.run()) for which, job in enumerate(jobs))
    if "page" in parts:
        yield from (
            (which, "one page, the rest being there", job.one_page()) for which, job in enumerate(jobs)
        )
        for job in jobs:
            job.run()
    if "notebook" in parts:
        for which, job in enumerate(jobs):
            job.change_notebook()
            yield which, "wording of one notebook changed", job.run()
    if "word" in parts:
        for which, job in enumerate(jobs):
            job.change_word()
            yield which, "one word of a catalogue changed", job.run()


def median(runs: list[Measured]) -> Measured:
    """The median of each figure, and the worst exit code."""
    names = ("seconds", "processor_seconds", "peak_mebibytes")
    middle = [statistics.median(getattr(run, name) for run in runs) for name in names]
    return Measured(*middle, max(abs(run.exit_code) for run in runs))


def table(found: dict[str, list[Measured]], other: dict[str, list[Measured]]) -> str:
    """The medians as a Markdown table; with another checkout its figures and the ratios."""
    head = ["work", "seconds", "processor seconds", "peak memory (MiB)", "exit code"]
    if other:
        head += ["seconds, other", "processor seconds, other", "ratio", "ratio of processor seconds"]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for label, runs in found.items():
        one = median(runs)
        cells = [label, f"{one.seconds:.1f}", f"{one.processor_seconds:.1f}", f"{one.peak_mebibytes:.0f}"]
        cells.append(str(one.exit_code))
        if other:
            two = median(other[label])
            cells += [f"{two.seconds:.1f}", f"{two.processor_seconds:.1f}"]
            cells.append(f"{one.seconds / two.seconds:.2f}")
            cells.append(f"{one.processor_seconds / two.processor_seconds:.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _other(checkout: Path | None) -> str:
    """Which version stands beside."""
    if checkout is None:
        return ""
    asked = ["git", "-C", str(checkout), "log", "-1", "--format=%h, %cs"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return f"The other checkout is {told or 'of a version that is not known'}. "


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="which parts (default: all)")
    parser.add_argument("--runs", type=int, default=3, help="how often each (default: 3)")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout of the package")
    parser.add_argument("--jobs", type=int, help="as of mpg run")
    parser.add_argument("--write", action="store_true", help="write benchmarks/main_job.md")
    asked = parser.parse_args()
    parts = asked.parts or list(PARTS)
    if unknown := sorted(set(parts) - set(PARTS)):
        parser.error(f"no such part: {', '.join(unknown)}. There are {', '.join(PARTS)}.")
    checkouts = [HERE.parent, *([asked.against.resolve()] if asked.against else [])]
    busy = how_busy()
    found: list[dict[str, list[Measured]]] = [{} for _ in checkouts]
    for number in range(asked.runs):
        with tempfile.TemporaryDirectory() as place:
            jobs = [
                Job(checkout, Path(place) / str(which), asked.jobs)
                for which, checkout in enumerate(checkouts)
            ]
            for which, label, measured in once(jobs, parts):
                found[which].setdefault(label, []).append(measured)
                said = f"{number + 1} {checkouts[which].name}: {label}: {measured}"
                print(said, file=sys.stderr, flush=True)
    made = table(found[0], found[1] if asked.against else {})
    print(made)
    if asked.write:
        against = ["--against OTHER"] if asked.against else []
        command = " ".join(["python benchmarks/main_job.py", *asked.parts, *against])
        about = f"Made by `{command}`: medians of {asked.runs}. {_other(asked.against)}{busy}"
        title = "# The main job on the example study\n\n" + textwrap.fill(about.strip(), 110) + "\n\n"
        (HERE / "main_job.md").write_text(title + made, encoding="utf-8")
    return max(run.exit_code != 0 for runs in found[0].values() for run in runs)


if __name__ == "__main__":
    sys.exit(main())
