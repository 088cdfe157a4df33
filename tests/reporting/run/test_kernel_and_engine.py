"""The engine gives what a kernel gives: the notebooks of the package, and cells that no report has."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4
from papermill.exceptions import PapermillExecutionError

from mpg_research.reporting.notebooks import find_notebooks
from tests.reporting.notebook_makers import make_notebook
from tests.reporting.run.apart import run_apart
from tests.reporting.run.kernels import run_in_kernel

#: Cells of which RUN, and the differences there are: the file's name in a warning, the class of the shell.
ODD_CELLS = {
    "nothing": "",
    "None": "None",
    "a value": "1 + 1",
    "a semicolon": "1 + 1;",
    "the value before": "_, Out",
    "several values": "1\n2\n'three'",
    "unicode": "print('gezinnen – één, 日本, \\U0001f468'); 'é'",
    "prints without an end": "print('a', end=''); print('b'); print()",
    "prints around a display": "print('before'); display(1); print('after')",
    "both streams": "import sys; print('out'); print('err', file=sys.stderr)",
    "a carriage return": "print('50 %\\r100 %')",
    "many lines": "print('\\n'.join(str(number) for number in range(20000)))",
    "many displays": "for number in range(200): display(number)",
    "html": "from IPython.display import HTML, Markdown, Math, SVG\nHTML('<b>x</b>')",
    "markdown and mathematics": "display(Markdown('*a*'), Math('x^2'))",
    "svg": "SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>')",
    "raw": "display({'text/plain': 'x', 'application/json': {'a': [1, 2.5, None]}}, raw=True)",
    "metadata": "display({'text/plain': 'x'}, raw=True, metadata={'mine': {'a': 1}})",
    "a mime bundle": (
        "class A:\n    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        return {'text/html': '<i>a</i>', 'text/plain': 'a'}, {'own': True}\nA()"
    ),
    "bytes as a picture": (
        "from IPython.display import Image\nimport base64\n"
        "Image(base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YA'"
        "'AAAASUVORK5CYII='))"
    ),
    "a frame": "import pandas as pd; pd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
    "a handle": "handle = display('first', display_id='mine')",
    "an update from another cell": "handle.update('second')",
    "an id twice": "display('third', display_id='mine')",
    "cleared": "from IPython.display import clear_output\nprint('gone'); clear_output(); print('stays')",
    "cleared when more comes": "print('gone'); clear_output(wait=True); display('stays')",
    "cleared with nothing after": "print('stays'); clear_output(wait=True)",
    "captured": "%%capture caught\nprint('x'); display(1); 2",
    "what was captured": "caught.stdout, len(caught.outputs)",
    "captured in code": (
        "from IPython.utils.capture import capture_output\n"
        "with capture_output() as held:\n    print('x')\nheld.stdout"
    ),
    "a timed line": "%time x = 3\nx",
    "awaiting": "import asyncio\nawait asyncio.sleep(0)\n'waited'",
    "an async for": "async def two():\n    yield 1\n    yield 2\n[number async for number in two()]",
    "a warning": "import warnings; warnings.warn('odd', UserWarning)",
    "the warning again": "for _ in range(2): warnings.warn('odd', UserWarning)",
    "a deprecation": "warnings.warn('old', DeprecationWarning)",
    "logging": "import logging; logging.warning('logged'); logging.getLogger('a.b').error('too')",
    "a system command": "!echo from outside",
    "a captured command": "lines = !printf 'a\\nb\\n'\nlines.n",
    "another process": "import subprocess; subprocess.run(['echo', 'from a process'], check=True).returncode",
    "a shell": "%%bash\necho from bash",
    "the descriptor itself": "import os; os.write(1, b'to the descriptor\\n');",
    "figures": (
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nfigure = plt.figure(); plt.close(figure)"
    ),
    "a magic": "%who_ls str",
    "help": "len?",
    "a type": "type(get_ipython()).__mro__[-2].__name__ != ''",
    "the main module": "import sys, __main__; __name__, __main__.__dict__ is globals(), sys.stdin.isatty()",
    "pickling": "import pickle\nclass B:\n    x = 1\npickle.loads(pickle.dumps(B())).x",
    "a traceback that is expected": "raise ValueError('expected')",
    "exit status as an error": "import sys; sys.exit(3)",
    "no input": "input('name? ')",
    "no password": "import getpass; getpass.getpass()",
    "interrupted": "raise KeyboardInterrupt",
    "no syntax": "this is no Python",
    "a representation that fails": (
        "class C:\n    def __repr__(self):\n        raise TypeError('no repr')\nC()"
    ),
    "a note": "error = ValueError('noted')\nerror.add_note('a note')\nraise error",
    "a group": "raise ExceptionGroup('several', [ValueError(1), TypeError('two')])",
    "after all that": "'still here', get_ipython().execution_count",
}
WRITES_PAST_PYTHON = {"another process": "from a process\n", "the descriptor itself": "to the descriptor\n"}
DEFAULTS = {"study": "", "language": "nl", "output": ""}
FAILS = tuple(ODD_CELLS)[tuple(ODD_CELLS).index("a traceback that is expected") : -1]


def odd_notebook(folder: Path) -> Path:
    path = make_notebook(folder, "01_data_quality")
    node = json.loads(path.read_text(encoding="utf-8"))
    for name, source in ODD_CELLS.items():
        cell = v4.new_code_cell(source, metadata={"tags": ["raises-exception"] if name in FAILS else []})
        node["cells"].append(dict(cell) | {"id": f"odd-{len(node['cells'])}"})
    path.write_text(json.dumps(node), encoding="utf-8")
    return path


def outputs(node: Any) -> dict[str, Any]:
    """Outputs and number of each odd cell, without the differences that are known."""
    marks = "papermill-error-cell-tag"
    cells = [cell for cell in node.cells if marks not in cell.metadata.get("tags", [])][-len(ODD_CELLS) :]
    return {
        name: (cell.execution_count, cell.metadata.papermill.status, [known(o) for o in joined(cell.outputs)])
        for name, cell in zip(ODD_CELLS, cells, strict=True)
    }


def joined(found: list[Any]) -> list[Any]:
    """Text of one stream in one piece: a kernel sends it in pieces, and at its end what programs wrote."""
    texts = {"stdout": "", "stderr": ""}
    others = []
    for output in found:
        if output.output_type == "stream":
            texts[output.name] += output.text
        else:
            others.append(output)
    return [*((name, text) for name, text in texts.items() if text), *others]


def known(output: Any) -> Any:
    if isinstance(output, tuple):
        name, text = output
        if "Traceback (most recent call last)" in text:
            return name, text.splitlines()[-1]
        return name, re.sub(r"(CPU times|Wall time): .*", r"\1", without_file(text))
    if output.output_type == "error":
        return output.ename, without_file(output.evalue)  # the traceback names frames of the kernel
    return output


def without_file(text: str) -> str:
    """Text in which a cell has no file name: a kernel makes one up, and it is not the same twice."""
    return re.sub(r"(?:\S*[/\\])?(?:ipykernel_\d+[/\\])?\b\d{3,}\.py\b|<ipython-input-[^>]*>", "CELL", text)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a kernel and the engine put out; both end by raising the first of the errors that are expected."""
    folder = tmp_path_factory.mktemp("odd")
    path = odd_notebook(folder)
    (ended,) = run_apart(path, into=folder / "engine")
    assert ended.what == "done"
    with pytest.raises(PapermillExecutionError):
        run_in_kernel(path, parameters=DEFAULTS, output=folder / "kernel" / path.name)
    kernel, engine = (outputs(nbformat.read(folder / one / path.name, 4)) for one in ("kernel", "engine"))
    return kernel, engine


