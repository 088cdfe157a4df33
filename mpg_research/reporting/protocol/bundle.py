"""``mpg bundle``: plan, reports, records, codebook, licence and citation of a study as one archive.

What may go in stands in lists here, and nothing else does: the files that the manifest of one reader names,
of kinds that reports have, and what is made here. A folder in which a file was changed or added is refused.
Equal input gives equal bytes.
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.present.language.names import clean_name
from mpg_research.reporting.audit.folders import Recipient, recipients_in
from mpg_research.reporting.audit.integrity import faults_of
from mpg_research.reporting.files import CRATE, MANIFEST, OUTPUTS, START_PAGE, json_bytes
from mpg_research.reporting.page.masthead import report_day
from mpg_research.reporting.page.name_search import forbidden_names, refuse_names_in
from mpg_research.reporting.planned.seal import read_sealed
from mpg_research.reporting.protocol.write import protocol_files
from mpg_research.reporting.store.inputs import hash_files
from mpg_research.study.config.plan import SEALED_FILE
from mpg_research.study.config.study_toml import StudyConfig, read_config
from mpg_research.study.schemas import SCHEMAS
from mpg_research.version import __version__
from mpg_research.writing import write_atomically

__all__ = ["bundle_files", "write_bundle"]

#: Kinds of files that reports consist of; any other stays out, and stops the making of the archive.
KINDS = frozenset({".html", ".ipynb", ".csv", ".svg", ".png", ".pdf", ".docx"})
_RECORDS = frozenset({MANIFEST, OUTPUTS, START_PAGE})
_READERS = ("funder", "researcher")
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_LONGEST_LICENCE = 100_000
_NO_LICENCE = "No licence was given with this archive: all rights stay with those who made it.\n"
#: A day that every archive can hold: of time, only the manifest tells.
_DAY = (1980, 1, 1, 0, 0, 0)


def write_bundle(
    study: str | Path,
    *,
    reports: str | Path,
    reader: str = "funder",
    output: str | Path | None = None,
    licence: str | Path | None = None,
) -> tuple[Path, tuple[str, ...]]:
    """Write the archive of a study; nothing is uploaded.

    Parameters
    ----------
    study : str or Path
        Study folder or study.toml.
    reports : str or Path
        Where its reports are, as ``mpg run --output`` had it.
    reader : {"funder", "researcher"}
        Whose reports go in.
    output : str or Path, optional
        The archive; by default named after the study, in the folder where the command is given.
    licence : str or Path, optional
        A text file with the licence.

    Returns
    -------
    (Path, tuple of str)
        The archive and the names of the files in it.

    Raises
    ------
    ConfigError
        If the study, the reader or the licence cannot be used.
    ReportError
        If there are no reports.
    DisclosureError
        If something would go in that may not be passed on.
    """
    config = read_config(study)
    text = _licence(licence)
    files = bundle_files(config, Path(reports), reader=reader, licence=text)
    path = Path(output) if output else Path(f"{config.study.name}_bundle.zip")
    return write_atomically(path, _zipped(files)), tuple(sorted(files))


def bundle_files(config: StudyConfig, reports: Path, *, reader: str, licence: str = "") -> dict[str, bytes]:
    """What goes into the archive of a study.

    Parameters
    ----------
    config : StudyConfig
        The study.
    reports : Path
        Where its reports are.
    reader : {"funder", "researcher"}
        Whose reports go in.
    licence : str
        Text of the licence; empty where none is given.

    Returns
    -------
    dict of str to bytes
        By name in the archive.

    Raises
    ------
    ConfigError
        If there is no such reader.
    ReportError
        If there are no reports.
    DisclosureError
        If something would go in that may not be passed on.
    """
    if reader not in _READERS:
        raise ConfigError(f"--for {reader}: expected {' or '.join(_READERS)}; others read about themselves.")
    (recipient,) = recipients_in(reports / config.study.name / reader)
    files = {f"reports/{name}": content for name, content in _reports(recipient, config).items()}
    files |= {f"plan/{name}": content for name, content in _plan(config, reader).items()}
    files["data_dictionary.csv"] = _codebook(config)
    files["LICENCE.txt"] = (licence or _NO_LICENCE).encode()
    files["CITATION.cff"] = _citation(config)
    forbidden, own = forbidden_names(config, role=reader, organisation="", keys=())
    refuse_names_in(files, forbidden=forbidden, own=own)
    files[CRATE] = json_bytes(_crate(config, reader, files, bool(licence)))
    return files


def _reports(recipient: Recipient, config: StudyConfig) -> dict[str, bytes]:
    manifest, folder = recipient.manifest, recipient.folder
    said = (manifest.get("study"), manifest.get("recipient"))
    if said != (config.study.name, recipient.name):
        raise DisclosureError(f"{folder} holds reports of another study or for another reader: {said}.")
    steps = manifest["steps"].values()
    if "private" in manifest or any(entry.get("disclosure", {}).get("private", True) for entry in steps):
        raise DisclosureError(f"{folder} holds pages that are not for release; none of them goes in.")
    if any(entry.get("notebook_is") == "modified" for entry in steps):
        raise DisclosureError(
            f"{folder} has pages by a notebook that was changed and is not registered; make them anew first."
        )
    now = _settings_for(recipient.name, config)
    if any(entry.get("inputs", {}).get("settings") != now for entry in steps):
        raise DisclosureError(
            f"{folder} was made by other settings than {config.file.name} and its files have now, so plan "
            "and reports would not belong together. Make it anew with mpg run."
        )
    if faults := faults_of(recipient):
        listed = ", ".join(f"{fault.file} ({fault.what})" for fault in faults[:5])
        raise DisclosureError(
            f"{folder} is not as it was published: {listed}. Make it anew with mpg run; nothing was written."
        )
    listed_files = {name for entry in steps for name in entry["outputs"]}
    strange = sorted(name for name in listed_files if not _may_go_in(name))
    if strange:
        raise DisclosureError(f"{folder} lists what may not go in: {', '.join(strange[:5])}.")
    records = {name for name in _RECORDS if (folder / name).is_file()}
    return {name: (folder / name).read_bytes() for name in sorted(listed_files | records)}


def _settings_for(recipient: str, config: StudyConfig) -> dict[str, str]:
    """The hashes of the settings as a recipient's manifest has them."""
    _, settings = hash_files(config)
    if recipient == "researcher":
        return settings
    return {
        name: hashlib.sha256(f"{recipient}\0{value}".encode()).hexdigest() for name, value in settings.items()
    }


