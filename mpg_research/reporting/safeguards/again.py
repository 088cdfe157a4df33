"""Looking again, in the process that publishes, at what a notebook made that is not the package's own.

That process runs no notebook, so nothing that one does can reach these checks: that the files are those
that were checked, that they name no family and no other organisation, and that nothing was put into a
recipient's folder by another way.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mpg_research.errors import DisclosureError
from mpg_research.reporting.files import CRATE, MANIFEST, OUTPUTS, file_sha256, json_bytes, move_into_place
from mpg_research.reporting.store.inputs import signature
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.visible import visible
from mpg_research.writing import write_atomically

__all__ = ["SET_ASIDE", "Folders", "look_again"]

#: Where files go that were put beside the reports.
SET_ASIDE = ".set-aside"
#: Files of a run's own, which it writes anew as it goes on.
_OWN = frozenset({MANIFEST, OUTPUTS, CRATE, ".lock"})


def look_again(
    made: Mapping[str, Any], config: StudyConfig, *, role: str, organisation: str, staged: Path
) -> None:
    """Look again at the files of a step before they are published.

    Parameters
    ----------
    made : mapping
        ``files`` by the name they will have, and ``entry``, the record of them.
    config : StudyConfig
        The study.
    role, organisation : str
        For whom they are.
    staged : Path
        A folder for the record while it is looked at.

    Raises
    ------
    DisclosureError
        If a file is not the one that was checked, or names a family or another organisation.
    """
    from mpg_research.reporting.page.name_search import forbidden_names, refuse_names
    from mpg_research.reporting.safeguards.family_ids import ids_of_study
    from mpg_research.reporting.store.source import open_study

    files = {name: Path(path) for name, path in made["files"].items()}
    outputs = made["entry"]["outputs"]
    for name, path in files.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise DisclosureError(f"{visible(name)} is no name of a file in a recipient's folder.")
        if path.is_symlink() or file_sha256(path) != outputs.get(name):
            raise DisclosureError(
                f"{visible(name)} was changed after it was checked, so nothing of this report was published."
            )
    described = {key: value for key, value in made["entry"].items() if key not in {"versions", "run"}}
    record = write_atomically(staged / "looked-at.json", json_bytes(described), durable=False)
    ids_of_study(str(config.file)).refuse_in({**files, MANIFEST: record})
    keys = open_study(config.file).facts.organisations
    forbidden, own = forbidden_names(config, role=role, organisation=organisation, keys=keys)
    refuse_names({**files, MANIFEST: record}, forbidden=forbidden, own=own)


class Folders:
    """The folders of all recipients as they are when a run begins.

    Parameters
    ----------
    folder : Path
        ``reports/<study>``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before = {path: signature([path]) for path in self._files()}

    def set_strays_aside(self) -> None:
        """Move files out of the recipients' folders that came there while the run was going on, not by it.

        Raises
        ------
        DisclosureError
            With their names, if there were any.
        """
        recorded = dict(self._recorded())
        strays = [path for path in self._files() if self._is_stray(path, recorded)]
        for path in strays:
            aside = self._folder / SET_ASIDE
            aside.mkdir(mode=0o700, exist_ok=True)
            move_into_place(path, aside / path.relative_to(self._folder))
        if strays:
            names = ", ".join(visible(path.relative_to(self._folder).as_posix()) for path in strays)
            raise DisclosureError(
                "While the run was going on these files came into the folders of recipients, and not by the "
                f"run: {names}. Nobody checked them, so they were moved to {self._folder / SET_ASIDE}. A "
                "notebook that is not the package's own was allowed to run: look whether it wrote them."
            )

    def _is_stray(self, path: Path, recorded: Mapping[Path, str]) -> bool:
        if self._before.get(path) == signature([path]):
            return False
        return path.is_symlink() or not path.is_file() or file_sha256(path) != recorded.get(path)

    def _files(self) -> Iterator[Path]:
        for place in self._folder.iterdir() if self._folder.is_dir() else ():
            if place.name.startswith(".") or not place.is_dir():
                continue
            for path in place.rglob("*"):
                is_ours = path.parent == place and path.name in _OWN
                if (path.is_symlink() or not path.is_dir()) and not is_ours:
                    yield path

    def _recorded(self) -> Iterator[tuple[Path, str]]:
        """The files that manifests speak of, and their hashes."""
        for manifest in self._folder.glob("*/manifest.json"):
            try:
                steps = json.loads(manifest.read_bytes())["steps"]
                for entry in steps.values():
                    yield from ((manifest.parent / name, digest) for name, digest in entry["outputs"].items())
            except (OSError, ValueError, KeyError, AttributeError, TypeError):
                continue
