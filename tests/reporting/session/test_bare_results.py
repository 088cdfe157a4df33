"""A result on the last line of a cell: displayed through the gate, or not at all."""

import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from html import unescape

import pytest

from mpg_research import describe_quality, load_study, policy_of
from mpg_research.disclosure import Audience, release
from mpg_research.errors import DisclosureError
from mpg_research.present import say, tabulate
from mpg_research.reporting.session.bare_results import display_result
from mpg_research.reporting.session.session import begin
from mpg_research.study import shipped_example
from mpg_research.study.model import Study
from tests.disclosure.made_results import made_policy
from tests.present.edge_kinds import KINDS
from tests.present.edge_results import Draw

#: As a person types it in JupyterLab; what IPython would display is printed.
CELLS = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import mpg_research")
assert "mpg_research.analysis" not in sys.modules, "nothing is loaded to be ready"
shell.run_cell("from mpg_research import load_study, describe_quality")
shell.run_cell("study = load_study(sys.argv[1])")
found = shell.run_cell("describe_quality(study)").result
data, metadata = shell.display_formatter.format(found)
assert sorted(data) == ["text/html", "text/plain"], sorted(data)
assert not metadata, "a page of a run refuses it, since no session showed it"
print(data["text/html"])
print(data["text/plain"])
"""


@cache
def example() -> Study:
    return load_study(shipped_example())


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL)).split())


def test_in_ipython_a_result_is_displayed_as_released() -> None:
    folder = shipped_example()
    command = [sys.executable, "-c", CELLS.replace("sys.argv[1]", repr(str(folder)))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    study = example()
    released = release(describe_quality(study), Audience("researcher"), policy=policy_of(study))
    language = study.config.study.languages[0]
    for sentence in say(released, language=language).sentences:
        assert done.stdout.count(sentence) >= 2
    for name in released.tables:
        assert tabulate(released, name, language=language).html in done.stdout
    assert "<figure" in done.stdout
    assert "object at 0x" not in done.stdout
    assert "ResultTable" not in done.stdout


@pytest.mark.parametrize("place", range(len(KINDS)))
def test_every_kind_of_result_is_displayed_and_only_what_was_released(
    place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With edge results: tables of families never are, and every table displayed is one that was released."""
    study, kind, language = example(), sorted(KINDS)[place], ("nl", "en")[place % 2]
    monkeypatch.setattr("mpg_research.disclosure.policy_of", lambda _: made_policy())
    for given in ({}, *KINDS[kind].given[:1]):
        rules = {name: value for name, value in given.items() if name != "rules"}
        result = KINDS[kind].make(Draw(1, **rules))
        result = replace(result, provenance=replace(result.provenance, digest=study.digest))
        found = display_result(result, {"language": language, "study": study})
        released = release(result, Audience("researcher"), policy=made_policy())
        assert str(say(released, language=language)) in found["text/plain"]
        assert f'lang="{language}"' in found["text/html"]
        opened = re.findall(r"<summary>[^<]*<small><code>(\w+)</code>", found["text/html"])
        assert set(opened) <= set(released.tables)
        assert not [name for name in opened if result.tables[name].unit == "family"]
        assert "{" not in words_of(found["text/html"])


def test_without_the_study_nothing_of_it_is_displayed() -> None:
    study = example()
    result = describe_quality(study)
    other = replace(study, digest="0" * 64)
    for names in ({}, {"study": other}, {"study": study.folder}):
        found = display_result(result, names)
        assert "Keep the study under a name" in found["text/plain"]
        assert "<table" not in found["text/html"]
        assert not re.search(r"\d", found["text/plain"])


def test_the_session_of_a_notebook_says_for_whom() -> None:
    session, study = begin("report_funder", language="en"), example()
    result = session.analyse("describe_intake")
    released = release(result, Audience("researcher"), policy=policy_of(study))
    names = [labels["en"] for labels in policy_of(study).organisations.values()]
    shown = display_result(result, {"study": study, "session": session, "language": "nl"})
    by_hand = display_result(result, {"study": study, "language": "en"})
    assert "intake_by_organisation" in released.tables
    assert any(name in by_hand["text/html"] for name in names)
    assert not any(name in shown["text/html"] for name in names)
    assert 'lang="en"' in shown["text/html"]


def test_what_the_gate_refuses_is_said_and_not_displayed(monkeypatch: pytest.MonkeyPatch) -> None:
    study = example()
    result = describe_quality(study)

    def refuse(*_: object, **__: object) -> None:
        raise DisclosureError("A column does not say <what> it means.")

    monkeypatch.setattr("mpg_research.disclosure.release", refuse)
    found = display_result(result, {"study": study})
    assert found["text/plain"] == "data_quality: not displayed. A column does not say <what> it means."
    assert found["text/html"] == f"<p>{found['text/plain'].replace('<', '&lt;').replace('>', '&gt;')}</p>"
