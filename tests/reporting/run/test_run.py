"""The machinery of a run, on a small study and with notebooks that only show a sentence."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from mpg_research.errors import ConfigError, MpgError
from mpg_research.reporting.run.run import RunSummary, run_study
from mpg_research.study import safe_folder_name
from tests.reporting.conftest import ORGANISATIONS
from tests.reporting.notebook_makers import WRITE_TABLE, make_all_notebooks, make_notebook

KINDS = ["01_data_quality", "report_funder", "report_organisation"]
STEPS = 2 + len(ORGANISATIONS)
#: Environment variable that a run started here hands down to its kernels.
_MARK = "MPG_TEST_RUN"


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def statuses(summary: RunSummary) -> dict[str, str]:
    return {outcome.step.name: outcome.status for outcome in summary.outcomes}


def test_a_whole_run_then_nothing_to_do_and_the_same_bytes_again(
    run: Callable[..., RunSummary], tmp_path: Path
) -> None:
    first = run(only=KINDS)
    assert first.exit_code == 0
    assert first.count("ok") == STEPS, [outcome.reason for outcome in first.outcomes]
    folder = tmp_path / "reports" / "small"
    recipients = {path.name for path in folder.iterdir() if path.is_dir()}
    assert recipients == {"researcher", "funder", *map(safe_folder_name, ORGANISATIONS)}
    before = files_in(folder)
    own = {name for name in before if name.startswith("org_a/")}
    assert own == {
        "org_a/index.html",
        "org_a/manifest.json",
        "org_a/outputs.json",
        "org_a/ro-crate-metadata.json",
        "org_a/nl/report_organisation.html",
        "org_a/nl/notebooks/report_organisation.ipynb",
        "org_a/nl/tables/report_organisation/flow.csv",
    }

    overview = first.index.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r'href="([^"]+)"', overview)]
    assert all((folder / link).is_file() for link in links if link)
    assert len({link for link in links if "/nl/" in link}) == STEPS
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in overview
    assert "niet doorgeven" in overview

    assert run(only=KINDS).count("up to date") == STEPS
    assert files_in(folder) == before, "a run with nothing to do writes nothing"

    again = run(reports=tmp_path / "elsewhere", only=["report_organisation"], jobs=1)
    assert again.exit_code == 0
    other = files_in(tmp_path / "elsewhere" / "small")
    assert len([name for name in other if name.endswith("report_organisation.html")]) == len(ORGANISATIONS)
    overview = {"index.html", ".last-run.json"}  # what the last run made, and changed
    different = {name for name in other if before[name] != other[name] and name not in overview}
    assert {Path(name).name for name in different} <= {"manifest.json", "ro-crate-metadata.json"}, (
        "only the record tells the runs apart"
    )


def test_the_manifest_says_what_went_in_and_what_came_out(
    run: Callable[..., RunSummary], tmp_path: Path
) -> None:
    run(only=["01_data_quality"])
    folder = tmp_path / "reports" / "small" / "researcher"
    entry = json.loads((folder / "manifest.json").read_bytes())["steps"]["nl/01_data_quality"]
    assert set(entry["inputs"]["data"]) == {"episodes.csv", "measurements.csv"}
    assert set(entry["inputs"]["settings"]) == {"study.toml"}
    assert entry["results"]["fit_trajectory"]["sample_flow"] == [{"step": "read", "n_families": 20}]
    assert entry["shown"]["T-00000"]["name"] == "flow"
    assert entry["parameters"] == {"language": "nl"}
    assert {"mpg_research", "python", "pandas"} <= set(entry["versions"])
    assert set(entry["run"]) == {"started", "seconds"}, "nothing of the machine"
    assert entry["run"]["seconds"] > 0
    assert entry["notebook_is"] == "modified"
    assert str(tmp_path) not in json.dumps(entry), "no paths of this machine"


def test_an_organisation_cannot_work_out_the_hashes_that_order_the_labels(
    run: Callable[..., RunSummary], tmp_path: Path
) -> None:
    run(only=["01_data_quality", "report_organisation"])
    folder = tmp_path / "reports" / "small"
    inputs = [
        next(iter(json.loads((folder / name / "manifest.json").read_bytes())["steps"].values()))["inputs"]
        for name in ("researcher", "org_a", "org_b")
    ]
    assert len({entry["data"]["episodes.csv"] for entry in inputs}) == 3


def test_a_change_is_noticed_by_content(
    run: Callable[..., RunSummary], study: Path, notebooks: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "reports" / "small" / "funder"
    table = folder / "nl" / "tables" / "report_funder" / "flow.csv"

    def make() -> str:
        (outcome,) = run(only=["report_funder"]).outcomes
        return outcome.status

    assert (make(), make()) == ("ok", "up to date")
    os.utime(study / "episodes.csv", (0, 0))
    assert make() == "up to date", "a new time stamp is no change"
    append(study / "episodes.csv", "F99,org_a,w1,2024-01-01,,\n")
    assert make() == "ok", "data"
    append(study / "study.toml", "# a remark\n")
    assert make() == "ok", "settings"
    append(folder / "nl" / "report_funder.html", "<p>mended by hand</p>")
    assert make() == "ok", "a published page"
    (folder / "manifest.json").write_text("{")
    assert make() == "ok", "the record"
    assert table.exists()
    make_notebook(notebooks, "report_funder", 'sentence("Een andere zin.")')
    assert make() == "ok", "the notebook"
    assert "Een andere zin." in (folder / "nl" / "report_funder.html").read_text(encoding="utf-8")
    assert not table.exists(), "files that a step no longer makes are removed"
    assert run(only=["report_funder"], force=True).count("ok") == 1


def test_one_failing_notebook_does_not_stop_the_others(
    run: Callable[..., RunSummary], notebooks: Path, tmp_path: Path
) -> None:
    code = "from mpg_research.errors import ModelError; raise ModelError('The model has no answer.')"
    make_notebook(notebooks, "report_funder", code)
    summary = run(only=["01_data_quality", "report_funder", "02_measurement"])
    assert summary.exit_code == 7
    assert summary.count("ok") == 2
    failed = [outcome for outcome in summary.outcomes if outcome.status == "failed"]
    assert [outcome.reason for outcome in failed] == ["The model has no answer."]
    assert not (tmp_path / "reports" / "small" / "funder").exists()
    assert "funder/nl/report_funder.html" not in summary.index.read_text(encoding="utf-8")


def test_a_failed_report_keeps_the_last_good_one_but_counts_as_due(
    run: Callable[..., RunSummary], notebooks: Path, tmp_path: Path
) -> None:
    run(only=["report_funder"])
    page = tmp_path / "reports" / "small" / "funder" / "nl" / "report_funder.html"
    before = page.read_bytes()
    make_notebook(notebooks, "report_funder", "1 / 0")
    assert run(only=["report_funder"]).count("failed") == 1
    assert page.read_bytes() == before
    assert run(only=["report_funder"]).count("failed") == 1


def test_a_report_that_names_another_organisation_is_not_published(
    run: Callable[..., RunSummary], notebooks: Path, tmp_path: Path
) -> None:
    make_notebook(notebooks, "report_organisation", 'sentence("Beter dan <b>Lin</b>de.")')
    summary = run(only=["report_organisation"])
    assert statuses(summary) == {
        "org_a/nl/report_organisation": "ok",
        **{
            f"{safe_folder_name(key)}/nl/report_organisation": "failed"
            for key in ORGANISATIONS
            if key != "org_a"
        },
    }
    assert {path.name for path in (tmp_path / "reports" / "small").iterdir() if path.is_dir()} == {"org_a"}


def test_what_did_not_go_through_the_gate_is_not_published(
    run: Callable[..., RunSummary], notebooks: Path, tmp_path: Path
) -> None:
    make_notebook(notebooks, "01_data_quality", "print('family F01: 12 12 14')")
    summary = run(only=["01_data_quality"])
    assert "disclosure gate" in summary.outcomes[0].reason
    assert not (tmp_path / "reports" / "small" / "researcher").exists()


def test_hostile_names_stay_text_and_inside_the_folder(
    run: Callable[..., RunSummary], tmp_path: Path
) -> None:
    summary = run(only=["report_organisation"])
    assert summary.exit_code == 0
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "reports").rglob("*.html")]
    assert not any("<script" in page for page in pages)
    assert any("&lt;script&gt;alert(1)" in page for page in pages)
    assert not (tmp_path / "etc").exists()
    assert not (tmp_path.parent / "etc").exists()


def test_organisations_that_study_toml_does_not_declare_get_their_report_too(
    run: Callable[..., RunSummary], study: Path, tmp_path: Path
) -> None:
    path = study / "study.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"\[organisations.*\nname = .*\n", "", text), encoding="utf-8")
    summary = run(organisation=["org_a"])
    assert statuses(summary) == {"org_a/nl/report_organisation": "ok"}
    assert statuses(run(organisation=["org_a"])) == {"org_a/nl/report_organisation": "up to date"}


def test_choosing_what_to_make(run: Callable[..., RunSummary]) -> None:
    assert list(statuses(run(organisation=["org_a"]))) == ["org_a/nl/report_organisation"]
    with pytest.raises(ConfigError, match=r'no notebook .report_funders.\..* Did you mean "report_funder"'):
        run(only=["report_funders"])
    with pytest.raises(ConfigError, match="no organisation 'org_z'"):
        run(organisation=["org_z"])
    with pytest.raises(ConfigError, match="no language 'en'"):
        run(language=["en"])
    with pytest.raises(ConfigError, match="Leave one of the two out"):
        run(organisation=["org_a"], only=["report_funder"])
    with pytest.raises(ConfigError, match="--jobs is 0"):
        run(jobs=0)


@pytest.mark.parametrize("fault", ["a missing file", "a wrong score", "a typing error"])
def test_a_study_that_cannot_be_used_starts_no_kernel_and_writes_nothing(
    run: Callable[..., RunSummary], study: Path, tmp_path: Path, fault: str
) -> None:
    if fault == "a missing file":
        (study / "measurements.csv").unlink()
    elif fault == "a wrong score":
        path = study / "measurements.csv"
        path.write_text(path.read_text(encoding="utf-8").replace("-05,1,", "-05,9,", 1), encoding="utf-8")
    else:
        path = study / "study.toml"
        path.write_text(path.read_text(encoding="utf-8").replace("months", "moths"), encoding="utf-8")
    with pytest.raises(MpgError):
        run()
    assert not (tmp_path / "reports").exists()


def test_reports_are_not_written_among_raw_files(study: Path, notebooks: Path, tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    study.rename(tmp_path / "small" / "raw")
    with pytest.raises(ConfigError, match="study's own file"):
        run_study(tmp_path / "small" / "raw", reports=tmp_path, notebooks=notebooks, allow_modified=True)


def test_a_killed_run_leaves_whole_files_and_the_next_goes_on(
    study: Path, tmp_path: Path, run: Callable[..., RunSummary]
) -> None:
    make_all_notebooks(tmp_path / "notebooks", 'sentence("Een zin.")', WRITE_TABLE)
    reports = tmp_path / "reports" / "small"
    with started(study, tmp_path, "--only", "report_organisation", "--only", "report_funder") as process:
        wait_until(lambda: len(list(reports.rglob("manifest.json"))) >= 1, process)
        process.kill()
        process.wait()
    recorded = {
        f"{path.parent.name}/{name}"
        for path in reports.rglob("manifest.json")
        for entry in json.loads(path.read_bytes())["steps"].values()
        for name in entry["outputs"]
    }
    for path in reports.rglob("*.html"):
        assert path.read_text(encoding="utf-8").endswith("</html>\n"), "no half-written page"
    assert recorded
    summary = run(only=["report_organisation", "report_funder"])
    assert summary.exit_code == 0
    assert summary.count("up to date") >= 1, "what was finished is not made again"
    assert summary.count("ok") >= 1
    assert not (reports / ".staging").exists()


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_kernels_and_says_how_to_go_on(
    study: Path, tmp_path: Path, number: signal.Signals
) -> None:
    marker = tmp_path / "kernel.pid"
    code = f"import os, time; open({str(marker)!r}, 'w').write(str(os.getpid())); time.sleep(3600)"
    make_all_notebooks(tmp_path / "notebooks", code)
    with started(study, tmp_path) as process:
        wait_until(lambda: marker.exists() and marker.read_text() != "", process)
        process.send_signal(number)
        _, told = process.communicate()
        assert process.returncode == 130
        assert "goes on where this run stopped" in told
        assert "Traceback" not in told
        assert not is_running(int(marker.read_text())), "the kernel ended before the run did"
    assert [path.name for path in (tmp_path / "reports" / "small").iterdir()] == [".lock"]


@contextmanager
def started(study: Path, tmp_path: Path, *options: str) -> "Iterator[subprocess.Popen[str]]":
    """`mpg run` in a process of its own, on the small notebooks; it and its kernels are gone afterwards."""
    code = (
        "import signal, sys\nfrom mpg_research import cli\n"
        # A parent that runs in the background may have told its children to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from mpg_research.reporting.store import inputs\n"
        "code = dict.fromkeys(inputs.CODE, '0' * 64)\n"
        "inputs._hash_package = lambda *files: (code, {})\n"
        f"options = ['--output', {str(tmp_path / 'reports')!r}, '--jobs', '1', *{list(options)!r}]\n"
        f"options += ['--notebooks', {str(tmp_path / 'notebooks')!r}, '--allow-modified']\n"
        f"sys.exit(cli.main(['run', {str(study)!r}, *options]))\n"
    )
    mark = str(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, _MARK: mark},
    )
    with process:
        try:
            yield process
        finally:
            end_all(mark)


def end_all(mark: str) -> None:
    """End every process that carries the mark of a run: the run itself, and kernels it may have left."""
    for found in psutil.process_iter():
        with suppress(psutil.Error):
            if found.environ().get(_MARK) == mark:
                found.kill()


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def wait_until(true: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait as long as it takes, as long as the process lives that is to bring it about."""
    while not true():
        alive = process.poll() is None
        assert alive or true(), f"the run ended ({process.returncode}) before what was waited for"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