def _may_go_in(name: str) -> bool:
    place = PurePosixPath(name)
    return place.suffix in KINDS and not place.is_absolute() and ".." not in place.parts and "\\" not in name


def _plan(config: StudyConfig, reader: str) -> dict[str, bytes]:
    """The plan on paper, and the sealed file where the reader may know the organisations it names."""
    sealed = read_sealed(config)
    if config.plan is None:
        return {}
    files = protocol_files(config, for_deposit=reader != "researcher")
    if not sealed:
        return files
    content = (config.folder / SEALED_FILE).read_bytes()
    forbidden, own = forbidden_names(config, role=reader, organisation="", keys=())
    try:
        refuse_names_in({SEALED_FILE: content}, forbidden=forbidden, own=own)
        return {**files, SEALED_FILE: content}
    except DisclosureError:
        pass  # its hashes go in instead
    chain = "".join(f"{each.number}  {each.day}  {each.sha256}\n" for each in sealed)
    text = f"{SEALED_FILE} names organisations and stays with the study. Its chain (number, day, SHA-256):\n"
    return {**files, "sealed_hashes.txt": f"{text}{chain}".encode()}


def _codebook(config: StudyConfig) -> bytes:
    """The columns there can be in the tables of the study; no value of any of them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("table", "column", "kind", "required", "minimum", "maximum", "meaning"))
    for name in config.tables.present():
        for column in SCHEMAS[name].columns:
            limits = ("" if limit is None else limit for limit in (column.minimum, column.maximum))
            writer.writerow((name, column.name, column.kind, column.required, *limits, column.meaning))
    return buffer.getvalue().encode()


def _citation(config: StudyConfig) -> bytes:
    language = config.study.languages[0]
    title = clean_name(config.study.title.in_language(language))
    author = config.report.author
    name = clean_name(author.in_language(language)) if author else "The makers of the study"
    day = report_day(config)
    lines = ["cff-version: 1.2.0", 'message: "Cite these reports as below."', "type: dataset"]
    lines += [f"title: {_quoted(title)}", "authors:", f"  - name: {_quoted(name)}"]
    lines += [f"version: {_quoted(config.report.edition)}"] if config.report.edition else []
    lines += [f"date-released: {day}"] if day else []
    lines += ["references:", "  - type: software", "    title: mpg_research", f'    version: "{__version__}"']
    lines += ["    authors:", "      - name: The mpg_research developers"]
    return ("\n".join(lines) + "\n").encode()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _crate(
    config: StudyConfig, reader: str, files: Mapping[str, bytes], has_licence: bool
) -> dict[str, object]:
    """``ro-crate-metadata.json`` of the archive (RO-Crate 1.1), in place of that of the reports."""
    language = config.study.languages[0]
    day = report_day(config)
    made_up = " All data are made up (synthetic)." if config.study.synthetic else ""
    parts = [
        {"@id": quote(name), "@type": "File", "name": name, "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    ]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": clean_name(config.study.title.in_language(language)),
        "description": f"Plan and reports for the {reader}, without data of families.{made_up}",
        "license": {"@id": "LICENCE.txt"} if has_licence else "No licence was given",
        "hasPart": [{"@id": part["@id"]} for part in parts],
        **({"datePublished": day.isoformat()} if day else {}),
    }
    about = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _SPECIFICATION},
    }
    context = [f"{_SPECIFICATION}/context", {"sha256": "http://schema.org/sha256"}]
    return {"@context": context, "@graph": [about, root, *parts]}


def _licence(file: str | Path | None) -> str:
    if file is None:
        return ""
    try:
        text = Path(file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text.strip() or len(text) > _LONGEST_LICENCE:
        raise ConfigError(f"--licence {file}: expected a text file in UTF-8 with the licence.")
    return text


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            about = zipfile.ZipInfo(name, _DAY)
            about.create_system, about.external_attr = 3, 0o644 << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, content, compresslevel=9)
    return buffer.getvalue()
