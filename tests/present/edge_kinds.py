"""Every kind of result that is spoken about, with its edges: one entry per kind, found by looking.

A module ``edge_<subject>.py`` here has ``EDGES``; nothing else names its kinds.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from tests.disclosure.made_results import MadeResult
from tests.present import edge_needs
from tests.present.edge_needs import Need
from tests.present.edge_results import Draw, Edges

#: These ask for the kinds themselves.
_USERS = {"edge_kinds", "edge_checks", "edge_words"}
_FILES = [file for file in sorted(Path(__file__).parent.glob("edge_*.py")) if file.stem not in _USERS]
_MODULES = [import_module(f"tests.present.{file.stem}") for file in _FILES]
KINDS: Mapping[str, Edges] = {each.kind: each for module in _MODULES for each in getattr(module, "EDGES", ())}
MAKERS: Mapping[str, Callable[[Draw], MadeResult]] = {kind: each.make for kind, each in KINDS.items()}
#: What must hold of a result for a sentence to be said, by the names in the catalogue's conditions.
NEEDS: Mapping[str, Need] = {
    **edge_needs.NEEDS,
    **{name: need for each in KINDS.values() for name, need in each.needs.items()},
}
