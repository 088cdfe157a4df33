"""What the import of nbformat leaves out, in a process of its own."""

import subprocess
import sys

SLOW = ("rfc3987_syntax", "isoduration")


def said_by(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_page_is_made_without_building_the_parsers_of_addresses() -> None:
    program = (
        "from mpg_research.reporting.nbformat_import import import_nbformat\n"
        "nbformat = import_nbformat()\n"
        "import papermill, nbconvert, sys\n"
        "nbformat.validate(nbformat.v4.new_notebook())\n"
        f"print(any(name in sys.modules for name in {SLOW!r}))"
    )
    assert said_by(program) == "False"


def test_whoever_needs_the_parsers_afterwards_gets_them() -> None:
    program = (
        "import sys, importlib.util\n"
        "from mpg_research.reporting.nbformat_import import import_nbformat\n"
        f"before = [importlib.util.find_spec(name) is None for name in {SLOW!r}]\n"
        "import_nbformat()\n"
        f"after = [importlib.util.find_spec(name) is None for name in {SLOW!r}]\n"
        "print(before == after, len(sys.meta_path) == len(set(sys.meta_path)))"
    )
    assert said_by(program) == "True True"


def test_a_notebook_that_is_wrong_is_still_refused() -> None:
    program = (
        "from mpg_research.reporting.nbformat_import import import_nbformat\n"
        "nbformat = import_nbformat()\n"
        "try:\n    nbformat.validate({'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': [{}]})\n"
        "except nbformat.ValidationError:\n    print('refused')"
    )
    assert said_by(program) == "refused"
