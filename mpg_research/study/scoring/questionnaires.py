"""The questionnaires of a study, with the study's own norms and choices on top."""

from dataclasses import replace
from typing import TYPE_CHECKING

from mpg_research.errors import ConfigError, MpgError, Problem
from mpg_research.frames import distinct_values
from mpg_research.instruments import (
    SHIPPED_INSTRUMENTS,
    Instrument,
    adapt_instrument,
    load_instrument,
    read_norm_table,
)
from mpg_research.study.config.study_toml import StudyConfig

if TYPE_CHECKING:
    from mpg_research.study.findings import Findings
    from mpg_research.study.tables.columns import Table

__all__ = ["read_questionnaire", "read_questionnaires"]


def read_questionnaires(
    config: StudyConfig, measurements: "Table | None", findings: "Findings"
) -> dict[str, Instrument]:
    """The questionnaires of a study: those it describes, and the shipped ones that it measured.

    Parameters
    ----------
    config : StudyConfig
        Names files, norm tables and the study's own choices.
    measurements : Table or None
        Says which questionnaires were measured.
    findings : Findings
        Receives the problems.

    Returns
    -------
    dict of str to Instrument
        By key; those that could be read.
    """
    wanted = dict.fromkeys(config.instruments)
    instruments: dict[str, Instrument] = {}
    if measurements is not None:
        for key in measurements.frame["instrument"].dropna().unique():
            if key in SHIPPED_INSTRUMENTS:
                wanted[key] = None
    for key in wanted:
        try:
            instruments[key] = read_questionnaire(key, config)
        except MpgError as error:
            _add_error(error, key, findings)
    _check_chosen(config, measurements, tuple(wanted), findings)
    return instruments


def _check_chosen(
    config: StudyConfig, measurements: "Table | None", wanted: tuple[str, ...], findings: "Findings"
) -> None:
    """Each instrument of [analysis] is described and was measured."""
    several = len(config.analysis.instruments) > 1
    setting = "instruments" if several else "instrument"
    known = dict.fromkeys([*wanted, *SHIPPED_INSTRUMENTS])
    for chosen in config.analysis.instruments:
        measured = measurements is None or chosen in set(distinct_values(measurements.frame["instrument"]))
        if chosen not in known:
            given = (
                f'[analysis] instruments names "{chosen}"'
                if several
                else f'[analysis] instrument = "{chosen}"'
            )
            findings.add(
                Problem(
                    found=f"{given}, which is not described",
                    expected=f"one of {', '.join(known)}",
                    remedy=f'Correct it, or describe it: [instruments.{chosen}] file = "{chosen}.toml".',
                    file=config.file.name, code="unknown_instrument",
                )
            )  # fmt: skip
            if several:
                continue
        if measurements is not None and not measured:
            which = "one of the instruments" if several else "the instrument"
            findings.add(
                Problem(
                    found=f'no measurement is of "{chosen}", {which} of [analysis]',
                    expected="at least one",
                    remedy=f"Correct [analysis] {setting}, or the column instrument.",
                    file=measurements.places.file, code="no_measurements",
                )
            )  # fmt: skip


def _add_error(error: MpgError, key: str, findings: "Findings") -> None:
    if error.problems:
        findings.extend(error.problems)
    else:
        findings.add(Problem(found=f"instrument {key}: {error}", file="study.toml", code="bad_instrument"))


def read_questionnaire(key: str, config: StudyConfig) -> Instrument:
    """A questionnaire with the study's own choices on top.

    Parameters
    ----------
    key : str
        Its key.
    config : StudyConfig
        Names its file, its norm table and the study's own choices.

    Returns
    -------
    Instrument

    Raises
    ------
    ConfigError
        If it cannot be read, or is not described anywhere.
    """
    settings = config.instruments.get(key)
    if settings is None:
        return load_instrument(key)
    if settings.file is None and key not in SHIPPED_INSTRUMENTS:
        raise ConfigError(
            f"[instruments.{key}] has no file, and {key} is not one of the questionnaires that come with "
            f'the package ({", ".join(SHIPPED_INSTRUMENTS)}). Add file = "{key}.toml".'
        )
    instrument = load_instrument(config.path_of(settings.file) if settings.file else key)
    norms = None
    if settings.norms:
        norms = read_norm_table(
            config.path_of(settings.norms),
            source=settings.norms_source or "",
            synthetic=settings.norms_synthetic,
        )
    adapted = adapt_instrument(
        instrument,
        norms=norms,
        max_missing=settings.maximum_missing_items,
        reverse_items=settings.reverse_items,
    )
    return replace(adapted, key=key)
