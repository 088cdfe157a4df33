"""How long the analyses of a study took, kept in the store: a run starts with those that take longest.

Nothing but an order and a guess of the time left hangs on it, so what cannot be read or written is nothing.
"""

import json
import math
from collections.abc import Mapping

from mpg_research.reporting.files import json_bytes, json_sha256
from mpg_research.reporting.store.folder import Folder, store_folder

__all__ = ["keep_seconds", "known_seconds"]


def known_seconds(study: str, *, folder: Folder | None = None) -> dict[str, float]:
    """How long analyses took the last time.

    Parameters
    ----------
    study : str
        Name of the study.
    folder : Folder, optional
        Where it is kept; by default where results are stored.

    Returns
    -------
    dict of str to float
        Seconds by name of analysis; without those that were never made here.
    """
    content = (folder or store_folder()).read(_key(study))
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        name: float(seconds)
        for name, seconds in found.items()
        if type(seconds) in (int, float) and math.isfinite(seconds)
    }


def keep_seconds(study: str, seconds: Mapping[str, float], *, folder: Folder | None = None) -> None:
    """Keep how long analyses took, beside what is known of others.

    Parameters
    ----------
    study : str
        Name of the study.
    seconds : mapping of str to float
        By name of analysis.
    folder : Folder, optional
        Where to keep it; by default where results are stored.
    """
    if not seconds:
        return
    there = folder or store_folder()
    rounded = {name: round(each, 2) for name, each in seconds.items()}
    there.write(_key(study), json_bytes(known_seconds(study, folder=there) | rounded))


def _key(study: str) -> str:
    return json_sha256({"seconds of the analyses of": study})
