"""The gallery: pages of the example run as they come, with their figures, and pictures where a browser is."""

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import unescape
from pathlib import Path

__all__ = ["RECIPIENTS", "browser", "make_gallery", "photograph"]

#: Whose pages are shown, and what is said of them; the organisation is one whose report has something to say.
RECIPIENTS = {
    "funder": (
        "The funder",
        "One page for who pays: the answer, how sure it is, and what may not be concluded.",
    ),
    "tjalkmeer": ("An organisation", "Its own families beside those of the others, who have no name here."),
    "researcher": ("The researcher", "Every notebook, with its code, its decisions and the larger tables."),
}
#: Figures per page of the gallery; the page itself has all of them.
_MOST_FIGURES = 4
_WIDTHS = {"screen": (1280, 1700), "phone": (390, 844)}


@dataclass(frozen=True)
class _Shown:
    """One report in one language."""

    recipient: str
    language: str
    page: str
    title: str
    figures: tuple[str, ...]


def make_gallery(reports: Path, target: Path) -> str:
    """Copy the reports that are shown, and write the page about them.

    Parameters
    ----------
    reports : Path
        The folder of the example run (``reports/example``).
    target : Path
        Where pages, figures and pictures go; made anew.

    Returns
    -------
    str
        The page, for ``gallery/index.md``; links are relative to it.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shown = [one for recipient in RECIPIENTS for one in _reports_of(reports, recipient, target)]
    pictures = _pictures(shown, target)
    lines = [
        "# Gallery",
        "",
        "The reports of the [synthetic example study](../tutorial/example.md), as `mpg run` makes "
        "them: made anew by "
        "`make docs`, so these are today's pages. Open one, or look at some of its figures first.",
    ]
    for recipient, (heading, about) in RECIPIENTS.items():
        mine = [one for one in shown if one.recipient == recipient]
        if mine:
            lines += ["", f"## {heading}", "", about]
            for page in dict.fromkeys(one.page for one in mine):
                lines += ["", *_entry([one for one in mine if one.page == page], pictures)]
    return "\n".join(lines) + "\n"


def _reports_of(reports: Path, recipient: str, target: Path) -> list[_Shown]:
    """The pages of one recipient, copied with what they show."""
    folder = reports / recipient
    steps = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["steps"]
    found = []
    for name in sorted(steps):
        language, _, page = name.partition("/")
        outputs = [each for each in steps[name]["outputs"] if not each.endswith((".ipynb", ".png"))]
        for each in outputs:
            (target / recipient / each).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / each, target / recipient / each)
        figures = tuple(each for each in outputs if each.endswith(".svg"))
        html = next(each for each in outputs if each.endswith(".html"))
        title = _title((folder / html).read_text(encoding="utf-8"))
        found.append(_Shown(recipient, language, page, title, figures))
    return found


def _title(page: str) -> str:
    found = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    return unescape(found.group(1)).strip() if found else ""


def _entry(versions: list[_Shown], pictures: dict[tuple[str, str, str], str]) -> list[str]:
    """One page in its languages: links, pictures of it, and its first figures in English."""
    versions = sorted(versions, key=lambda one: one.language)
    first = versions[0]
    links = [
        f"[{one.title}]({one.recipient}/{one.language}/{one.page}.html) ({one.language})" for one in versions
    ]
    lines = [f"### {first.page}", "", " · ".join(links), ""]
    own = [(width, pictures.get((first.recipient, first.page, width))) for width in _WIDTHS]
    lines += [f"![{first.title}, as on a {width}]({file}){{ .{width} }}" for width, file in own if file]
    for figure in first.figures[:_MOST_FIGURES]:
        lines.append(
            f"![{Path(figure).stem.replace('_', ' ')}]({first.recipient}/{figure}){{ .figure loading=lazy }}"
        )
    return lines


def _pictures(shown: list[_Shown], target: Path) -> dict[tuple[str, str, str], str]:
    """Pictures of the first pages in English, wide and narrow; none without a browser."""
    found = {}
    program = browser()
    for one in shown:
        if program and one.language == "en" and one.recipient != "researcher":
            page = target / one.recipient / one.language / f"{one.page}.html"
            for width, size in _WIDTHS.items():
                file = f"pictures/{one.page}_{width}.png"
                (target / "pictures").mkdir(exist_ok=True)
                if photograph(program, page, target / file, size):
                    found[one.recipient, one.page, width] = file
    return found


def browser() -> str:
    """A Chromium that is here; empty where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next((found for found in map(shutil.which, names) if found), "")


def photograph(program: str, page: Path, picture: Path, size: tuple[int, int]) -> bool:
    """Take a picture of a page as a window of this size shows it; whether that worked.

    Chromium makes no window narrower than 500 pixels: a phone is a frame of its width in a page.
    """
    width, height = size
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.html"
        frame.write_text(
            f'<!doctype html><body style="margin:0"><iframe src="{page.resolve().as_uri()}" '
            f'style="border:0;width:{width}px;height:{height}px"></iframe>',
            encoding="utf-8",
        )
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--virtual-time-budget=3000", f"--window-size={max(width, 500)},{height}",
            f"--screenshot={picture}",
            frame.as_uri() if width < 500 else page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(command, capture_output=True, timeout=120, check=True)
        except (OSError, subprocess.SubprocessError):
            return False
    if width < 500:
        _cut(picture, width, height)
    return picture.is_file()


def _cut(picture: Path, width: int, height: int) -> None:
    from PIL import Image

    with Image.open(picture) as whole:
        part = whole.crop((0, 0, width, height))
    part.save(picture)
