"""Write a study's data for R, SPSS and other programs, and what may be shared about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mpg_research.analysis.growth.trajectory import TrajectoryFit, fit_trajectory
from mpg_research.errors import ConfigError, DataError, DisclosureError, ModelError
from mpg_research.reporting.files import json_bytes
from mpg_research.reporting.outgoing.formats import write_csv, write_parquet, write_spss
from mpg_research.reporting.outgoing.metadata import data_package, ddi_codebook
from mpg_research.reporting.outgoing.place import (
    MARKER,
    PLAN,
    SHAREABLE,
    check_export_place,
    written_whole,
)
from mpg_research.reporting.outgoing.scripts import as_json, expected_results, r_script, spss_script
from mpg_research.reporting.outgoing.tables import analysis_frame, scored_measurements
from mpg_research.reporting.outgoing.variables import OutTable, codebook_table
from mpg_research.study.model import Study
from mpg_research.version import __version__

__all__ = ["Exported", "export_metadata", "export_study"]

_SAYS = """\
Personal data / persoonsgegevens

Data about single families, their workers and their answers, written by mpg export of the study {name}.
Pseudonymised data are still personal data. Keep this folder where only you can read it, do not pass it on,
and remove it when you are done. What may be shared about it, without data, is made by:
mpg export STUDY DIR --metadata-only

Gegevens over afzonderlijke gezinnen, hun hulpverleners en hun antwoorden, geschreven door mpg export van de
studie {name}. Gepseudonimiseerde gegevens zijn nog steeds persoonsgegevens. Bewaar deze map waar alleen u
haar kunt lezen, geef haar niet door, en verwijder haar als u klaar bent.

{model}
In CSV an apostrophe stands before a text that a spreadsheet would run as a formula.
"""
_WITH_MODEL = """\
fit_primary_model.R reads analysis_frame.csv and fits the primary model; primary_model.json has the numbers of
this package, to compare. fit_primary_model.sps does the same in SPSS: nobody has run that syntax yet, it was
checked by eye."""
_NO_DATA = """\
No data / geen gegevens

A description of the data of the study {name}: which tables and columns there are, and what they hold. No
number and no value in it comes from the data; names of columns and of questionnaires come from study.toml.
Read it through before you share it.

Een beschrijving van de gegevens van de studie {name}: welke tabellen en kolommen er zijn en wat zij bevatten.
Geen getal en geen waarde erin komt uit de gegevens; namen van kolommen en vragenlijsten komen uit study.toml.
Lees het door voordat u het deelt.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes
    ----------
    folder : Path
        Where it lies.
    files : tuple of str
        Names of the files.
    without_model : str
        Why there is no analysis frame and no script; empty where there are.
    """

    folder: Path
    files: tuple[str, ...]
    without_model: str = ""


def export_study(study: Study, folder: str | Path, *, replace: bool = False) -> Exported:
    """Write scored measurements, analysis frame and codebook as CSV, Parquet and SPSS, with scripts.

    Parameters
    ----------
    study : Study
        A loaded study.
    folder : str or Path
        A new or empty folder of the user's own; only its owner can read it afterwards.
    replace : bool
        Whether an earlier export that stands there may be replaced.

    Returns
    -------
    Exported

    Raises
    ------
    ConfigError
        If something else stands there, or it cannot be written to: nothing is left there then.
    DisclosureError
        If the folder lies among reports or in a work tree of Git.
    """
    target = check_export_place(folder)
    fit, reason = _primary(study)
    tables = _tables(study, fit)
    book = codebook_table(tables)
    with written_whole(target, replace=replace) as place:
        for table in (*tables, book):
            for write in (write_csv, write_parquet, write_spss):
                write(table, place)
        if fit is not None:
            (place / "fit_primary_model.R").write_bytes(r_script(fit).encode())
            (place / "fit_primary_model.sps").write_bytes(spss_script(fit).encode())
            (place / "primary_model.json").write_bytes(as_json(expected_results(fit)))
        model = _WITH_MODEL if fit is not None else f"There is no analysis frame: {reason}"
        (place / MARKER).write_bytes(_SAYS.format(name=study.name, model=model).encode())
        files = _finish(study, place)
    return Exported(target, files, reason)


def export_metadata(study: Study, folder: str | Path, *, replace: bool = False) -> Exported:
    """Write what may be shared about the data: data package, DDI-Codebook and codebook, without data.

    Parameters
    ----------
    study : Study
        A loaded study.
    folder : str or Path
        A new or empty folder.
    replace : bool
        Whether an earlier description that stands there may be replaced.

    Returns
    -------
    Exported

    Raises
    ------
    ConfigError
        If something else stands there, or it cannot be written to.
    """
    target = Path(folder).expanduser().resolve()
    if (target / MARKER).exists():
        raise DisclosureError(
            f"{target} holds an export with data about families; expected another folder, since a "
            "description without data is made to be shared. Name another."
        )
    fit, reason = _primary(study)
    tables = _tables(study, fit)
    with written_whole(target, replace=replace, private=False) as place:
        (place / "datapackage.json").write_bytes(data_package(study.config, tables))
        (place / "ddi-codebook.xml").write_bytes(ddi_codebook(study.config, tables))
        write_csv(codebook_table(tables), place)
        (place / SHAREABLE).write_bytes(_NO_DATA.format(name=study.name).encode())
        files = _finish(study, place)
    return Exported(target, files, reason)


def _finish(study: Study, place: Path) -> tuple[str, ...]:
    files = tuple(sorted(file.name for file in place.iterdir()))
    written = {"study": study.name, "files": list(files), "mpg_research": __version__}
    (place / PLAN).write_bytes(json_bytes(written))
    return (*files, PLAN)


def _primary(study: Study) -> tuple[TrajectoryFit | None, str]:
    """The primary model, or why there is none."""
    try:
        fit = fit_trajectory(study)
    except (ModelError, ConfigError, DataError) as error:
        return None, str(error)
    if not fit.converged:
        return None, "the primary model did not converge on these data."
    return fit, ""


def _tables(study: Study, fit: TrajectoryFit | None) -> Sequence[OutTable]:
    tables = [scored_measurements(study)]
    return tables if fit is None else [*tables, analysis_frame(study, fit.model)]
