"""A page on a screen of 390 pixels, laid out by a real browser: tables show numbers, figures are whole."""

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

from mpg_research.disclosure import Audience, release
from mpg_research.present import draw, tabulate
from mpg_research.reporting.page.html import TEMPLATES
from tests.disclosure.made_results import made_policy, make_organisations, make_trajectory
from tests.reporting.page.axe_core import chromium

CHROMIUM = chromium()
MEASURE = """
const frame = document.querySelector("iframe"), out = {tables: [], pictures: []};
const page = frame.contentDocument, box = (node) => node.getBoundingClientRect();
out.width = frame.contentWindow.innerWidth;
out.page = page.documentElement.scrollWidth;
for (const table of page.querySelectorAll("table")) {
  const heads = [...table.querySelectorAll("thead th")].map((cell) => box(cell));
  const scroll = table.closest(".scroll");
  out.tables.push({
    widths: heads.map((rect) => rect.width), second: heads[1].left,
    caption: box(table.querySelector("caption")).bottom, head: heads[0].top,
    words: box(table.querySelector(".caption-text")).right, reach: scroll.tabIndex,
    scrolls: scroll.scrollWidth > scroll.clientWidth,
  });
}
for (const picture of page.querySelectorAll(".picture")) {
  const image = picture.querySelector("svg");
  const before = box(image).right;
  picture.focus();
  out.pictures.push({
    right: before, reach: page.activeElement === picture, name: picture.getAttribute("aria-label"),
    enlarged: box(image).width, scrolls: picture.scrollWidth > picture.clientWidth,
  });
  picture.blur();
}
document.body.textContent = "MEASURED" + JSON.stringify(out) + "MEASURED";
"""


def parts(language: str) -> list[str]:
    trajectory = release(make_trajectory(), Audience("funder"), policy=made_policy())
    comparison = release(make_organisations(), Audience("organisation", "linde"), policy=made_policy())
    shown = [tabulate(trajectory, name, language=language) for name in ("change", "sample_flow")]
    shown += [tabulate(comparison, name, language=language) for name in ("adjusted_change", "case_mix")]
    shown += [draw(trajectory, "mean_course", language=language)]
    return [each.html for each in shown]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("language", ["nl", "en"])
def test_tables_show_numbers_and_figures_are_whole(tmp_path: Path, language: str) -> None:
    style = (TEMPLATES / "report" / "report.css").read_text(encoding="utf-8")
    body = "\n".join(f'<div class="output">{part}</div>' for part in parts(language))
    inner = f"<!doctype html><html lang={language}><style>{style}</style><body><main>{body}</main></html>"
    source = base64.b64encode(inner.encode()).decode()
    outer = (
        "<!doctype html><meta charset=utf-8><body><iframe style='width:390px;height:844px;border:0'></iframe>"
        f"<script>const bytes = Uint8Array.from(atob('{source}'), c => c.charCodeAt());"
        "const text = new TextDecoder().decode(bytes);"
        "const f = document.querySelector('iframe'); f.srcdoc = text;"
        f"f.onload = () => {{ for (const d of f.contentDocument.querySelectorAll('details')) d.open = false;"
        f"{MEASURE} }};</script>"
    )
    (tmp_path / "page.html").write_text(outer, encoding="utf-8")
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'u'}",
    ]
    ran = subprocess.run(
        [*command, "--virtual-time-budget=4000", "--dump-dom", (tmp_path / "page.html").as_uri()],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"MEASURED(\{.*\})MEASURED", ran.stdout)
    if found is None:
        assert not ran.stdout.strip(), "Chromium made the page, and what is measured did not come"
        pytest.skip(f"Chromium does not run here: {ran.stderr[-200:]}")
    measured = json.loads(found[1])
    width = measured["width"]
    assert width == 390
    assert measured["page"] <= width  # nothing pushes the page sideways
    shown = [table for table in measured["tables"] if table["widths"][0] > 0]
    assert len(shown) >= 4
    for table in shown:
        assert table["widths"][0] < 0.5 * width
        assert table["second"] + table["widths"][1] <= width  # the first number lies on the screen
        assert table["caption"] <= table["head"] + 0.5  # above the header row, not beside it
        assert table["words"] <= width
        assert table["reach"] == 0 or not table["scrolls"]
    for picture in measured["pictures"]:
        assert picture["right"] <= width  # month 12 and the labels at the right end included
        assert picture["reach"]
        assert picture["name"]
        assert picture["enlarged"] > width
        assert picture["scrolls"]
