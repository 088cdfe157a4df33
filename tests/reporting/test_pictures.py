import os
import struct
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.reporting.pictures import PNG, also_as_png, png_is_wanted
from mpg_research.reporting.run import fingerprint
from mpg_research.reporting.run.plan import plan_steps
from mpg_research.study import read_config


def test_png_is_wanted_while_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PNG, raising=False)
    with also_as_png(False):
        assert not png_is_wanted()
    with also_as_png(True):
        assert png_is_wanted()
    assert PNG not in os.environ
    monkeypatch.setenv(PNG, "1")
    with also_as_png(False):
        assert png_is_wanted()
    with also_as_png(True):
        pass
    assert os.environ[PNG] == "1"


def test_the_option_reaches_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def run(*_: object, **__: object) -> None:
        seen.append(png_is_wanted())
        raise KeyboardInterrupt

    monkeypatch.delenv(PNG, raising=False)
    monkeypatch.setattr("mpg_research.reporting.run.run.run_study", run)
    for options in ([], ["--png"]):
        main(["run", *options])
    assert seen == [False, True]


def test_pages_with_and_without_png_are_told_apart(study: Path) -> None:
    config = read_config(study)
    inputs = fingerprint.read_inputs(config)
    step = plan_steps(config)[0]
    prints = []
    for wanted in (False, True):
        with also_as_png(wanted):
            prints.append(fingerprint.step_fingerprint(step, inputs=inputs, notebook_sha256="0" * 64))
    assert prints[0] != prints[1]


def test_a_session_writes_png_where_it_is_asked_for(study: Path, tmp_path: Path) -> None:
    from mpg_research import describe_quality
    from mpg_research.reporting import begin

    for wanted in (False, True):
        folder = tmp_path / str(wanted)
        session = begin("01_data_quality", study=str(study), language="nl", output=str(folder))
        with also_as_png(wanted):
            session.figure(describe_quality(session.study), "measurements_by_month")
        png = folder / "figures" / "measurements_by_month.png"
        assert (folder / "figures" / "measurements_by_month.svg").exists()
        assert png.exists() == wanted
    width, _ = struct.unpack(">II", png.read_bytes()[16:24])
    assert width > 1000
