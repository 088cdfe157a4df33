"""Twelve studies at the edge, run whole, their pages read by a program and laid side by side for people.

    python benchmarks/edge_studies.py [STUDY ...] --place DIR [--only NOTEBOOK ...] [--write]

Each study is made of the synthetic example (sixty organisations: by ``mpg simulate``) and is odd in what its
name says. Every page is searched for what no reader should meet (:data:`NEVER`), for headings with nothing
below them and for a first screen without a sentence. ``DIR/index.html`` shows the first screen of the pages
of the funder and of an organisation, as wide as a desk's and a phone's, where Chromium is there. ``--write``
writes the table into benchmarks/edge_studies.md.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
from measured_run import environment, run_command

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from docs_site.gallery import browser, photograph  # noqa: E402

EXAMPLE = HERE.parent / "data" / "example"
#: What no reader should meet: numbers that are none, words of Python, places in a sentence left unfilled.
NEVER = re.compile(r"\b(nan|NaN|None(?! [a-z])|inf|NaT|Traceback|undefined)\b|[{}]|\bTrue\b|\bFalse\b(?!-)")
SCREENS = {"desk": (1280, 900), "phone": (390, 844)}
SHOWN = ("report_funder", "report_organisation")

Sections = dict[str, str]
Tables = dict[str, pd.DataFrame]


def sections_of(text: str) -> Sections:
    """A study.toml by its headings ("study", "organisations.vlierdonk"), in their order."""
    parts = re.split(r"^\[+([^\]\n]+)\]+\n", text, flags=re.MULTILINE)
    found: Sections = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        found[name] = re.sub(r"\n# [^\n]*\n*\Z", "\n", body)
    return found


def of_organisations(sections: Sections, tables: Tables, kept: int) -> None:
    """Leave the families and the names of the first organisations only."""
    names = list(dict.fromkeys(tables["episodes"]["organisation"]))[:kept]
    episodes = tables["episodes"]
    elsewhere = episodes[~episodes["organisation"].isin(names)]["family"]
    of_families(sections, tables, episodes[~episodes["family"].isin(elsewhere)]["family"])
    for name, table in tables.items():
        if "organisation" in table:
            tables[name] = table[table["organisation"].isin(names)]
    for name in [each for each in sections if each.startswith("organisations.")]:
        if name.partition(".")[2] not in names:
            del sections[name]


def of_families(_: Sections, tables: Tables, families: pd.Series) -> None:
    """Leave these families in every table that has families, and the others as they are."""
    for name, table in tables.items():
        if "family" in table:
            tables[name] = table[table["family"].isin(families)]


def without_optional(sections: Sections, tables: Tables) -> None:
    """Leave episodes and measurements of one questionnaire."""
    for name in [each for each in tables if each not in ("episodes", "measurements")]:
        del tables[name], sections[f"tables.{name}"]
    for name in [each for each in sections if each.startswith(("costs", "vocabularies"))]:
        del sections[name]
    del sections["instruments.own_strength"]
    sections["analysis"] = sections["analysis"].replace(', "own_strength"', "")
    measured = tables["measurements"]
    tables["measurements"] = measured[measured["instrument"] == "obvl_k"]


def no_norms(sections: Sections, _: Tables) -> None:
    """Without a norm table."""
    sections["instruments.obvl_k"] = ""


def english_only(sections: Sections, _: Tables) -> None:
    """In one language."""
    sections["study"] = sections["study"].replace('["nl", "en"]', '["en"]')


def long_names(sections: Sections, _: Tables) -> None:
    """Names of organisations as long as statutes make them."""
    for number, name in enumerate(each for each in sections if each.startswith("organisations.")):
        words = "Stichting Samenwerkende Jeugdhulpverleningsorganisaties <Noord & Oost> in de Regio"
        sections[name] = f'name = "{words} {number + 1}, voorheen Vereniging Gezinsondersteuning"\n'


def all_suppressed(sections: Sections, _: Tables) -> None:
    """More families asked of a number than there are."""
    sections["disclosure"] = sections["disclosure"].replace("families = 10", "families = 1000")


def failed_model(_: Sections, tables: Tables) -> None:
    """Every parent always gives the same answers: no model can be fitted."""
    measured = tables["measurements"].copy()
    items = [name for name in measured if re.fullmatch(r"item_?\d+", name)]
    measured[items] = measured[items].where(measured[items] == "", "2")
    tables["measurements"] = measured


def weeks(sections: Sections, tables: Tables) -> None:
    """Times as numbers of weeks, without dates."""
    without_optional(sections, tables)
    sections["time"] = 'kind = "numbers"\nunit = "weeks"\n'
    sections["study"] = re.sub(r"export_date = \S+\n", "", sections["study"])
    for name, columns in (("episodes", ("referred", "start", "end")), ("measurements", ("date",))):
        table = tables[name].copy()
        for column in columns:
            days = (pd.to_datetime(table[column]) - pd.Timestamp("2021-01-01")).dt.days
            table[column] = (days / 7).round(2).astype(str).where(table[column] != "", "")
        tables[name] = table


def patients(sections: Sections, _: Tables) -> None:
    """About patients, who are no families."""
    sections["study"] += (
        'unit = { nl = { one = "patiënt", many = "patiënten", article = "de" }, '
        'en = { one = "patient", many = "patients", article = "a" } }\n'
    )


EDGES: Mapping[str, Callable[[Sections, Tables], None] | None] = {
    "no_norm_table": no_norms,
    "one_organisation": lambda sections, tables: of_organisations(sections, tables, 1),
    "two_organisations": lambda sections, tables: of_organisations(sections, tables, 2),
    "sixty_organisations": None,
    "eight_families": lambda sections, tables: of_families(
        sections, tables, tables["episodes"]["family"].drop_duplicates().iloc[::30].iloc[:8]
    ),
    "no_optional_tables": without_optional,
    "english_only": english_only,
    "very_long_names": long_names,
    "all_suppressed": all_suppressed,
    "failed_model": failed_model,
    "weeks": weeks,
    "patients": patients,
}


def make_study(name: str, folder: Path) -> None:
    """A study folder of one of the edges."""
    change = EDGES[name]
    if change is None:
        options = ["--organisations", "60", "--families", "1200", "--truth", "none"]
        command = [sys.executable, "-m", "mpg_research", "simulate", str(folder), *options]
        subprocess.run(command, check=True, capture_output=True, cwd=HERE.parent)
        return
    folder.mkdir(parents=True)
    sections = sections_of((EXAMPLE / "study.toml").read_text(encoding="utf-8"))
    names = [each.partition(".")[2] for each in sections if each.startswith("tables.")]
    tables = {each: pd.read_csv(EXAMPLE / f"{each}.csv", dtype=str, keep_default_na=False) for each in names}
    sections["study"] = sections["study"].replace('"example"', f'"{name}"', 1)
    change(sections, tables)
    for each, table in tables.items():
        table.to_csv(folder / f"{each}.csv", index=False)
    for each in ("norms.csv", "own_strength.toml"):
        shutil.copy(EXAMPLE / each, folder / each)
    many = {"costs.fewer_agencies"}
    text = (EXAMPLE / "study.toml").read_text(encoding="utf-8")
    scenarios = "".join(re.findall(r"\[\[costs\.fewer_agencies\]\]\n(?:[^\[\n][^\n]*\n)+", text))
    written = [f"[{head}]\n{body}" for head, body in sections.items() if head not in many]
    if "costs" in sections:
        written.append(scenarios)
    (folder / "study.toml").write_text("\n".join(written), encoding="utf-8")


class _Page(HTMLParser):
    """The words of a page, and what stands below each heading."""

    _VOID = frozenset({"meta", "link", "br", "img", "hr", "input", "col", "path", "use"})

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0
        self.in_heading = False
        self.headings: list[list[str]] = []  # heading, what follows it
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of scripts and styles nothing is read."""
        if tag in ("style", "script"):
            self.skipped += 1
        if tag in ("h2", "h3"):
            self.in_heading = True
            self.headings.append([tag, "", ""])
        if tag == "a" and self.in_heading:  # a heading that leads to a page needs nothing below it
            self.headings[-1][2] += "link "
        if tag in ("svg", "table", "img") and self.headings:
            self.headings[-1][2] += tag

    def handle_endtag(self, tag: str) -> None:
        """The end of a heading begins what stands below it."""
        if tag in ("style", "script"):
            self.skipped -= 1
        if tag in ("h2", "h3"):
            self.in_heading = False

    def handle_data(self, data: str) -> None:
        """Words, where they stand."""
        if self.skipped or not data.strip():
            return
        self.words.append(data)
        if self.headings:
            self.headings[-1][1 if self.in_heading else 2] += data.strip() + " "


