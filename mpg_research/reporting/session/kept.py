"""The study that a process of a run keeps, so that not every page loads it again."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpg_research.study.model import Study

__all__ = ["keep_study", "kept_or_loaded"]

_KEPT: dict[Path, "Study"] = {}


def keep_study(file: Path, study: "Study") -> None:
    """From now on this process takes the study of that file for loaded.

    Only for a process that lives as long as one run: by hand a study is loaded whenever a notebook begins,
    since its files may have changed.

    Parameters
    ----------
    file : Path
        Its ``study.toml``.
    study : Study
        As loaded from it.
    """
    _KEPT.clear()
    _KEPT[_file_of(file)] = study


def kept_or_loaded(place: str | Path) -> "Study":
    """The study of a folder or a ``study.toml``: the one that is kept, else loaded.

    Parameters
    ----------
    place : str or Path
        The folder, or the file.

    Returns
    -------
    Study
    """
    from mpg_research.study import load_study

    kept = _KEPT.get(_file_of(Path(place)))
    return kept if kept is not None else load_study(place)


def _file_of(place: Path) -> Path:
    file = place / "study.toml" if place.is_dir() else place
    return file.resolve()
