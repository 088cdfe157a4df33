"""What a page does not show is said once, and a heading with nothing below it is not there."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from mpg_research.reporting.page.not_shown import gather_not_shown

WORDS = {"not_shown": "What is not shown here", "not_shown_about": "This concerns: {what}."}
EMPTY = '<div class="mpg-text" lang="en">\n\n</div>'
SAID = '<div class="mpg-text" lang="en">\n<p>Said.</p>\n</div>'
HIDDEN = '<div class="mpg-text not-shown" lang="en">\n<p>Too few.</p>\n</div>'


def shows(*texts: str) -> object:
    outputs = [new_output("display_data", data={"text/html": text}) for text in texts]
    return new_code_cell("session.sentences(result)", outputs=outputs)


def headings(*cells: object) -> list[str]:
    first = [new_markdown_cell("# Title"), shows(SAID)]
    kept = gather_not_shown([*first, *cells], WORDS)
    return [cell.source for cell in kept if cell.cell_type == "markdown"][1:]


def test_a_heading_with_nothing_below_it_goes() -> None:
    assert headings(new_markdown_cell("## Nothing"), shows(EMPTY)) == []
    assert headings(new_markdown_cell("## Nothing"), shows(EMPTY), shows(EMPTY)) == []
    assert headings(new_markdown_cell("## Said"), shows(EMPTY), shows(SAID)) == ["## Said"]


def test_one_that_heads_something_or_is_more_than_a_heading_stays() -> None:
    part = [new_markdown_cell("### Part"), shows(SAID)]
    assert headings(new_markdown_cell("## Over"), shows(EMPTY), *part) == ["## Over", "### Part"]
    assert headings(new_markdown_cell("## Own\n\nText."), shows(EMPTY)) == ["## Own\n\nText."]
    assert headings(new_markdown_cell("## Code"), new_code_cell("x = 1")) == ["## Code"]
    picture = new_code_cell("plot", outputs=[new_output("display_data", data={"image/png": "x"})])
    assert headings(new_markdown_cell("## Picture"), picture) == ["## Picture"]


def test_one_over_what_is_not_shown_goes_with_it_to_one_box() -> None:
    parts = [new_markdown_cell("### A"), shows(HIDDEN), new_markdown_cell("### B"), shows(EMPTY)]
    assert headings(new_markdown_cell("## Over"), shows(EMPTY), *parts) == ["## What is not shown here"]
