"""Whoever asks for help on a public name learns what goes in, in which unit and shape, and what comes out."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

FACES = (
    "",
    ".analysis",
    ".study",
    ".present",
    ".disclosure",
    ".reporting",
    ".instruments",
    ".mixed",
    ".statistics",
)

#: Methods that the package calls by itself: of pydantic, and by which an engine asks a structure.
INTERNAL = {"model_post_init", "bind"}


def public() -> Iterator[tuple[str, Any]]:
    """Every public function and class, and the public methods of classes, by the name one asks for.

    A method that takes the place of one of the package's own is described where that one is.
    """
    for face in FACES:
        module = importlib.import_module(f"mpg_research{face}")
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing) and thing.__module__.startswith("mpg_research"):
                above = [base for base in thing.__mro__[1:] if base.__module__.startswith("mpg_research")]
                for method, function in vars(thing).items():
                    if any(method in vars(base) for base in above):
                        continue
                    if inspect.isfunction(function) and not method.startswith("_") and method not in INTERNAL:
                        yield f"{module.__name__}.{name}.{method}", function


PUBLIC = dict(public())
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}


def sections(thing: Any) -> dict[str, list[str]]:
    """The lines of each numpydoc section of a docstring."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    found: dict[str, list[str]] = {"": []}
    title = ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch(r"-{3,}", below) and re.fullmatch(r"\w[\w ]*", line):
            title = line
            found[title] = []
        elif not re.fullmatch(r"-{3,}", line):
            found[title].append(line)
    return found


def described(lines: list[str]) -> dict[str, tuple[str, str]]:
    """Of each argument of a Parameters section its type and what is said of it."""
    found: dict[str, tuple[str, str]] = {}
    names: list[str] = []
    for line in lines:
        if line and not line.startswith(" "):
            left, _, kind = line.partition(" : ")
            names = [name.strip().lstrip("*") for name in left.split(",")]
            found.update(dict.fromkeys(names, (kind, "")))
        else:
            found.update({name: (found[name][0], f"{found[name][1]} {line}".strip()) for name in names})
    return found


def arguments(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_everything_public_says_what_it_is() -> None:
    assert [name for name, thing in PUBLIC.items() if not "".join(sections(thing)[""]).strip()] == []


def test_every_argument_is_described_and_nothing_else() -> None:
    unlike = {}
    for name, function in FUNCTIONS.items():
        said = described(sections(function).get("Parameters", []))
        asked = arguments(function)
        wrong = [argument for argument in asked if not said.get(argument, ("", ""))[1]]
        wrong += [f"{argument} (no argument)" for argument in said if argument not in asked]
        if wrong:
            unlike[name] = wrong
    assert unlike == {}


def test_what_comes_out_is_said() -> None:
    gives = {
        name: function
        for name, function in FUNCTIONS.items()
        if arguments(function) and inspect.signature(function).return_annotation not in (None, "None")
    }
    assert [
        name for name, function in gives.items() if not "".join(sections(function).get("Returns", []))
    ] == []


def test_arrays_say_their_shape() -> None:
    silent = {}
    for name, function in FUNCTIONS.items():
        for argument, (kind, _) in described(sections(function).get("Parameters", [])).items():
            if re.match(r"(array_like|ndarray)", kind) and "shape" not in kind:
                silent[f"{name}({argument})"] = kind
    assert silent == {}
