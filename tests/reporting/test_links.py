"""A page that shows a part of a table links to all of it: the file is there, wherever the folder is taken."""

import re
from pathlib import Path

from mpg_research.reporting.run.run import run_study
from mpg_research.simulate.study import simulate_study


def test_the_links_of_a_page_lead_to_files_beside_it(tmp_path: Path) -> None:
    study = tmp_path / "many"
    simulate_study(study, families=320, organisations=24, truth_families=0)
    summary = run_study(study, reports=tmp_path / "reports", only=["01_data_quality"], language=["en"])
    assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
    (page,) = (tmp_path / "reports").rglob("en/01_data_quality.html")
    links = re.findall(r'<a href="(tables/[^"]+)" download>([^<]+)</a>', page.read_text(encoding="utf-8"))
    assert ("tables/01_data_quality/by_organisation.csv",) * 2 in links
    for address, _ in links:
        rows = (page.parent / address).read_text(encoding="utf-8").splitlines()
        assert len(rows) == 1 + 24 if address.endswith("/by_organisation.csv") else len(rows) > 1
