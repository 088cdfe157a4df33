"""Importing what runs notebooks without what it only needs for other things."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_optional_parsers"]

#: jsonschema takes it where it is there, to check addresses in other alphabets: no notebook has any, and it
#: builds dozens of parsers when it is imported (2.5 s; python-jsonschema/jsonschema#1428).
_OPTIONAL = "rfc3987_syntax"


@contextmanager
def without_optional_parsers() -> Iterator[None]:
    """Inside this block jsonschema is imported as where its optional parsers are not installed.

    ``None`` in ``sys.modules`` is how Python says that a module is not to be had. Afterwards it is to be had
    again; a jsonschema that was imported before is left as it is.
    """
    if _OPTIONAL in sys.modules:
        yield
        return
    sys.modules[_OPTIONAL] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_OPTIONAL]
