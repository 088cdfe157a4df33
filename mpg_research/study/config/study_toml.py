"""study.toml as a typed, frozen model. No pandas here, so that the command line stays fast."""

import os.path
import tomllib
from datetime import date, timedelta
from pathlib import Path

from pydantic import Field, PrivateAttr, ValidationError

from mpg_research.errors import ConfigError
from mpg_research.study.config.costs import CostsConfig
from mpg_research.study.config.explain import (
    explain_toml_error,
    explain_validation_error,
    names_that_do_not_fit,
    setting_problem,
)
from mpg_research.study.config.parts import Parts, find_parts
from mpg_research.study.config.plan import PlanConfig, names_in_plan
from mpg_research.study.config.report import ReportConfig, names_in_masthead
from mpg_research.study.config.sections import (
    DAYS_PER_MONTH,
    DAYS_PER_YEAR,
    AfterwardsConfig,
    AnalysisConfig,
    CareConfig,
    ChecklistsConfig,
    ConsentConfig,
    DisclosureConfig,
    InstrumentConfig,
    InterventionsConfig,
    LocalText,
    OrganisationConfig,
    Section,
    StudySection,
    TableConfig,
    TablesConfig,
    TimeConfig,
    VocabularyConfig,
)
from mpg_research.study.config.talk import TalkConfig
from mpg_research.toml import parse_toml

__all__ = [
    "DAYS_PER_MONTH",
    "DAYS_PER_YEAR",
    "AnalysisConfig",
    "ConsentConfig",
    "DisclosureConfig",
    "InstrumentConfig",
    "InterventionsConfig",
    "LocalText",
    "OrganisationConfig",
    "StudyConfig",
    "TableConfig",
    "TimeConfig",
    "read_config",
    "source_paths",
]

STUDY_FILE = "study.toml"


class StudyConfig(Section):
    """A whole ``study.toml``. Made by :func:`read_config`."""

    study: StudySection
    time: TimeConfig = TimeConfig()
    tables: TablesConfig
    organisations: dict[str, OrganisationConfig] = Field(default_factory=dict)
    instruments: dict[str, InstrumentConfig] = Field(default_factory=dict)
    analysis: AnalysisConfig = AnalysisConfig()
    interventions: InterventionsConfig = InterventionsConfig()
    care: CareConfig = CareConfig()
    afterwards: AfterwardsConfig = AfterwardsConfig()
    costs: CostsConfig = CostsConfig()
    talk: TalkConfig = TalkConfig()
    report: ReportConfig = ReportConfig()
    disclosure: DisclosureConfig = DisclosureConfig()
    consent: ConsentConfig | None = None
    checklists: ChecklistsConfig = ChecklistsConfig()
    plan: PlanConfig | None = None
    vocabularies: VocabularyConfig = VocabularyConfig()
    _file: Path = PrivateAttr(default=Path(STUDY_FILE))

    @property
    def file(self) -> Path:
        """The study.toml itself, absolute."""
        return self._file

    @property
    def folder(self) -> Path:
        """The study folder, absolute."""
        return self._file.parent

    def path_of(self, file: str) -> Path:
        """A file named in ``study.toml`` as an absolute path.

        Parameters
        ----------
        file : str
            As written there, relative to the study folder or absolute.

        Returns
        -------
        Path
        """
        # realpath, since a link that leads to itself is then a file that is not there, and no error
        return Path(os.path.realpath(self.folder / Path(file).expanduser()))

    def organisation_name(self, key: str, language: str) -> str:
        """The public display name of an organisation; its key where no name is configured.

        Parameters
        ----------
        key : str
            As the data have it.
        language : str
            Of the words.

        Returns
        -------
        str
        """
        organisation = self.organisations.get(key)
        return organisation.name.in_language(language) if organisation else key

    @property
    def last_date(self) -> date:
        """The last day that is not in the future: ``export_date``, else today."""
        return self.study.export_date or date.today()

    @property
    def baseline_window(self) -> timedelta:
        """How long before the start a measurement still counts as time zero."""
        return timedelta(days=self.time.baseline_window_days)

    @property
    def default_instrument(self) -> str | None:
        """The instrument of measurements that name none: ``analysis.instrument`` or the only one."""
        if self.analysis.instrument is None and len(self.instruments) == 1:
            return next(iter(self.instruments))
        return self.analysis.instrument


def read_config(path: str | Path) -> StudyConfig:
    """Read and validate a ``study.toml``.

    Parameters
    ----------
    path : str or Path
        The study folder, or the TOML file itself.

    Returns
    -------
    StudyConfig
        Frozen. ``folder`` and ``file`` say where it came from.

    Raises
    ------
    ConfigError
        If there is no such file, it is not TOML, or a key is missing, unknown or has an impossible
        value. All findings at once, each with the key, its line, what was expected, and the nearest
        known name where it looks like a typing error.

    Examples
    --------
    >>> from mpg_research.study import shipped_example
    >>> read_config(shipped_example()).study.synthetic
    True
    """
    file = Path(path).expanduser()
    file = (file / STUDY_FILE if os.path.isdir(file) or file.suffix.lower() != ".toml" else file).absolute()
    if not os.path.isfile(file):
        what = "has no study.toml" if os.path.isdir(file.parent) else "does not exist"
        raise ConfigError(
            f"The study folder {file.parent} {what}. Name a folder that holds a study.toml, "
            f"or make a new one with: mpg init {file.parent.name or 'DIR'}"
        )
    text = _read_text(file)
    try:
        data = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise explain_toml_error(file.name, text, error) from None
    try:
        config = StudyConfig.model_validate(data)
    except ValidationError as error:
        raise explain_validation_error(file.name, text, error, StudyConfig) from None
    problems = (
        *names_that_do_not_fit(config, file.name, text),
        *(setting_problem(file.name, text, *finding) for finding in names_in_masthead(config)),
        *(setting_problem(file.name, text, *finding) for finding in names_in_plan(config)),
    )
    if problems:
        raise ConfigError.from_problems(f"{file} cannot be used:", problems)
    config._file = file
    return config


def _read_text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file.name}: byte {error.start + 1} is not UTF-8 text; expected a text file in UTF-8. "
            "Save it again with the encoding UTF-8."
        ) from None
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be read: {error.strerror}.") from None


def source_paths(config: StudyConfig, parts: Parts | None = None) -> tuple[Path, ...]:
    """The raw files a study reads, in a fixed order and each once; none of them is opened.

    Parameters
    ----------
    config : StudyConfig
        From :func:`read_config`.
    parts : Parts, optional
        The files of the tables, where they were looked up already.

    Returns
    -------
    tuple of Path
        Absolute paths: the files of the tables (those that fit a pattern now), of the study's own
        instruments, and of norm tables.
        ``study.toml`` itself is not among them.
    """
    paths = [part.path for parts in (parts or find_parts(config)).of.values() for part in parts]
    for instrument in config.instruments.values():
        paths += [config.path_of(file) for file in (instrument.file, instrument.norms) if file]
    return tuple(dict.fromkeys(paths))
