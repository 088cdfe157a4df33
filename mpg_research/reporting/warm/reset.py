"""A process as it was before a notebook ran in it, for the next one."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["process_restored"]


@contextmanager
def process_restored(folder: Path) -> Iterator[None]:
    """Work in a folder; afterwards settings of the process and of the main libraries are what they were.

    Working directory, environment, ``sys.path``, modules from elsewhere, warnings, logging, random numbers,
    and the settings of numpy and matplotlib; those of pandas for display and mode go back to their defaults.
    What a notebook changed inside a library stays; where a page must be safe from that, it has a process of
    its own.

    Parameters
    ----------
    folder : Path
        The working directory meanwhile.
    """
    here, environ, path, argv = os.getcwd(), dict(os.environ), list(sys.path), list(sys.argv)
    modules = dict(sys.modules)
    level, handlers, disabled = logging.root.level, list(logging.root.handlers), logging.root.manager.disable
    libraries = _library_settings()
    os.chdir(folder)
    try:
        # Entering resets the memory of which warnings were given: each notebook has them anew.
        with warnings.catch_warnings():
            yield
    finally:
        os.chdir(here)
        if dict(os.environ) != environ:
            os.environ.clear()
            os.environ.update(environ)
        sys.path[:], sys.argv[:] = path, argv
        _forget_foreign_modules(modules)
        logging.root.setLevel(level)
        logging.root.handlers[:] = handlers
        logging.disable(disabled)
        _restore_libraries(libraries)


def _forget_foreign_modules(before: dict[str, Any]) -> None:
    """Modules that lie neither with Python nor with this package are imported anew by the next notebook."""
    home = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[2]))
    for name in set(sys.modules) - set(before):
        file = getattr(sys.modules[name], "__file__", None)
        if file and not file.startswith(home):
            del sys.modules[name]
    for name, module in before.items():
        sys.modules.setdefault(name, module)


def _library_settings() -> dict[str, Any]:
    import random

    kept: dict[str, Any] = {"random": random.getstate()}
    if "numpy" in sys.modules:
        numpy = sys.modules["numpy"]
        kept["numpy"] = numpy.geterr(), numpy.get_printoptions(), numpy.random.get_state()
    if "matplotlib" in sys.modules:
        kept["matplotlib"] = dict(sys.modules["matplotlib"].rcParams)
    return kept


def _restore_libraries(kept: dict[str, Any]) -> None:
    import random

    random.setstate(kept["random"])
    if "numpy" in kept:
        numpy = sys.modules["numpy"]
        errors, printing, state = kept["numpy"]
        numpy.seterr(**errors)
        printing.pop("override_repr", None)
        numpy.set_printoptions(**printing)
        numpy.random.set_state(state)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    if "matplotlib" in sys.modules:
        matplotlib = sys.modules["matplotlib"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if "matplotlib" in kept:
                dict.update(matplotlib.rcParams, kept["matplotlib"])
            else:
                matplotlib.rcdefaults()
    if "pandas" in sys.modules:
        with warnings.catch_warnings(), suppress(Exception):
            warnings.simplefilter("ignore")
            sys.modules["pandas"].reset_option("^(display|mode)")
