"""A study of one organisation runs; where a comparison would stand, the page says why there is none."""

from pathlib import Path

from mpg_research.cli import main
from tests.end_to_end.variants import copy_example, read_example

ONLY = "vlierdonk"


def test_every_report_is_made_and_says_that_nothing_can_be_compared(tmp_path: Path, capsys) -> None:
    folder = copy_example(
        tmp_path / "study", tables={name: {"file": f"{name}.csv"} for name in ("episodes", "measurements")}
    )
    episodes = read_example("episodes")
    elsewhere = set(episodes.loc[episodes["organisation"] != ONLY, "family"])
    for name in ("episodes", "measurements"):
        table = read_example(name)
        here = set(episodes["family"]) - elsewhere
        table[table["family"].isin(here)].to_csv(folder / f"{name}.csv", index=False)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    start, end = text.index('["organisations"'), text.index('["instruments"')
    (folder / "study.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    wanted = ["04_organisations", "report_funder", "report_organisation"]
    only = [part for name in wanted for part in ("--only", name)]
    code = main(["run", str(folder), "--output", str(tmp_path / "out"), "--language", "en", *only])
    assert code == 0, capsys.readouterr().out
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("en/*.html")}
    for name in wanted:
        assert "The comparison of organisations is not possible" in pages[name], name
    assert "parenting stress fell by" in pages["report_funder"]
