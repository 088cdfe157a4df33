import pytest

from mpg_research.present.registry import figures
from mpg_research.reporting.notebooks import find_notebooks
from mpg_research.reporting.session.reference import reference_of
from mpg_research.reporting.session.session import begin


def test_an_id_is_short_and_hangs_on_the_place_alone() -> None:
    one = reference_of("report_funder", "tables", "change")
    assert one == reference_of("report_funder", "tables", "change")
    others = [
        reference_of("report_organisation", "tables", "change"),
        reference_of("report_funder", "figures", "change"),
        reference_of("report_funder", "tables", "changes"),
    ]
    assert len({one, *others}) == 4
    assert len(one) == 7
    assert one.startswith("T-")
    assert others[1].startswith("F-")


def test_no_two_figures_of_the_package_have_one_id() -> None:
    places = [(notebook, name) for notebook in find_notebooks() for name in figures()]
    ids = {reference_of(notebook, "figures", name) for notebook, name in places}
    assert len(ids) == len(places)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_id_stands_below_the_table_and_is_where_a_link_leads(language: str) -> None:
    session = begin("01_data_quality", language=language)
    shown = session.table(session.analyse("describe_quality"), "overview")
    page = shown._repr_mimebundle_()[0]["text/html"]
    reference = reference_of("01_data_quality", "tables", "overview")
    assert f'id="{reference}"' in page
    word = {"nl": "Herkomst", "en": "Trace"}[language]
    assert f'<p class="reference"><small>{word}: {reference}</small></p>' in page
    sentence = session.sentences(session.analyse("describe_quality"))
    assert "reference" not in sentence._repr_mimebundle_()[0]["text/html"]
