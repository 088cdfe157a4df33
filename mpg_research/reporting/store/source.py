"""A study that is read when that is needed: what every page asks of it is known without its tables.

What a page needs beside results (which organisations there are, by which rules to release) follows from
``study.toml`` and a few facts that were found when the study was read and checked; they are stored, too. A
study that was never found to be without errors has none, and is read before anything is made of it.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mpg_research.reporting.files import file_sha256, json_bytes, json_sha256
from mpg_research.reporting.store.folder import CACHE, SHARED, Folder, store_folder
from mpg_research.reporting.store.inputs import Inputs, hash_package, read_inputs, signature
from mpg_research.reporting.store.sealed import FORMAT, Damaged, seal, unseal
from mpg_research.study.config.study_toml import StudyConfig, read_config, source_paths

if TYPE_CHECKING:
    from mpg_research.instruments import Instrument
    from mpg_research.study.model import Study

__all__ = ["StudyFacts", "StudySource", "open_study"]

#: The code as it was when this process began: what changed since may be imported, or not yet.
_CODE_AT_START: list[str] = []
_OPEN: dict[Path, tuple[Any, "StudySource"]] = {}


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What was found in a study's data when it was read and checked.

    Attributes
    ----------
    organisations : tuple of str
        Keys of the organisations that have episodes, sorted.
    instruments : tuple of str
        Keys of the questionnaires that were measured or are configured.
    synthetic : bool
        Whether the data (or a norm table) are made up.
    digest : str
        SHA-256 over the configuration and all raw files.
    n_warnings : int
        Warnings of the check.
    months : tuple of str
        From when to when help started and up to when there are data, as any reader may know it
        (:func:`mpg_research.disclosure.study_months.study_months`).
    """

    organisations: tuple[str, ...]
    instruments: tuple[str, ...]
    synthetic: bool
    digest: str
    n_warnings: int
    months: tuple[str, ...]


class StudySource:
    """A study by its files; its tables are read when something must be computed from them.

    Parameters
    ----------
    config : StudyConfig
        The study.
    folder : Folder
        Where results are stored.
    """

    def __init__(self, config: StudyConfig, folder: Folder) -> None:
        self.config = config
        self.folder = folder
        self._study: Study | None = None
        self._as_hashed = False

    @cached_property
    def inputs(self) -> Inputs:
        """Hashes of everything that can change a result or a page."""
        return read_inputs(self.config)

    @cached_property
    def of_results(self) -> str:
        """One hash over everything that can change a result."""
        return self.inputs.of_results

    @cached_property
    def facts(self) -> StudyFacts:
        """What was found in its data; a study that was not checked yet is read for it.

        Raises
        ------
        ConfigError, DataError
            If it is read and cannot be used.
        """
        key = json_sha256({"format": FORMAT, "of": self.of_results, "facts": True})
        sealed = self.folder.read(key)
        if sealed is not None:
            with suppress(Damaged, ValueError, TypeError, KeyError):
                known: dict[str, Any] = json.loads(unseal(key, sealed))
                for name in ("organisations", "instruments", "months"):
                    known[name] = tuple(known[name])
                return StudyFacts(**known)
            self.folder.remove(key)
        from mpg_research.disclosure.study_months import study_months

        study = self.pristine()
        facts = StudyFacts(
            organisations=tuple(map(str, study.organisations)),
            instruments=tuple(map(str, study.instruments)),
            synthetic=bool(study.synthetic),
            digest=study.digest,
            n_warnings=len(study.checks.warnings),
            months=study_months(study.tables, self.config.disclosure.minimum_families),
        )
        if self.is_as_hashed():
            self.folder.write(key, seal(key, json_bytes(asdict(facts))))
        return facts

    @cached_property
    def instruments(self) -> "Mapping[str, Instrument]":
        """The questionnaires by key."""
        from mpg_research.study.scoring.questionnaires import read_questionnaire

        if self._study is not None:
            return self._study.instruments
        return {key: read_questionnaire(key, self.config) for key in self.facts.instruments}

    @property
    def organisations(self) -> tuple[str, ...]:
        """Keys of the organisations that have episodes, sorted."""
        return self.facts.organisations

    @property
    def time_unit(self) -> Literal["months", "weeks", "waves"]:
        """What one unit of the column ``months`` is."""
        return self.config.time.axis_unit

    def organisation_name(self, key: str, language: str) -> str:
        """The public display name of an organisation; its key where no name is configured.

        Parameters
        ----------
        key : str
            As it stands in ``organisations``.
        language : str
            Of the words.

        Returns
        -------
        str
        """
        return self.config.organisation_name(key, language)

    def pristine(self) -> "Study":
        """The study as its files have it, for what is stored; not for hands that may change its tables.

        Returns
        -------
        Study

        Raises
        ------
        ConfigError, DataError
            If it cannot be used.
        """
        if self._study is None:
            from mpg_research.study.load import load_study

            self._study = load_study(self.config.file)
        return self._study

    def copy(self) -> "Study":
        """The study with tables of its own, which whoever asks may change.

        Returns
        -------
        Study
        """
        study = self.pristine()
        tables = {name: table.copy() for name, table in study.tables.items()}
        return replace(study, tables=tables, scores=study.scores.copy())

    def is_as_hashed(self) -> bool:
        """Whether what this process computes belongs to the hashes: files and code are still those of before.

        Returns
        -------
        bool
        """
        code = hash_package()[0]["analysis"]
        if not code == self.inputs.code["analysis"] == _code_at_start():
            return False
        if self._study is not None and not self._as_hashed:
            hashed = {*self.inputs.data.values(), *self.inputs.settings.values()}
            read = {source.sha256 for source in self._study.sources}
            self._as_hashed = read <= hashed and file_sha256(self.config.file) in hashed
        return self._as_hashed


def open_study(path: str | Path, *, tell: Callable[[str], object] | None = None) -> StudySource:
    """A study by its folder; opened again while nothing changed, it is the same one.

    Parameters
    ----------
    path : str or Path
        The study folder, or its ``study.toml``.
    tell : callable, optional
        What is done with a sentence about the store for whoever runs this; by default nothing.

    Returns
    -------
    StudySource

    Raises
    ------
    ConfigError
        If ``study.toml`` is not as it should be.
    """
    _code_at_start()
    config = read_config(path)
    files = (config.file, *source_paths(config))
    place = tuple(os.environ.get(name, "") for name in (CACHE, SHARED))
    seen = (signature(files), place, hash_package())
    known = _OPEN.get(config.file)
    if known is not None and known[0] == seen:
        source = known[1]
    else:
        source = StudySource(config, store_folder())
        _OPEN[config.file] = (seen, source)
    source.folder.tell = tell or _nothing
    return source


def _nothing(text: str) -> None:
    pass


def _code_at_start() -> str:
    if not _CODE_AT_START:
        _CODE_AT_START.append(hash_package()[0]["analysis"])
    return _CODE_AT_START[0]
