"""Abstract, methods and citation of a page come from its settings and results, and from no clock."""

from pathlib import Path

import pytest

from mpg_research.present import say
from mpg_research.reporting.session.session import begin
from mpg_research.study import read_config
from mpg_research.version import __version__
from tests.disclosure.made_results import make_organisations, make_trajectory


@pytest.mark.parametrize("language", ["nl", "en"])
def test_an_abstract_says_the_answers_of_the_page(study: Path, language: str) -> None:
    session = begin("03_trajectories", study=str(study), language=language)
    results = (make_trajectory(), make_organisations())
    text = str(session.abstract(*results))
    for result in results:
        answer = say(session.release(result), "answer", language=language)
        assert answer.shows_numbers == all(sentence in text for sentence in answer.sentences)
    assert "{" not in text
    assert 'id="abstract"' in session.abstract(*results)._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_citation_bears_the_date_that_the_study_states(study: Path, language: str) -> None:
    config = read_config(study)
    text = str(begin("03_trajectories", study=str(study), language=language).citation())
    exported = config.report.date or config.study.export_date
    assert (f"({exported.year})" if exported else {"nl": "(z.d.)", "en": "(n.d.)"}[language]) in text
    assert config.study.title.in_language(language) in text
    assert f"mpg_research {__version__};" in text


def test_a_checklist_knows_what_stands_above_it(study: Path) -> None:
    session = begin("03_trajectories", study=str(study), language="en")
    fit = make_trajectory()
    before = str(session.checklist("strobe", fit))
    session.table(fit, "change")
    session.methods(fit)
    session.sentences(fit, "limits")
    after = str(session.checklist("strobe", fit))
    for words in ("Mean change since the start", "\tMethods\n", "What may not be concluded from this"):
        assert words not in before
        assert words in after
