"""TOML whose every fault is one kind of error, however odd the file."""

import tomllib
from typing import Any

__all__ = ["parse_toml"]


def parse_toml(text: str) -> dict[str, Any]:
    """The content of a TOML text.

    Parameters
    ----------
    text : str
        All of it.

    Returns
    -------
    dict
        As :func:`tomllib.loads` gives it.

    Raises
    ------
    tomllib.TOMLDecodeError
        If it is no TOML, or holds a number or a nesting larger than any that means something.

    Examples
    --------
    >>> parse_toml("months = [0, 6]")
    {'months': [0, 6]}
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise tomllib.TOMLDecodeError("Lists or tables stand hundreds deep in each other") from None
    except ValueError:
        raise tomllib.TOMLDecodeError("A number has thousands of digits") from None
