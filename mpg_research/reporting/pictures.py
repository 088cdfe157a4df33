"""Whether figures are written as PNG as well as SVG: ``mpg run --png`` and the variable it sets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["PNG", "also_as_png", "png_is_wanted"]

#: Environment variable that tells the processes of a run to write PNG; "1" or nothing.
PNG = "MPG_PNG"


def png_is_wanted() -> bool:
    """Whether every figure that is saved is to be saved as PNG too."""
    return os.environ.get(PNG, "") not in ("", "0")


@contextmanager
def also_as_png(wanted: bool) -> Iterator[None]:
    """Let this process, and those it starts meanwhile, write figures as PNG too; or as they would anyway.

    Parameters
    ----------
    wanted : bool
        False changes nothing.
    """
    before = os.environ.get(PNG)
    if wanted:
        os.environ[PNG] = "1"
    try:
        yield
    finally:
        if wanted and before is None:
            del os.environ[PNG]
        elif wanted and before is not None:
            os.environ[PNG] = before