def faults_of(page: Path) -> list[str]:
    """What a reader should not meet on a page."""
    read = _Page()
    read.feed(page.read_text(encoding="utf-8"))
    text = " ".join(read.words)
    found = [f"...{text[max(0, m.start() - 40) : m.end() + 40]}..." for m in NEVER.finditer(text)]
    for place, (level, heading, below) in enumerate(read.headings):
        after = read.headings[place + 1 : place + 2]
        if not below.strip() and not (level == "h2" and after and after[0][0] == "h3"):
            found.append(f"nothing below {heading.strip()!r}")
    if read.headings and len(read.headings[0][2].split()) < 5:
        found.append("no sentence on the first screen")
    return found


def run_edge(name: str, place: Path, only: list[str]) -> tuple[str, list[str]]:
    """One study from nothing: a row of the table, and the faults found."""
    folder = place / name
    shutil.rmtree(folder, ignore_errors=True)
    make_study(name, folder / "study")
    chosen = [part for each in only for part in ("--only", each)]
    command = run_command(str(folder / "study"), folder / "reports", *chosen)
    begun = time.monotonic()
    done = subprocess.run(
        command, env=environment(HERE.parent, folder / "cache"), cwd=folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    seconds = time.monotonic() - begun
    (folder / "run.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    pages = sorted((folder / "reports").rglob("*.html"))
    faults = [
        f"{page.relative_to(folder / 'reports')}: {fault}" for page in pages for fault in faults_of(page)
    ]
    program = browser()
    for width, size in SCREENS.items() if program else ():
        for each in SHOWN:
            found = [page for page in pages if page.stem == each]
            for page in found[-1:]:
                photograph(program, page, folder / f"{each}_{width}.png", size)
    row = f"| {name} | {len(pages)} | {done.returncode} | {seconds:.0f} | {len(faults)} |"
    return row, faults


def side_by_side(place: Path) -> None:
    """The page on which the first screens stand beside each other."""
    blocks = []
    for name in EDGES:
        pictures = sorted((place / name).glob("*.png"))
        shown = "".join(
            f'<img src="{name}/{each.name}" alt="{name}: {each.stem}" '
            f'style="height:26rem;border:1px solid #999;margin:.3rem">'
            for each in pictures
        )
        blocks.append(f"<h2>{name.replace('_', ' ')}</h2><div>{shown or 'no pictures'}</div>")
    text = "<!doctype html><html lang=en><meta charset=utf-8><title>Twelve studies at the edge</title>"
    (place / "index.html").write_text(text + "<h1>Twelve studies at the edge</h1>" + "".join(blocks))


def main() -> None:
    """Make, run, read, show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"of: {', '.join(EDGES)} (default: all)")
    parser.add_argument("--place", type=Path, required=True, metavar="DIR", help="where all is written")
    parser.add_argument("--only", action="append", default=[], help="only this notebook; may be repeated")
    parser.add_argument("--write", action="store_true", help="write benchmarks/edge_studies.md")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.studies) - set(EDGES)):
        parser.error(f"no such study: {', '.join(unknown)}. There are {', '.join(EDGES)}.")
    place = asked.place.resolve()
    rows = []
    for name in asked.studies or EDGES:
        row, faults = run_edge(name, place, asked.only)
        rows.append(row)
        print(row, *faults[:12], sep="\n  ", flush=True)
    side_by_side(place)
    if asked.write:
        head = (
            "# Twelve studies at the edge\n\nMade by `python benchmarks/edge_studies.py`; every page was "
            "searched for what no reader should meet.\n\n| study | pages | exit code | seconds | faults |\n"
            "|---|---:|---:|---:|---:|\n"
        )
        (HERE / "edge_studies.md").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
