"""The gate: decides what of a result may be shown, and to whom.

``release(result, audience, policy=policy_of(study))`` is the only way to a :class:`Released` result, and
``present`` shows nothing else. The rules, and what they do not promise, are described in
:mod:`mpg_research.disclosure.gate`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mpg_research.disclosure.audience import Audience, DisclosurePolicy, InstrumentFacts, policy_of

if TYPE_CHECKING:
    from mpg_research.disclosure.gate import release
    from mpg_research.disclosure.paths import assert_aggregate
    from mpg_research.disclosure.released import Released, ReleasedTable, Withheld

__all__ = [
    "Audience",
    "DisclosurePolicy",
    "InstrumentFacts",
    "Released",
    "ReleasedTable",
    "Withheld",
    "assert_aggregate",
    "policy_of",
    "release",
]

_HOMES = {
    "release": "gate",
    "assert_aggregate": "paths",
    "Released": "released",
    "ReleasedTable": "released",
    "Withheld": "released",
}


def __getattr__(name: str) -> Any:
    """Import the module behind a public name when it is first asked for (they load pandas)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
