"""Where a model cannot be fitted the page is made, says so in its place, and whoever runs it learns why."""

from pathlib import Path

from mpg_research.cli import main
from tests.end_to_end.variants import copy_example, read_example


def test_eight_families_get_a_page_that_says_what_could_not_be_calculated(tmp_path: Path, capsys) -> None:
    names = ("episodes", "measurements")
    folder = copy_example(tmp_path / "study", tables={name: {"file": f"{name}.csv"} for name in names})
    families = read_example("episodes")["family"].drop_duplicates().iloc[::30].iloc[:8]
    for name in names:
        table = read_example(name)
        table[table["family"].isin(families)].to_csv(folder / f"{name}.csv", index=False)
    only = ["--only", "report_funder", "--language", "en"]
    code = main(["run", str(folder), "--output", str(tmp_path / "out"), *only])
    said = capsys.readouterr()
    assert code == 0, said.out
    assert "Not computed, as these pages say: compare_organisations (funder/en/report_funder)" in said.err
    reason = said.err.partition("report_funder)\n")[2].splitlines()[0]
    assert reason.startswith("The fixed part already gives each of the")
    (page,) = (tmp_path / "out").rglob("en/report_funder.html")
    assert "the model cannot be fitted to these data" in page.read_text(encoding="utf-8")
    for path in (tmp_path / "out").rglob("*"):  # why is for who runs the study, and published nowhere
        assert not path.is_file() or reason[:60] not in path.read_text(encoding="utf-8", errors="ignore")
