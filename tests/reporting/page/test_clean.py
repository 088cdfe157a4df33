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


def test_text_cells_of_a_trial_speak_of_its_groups() -> None:
    node = v4.new_notebook(cells=[v4.new_markdown_cell("## The organisations side by side")])
    told = clean_notebook(node, language="en", parameters={}, groups=True)
    assert [cell.source for cell in told.cells] == ["## The groups side by side"]
    same = clean_notebook(node, language="en", parameters={})
    assert [cell.source for cell in same.cells] == ["## The organisations side by side"]
