"""The faces of the packages: what is public stands once, is there, is typed, and loads nothing early."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FACES = (
    "mpg_research",
    *(
        f"mpg_research.{name}"
        for name in ("analysis", "study", "present", "disclosure", "reporting", "instruments")
    ),
)
EAGER = ("mpg_research.mixed", "mpg_research.statistics")


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
