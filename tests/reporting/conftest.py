from collections.abc import Callable
from pathlib import Path

import pytest

from mpg_research.reporting.run.run import RunSummary, run_study
from mpg_research.reporting.store.inputs import CODE
from tests.reporting.notebook_makers import make_all_notebooks

#: Keys as an export may hold them, and the name each organisation goes by.
ORGANISATIONS = {
    "org_a": "Linde",
    "org_b": "Wilgenhof",
    "../../etc": "<script>alert(1)</script>",
    "Noord & Co": "Noord",
}
FAMILIES_EACH = 3
ITEMS = [f"item_{number:02d}" for number in range(1, 11)]


def write_study(folder: Path, *, languages: str = '"nl"') -> Path:
    """A study that loads in a moment: a few families in organisations with friendly and hostile names."""
    folder.mkdir(parents=True)
    declared = "\n".join(f"[organisations.'{key}']\nname = '{name}'" for key, name in ORGANISATIONS.items())
    (folder / "study.toml").write_text(
        f"""\
[study]
name = "small"
title = {{ nl = "Kleine studie", en = "Small study" }}
languages = [{languages}]
synthetic = true
export_date = 2025-12-31
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = {{ instrument = "obvl_k" }}
{declared}
[analysis]
months = [0, 2]
primary_month = 2
""",
        encoding="utf-8",
    )
    keys = [key for key in ORGANISATIONS for _ in range(FAMILIES_EACH)]
    episodes = ["family,organisation,worker,start,end,end_reason"]
    episodes += [f"F{row:02d},{key},w1,2024-01-01,," for row, key in enumerate(keys)]
    measurements = [",".join(["family", "respondent", "date", *ITEMS])]
    measurements += [
        ",".join([f"F{row:02d}", "first_parent", f"2024-0{month}-05", *[str(1 + (row + month) % 4)] * 10])
        for row in range(len(keys))
        for month in (1, 2, 3)
    ]
    (folder / "episodes.csv").write_text("\n".join(episodes) + "\n", encoding="utf-8")
    (folder / "measurements.csv").write_text("\n".join(measurements) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _package_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever edits the package while its tests run does not make steps due in the middle of a test."""
    code = dict.fromkeys(CODE, "0" * 64)
    monkeypatch.setattr("mpg_research.reporting.store.inputs._hash_package", lambda *files: (code, {}))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study")


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    return make_all_notebooks(tmp_path / "notebooks")


@pytest.fixture
def run(study: Path, notebooks: Path, tmp_path: Path) -> Callable[..., RunSummary]:
    def call(**options: object) -> RunSummary:
        given = {"reports": tmp_path / "reports", "notebooks": notebooks, "allow_modified": True}
        return run_study(study, **{**given, **options})

    return call
