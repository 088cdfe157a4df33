"""Pages of the public names, one per face of the package, from signatures and docstrings."""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from docs_site.docstrings import as_markdown, inline

__all__ = ["FACES", "api_pages", "page_of", "signature_of"]

#: The faces, in the order in which they are read, each with the name of its page.
FACES = {
    "mpg_research": "verbs",
    "mpg_research.study": "study",
    "mpg_research.analysis": "analysis",
    "mpg_research.mixed": "mixed",
    "mpg_research.statistics": "statistics",
    "mpg_research.instruments": "instruments",
    "mpg_research.disclosure": "disclosure",
    "mpg_research.present": "present",
    "mpg_research.reporting": "reporting",
}
_WIDTH = 88
#: Methods that the package calls by itself.
_INTERNAL = {"model_post_init", "bind"}


def api_pages() -> dict[str, str]:
    """Every page of the API, by its path below ``reference/api/``."""
    pages = {f"{page}.md": page_of(face) for face, page in FACES.items()}
    listed = [f"- [`{face}`]({page}.md): {_first_line(face)}" for face, page in FACES.items()]
    pages["index.md"] = (
        "# API\n\nMade from the docstrings: what `help()` says. The verbs of a notebook all stand in "
        "the first; "
        "the others are for whoever goes on from there. Names that are in no list here may move from "
        "one release "
        "to the next.\n\n" + "\n".join(listed) + "\n"
    )
    return pages


def page_of(face: str) -> str:
    """The page of one face: every public function and class, with its signature."""
    module = importlib.import_module(face)
    lines = [f"# `{face}`", "", as_markdown(inspect.getdoc(module) or "")]
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            lines += ["", f"## `{name}`", "", *_described(name, thing)]
        elif name != "__version__":
            lines += ["", f"## `{name}`", "", f"Constant: `{thing!r}`."]
    return "\n".join(lines) + "\n"


def _described(name: str, thing: Any) -> Iterator[str]:
    shown = signature_of(thing, name)
    if shown:
        yield from ("```python", shown, "```", "")
    yield as_markdown(_own_docstring(thing))
    if inspect.isclass(thing) and thing.__module__.startswith("mpg_research"):
        for method, function in vars(thing).items():
            if method.startswith("_") or method in _INTERNAL or not inspect.isfunction(function):
                continue
            yield from ("", f"### `{name}.{method}`", "", "```python", signature_of(function, method), "```")
            yield from ("", as_markdown(inspect.getdoc(function) or ""))


def _own_docstring(thing: Any) -> str:
    """Without what Python makes up for a dataclass without a docstring."""
    text = inspect.getdoc(thing) or ""
    return "" if text.startswith(f"{getattr(thing, '__name__', '')}(") else text


def signature_of(thing: Any, name: str) -> str:
    """Names and defaults of the arguments, as the source writes them; types stand below, in words.

    Parameters
    ----------
    thing : function or class
        What is called.
    name : str
        Under which name it is shown.

    Returns
    -------
    str
        On one line where it fits, else a line per argument.
    """
    function = thing
    if is_dataclass(thing):
        return _laid_out(name, [_field(each) for each in fields(thing) if each.init and each.name[0] != "_"])
    if inspect.isclass(thing):
        if "__init__" not in vars(thing) or "__init__" not in inspect.getsource(thing):
            return f"class {name}"
        function = vars(thing)["__init__"]
    (found,) = (
        node
        for node in ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body
        if isinstance(node, ast.FunctionDef)
    )
    taken = found.args
    for each in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg):
        if each is not None:
            each.annotation = None
    taken.args = [each for each in taken.args if each.arg not in {"self", "cls"}]
    return _laid_out(name, _arguments(taken))


def _laid_out(name: str, parts: list[str]) -> str:
    flat = f"{name}({', '.join(parts)})"
    return flat if len(flat) <= _WIDTH else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _field(each: Field[Any]) -> str:
    """A field of a dataclass; a default that is made, or has no short name, is "..."."""
    if each.default is MISSING:
        return each.name if each.default_factory is MISSING else f"{each.name}=..."
    plain = each.default is None or isinstance(each.default, str | int | float | tuple)
    return f"{each.name}={each.default!r}" if plain else f"{each.name}=..."


def _arguments(taken: ast.arguments) -> list[str]:
    plain = [*taken.posonlyargs, *taken.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(taken.defaults)) + list(taken.defaults)
    parts = [_one(each, default) for each, default in zip(plain, defaults, strict=True)]
    if taken.vararg:
        parts.append(f"*{taken.vararg.arg}")
    elif taken.kwonlyargs:
        parts.append("*")
    parts += [_one(each, default) for each, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True)]
    return [*parts, f"**{taken.kwarg.arg}"] if taken.kwarg else parts


def _one(argument: ast.arg, default: ast.expr | None) -> str:
    return argument.arg if default is None else f"{argument.arg}={ast.unparse(default)}"


def _first_line(face: str) -> str:
    return inline((inspect.getdoc(importlib.import_module(face)) or "").partition("\n")[0])
