"""The same bytes however a run is made: at once, in turn, without fork, on a cluster, killed and resumed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import joblib
import pytest

from mpg_research.reporting.run.run import run_study
from mpg_research.reporting.warm.pool import FORK
from tests.reporting.conftest import write_study
from tests.reporting.notebook_makers import WRITE_TABLE, make_notebook

#: Changes of the process that the next page must not see, and a page that tells whether it does.
SPOILS = """\
import os, sys, warnings
os.chdir("/"); os.environ["MPG_SPOILED"] = "1"; sys.path.insert(0, "/nowhere"); spoiled = True
import matplotlib; matplotlib.rcParams["figure.dpi"] = 7
import numpy; numpy.seterr(all="ignore"); numpy.random.seed(1); warnings.simplefilter("ignore")
"""
SHOWS = """\
import os, sys
import numpy, matplotlib
traces = [os.environ.get("MPG_SPOILED"), os.getcwd() == "/", "/nowhere" in sys.path, "spoiled" in globals()]
traces += [matplotlib.rcParams["figure.dpi"], numpy.geterr()["divide"]]
sentence(str(traces));
sentence(str(traces))
"""
ONLY = ["01_data_quality", "report_funder", "report_organisation"]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study", languages='"nl", "en"')


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    for name in ONLY:
        make_notebook(folder, name, SHOWS, WRITE_TABLE, SPOILS)
    return folder


#: What tells of the times of a run, and, beside the folders of recipients, of what the last run changed.
OF_A_RUN = {".lock", "manifest.json", "ro-crate-metadata.json"}
OF_THE_LAST_RUN = {"small/.last-run.json", "small/index.html", "small/index.en.html"}


def pages_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in OF_A_RUN
    }


def passed_on(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in pages_in(folder).items() if name not in OF_THE_LAST_RUN}


def test_one_after_the_other_at_once_and_without_fork_give_the_same_bytes(
    study: Path, notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(name: str, jobs: int) -> dict[str, bytes]:
        summary = run_study(
            study, reports=tmp_path / name, jobs=jobs, notebooks=notebooks, allow_modified=True
        )
        assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
        return pages_in(tmp_path / name)

    alone = run("alone", 1)
    assert len([name for name in alone if name.endswith("data_quality.html")]) == 2
    assert run("at once", 3) == alone
    monkeypatch.setenv(FORK, "0")
    assert run("in turn", 2) == alone
    page = alone["small/funder/en/report_funder.html"].decode()
    assert "[None, False, False, False, 100.0, " in page.replace("&#x27;", "'")


def test_a_dask_cluster_gives_the_same_bytes(study: Path, notebooks: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (an optional extra)")
    options = {
        "notebooks": notebooks,
        "allow_modified": True,
        "only": ["report_organisation", "report_funder"],
    }
    run_study(study, reports=tmp_path / "here", **options)
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        summary = run_study(study, reports=tmp_path / "there", **options)
    assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
    assert pages_in(tmp_path / "there") == pages_in(tmp_path / "here")


def test_a_page_whose_process_dies_leaves_the_others(study: Path, notebooks: Path, tmp_path: Path) -> None:
    code = "import os\nif language == 'nl':\n    os._exit(1)\nsentence('Een zin.')"
    make_notebook(notebooks, "report_organisation", code)
    summary = run_study(study, reports=tmp_path / "out", notebooks=notebooks, allow_modified=True)
    died = [outcome for outcome in summary.outcomes if outcome.status == "failed"]
    assert {(outcome.step.notebook, outcome.step.language) for outcome in died} == {
        ("report_organisation", "nl")
    }
    assert all("kernel died" in outcome.reason for outcome in died)
    assert summary.count("ok") == len(summary.outcomes) - len(died)


def test_a_cell_that_takes_too_long_is_stopped(
    study: Path, notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mpg_research.reporting.run.works.CELL_TIMEOUT", 2.0)
    make_notebook(notebooks, "report_funder", "import time\nwhile True:\n    time.sleep(0.1)")
    summary = run_study(
        study, reports=tmp_path / "out", notebooks=notebooks, only=["report_funder"], allow_modified=True
    )
    assert [outcome.status for outcome in summary.outcomes] == ["failed", "failed"]
    assert all("took longer than" in outcome.reason for outcome in summary.outcomes)


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_killed_at_random_moments_and_resumed_gives_the_same_bytes_and_no_page_twice(
    study: Path, notebooks: Path, tmp_path: Path
) -> None:
    run_study(study, reports=tmp_path / "whole", notebooks=notebooks, jobs=2, allow_modified=True)
    made: Counter[str] = Counter()
    rng = random.Random(5)
    out = tmp_path / "killed"
    done: dict[str, str] = {}
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(study), str(out), str(notebooks)],
            stdout=subprocess.DEVNULL,
        )
        while len(started(out)) <= len(done) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.5))
        process.send_signal(signal.SIGKILL)
        finished = process.wait() == 0
        for name, at in started(out).items():
            if done.get(name) != at:
                made[name] += 1
                done[name] = at
        for path in out.rglob("*.html"):
            assert path.read_text(encoding="utf-8").rstrip().endswith("</html>"), "no half-written page"
        if finished:
            break
    assert run_study(study, reports=out, notebooks=notebooks, allow_modified=True).exit_code == 0
    assert set(made.values()) == {1}, "what was published is not made again"
    assert passed_on(out) == passed_on(tmp_path / "whole")
    assert not (out / "small" / ".staging").exists()


#: A run in a process of its own.
PROGRAM = """\
import sys
from mpg_research.reporting.run.run import run_study
options = {"notebooks": sys.argv[3], "allow_modified": True, "jobs": 2}
sys.exit(run_study(sys.argv[1], reports=sys.argv[2], **options).exit_code)
"""


def started(out: Path) -> dict[str, str]:
    """By step: when it was made, as its manifest has it, to the byte of its entry."""
    found = {}
    for path in out.rglob("manifest.json"):
        for name, entry in json.loads(path.read_bytes())["steps"].items():
            found[f"{path.parent.name}/{name}"] = json.dumps(entry["run"])
    return found
