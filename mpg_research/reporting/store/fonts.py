"""The list of fonts that matplotlib makes where it finds none, kept in the store: making it takes longer than
drawing a figure.

Every page has a settings folder of matplotlib of its own, so without this each would make the list anew.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mpg_research.reporting.files import json_sha256
from mpg_research.reporting.store.folder import Folder, store_folder
from mpg_research.reporting.store.sealed import Damaged, seal, unseal

__all__ = ["bring_fonts", "keep_fonts"]

_NAME = re.compile(r"fontlist-v[0-9]{1,4}(\.[0-9]{1,4})*\.json")


def bring_fonts(place: Path, *, folder: Folder | None = None) -> bool:
    """Put the list of fonts where matplotlib looks for it, if it was kept.

    Parameters
    ----------
    place : Path
        Settings folder of matplotlib; made where it is not there.
    folder : Folder, optional
        Where the list is kept; by default where results are stored.

    Returns
    -------
    bool
        Whether there was one.
    """
    there, key = folder or store_folder(), _key()
    if there.shared:  # it names files of one machine
        return False
    sealed = there.read(key)
    if sealed is None:
        return False
    try:
        name, _, content = unseal(key, sealed).partition(b"\n")
    except Damaged:
        there.remove(key)
        return False
    if not _NAME.fullmatch(name.decode("ascii", "replace")):
        return False
    place.mkdir(parents=True, exist_ok=True)
    (place / name.decode()).write_bytes(content)
    return True


def keep_fonts(place: Path, *, folder: Folder | None = None) -> None:
    """Keep the list of fonts that matplotlib made, if it did.

    Parameters
    ----------
    place : Path
        Settings folder of matplotlib.
    folder : Folder, optional
        Where to keep it; by default where results are stored.
    """
    there, key = folder or store_folder(), _key()
    if there.shared or not place.is_dir():
        return
    for file in sorted(place.iterdir()):
        if _NAME.fullmatch(file.name) and file.is_file():
            there.write(key, seal(key, file.name.encode() + b"\n" + file.read_bytes()))


def _key() -> str:
    try:
        of = version("matplotlib")
    except PackageNotFoundError:
        of = ""
    return json_sha256({"fonts for matplotlib": of, "of": sys.prefix})