@pytest.mark.parametrize("name", ODD_CELLS)
def test_an_odd_cell_gives_what_a_kernel_gives(odd: tuple[dict[str, Any], dict[str, Any]], name: str) -> None:
    kernel, engine = odd
    if name in WRITES_PAST_PYTHON:
        # A kernel without a terminal of its own loses this; here it stands among the outputs, and a page
        # that would have it is refused as one that prints.
        assert engine[name][2].pop(0) == ("stdout", WRITES_PAST_PYTHON[name])
    assert engine[name] == kernel[name]


@pytest.mark.parametrize("name", find_notebooks())
def test_a_notebook_of_the_package_gives_what_a_kernel_gives(name: str, tmp_path: Path) -> None:
    spec = find_notebooks()[name]
    given = {"language": "en", "output": str(tmp_path / "work")}
    values = spec.model(**given).model_dump(mode="json")
    run_in_kernel(spec.file, parameters=values, output=tmp_path / "kernel" / spec.file.name)
    files = made_files(tmp_path / "work")
    (ended,) = run_apart(spec.file, into=tmp_path / "engine", **given)
    assert ended.result == {}
    assert made_files(tmp_path / "work") == files
    kernel, engine = (timeless(tmp_path / one / spec.file.name) for one in ("kernel", "engine"))
    assert engine == kernel


def made_files(folder: Path) -> dict[str, bytes]:
    """What a notebook wrote; it is taken away."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    assert files
    shutil.rmtree(folder)
    return files


def timeless(path: Path) -> dict[str, Any]:
    """An executed notebook without times and the place where it lies."""
    node = nbformat.read(path, 4)
    for record in (node.metadata.papermill, *(cell.metadata.papermill for cell in node.cells)):
        for key in ("start_time", "end_time", "duration", "output_path"):
            record.pop(key, None)
    for cell in node.cells:
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.tags:
            cell.id = "parameters"
        if cell.cell_type == "code":
            cell.outputs = [known(output) for output in joined(cell.outputs)]
    return dict(node)
