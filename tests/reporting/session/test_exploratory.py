import shutil
from datetime import date
from pathlib import Path

import pytest

from mpg_research.reporting.planned.seal import seal_plan
from mpg_research.reporting.session.session import begin
from mpg_research.study import read_config, shipped_example


@pytest.mark.parametrize("planned", ["describe_quality", "fit_trajectory"])
def test_what_was_not_planned_is_called_exploratory_where_it_stands(planned: str, tmp_path: Path) -> None:
    study = tmp_path / "study"
    shutil.copytree(shipped_example(), study)
    plan = f'\n[plan]\n[[plan.questions]]\ntext = "Is it good?"\nanalyses = ["{planned}"]\n'
    with (study / "study.toml").open("a", encoding="utf-8") as stream:
        stream.write(plan)
    seal_plan(read_config(study), day=date(2026, 1, 31))
    session = begin("01_data_quality", study=str(study), language="en")
    result = session.analyse("describe_quality")
    sentences, _ = session.sentences(result)._repr_mimebundle_()
    name = next(name for name in result.tables if name != "sample_flow")
    table, _ = session.table(result, name)._repr_mimebundle_()
    remark = '<p class="exploratory">Exploratory: this analysis does not stand in the sealed plan.</p>'
    for html in (sentences["text/html"], table["text/html"]):
        assert html.count(remark) == (planned != "describe_quality")
        assert html.count("<div") == html.count("</div>")
    assert table["text/html"].startswith('<div class="shown" id="T-')
