"""A real data set, read where it lies, through the whole run."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import compare_organisations, load_study
from mpg_research.analysis import GrowthRule
from mpg_research.cli import main

FOLDER = Path(__file__).resolve().parent / "claus2020"
DATA = Path(__file__).resolve().parents[3] / "shared" / "studies" / "claus2020" / "cs_claus_2020.csv"

pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="../shared/studies is not beside this clone")


@pytest.fixture
def not_public(tmp_path: Path) -> Path:
    """The same study, its two arms not declared public."""
    folder = tmp_path / "study"
    folder.mkdir()
    text = (FOLDER / "study.toml").read_text(encoding="utf-8")
    text = text.replace("../../../../shared/studies/claus2020/cs_claus_2020.csv", str(DATA))
    text = text.replace("public_groups = true", "public_groups = false")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    (folder / "bdi.toml").write_bytes((FOLDER / "bdi.toml").read_bytes())
    return folder


def test_the_data_are_read_as_they_are() -> None:
    raw = pd.read_csv(DATA)
    study = load_study(FOLDER)
    scored = study.scores.dropna(subset=["raw"])
    assert len(scored) == raw["bdi"].notna().sum()
    assert scored["raw"].sum() == raw["bdi"].sum()
    assert sorted(scored["months"].unique()) == [0, 1, 2, 3]
    assert study.organisations == ("PA", "TAU")


# lme4 1.1-31, lmerTest 3.1-3 with pbkrtest: lmer(bdi ~ wave * treatment + (1 + wave | id)), waves 0-3,
# contest(c(0, 3, 0, ...), joint = FALSE, ddf = "Kenward-Roger"): estimate, std_error, df.
CHANGE_IN_R = {"PA": (-14.14990, 2.221492, 38.12855), "TAU": (-5.757712, 2.334413, 38.07656)}
R_STOPS_EARLY = 1e-3  # relative; R's optimiser does not reach the optimum exactly


def test_the_change_per_arm_is_what_r_says() -> None:
    # R's model is a line per patient with independent residuals; the default is held to nlme elsewhere.
    result = compare_organisations(load_study(FOLDER), shape="linear", rule=GrowthRule.simple())
    rows = result.tables["adjusted_change"].data.set_index(["organisation", "months"])
    for arm, expected in CHANGE_IN_R.items():
        got = rows.loc[(arm, 3), ["estimate", "std_error", "df"]].to_numpy(dtype=float)
        np.testing.assert_allclose(got, expected, rtol=R_STOPS_EARLY)


def test_the_whole_run_ends_in_reports(tmp_path: Path, capsys) -> None:
    assert main(["run", str(FOLDER), "--output", str(tmp_path)]) == 0, capsys.readouterr()
    pages = {path.stem for path in tmp_path.rglob("*.html")}
    assert {"01_data_quality", "03_trajectories", "04_organisations", "report_funder"} <= pages
    page = next(tmp_path.rglob("nl/04_organisations.html")).read_text(encoding="utf-8")
    assert "positieve affecttraining" in page
    for path in tmp_path.rglob("*.html"):  # the study says that it is about patients
        text = re.sub(
            r"<style>.*?</style>|<code>.*?</code>|<li>Model: .*?</li>|data:image[^\"]*|font-family",
            "",
            path.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        assert re.search(r"patiënt|patient", text) or path.name.startswith("index"), path.name
        assert not re.search(r"\b(gezin|gezinnen|family|families)\b", text, re.IGNORECASE), path.name
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("manifest.json")]
    assert manifests


def test_arms_that_are_not_public_are_not_compared(not_public: Path, tmp_path: Path, capsys) -> None:
    output = tmp_path / "reports"
    comparing = ["--only", "04_organisations", "--only", "report_funder", "--only", "report_organisation"]
    chosen = ["--output", str(output), "--language", "en", *comparing]
    assert main(["run", str(not_public), *chosen]) == 0, capsys.readouterr()
    page = next(output.rglob("report_funder.html")).read_text(encoding="utf-8")
    assert "positive affect training" not in page
    page = next(output.rglob("04_organisations.html")).read_text(encoding="utf-8")
    assert "not shown here" in page
    assert not list(output.rglob("adjusted_change*.csv"))
