"""Finished pages looked at by axe-core in Chromium, on a phone and on a wide screen.

axe-core (npm) and Chromium are no part of the package's environment: where one is missing, tests skip and say
so. ``.ci/run`` fetches both where it can, and looks at all pages of the main job::

    python -m tests.reporting.page.axe_core FOLDER
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WIDTHS = (390, 1280)
#: Where .ci/run puts axe-core, unless this variable names another folder.
FOLDER = Path(os.environ.get("MPG_AXE", Path.home() / ".cache" / "mpg-axe"))
#: Pages that one browser looks at before the next is started.
AT_ONCE = 6
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_OPTIONS = {"resultTypes": ["violations"], "elementRef": False}
_INNER = """
<script>{axe}</script>
<script>
addEventListener("load", () => {{
  document.fonts.ready.then(() => axe.run(document, {options})).then(
    (found) => parent.postMessage(found.violations.map((each) => ({{
      rule: each.id, impact: each.impact, nodes: each.nodes.map((node) => node.html.slice(0, 160))}})), "*"),
    (error) => parent.postMessage([{{rule: "axe failed", impact: String(error), nodes: []}}], "*"));
}});
</script>
"""
_OUTER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>axe</title><body>
<script>
const pages = {pages}, widths = {widths}, found = [];
const text = (page) => new TextDecoder().decode(Uint8Array.from(atob(page), (sign) => sign.charCodeAt()));
async function look() {{
  for (const [name, page] of pages) for (const width of widths) {{
    const frame = document.createElement("iframe");
    frame.style = `width:${{width}}px;height:900px;border:0`;
    const answer = new Promise((done) =>
      addEventListener("message", (event) => done(event.data), {{once: true}}));
    frame.srcdoc = text(page);
    document.body.append(frame);
    for (const each of await answer) found.push({{page: name, width, ...each}});
    frame.remove();
  }}
  document.body.textContent = "FOUND" + btoa(unescape(encodeURIComponent(JSON.stringify(found)))) + "FOUND";
}}
look();
</script></body></html>
"""


def missing() -> str:
    """What is not here of what looking takes; empty where all is."""
    if chromium() is None:
        return "no Chromium here"
    return "" if axe() is not None else "no axe-core here (npm; .ci/run fetches it)"


def chromium() -> str | None:
    """The browser, if there is one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def axe() -> Path | None:
    """axe-core, if it is there."""
    file = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    return file if file.is_file() else None


def violations(pages: Iterable[Path], *, widths: Sequence[int] = WIDTHS) -> list[dict]:
    """What axe finds on pages: per page, width and rule, the elements.

    Raises
    ------
    RuntimeError
        If the browser does not answer.
    """
    listed = list(pages)
    parts = [listed[start : start + AT_ONCE] for start in range(0, len(listed), AT_ONCE)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as browsers:
        return [each for found in browsers.map(lambda part: _look(part, widths), parts) for each in found]


def _look(pages: Sequence[Path], widths: Sequence[int]) -> list[dict]:
    file = axe()
    assert file is not None
    # Within a page a script would end at the first </script> that stands in axe's own texts.
    source = file.read_text(encoding="utf-8").replace("</script", "<\\/script")
    script = _INNER.format(axe=source, options=json.dumps(_OPTIONS))
    packed = []
    for page in pages:
        html = _POLICY.sub("", page.read_text(encoding="utf-8")).replace("</body>", script + "</body>")
        packed.append((page.name, base64.b64encode(html.encode()).decode()))
    outer = _OUTER.format(pages=json.dumps(packed), widths=json.dumps(list(widths)))
    with tempfile.TemporaryDirectory(prefix="mpg-axe-") as folder:
        place = Path(folder) / "outer.html"
        place.write_text(outer, encoding="utf-8")
        ran = subprocess.run(
            [
                str(chromium()), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                f"--user-data-dir={Path(folder) / 'user'}", "--window-size=1400,1000",
                "--virtual-time-budget=600000", "--dump-dom", place.as_uri(),
            ],
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
    answer = re.search(r"FOUND([\w+/=]*)FOUND", ran.stdout)
    if answer is None:
        raise RuntimeError(f"Chromium gave no answer: {ran.stderr[-300:]}")
    found: list[dict] = json.loads(base64.b64decode(answer[1]))
    return found


def report(found: Iterable[dict]) -> str:
    """What was found, in lines."""
    return "\n".join(
        f"{each['page']} at {each['width']}: {each['rule']} ({each['impact']}), {len(each['nodes'])} times, "
        f"first: {each['nodes'][0] if each['nodes'] else ''}"
        for each in found
    )


def main(folder: str) -> int:
    """Look at the pages below a folder: of organisations, whose pages are of one kind, at those of one."""
    reason = missing()
    if reason:
        print(f"axe: not looked at, {reason}.")
        return 0
    by_kind = {(page.parent.name, page.name): page for page in sorted(Path(folder).rglob("*.html"))}
    pages = list(by_kind.values())
    found = violations(pages)
    print(report(found))
    print(f"axe: {len(pages)} pages at {' and '.join(map(str, WIDTHS))} pixels, {len(found)} violations.")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
