"""A study folder in, a :class:`Study` out: read, check, link, place in time, score."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.errors import DataError, Note
from mpg_research.instruments import SHIPPED_INSTRUMENTS, Instrument
from mpg_research.plurals import counted
from mpg_research.study.checks import content as checks
from mpg_research.study.checks import ids as check_ids
from mpg_research.study.checks.answers import check_direction_of_items
from mpg_research.study.checks.care_over_time import check_care_over_time, overlapping_workers
from mpg_research.study.checks.months import check_months
from mpg_research.study.checks.notes import reading_notes
from mpg_research.study.checks.outside_help import check_outside_help
from mpg_research.study.checks.prices import check_prices
from mpg_research.study.checks.restart import check_restarting_ids
from mpg_research.study.checks.summary import summarise
from mpg_research.study.config.looser_rules import reason_is_missing
from mpg_research.study.config.study_toml import StudyConfig, read_config
from mpg_research.study.findings import Findings
from mpg_research.study.model import CheckReport, LeftOut, SourceFile, Study
from mpg_research.study.reading import read_tables
from mpg_research.study.schemas import SCHEMAS
from mpg_research.study.scoring.place_in_time import assign_episodes, number_episodes
from mpg_research.study.scoring.questionnaires import read_questionnaires
from mpg_research.study.scoring.scores import check_scores, make_scores
from mpg_research.study.tables.columns import Table
from mpg_research.study.tables.consent import ConsentGiven

__all__ = ["Assembly", "assemble", "load_study"]

TIME_OF_TABLE = {
    "interventions": ("date",),
    "care": ("month",),
    "practice": ("date",),
    "events": ("date",),
    "decisions": ("date",),
    "domains": ("date",),
    "goals": ("date",),
}
ADDED_UP = ("care", "prices", "price_index")  # a row twice would be counted twice


@dataclass(slots=True)
class Assembly:
    """A study while it is being read: whatever could be read, and everything that was found.

    Attributes
    ----------
    config : StudyConfig
    findings : Findings
    tables : dict of str to Table
        Tables that could be read.
    instruments : dict of str to Instrument
    scores : DataFrame or None
        As in :class:`Study`; None where errors stand in the way.
    sources : tuple of SourceFile
    n_assigned : int
        Measurements that named no episode and were assigned by their date.
    merged_families : bool
        Whether ids start again at each organisation; what follows from that is not said again.
    consent : ConsentGiven or None
        Who permits that the data are used, where ``[consent]`` asks for it.
    linked : bool
        Whether measurements were put to episodes, so that duplicates among them could be seen.
    """

    config: StudyConfig
    findings: Findings = field(default_factory=Findings)
    tables: dict[str, Table] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    scores: pd.DataFrame | None = None
    sources: tuple[SourceFile, ...] = ()
    n_assigned: int = 0
    merged_families: bool = False
    linked: bool = False
    consent: ConsentGiven | None = None

    def report(self) -> CheckReport:
        """What was found, with the data-quality summary."""
        return CheckReport(
            study=self.config.study.name,
            problems=self.findings.listed(),
            counts={code: number for code, number in self.findings.counts.items() if number},
            summary=summarise(
                {name: table.frame for name, table in self.tables.items()},
                self.scores,
                self.instruments,
                self.findings.counts,
                unread=tuple(name for name in self.config.tables.present() if name not in self.tables),
                unit=self.config.study.english_unit,
                linked=self.linked,
            ),
        )


def load_study(path: str | Path) -> Study:
    """Read a study: its configuration, tables, instruments and scores.

    Parameters
    ----------
    path : str or Path
        The study folder, or its ``study.toml``.

    Returns
    -------
    Study
        Frozen. The raw files are only read; their SHA-256 is in ``sources``.

    Raises
    ------
    ConfigError
        If ``study.toml``, an instrument file or a norm table's setting is not as it should be.
    DataError
        If the data hold errors. All of them are in the message; warnings do not stop the loading
        and are in ``checks``.

    Examples
    --------
    >>> from mpg_research.study import load_study, shipped_example
    >>> study = load_study(shipped_example())
    >>> sorted(study.tables)[:2], study.synthetic
    (['care', 'conditions'], True)
    """
    config = read_config(path)
    assembly = assemble(config)
    checked = assembly.report()
    if not checked.ok or assembly.scores is None:
        number = counted(len(checked.errors), "errors")
        raise DataError.from_problems(
            f"The data of study {config.study.name} cannot be used ({number}; the whole list: mpg check):",
            checked.errors,
        )
    synthetic_norms = any(instrument.synthetic_norms for instrument in assembly.instruments.values())
    return Study(
        name=config.study.name,
        folder=config.folder,
        config=config,
        tables={name: table.frame for name, table in assembly.tables.items()},
        scores=assembly.scores,
        instruments=assembly.instruments,
        sources=assembly.sources,
        checks=checked,
        notes=_notes(assembly),
        synthetic=config.study.synthetic or synthetic_norms,
        digest=_digest(config, assembly.sources),
        without_consent=_left_out(assembly),
    )


def assemble(config: StudyConfig) -> Assembly:
    """Read and check everything that can be read and checked; nothing is raised for bad data.

    Parameters
    ----------
    config : StudyConfig

    Returns
    -------
    Assembly
    """
    assembly = Assembly(config)
    if missing := reason_is_missing(config):
        assembly.findings.add(replace(missing, severity="warning"))
    read = read_tables(config, assembly.findings)
    assembly.tables, assembly.sources, assembly.consent = read.tables, read.sources, read.consent
    assembly.instruments = read_questionnaires(config, assembly.tables.get("measurements"), assembly.findings)
    episodes = assembly.tables.get("episodes")
    if episodes is not None:
        numbered = "episode" not in episodes.frame
        assembly.tables["episodes"] = episodes = _finished_episodes(episodes, config)
        lost = check_ids.check_lost_digits(episodes, assembly.findings)
        if lost or check_restarting_ids(episodes, config, assembly.findings):
            assembly.merged_families = True
        else:
            checks.check_episodes(episodes, assembly.findings, numbered=numbered)
    for name, table in assembly.tables.items():
        _check_table(name, table, assembly)
    if not assembly.merged_families:
        check_care_over_time(assembly.tables, assembly.findings)
    check_prices(assembly.tables, config, assembly.findings)
    measurements = assembly.tables.get("measurements")
    if measurements is not None:
        described = tuple(dict.fromkeys([*assembly.instruments, *SHIPPED_INSTRUMENTS]))
        checks.check_instruments(measurements, described, assembly.findings)
        checks.check_items(measurements, assembly.instruments, assembly.findings)
        organisations = None if assembly.merged_families or episodes is None else _organisations(episodes)
        check_direction_of_items(measurements, assembly.instruments, assembly.findings, organisations)
    if episodes is not None and measurements is not None and not assembly.merged_families:
        _link(assembly, episodes, measurements)
    if not assembly.findings.has_errors and assembly.scores is None:
        raise AssertionError("a study without errors has scores")
    return assembly


def _organisations(episodes: Table) -> pd.Series:
    """The first organisation of each family."""
    return (
        episodes.frame.dropna(subset=["family"]).drop_duplicates("family").set_index("family")["organisation"]
    )


def _digest(config: StudyConfig, sources: Iterable[SourceFile]) -> str:
    total = hashlib.sha256(config.file.read_bytes())
    for source in sources:
        total.update(f"\n{source.path.name} {source.sha256}".encode())
    return total.hexdigest()


def _finished_episodes(table: Table, config: StudyConfig) -> Table:
    """Equal rows of a file that serves another table too are one; numbers and ends are filled in."""
    if table.shared_file:
        table = table.take(~table.frame.duplicated().to_numpy(dtype=bool))
    frame = table.frame.copy()
    times = "datetime64[s]" if config.time.kind == "dates" else "float64"
    for name in ("start", "end"):
        if name not in frame:
            frame[name] = pd.Series(pd.NaT if times != "float64" else np.nan, index=frame.index, dtype=times)
    if config.time.kind == "numbers":
        frame["start"] = frame["start"].fillna(config.time.origin)
    frame = number_episodes(frame)
    if "worker" not in frame:
        frame["worker"] = pd.Series(None, index=frame.index, dtype=frame["family"].dtype)
    first = [name for name in SCHEMAS["episodes"].names if name in frame]
    return Table(frame[first + [name for name in frame if name not in first]], table.places)


def _check_table(name: str, table: Table, assembly: Assembly) -> None:
    config, findings = assembly.config, assembly.findings
    checks.check_future(name, table, config, findings)
    check_ids.check_organisations(name, table, config, findings)
    check_ids.check_pseudonyms(name, table, findings)
    if name == "episodes":
        check_ids.check_spelling(table, findings)
        return
    if "episodes" in assembly.tables:
        left_out = check_ids.check_families(
            name, table, assembly.tables["episodes"].frame["family"], findings
        )
        check_ids.check_organisation_of_file(name, table, assembly.tables["episodes"].frame, config, findings)
        if left_out.any():
            table = table.take(~left_out)
            assembly.tables[name] = table
    if name == "measurements" or assembly.merged_families:
        return
    if "episodes" in assembly.tables and {"family", *TIME_OF_TABLE.get(name, ())} <= set(table.frame):
        table = _with_episodes(table, TIME_OF_TABLE[name][0], assembly)
        assembly.tables[name] = table
        check_outside_help(name, table, assembly.tables["episodes"].frame, config, findings)
    told = overlapping_workers(table, findings) if name == "care" else None
    checks.check_duplicates(
        table, SCHEMAS[name].key, f"duplicate_{name}", "price" if name == "prices" else "row", findings,
        only=None if told is None else ~told, severity="error" if name in ADDED_UP else "warning",
    )  # fmt: skip


def _with_episodes(table: Table, time: str, assembly: Assembly) -> Table:
    """The table with its column ``episode`` filled: as named, else by date."""
    episodes = assembly.tables["episodes"].frame
    frame = table.frame
    position = assign_episodes(frame.rename(columns={time: "date"}), episodes, assembly.config)
    check_ids.check_episode_ids(table, episodes, position, assembly.findings)
    found = episodes["episode"].to_numpy(dtype=object)[np.maximum(position, 0)]
    found[position < 0] = None
    frame = frame.assign(episode=pd.Series(found, dtype=frame["family"].dtype))
    first = [name for name in ("family", "episode") if name in frame]
    return Table(frame[first + [name for name in frame if name not in first]], table.places)


def _link(assembly: Assembly, episodes: Table, measurements: Table) -> None:
    """Measurements to episodes; then, if all is well, months, phases and scores."""
    config, findings = assembly.config, assembly.findings
    position = assign_episodes(measurements.frame, episodes.frame, config)
    frame = measurements.frame
    check_ids.check_episode_ids(measurements, episodes.frame, position, findings)
    named = frame["episode"].notna() if "episode" in frame else pd.Series(False, index=frame.index)
    assembly.n_assigned = int((~named).sum())
    found = episodes.frame["episode"].to_numpy(dtype=object)[np.maximum(position, 0)]
    found[position < 0] = None
    frame = frame.assign(episode=pd.Series(found, dtype=frame["family"].dtype))
    first = [name for name in SCHEMAS["measurements"].names if name in frame]
    table = Table(frame[first + [name for name in frame if name not in first]], measurements.places)
    assembly.tables["measurements"] = table
    dated = frame["date"].notna().to_numpy(dtype=bool) & (position >= 0)
    key = SCHEMAS["measurements"].key
    checks.check_duplicates(table, key, "duplicate_measurement", "measurement", findings, only=dated)
    assembly.linked = True
    if findings.has_errors:
        return
    assembly.scores = make_scores(table.frame, episodes.frame, position, assembly.instruments, config)
    check_scores(assembly.scores, table, episodes, assembly.instruments, config, findings)
    check_months(assembly.scores, config, findings)


def _left_out(assembly: Assembly) -> LeftOut | None:
    """What of the files was not read, since nobody permits it."""
    given = assembly.consent
    if given is None:
        return None
    rows = given.rows
    return LeftOut(rows.get("measurements", 0), given.n_families, rows.get("episodes", 0))


def _notes(assembly: Assembly) -> tuple[Note, ...]:
    assert assembly.scores is not None  # load_study stops before
    return reading_notes(
        assembly.config,
        assembly.instruments,
        assembly.scores,
        assembly.findings.counts,
        assembly.n_assigned,
        _left_out(assembly),
    )
