"""Exports become files for a study: linked as before, and without what tells who it is."""

import os
from pathlib import Path

import pandas as pd
import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError, DataError
from mpg_research.study import load_study, make_key, pseudonymise_files
from tests.study.small import EPISODES, MEASUREMENTS, small_study

REMARK = "moeder belde over de ruzie van gisteren"


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """The small study as a client system exports it: with names, birth dates, postcodes and remarks."""
    folder = tmp_path / "exports"
    folder.mkdir()
    rows = EPISODES.splitlines()
    extra = [
        f"{row},Jansen {n},2019-0{n % 9 + 1}-15,{1000 + n} AB,{REMARK} {n}" for n, row in enumerate(rows[1:])
    ]
    header = f"{rows[0]},achternaam,geboren,postcode,verslag"
    (folder / "episodes.csv").write_text("\n".join([header, *extra]) + "\n")
    (folder / "measurements.csv").write_text(MEASUREMENTS)
    make_key(tmp_path / "key")
    return folder


IDS = {"family": ["family"], "worker": ["worker"]}
KEEP = ["episode", "organisation", "start", "end", "respondent", "date", "item_*"]


def run(exports: Path, output: Path, **options: object) -> tuple:
    files = [exports / "episodes.csv", exports / "measurements.csv"]
    settings = {
        "project": "p", "key_file": exports.parent / "key", "ids": IDS, "keep": KEEP,
        "ages": {"child_age": ("geboren", "start")}, "regions": {"region": "postcode"}, **options,
    }  # fmt: skip
    return pseudonymise_files(files, output, **settings)  # type: ignore[arg-type]


def test_the_study_that_comes_out_is_the_same_but_for_its_ids(exports: Path, tmp_path: Path) -> None:
    folder = small_study(tmp_path / "study")
    before = load_study(folder)
    done = run(exports, folder, replace=True)
    after = load_study(folder)
    pd.testing.assert_series_equal(before.scores["raw"], after.scores["raw"])
    pd.testing.assert_series_equal(before.scores["months"], after.scores["months"])
    ids = dict(zip(before.scores["family"], after.scores["family"], strict=True))
    assert len(set(ids.values())) == len(ids) == 12
    assert not set(ids) & set(ids.values())
    assert done[0].left_out == ("child_age", "achternaam", "verslag")
    assert done[0].made["worker"] == "pseudonyms of worker"


def test_who_scored_gets_the_pseudonym_of_the_worker_in_every_table(exports: Path, tmp_path: Path) -> None:
    """Raters are workers: scores stay linked to the start in the job, under one pseudonym per person."""
    texts = {
        "workers": "organisation,worker,start\norg_a,w1,2019-05-01\norg_a,w2,2020-05-01\n",
        "practice": "family,date,rater,outreach_presence\n001,2024-05-01,w1,3\n001,2024-05-01,w2,4\n",
        "domains": "family,date,domain,severity,rater\n001,2024-05-01,money,3,w2\n003,2024-05-01,money,1,\n",
        "goals": "family,date,goal,attainment\n001,2024-05-01,g1,4\n",
        "care": "family,month,worker,n_visits\n001,2024-05-01,w1,3\n",
    }
    for name, text in texts.items():
        (exports / f"{name}.csv").write_text(text)
    ids = {"family": ["family"], "worker": ["worker"], "rater": ["rater"]}
    keep = [
        "organisation", "start", "date", "month", "domain", "severity", "goal", "attainment",
        "n_visits", "outreach_presence",
    ]  # fmt: skip
    out = tmp_path / "out"
    pseudonymise_files(
        [exports / f"{name}.csv" for name in texts], out, project="p", key_file=exports.parent / "key",
        ids=ids, keep=keep,
    )  # fmt: skip
    made = {name: pd.read_csv(out / f"{name}.csv", dtype=str, keep_default_na=False) for name in texts}
    first, second = made["workers"]["worker"]
    assert {first, second} & {"w1", "w2"} == set()
    assert made["practice"]["rater"].tolist() == [first, second]
    assert made["domains"]["rater"].tolist() == [second, ""]
    assert made["care"]["worker"].tolist() == [first]
    assert len(set(made["goals"]["family"]) | set(made["care"]["family"])) == 1


def test_nothing_that_tells_who_it_is_gets_through(exports: Path, tmp_path: Path) -> None:
    for done in run(exports, tmp_path / "out"):
        text = done.target.read_text()
        for secret in ("Jansen", REMARK, "AB", "geboren", "2019-", "001,"):
            assert secret not in text
        if os.name == "posix":
            assert done.target.stat().st_mode & 0o777 == 0o600
    episodes = pd.read_csv(tmp_path / "out" / "episodes.csv", dtype=str)
    assert list(episodes["region"].unique()) == ["10"]
    born = pd.read_csv(exports / "episodes.csv")
    years = (pd.to_datetime(born["start"]) - pd.to_datetime(born["geboren"])).dt.days / 365.25
    assert ((years - episodes["child_age"].astype(float)) >= 0).all()
    assert ((years - episodes["child_age"].astype(float)) < 0.1).all()


