"""One export per organisation becomes many sources of one table; who helps comes from names, with a mark."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.study import begin_study, check_study, load_study
from tests.study.begin.exports import ITEMS, example_tables, random_export
from tests.study.begin.test_random_exports import corrected, scores_of

ORGANISATIONS = ("brinkelaar", "hazelgaard", "merelstroom", "tjalkmeer", "vlierdonk", "zonnewaerd")


def stayed() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The example without the families that moved: with ids of two parts those are two families."""
    episodes, measurements = example_tables(100)
    at = episodes.groupby("family")["organisation"].nunique()
    kept = set(at.index[at == 1])
    return episodes[episodes["family"].isin(kept)], measurements[measurements["family"].isin(kept)]


def cut(folder: Path, *, restarting: bool) -> list[Path]:
    """Two files per organisation, in three dialects, without a column that says who helps."""
    episodes, measurements = stayed()
    folder.mkdir(parents=True)
    files = []
    for number, organisation in enumerate(ORGANISATIONS):
        helped = episodes[episodes["organisation"] == organisation].drop(columns="organisation")
        filled = measurements[measurements["family"].isin(helped["family"])]
        if restarting:
            ids = {
                family: str(place) for place, family in enumerate(dict.fromkeys(helped["family"]), start=1)
            }
            helped = helped.assign(family=helped["family"].map(ids))
            filled = filled.assign(family=filled["family"].map(ids))
        names = {item: f"OBVLK_{place}" for place, item in enumerate(ITEMS, start=1)} | {"date": "Datum"}
        for name, frame in (("trajecten", helped), ("obvlk", filled.rename(columns=names))):
            frame = frame.rename(columns={"family": "Clientnr", "start": "Begindatum", "end": "Einddatum"})
            file = folder / f"{name}_{organisation}.{'xlsx' if number == 5 else 'csv'}"
            if file.suffix == ".xlsx":
                frame.to_excel(file, index=False)
            else:
                frame.to_csv(
                    file, index=False, sep=",;\t"[number % 3], encoding=("utf-8", "utf-16")[number % 2]
                )
            files.append(file)
    return files


@pytest.mark.parametrize("restarting", [False, True])
def test_exports_by_organisation_are_sources_of_two_tables(tmp_path: Path, restarting: bool) -> None:
    begun = begin_study(tmp_path / "s", cut(tmp_path / "f", restarting=restarting))
    config = tomllib.loads((begun.folder / "study.toml").read_text(encoding="utf-8"))
    sources = config["tables"]["episodes"]["sources"]
    assert [each["constants"]["organisation"] for each in sources] == list(ORGANISATIONS)
    assert begun.as_text().count("taken from the name of the file") >= len(ORGANISATIONS)  # never silently
    report = check_study(begun.folder)
    assert report.ok, report.as_text()
    episodes, measurements = stayed()
    study = load_study(begun.folder)
    assert study.tables["episodes"]["family"].nunique() == episodes["family"].nunique()
    counted = study.tables["episodes"].groupby("organisation")["family"].nunique()
    assert counted.to_dict() == episodes.groupby("organisation")["family"].nunique().to_dict()
    whole = tmp_path / "whole"
    whole.mkdir()
    for name, frame in (("episodes", episodes), ("measurements", measurements)):
        frame.to_csv(whole / f"{name}.csv", index=False)
    (whole / "study.toml").write_text(
        '[study]\nname = "whole"\n[tables.episodes]\nfile = "episodes.csv"\n[tables.measurements]\n'
        'file = "measurements.csv"\nconstants = { instrument = "obvl_k" }\n'
    )
    wanted = scores_of(whole)
    got = scores_of(begun.folder)
    if restarting:  # other ids, the same scores
        assert sorted(got["raw"].dropna()) == sorted(wanted["raw"].dropna())
    else:
        pd.testing.assert_frame_equal(got, wanted)


def test_an_answer_to_every_question_is_taken_over(tmp_path: Path) -> None:
    """--ask: what is doubtful is asked, and what is answered bears no mark any more."""
    truth = random_export(tmp_path / "f", 0, *example_tables(20))
    asked: list[str] = []

    def ask(question: str, options: object) -> str:
        asked.append(question)
        if '"moeder"' in question:
            return "first_parent"
        return "second_parent" if '"vader"' in question else ""

    begun = begin_study(tmp_path / "s", truth.files, ask=ask)
    assert any('"moeder"' in question for question in asked)
    _, changes = corrected((begun.folder / "study.toml").read_text(encoding="utf-8"), truth)
    assert changes == []


def test_copies_are_for_the_owner_only(tmp_path: Path) -> None:
    truth = random_export(tmp_path / "f", 3, *example_tables(20))
    begun = begin_study(tmp_path / "s", truth.files, copy=True)
    assert (begun.folder.stat().st_mode & 0o077) == 0
    for file in begun.made:
        assert (file.stat().st_mode & 0o077) == 0, file
    for copy, original in zip(sorted((begun.folder / "exports").iterdir()), sorted(truth.files), strict=True):
        assert copy.read_bytes() == original.read_bytes()
    config = tomllib.loads((begun.folder / "study.toml").read_text(encoding="utf-8"))
    assert config["tables"]["episodes"]["file"].startswith("exports/")


def test_a_questionnaire_that_is_not_known_is_never_guessed(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows = ["client,organisatie,begindatum,datum," + ",".join(f"vraag_{item}" for item in range(1, 26))]
    for family in range(1, 31):
        shown = ",".join(str(answer) for answer in rng.integers(0, 3, 25))
        rows.append(f"K{family},linde,2024-01-10,2024-02-{1 + family % 28:02d},{shown}")
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    begun = begin_study(tmp_path / "s", [tmp_path / "a.csv"])
    described = (begun.folder / "my_questionnaire.toml").read_text(encoding="utf-8")
    assert tomllib.loads(described)["items"] == {"number": 25, "minimum": 0, "maximum": 2, "reverse": []}
    assert tomllib.loads(described)["direction"] == "?"
    assert "never guessed" in begun.as_text()
    assert sorted(begun.proposal.tables) == ["episodes", "measurements"]  # one file serves both
