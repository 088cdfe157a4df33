"""Make the site: ``python -m docs_site`` (see the package)."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from docs_site.api import api_pages
from docs_site.checked import faults_of
from docs_site.command_line import command_line_page
from docs_site.gallery import browser, make_gallery, photograph
from docs_site.result_tables import result_tables_page, results_of_study, unnamed_tables
from docs_site.settings import settings_page, study_tables_page

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "build" / "site_source"
SITE = ROOT / "build" / "site"
#: Pages from outside docs/ that docs/ links to; they keep their places beside it.
BESIDE = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "CITATION.cff", "LICENSE")

PICTURE = ROOT / "docs" / "pictures" / "report_funder.png"
#: What pages of Zensical fetch from elsewhere where its option for use without a network is on.
SHIM = "https://unpkg.com/iframe-worker/shim"

#: Pages that are made from the code alone, by their place below docs/.
MADE: dict[str, Callable[[], str]] = {
    "reference/command_line.md": command_line_page,
    "reference/settings.md": settings_page,
    "reference/study_tables.md": study_tables_page,
}


def main() -> int:
    """Make the site and read it; 0 where every page of it is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m docs_site", description=__doc__)
    parser.add_argument(
        "--reports", default=str(ROOT / "reports"), metavar="DIR",
        help="where the example is run, or has been (default: reports)",
    )  # fmt: skip
    parser.add_argument(
        "--picture", action="store_true", help="only renew the README's picture of a report (needs Chromium)"
    )
    options = parser.parse_args()
    reports = Path(options.reports)
    example = ROOT / "data" / "example"
    print("1 of 4: the example study, whose reports are the gallery.", flush=True)
    run = [sys.executable, "-m", "mpg_research", "run", str(example), "--output", str(reports)]
    subprocess.run(run, check=True, cwd=ROOT)
    if options.picture:
        picture_of_report(reports / "example" / "funder" / "en" / "report_funder.html", PICTURE)
        return 0
    print("2 of 4: the pages.", flush=True)
    copy_pages(SOURCE)
    write_made_pages(SOURCE / "docs")
    results = results_of_study(example)
    _write(SOURCE / "docs/reference/result_tables.md", result_tables_page(results))
    _write(SOURCE / "docs/gallery/index.md", make_gallery(reports / "example", SOURCE / "docs/gallery"))
    print("3 of 4: the site.", flush=True)
    subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], check=True, cwd=ROOT)
    keep_local(SITE)
    print("4 of 4: reading it.")
    faults = [*faults_of(SITE, also=("docs/gallery/",)), *unnamed_tables(results)]
    print("\n".join(faults))
    print(f"{len(list(SITE.rglob('*.html')))} pages, {len(faults)} faults: {SITE / 'index.html'}")
    return 1 if faults else 0


def picture_of_report(page: Path, picture: Path) -> None:
    """A small picture of the top of a report, for the README: few colours, and smaller than the page.

    Parameters
    ----------
    page : Path
        The page.
    picture : Path
        The PNG.
    """
    from PIL import Image

    program = browser()
    if not program or not photograph(program, page, picture, (960, 1200)):
        raise SystemExit("The picture takes Chromium, which is not here.")
    with Image.open(picture) as whole:
        small = whole.convert("RGB").resize((720, 900), Image.Resampling.LANCZOS)
    small.quantize(64).save(picture, optimize=True)


def copy_pages(target: Path) -> None:
    """The pages of the repository, in the places that they have there, so that their links hold.

    Parameters
    ----------
    target : Path
        The folder; made anew.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target / "docs")
    for page in sorted((ROOT / "benchmarks").rglob("*.md")):
        _write(target / page.relative_to(ROOT), page.read_text(encoding="utf-8"))
    for name in BESIDE:
        shutil.copyfile(ROOT / name, target / name)
    gate = "mpg_research/disclosure/gate.py"
    _write(target / gate, (ROOT / gate).read_text(encoding="utf-8"))
    shutil.copyfile(ROOT / "README.md", target / "index.md")


def write_made_pages(docs: Path) -> None:
    """Write every page that is made from the code alone.

    Parameters
    ----------
    docs : Path
        The folder of the pages.
    """
    for name, make in MADE.items():
        _write(docs / name, make())
    for name, text in api_pages().items():
        _write(docs / "reference" / "api" / name, text)


def keep_local(site: Path) -> None:
    """Take a copy of the one script that Zensical's pages fetch from elsewhere, and let them use that.

    Search on pages that were opened from a disk needs it. The page for addresses that are not there goes:
    it is of use on a server only.

    Parameters
    ----------
    site : Path
        The folder of the site.
    """
    shutil.copyfile(Path(__file__).with_name("iframe_worker.js"), site / "assets" / "iframe_worker.js")
    (site / "404.html").unlink(missing_ok=True)
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if SHIM in text:
            up = "../" * len(page.relative_to(site).parent.parts)
            page.write_text(text.replace(SHIM, f"{up}assets/iframe_worker.js"), encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