def test_another_project_or_column_has_other_pseudonyms(exports: Path, tmp_path: Path) -> None:
    run(exports, tmp_path / "a")
    run(exports, tmp_path / "b", project="q")
    run(exports, tmp_path / "c")
    of = {name: set(pd.read_csv(tmp_path / name / "episodes.csv")["family"]) for name in "abc"}
    assert of["a"] == of["c"]
    assert not of["a"] & of["b"]
    (exports / "episodes.csv").write_text("family,worker\n1,1\n")
    (exports / "measurements.csv").write_text("family\n1\n")
    run(exports, tmp_path / "d", keep=[], ages={}, regions={})
    row = pd.read_csv(tmp_path / "d" / "episodes.csv").iloc[0]
    assert row["family"] != row["worker"]


def test_a_key_is_replaced_by_making_pseudonyms_of_the_pseudonyms(exports: Path, tmp_path: Path) -> None:
    """Where the source is gone: the tables stay linked, and the old pseudonyms are in none of them."""
    run(exports, tmp_path / "old")
    os.replace(tmp_path / "key", tmp_path / "old_key")
    make_key(tmp_path / "key")
    run(tmp_path / "old", tmp_path / "new", ages={}, regions={})
    old = pd.read_csv(tmp_path / "old" / "measurements.csv")["family"]
    new = pd.read_csv(tmp_path / "new" / "measurements.csv")["family"]
    assert not set(old) & set(new)
    assert pd.crosstab(old, new).gt(0).sum().eq(1).all()


def test_an_id_of_several_columns(exports: Path, tmp_path: Path) -> None:
    (exports / "episodes.csv").write_text("organisation,client\na,1\nb,1\na,2\n")
    (exports / "measurements.csv").write_text("organisation,client\na,1\nb,1\n,1\n")
    run(
        exports, tmp_path / "out", ids={"family": ["organisation", "client"]}, keep=[], ages={}, regions={}
    )  # fmt: skip
    families = [
        list(pd.read_csv(tmp_path / "out" / name, keep_default_na=False, skip_blank_lines=False)["family"])
        for name in ("episodes.csv", "measurements.csv")
    ]
    assert len(set(families[0])) == 3
    assert families[1] == [*families[0][:2], ""]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"keep": [*KEEP, "achternaam"]}, DataError, "names of people"),
        ({"keep": [*KEEP, "verslag"]}, DataError, "free text"),
        ({"keep": ["a*"]}, DataError, "names of people"),
        ({"keep": [*KEEP, "nothing"]}, ConfigError, "No file has the column nothing"),
        ({"keep": [*KEEP, "family"]}, ConfigError, "to be replaced and to be kept"),
        ({"project": " "}, ConfigError, "Name the project"),
        ({"ids": {}}, ConfigError, "at least one id"),
        ({"ids": {"family": ["nobody"]}, "keep": []}, DataError, "none of the ids"),
        ({"ages": {"child_age": ("start", "geboren")}, "keep": ["date"]}, DataError, "later than"),
        ({"ages": {"child_age": ("achternaam", "start")}}, DataError, "no whole date"),
        ({"ages": {"family": ("geboren", "start")}}, ConfigError, "Two ways"),
        ({"key_file": None}, ConfigError, "There is no key"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    options: dict[str, object], error: type[Exception], said: str, exports: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said) as caught:
        run(exports, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    assert "Jansen" not in str(caught.value)


def test_insisting_and_the_environment(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPG_PSEUDONYM_KEY", (tmp_path / "key").read_text())
    run(exports, tmp_path / "out", key_file=None, keep_as_is=["verslag"])
    assert REMARK in (tmp_path / "out" / "episodes.csv").read_text()
    with pytest.raises(ConfigError, match="is there already"):
        run(exports, tmp_path / "out")
    with pytest.raises(ConfigError, match="over itself"):
        run(exports, exports, replace=True)


@pytest.mark.skipif(os.name != "posix", reason="rights of files are another thing there")
def test_a_key_that_others_may_read_is_refused(exports: Path, tmp_path: Path) -> None:
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        run(exports, tmp_path / "out")


def test_from_the_command_line(exports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pseudonymise", "--new-key", str(tmp_path / "k")]) == 0
    command = ["pseudonymise", str(exports / "episodes.csv"), "--output", str(tmp_path / "out")]
    command += ["--project", "p", "--key", str(tmp_path / "k"), "--id", "family", "--id", "helper=worker"]
    command += ["--age", "child_age=geboren@start", "--region", "region=postcode", "--keep", "start"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "left out: episode, organisation, end, child_age, achternaam, verslag" in said
    assert "Pseudonymised data are still personal data." in said
    columns = ["family", "helper", "child_age", "region", "start"]
    assert list(pd.read_csv(tmp_path / "out" / "episodes.csv").columns) == columns
    assert main(["pseudonymise", str(exports / "episodes.csv")]) == 2
    assert main([*command[:-2], "--age", "x=geboren"]) == 2
    assert "NEW=BIRTH@DATE" in capsys.readouterr().err
