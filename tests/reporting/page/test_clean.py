import pytest
from nbformat import v4

from mpg_research.errors import DisclosureError, ReportError
from mpg_research.reporting.page.clean import clean_notebook, warning_counts
from mpg_research.reporting.session.session import MARK


def executed(*outputs: object) -> object:
    code = v4.new_code_cell("show()", metadata={"papermill": {"duration": 1.5}}, outputs=list(outputs))
    code.execution_count = 1
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# Titel", metadata={"tags": ["nl"]}),
            v4.new_markdown_cell("# Title", metadata={"tags": ["en"]}),
            v4.new_code_cell("study = ''", metadata={"tags": ["parameters"]}),
            v4.new_code_cell("study = '/home/jan/secret'", metadata={"tags": ["injected-parameters"]}),
            code,
        ],
        metadata={"papermill": {"parameters": {"study": "/home/jan/secret"}}},
    )


def gated(html: str) -> object:
    return v4.new_output("display_data", data={"text/html": html}, metadata={MARK: {"released_to": "funder"}})


def clean(node: object) -> object:
    return clean_notebook(node, language="en", parameters={"study": "example", "language": "en"})


def test_one_language_no_times_no_paths_and_fixed_ids() -> None:
    node = clean(executed(gated("<p>1</p>")))
    assert [cell.source for cell in node.cells] == [
        "# Title",
        "# The parameters of this report\nstudy = 'example'\nlanguage = 'en'",
        "show()",
    ]
    assert [cell.id for cell in node.cells] == ["cell-01", "cell-02", "cell-03"]
    assert "secret" not in str(node)
    assert "duration" not in str(node)


def test_what_did_not_go_through_the_gate_is_refused() -> None:
    with pytest.raises(DisclosureError, match="did not go through the disclosure gate"):
        clean(executed(v4.new_output("execute_result", data={"text/html": "<p>family 12</p>"})))


def test_printed_text_is_refused() -> None:
    with pytest.raises(DisclosureError, match="prints text"):
        clean(executed(v4.new_output("stream", name="stdout", text="family 12")))


def test_an_error_is_refused() -> None:
    with pytest.raises(ReportError, match="error"):
        clean(executed(v4.new_output("error", ename="E", evalue="", traceback=[])))


def test_warnings_are_counted_and_their_text_is_left_out() -> None:
    text = "/a/b.py:12: FutureWarning: family 12 is odd\n  f(x)\n/a/b.py:13: FutureWarning: again\n  g(x)\n"
    node = executed(gated("<p>1</p>"), v4.new_output("stream", name="stderr", text=text))
    assert warning_counts(node) == {"FutureWarning": 2}
    assert "odd" not in str(clean(node))


def text_cell(text: str, *tags: str):
    return v4.new_markdown_cell(text, metadata={"tags": list(tags)})


def told(*cells, language: str = "en", **words) -> list[str]:
    node = clean_notebook(v4.new_notebook(cells=list(cells)), language=language, parameters={}, **words)
    assert all("text:" not in str(cell.metadata) for cell in node.cells)
    return [cell.source for cell in node.cells]


SIDE_BY_SIDE = "text:report_funder.the_organisations_side_by_side"


def test_text_cells_are_those_of_the_catalogue_in_the_words_of_the_study() -> None:
    cells = (
        text_cell("## 4. Verschillen de organisaties?", "nl", SIDE_BY_SIDE),
        text_cell("## 4. Do the organisations differ?", "en", SIDE_BY_SIDE),
    )
    assert told(*cells) == ["## 4. Do the organisations differ?"]
    assert told(*cells, language="nl") == ["## 4. Verschillen de organisaties?"]
    assert told(*cells, groups=True) == ["## 4. Do the groups differ?"]
    assert told(*cells, language="nl", groups=True) == ["## 4. Verschillen de groepen?"]


def test_a_language_that_the_notebook_has_no_cell_of_has_the_text_of_the_catalogue() -> None:
    dutch = text_cell("## 4. Verschillen de organisaties?", "nl", SIDE_BY_SIDE)
    assert told(dutch, language="en") == ["## 4. Do the organisations differ?"]


def test_text_changed_or_added_by_hand_stays_as_it_is() -> None:
    cells = (
        text_cell("## Mijn kop", "nl", SIDE_BY_SIDE),
        text_cell("## My heading of organisations", "en", SIDE_BY_SIDE),
        text_cell("Alleen Nederlands", "nl"),
        text_cell("Families, in every language"),
        text_cell("No such key", "en", "text:nowhere.at_all"),
    )
    own = ["## My heading of organisations", "Families, in every language", "No such key"]
    assert told(*cells, groups=True, unit=("pupil", "pupils", "")) == own
