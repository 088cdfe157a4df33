"""The faces of the packages: what is public stands once, is there, is typed, and loads nothing early."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).resolve().parents[1]
FACES = (
    "mpg_research",
    *(
        f"mpg_research.{name}"
        for name in (
            "analysis",
            "study",
            "present",
            "disclosure",
            "reporting",
            "reporting.run",
            "instruments",
        )
    ),
)
EAGER = ("mpg_research.mixed", "mpg_research.statistics")

#: What a caller gets from a call of each verb that a notebook makes.
CALLS = {
    "fit_trajectory(study)": "mpg_research.analysis.growth.trajectory.TrajectoryFit",
    "compare_organisations(study)": "mpg_research.analysis.organisations.compare.OrganisationComparison",
    "reliable_change(study)": "mpg_research.analysis.families.change.IndividualChange",
    "load_study('folder')": "mpg_research.study.model.Study",
    "fit_mixed('y ~ x + (1 | g)', frame)": "mpg_research.mixed.result.MixedFit",
    "release(fit_trajectory(study), audience, policy=policy_of(study))": (
        "mpg_research.disclosure.released.Released"
    ),
}


@pytest.mark.parametrize("face", FACES)
def test_the_list_for_type_checkers_is_the_list_of_the_face(face: str) -> None:
    module = importlib.import_module(face)
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = [
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        for line in node.names
    ]
    listed = [line.name for line in lines if line.name not in {"TYPE_CHECKING", "public_names"}]
    assert [line.asname for line in lines if line.asname] == listed, "each name is repeated: 'import x as x'"
    assert sorted(listed) == module.__all__ == dir(module)
    for name in listed:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'unheard_of'"):
        module.unheard_of  # noqa: B018


def test_importing_the_faces_loads_nothing_heavy() -> None:
    code = (
        f"import sys, {', '.join(FACES)}; "
        "heavy = {'pandas', 'numpy', 'scipy', 'matplotlib', 'pydantic', 'papermill'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_type_checkers_know_what_every_public_name_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One run of mypy, on the settings and the cache of ``make check``."""
    monkeypatch.chdir(ROOT)
    names = [f"{face}.{name}" for face in (*FACES, *EAGER) for name in importlib.import_module(face).__all__]
    program = [
        "from mpg_research import Audience, Study, compare_organisations, fit_mixed, fit_trajectory",
        "from mpg_research import load_study, policy_of, release, reliable_change",
        "import pandas as pd",
        *(f"import {face}" for face in (*FACES, *EAGER)),
        "def asked(study: Study, frame: pd.DataFrame, audience: Audience) -> None:",
        *(f"    reveal_type({call})" for call in CALLS),
        *(f"    reveal_type({name})" for name in names),
    ]
    script = tmp_path / "uses_the_faces.py"
    script.write_text("\n".join(program), encoding="utf-8")
    output, errors, _ = api.run(["--no-error-summary", str(script)])
    assert not errors
    revealed = re.findall(r'note: Revealed type is "(.*)"$', output, flags=re.MULTILINE)
    assert len(revealed) == len(CALLS) + len(names), output
    assert dict(zip(CALLS, revealed, strict=False)) == CALLS
    untold = {
        name: shown
        for name, shown in zip(names, revealed[len(CALLS) :], strict=True)
        if shown == "Any" or shown.endswith("-> Any")
    }
    assert untold == {}
    assert re.findall(rf"^{re.escape(str(script))}:\d+: error: .*$", output, flags=re.MULTILINE) == []
