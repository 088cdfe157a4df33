"""nbformat without the parsers of addresses that its import would build.

nbformat imports jsonschema, and jsonschema imports ``rfc3987_syntax`` where that is installed (JupyterLab
brings it), which builds some 35 parsers of internationalised addresses: one to three seconds, more than
everything else that makes a page (https://github.com/python-jsonschema/jsonschema/issues/1428); and
``isoduration``, for periods of time, which imports what calculates with dates (``arrow``). The format of
notebooks has neither such addresses nor periods.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["import_nbformat"]

_SLOW = frozenset({"rfc3987_syntax", "isoduration"})


class _NotNow(MetaPathFinder):
    """Says that the slow packages are not there, as they are not where JupyterLab is not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in _SLOW:
            raise ModuleNotFoundError(f"{fullname} is not needed here", name=fullname)
        return None


@contextmanager
def _without_the_parsers() -> Iterator[None]:
    finder = _NotNow()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def import_nbformat() -> Any:
    """The package nbformat; call this before whatever else imports it (papermill, nbconvert).

    Returns
    -------
    module
        What ``import nbformat`` gives.

    Notes
    -----
    jsonschema asks for the slow packages as for some that may be missing, and then leaves out its checks of
    the formats "iri", "iri-reference" and "duration" in this process; nbformat uses no checks of formats.
    Whoever imports the slow packages afterwards gets them. Where jsonschema is imported already, nothing is
    different.

    Examples
    --------
    >>> import_nbformat().current_nbformat
    4
    """
    with _without_the_parsers():
        import nbformat
    return nbformat
