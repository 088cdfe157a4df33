"""Results by what they are made of: read from the store, or made once and stored.

What cannot be named by content (options that are no JSON, an analysis that is not one of ours) is computed
and not stored. Of what goes wrong, only that a question does not arise is stored; all else is tried again.
"""

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from mpg_research import analysis
from mpg_research.errors import NotApplicableError
from mpg_research.reporting.files import json_sha256
from mpg_research.reporting.store.claim import claimed
from mpg_research.reporting.store.folder import Folder
from mpg_research.reporting.store.packed import NotStorable, pack, unpack
from mpg_research.reporting.store.sealed import FORMAT, Damaged, seal, unseal
from mpg_research.reporting.store.stored import StoredResult
from mpg_research.reporting.store.verbs import verb_name

if TYPE_CHECKING:
    from mpg_research.reporting.store.source import StudySource

__all__ = ["forget", "is_there", "key_of", "result_of"]

_REFUSED = b"not applicable\n"
#: What this process has read or made, checked already: pages of a run share it.
_KNOWN: dict[str, bytes] = {}
_MOST_KNOWN = 32_000_000


def key_of(of_results: str, verb: str, options: Mapping[str, Any]) -> str:
    """Under which key a result is stored; empty if its options are no JSON.

    Parameters
    ----------
    of_results : str
        ``Inputs.of_results`` of the study.
    verb : str
        Name of the analysis.
    options : mapping
        Its arguments after the study.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    if not _is_json(options):
        return ""
    return json_sha256({"format": FORMAT, "of": of_results, "verb": verb, "options": dict(options)})


def result_of(source: "StudySource", verb: "str | Callable[..., Any]", options: Mapping[str, Any]) -> Any:
    """The result of an analysis of a study: read where it is stored, else computed and stored.

    Parameters
    ----------
    source : StudySource
        The study.
    verb : str or callable
        The analysis.
    options : mapping
        Its arguments after the study.

    Returns
    -------
    StoredResult
        Or what the analysis returns, where it cannot be stored.

    Raises
    ------
    NotApplicableError
        If the question does not arise with these data.
    """
    name = verb_name(verb)
    key = key_of(source.of_results, name, options) if name else ""

    def run() -> Any:
        function = verb if callable(verb) else getattr(analysis, name)
        with _one_thread():
            return function(source.pristine(), **options)

    if not key:
        return run()
    found = _stored(source.folder, key, cache(run))
    return found if found is not None else _made_once(source, key, run)


def is_there(source: "StudySource", verb: str, options: Mapping[str, Any]) -> bool:
    """Whether a result of a study is stored, or known to this process.

    Parameters
    ----------
    source : StudySource
        The study.
    verb : str
        Name of the analysis.
    options : mapping
        Its arguments after the study.

    Returns
    -------
    bool
    """
    key = key_of(source.of_results, verb, options)
    return bool(key) and (key in _KNOWN or source.folder.has(key))


def _made_once(source: "StudySource", key: str, run: Callable[[], Any]) -> Any:
    """Make a result, unless another process does: then what that made."""
    folder = source.folder
    if not folder.is_writable:
        return _made(source, key, run)
    with ExitStack() as held:
        with suppress(OSError):
            held.enter_context(claimed(folder.file(key).with_suffix(".claim"), lambda: folder.has(key)))
        found = _stored(folder, key, cache(run))
        return found if found is not None else _made(source, key, run)


def _made(source: "StudySource", key: str, run: Callable[[], Any]) -> Any:
    """Run an analysis and store what came of it."""
    try:
        result = run()
    except NotApplicableError as error:
        refused = json.dumps({"message": str(error), "code": error.code})
        _store(source, key, _REFUSED + refused.encode())
        raise
    try:
        content = pack(result)
    except NotStorable:
        return result
    _store(source, key, content)
    return unpack(content, key=key, compute=lambda: result)


def _store(source: "StudySource", key: str, content: bytes) -> None:
    if source.is_as_hashed():
        _know(key, content)
        source.folder.write(key, seal(key, content))


def _stored(folder: Folder, key: str, compute: Callable[[], Any]) -> StoredResult | None:
    """What is stored under a key, if it is what was written there; anything else is removed.

    Raises
    ------
    NotApplicableError
        If that is what was stored.
    """
    content = _KNOWN.get(key)
    if content is None:
        sealed = folder.read(key)
        if sealed is None:
            return None
        try:
            content = unseal(key, sealed)
        except Damaged:
            _remove(folder, key)
            return None
    if content.startswith(_REFUSED):
        _know(key, content)
        refused = json.loads(content.removeprefix(_REFUSED))
        raise NotApplicableError(refused["message"], code=refused["code"])
    try:
        result = unpack(content, key=key, compute=compute)
    except Damaged:
        _remove(folder, key)
        return None
    _know(key, content)
    return result


def _remove(folder: Folder, key: str) -> None:
    _KNOWN.pop(key, None)
    folder.remove(key)
    folder.tell(f"A stored result in {folder.path} was damaged or not ours; it is made again.")


def _know(key: str, content: bytes) -> None:
    """Keep in memory what was read or made; what was kept longest goes first."""
    _KNOWN.pop(key, None)
    _KNOWN[key] = content
    while sum(map(len, _KNOWN.values())) > _MOST_KNOWN:
        del _KNOWN[next(iter(_KNOWN))]


def forget() -> None:
    """Forget what this process has read or made; what is stored stays."""
    _KNOWN.clear()


def _is_json(value: Any) -> bool:
    """Whether a value comes back from JSON as it went in, but for the kind of sequence."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    if type(value) is float:
        return math.isfinite(value)
    return type(value) in (str, int, bool, type(None))


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for linear algebra, as in a run: how many there are shows in the last digits of a number."""
    if all(os.environ.get(f"{library}_NUM_THREADS") == "1" for library in ("OMP", "OPENBLAS", "MKL")):
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
