"""axe-core finds what is wrong with a page, and nothing in pages of every kind of part."""

from pathlib import Path

import pytest

from tests.reporting.documents.test_documents import page
from tests.reporting.page.axe_core import missing, report, violations

here = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@here
def test_pages_in_both_languages_have_no_violation_and_a_bad_page_has(tmp_path: Path) -> None:
    wide = "<table>" + "<tr>" + "<td>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</td>" * 40 + "</tr></table>"
    pages = {
        "good_nl.html": page("nl"),
        "good_en.html": page("en", show_code=True),
        "bad.html": f"<!doctype html><html><body><div style='overflow-x: auto; width: 200px'>{wide}</div>"
        "<img src='data:,'><table><tr><th scope='row'></th><td>1</td></tr></table></body></html>",
    }
    files = []
    for name, html in pages.items():
        files.append(tmp_path / name)
        files[-1].write_text(html, encoding="utf-8")
    found = violations(files)
    bad = [each for each in found if each["page"] == "bad.html"]
    assert {each["width"] for each in bad} == {390, 1280}
    rules = {each["rule"] for each in bad}
    assert {
        "html-has-lang",
        "image-alt",
        "scrollable-region-focusable",
        "region",
        "empty-table-header",
    } <= rules
    good = [each for each in found if each["page"] != "bad.html"]
    assert not good, report(good)
