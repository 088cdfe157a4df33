"""Public names that are imported on first use, from one list that type checkers read too.

The face of a package names what is public once, as imports for type checkers::

    if TYPE_CHECKING:
        from mpg_research.study.load import load_study as load_study

    __getattr__, __dir__, __all__ = public_names(__name__)

When the package is imported that block is read, not run: ``__all__``, ``dir()`` and the module behind
each name follow from it, so that a name cannot stand in one list and be missing from another. (SPEC 1
of Scientific Python does the same with a stub file.) The repeated name says to type checkers
that it is there for others.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["home_of", "public_names"]


def public_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package whose public names are imported on first use.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.

    Returns
    -------
    tuple of (callable, callable, list of str)
        What the package binds to ``__getattr__``, ``__dir__`` and ``__all__``.
    """
    homes = {name: (module, there) for name, module, there in _read_face(_source(package))}

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        module, there = homes[name]
        return getattr(import_module(module), there)

    return get, lambda: sorted(homes), sorted(homes)


@cache
def home_of(package: str, name: str) -> str:
    """The module behind a public name, which is not imported for it.

    Parameters
    ----------
    package : str
        A package whose face was made by :func:`public_names`.
    name : str
        The public name.

    Returns
    -------
    str
        Empty where the package has no such name.
    """
    return {each: module for each, module, _ in _read_face(_source(package))}.get(name, "")


def _source(package: str) -> str:
    spec = sys.modules[package].__spec__
    source = getattr(spec.loader, "get_source", lambda _: None)(package) if spec else None
    if source is None:
        raise ImportError(
            f"{package} was installed without its source, from which its public names are read."
        )
    return str(source)


def _read_face(source: str) -> Iterator[tuple[str, str, str]]:
    """Every ``from module import there as name`` below ``if TYPE_CHECKING``, as (name, module, there)."""
    for block in ast.parse(source).body:
        if not (isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"):
            continue
        for line in block.body:
            if isinstance(line, ast.ImportFrom) and line.module and not line.level:
                for alias in line.names:
                    if alias.asname:
                        yield alias.asname, line.module, alias.name
