"""What may be shared about the data without any of it: Frictionless data package and DDI-Codebook.

Sources: the Data Package standard (https://specs.frictionlessdata.io) and DDI-Codebook 2.5
(https://ddialliance.org/Specification/DDI-Codebook/2.5).
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from mpg_research.languages import OF_MESSAGES
from mpg_research.reporting.files import json_bytes
from mpg_research.reporting.outgoing.variables import OutTable, Variable
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.version import __version__

__all__ = ["data_package", "ddi_codebook"]

_TYPES = {
    "text": "string", "code": "string", "number": "number", "integer": "integer", "boolean": "boolean",
    "date": "date",
}  # fmt: skip
_NAMESPACE = "ddi:codebook:2_5"
_SCHEMA = "https://ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema/codebook.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML = "http://www.w3.org/XML/1998/namespace"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What both say of the data.
ACCESS = (
    "The data are not part of this description. They are pseudonymised data about families, and so personal "
    "data: who wants to use them asks the holder of the study."
)
_SYNTHETIC = "The data are synthetic: no family in them exists."


def data_package(config: StudyConfig, tables: Sequence[OutTable]) -> bytes:
    """A ``datapackage.json`` that describes the CSV files, without a number from them.

    Parameters
    ----------
    config : StudyConfig
        Of the study.
    tables : sequence of OutTable
        Only their descriptions are used.

    Returns
    -------
    bytes
    """
    return json_bytes(
        {
            "profile": "tabular-data-package",
            "name": config.study.name,
            "title": config.study.title.in_language(OF_MESSAGES),
            "description": _described(config),
            "contributors": [{"title": f"mpg_research {__version__}", "role": "wrangler"}],
            "resources": [_resource(table) for table in tables],
        }
    )


def _described(config: StudyConfig) -> str:
    return f"{ACCESS} {_SYNTHETIC}" if config.study.synthetic else ACCESS


def _resource(table: OutTable) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [_field(variable) for variable in table.variables],
        "missingValues": [""],
    }
    if table.key:
        schema["primaryKey"] = list(table.key)
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "title": table.title,
        "description": f"One row per {table.row}.",
        "path": f"{table.name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "header": True},
        "schema": schema,
    }


def _field(variable: Variable) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": variable.name,
        "type": _TYPES[variable.kind],
        "description": variable.label,
    }
    if variable.kind == "boolean":
        field |= {"trueValues": ["1"], "falseValues": ["0"]}
    if variable.kind == "date":
        field["format"] = "default"
    limits = {"minimum": variable.minimum, "maximum": variable.maximum}
    constraints = {key: value for key, value in limits.items() if value is not None}
    if constraints and variable.kind in ("number", "integer"):
        whole = variable.kind == "integer"
        field["constraints"] = {key: int(value) if whole else value for key, value in constraints.items()}
    if variable.values:
        known = "; ".join(f"{code} = {label}" for code, label in variable.values.items())
        field["description"] = f"{variable.label} ({known})"
    return field


def ddi_codebook(config: StudyConfig, tables: Sequence[OutTable]) -> bytes:
    """A codebook in XML by DDI-Codebook 2.5, without a number from the data.

    Parameters
    ----------
    config : StudyConfig
        Of the study.
    tables : sequence of OutTable
        Only their descriptions are used.

    Returns
    -------
    bytes
    """
    ET.register_namespace("", _NAMESPACE)
    ET.register_namespace("xsi", _XSI)
    book = ET.Element(
        f"{{{_NAMESPACE}}}codeBook",
        {"version": "2.5", f"{{{_XSI}}}schemaLocation": f"{_NAMESPACE} {_SCHEMA}"},
    )
    study = _add(book, "stdyDscr")
    titles = _add(_add(study, "citation"), "titlStmt")
    written = config.study.title
    first = config.study.languages[0]
    _add(titles, "titl", written.in_language(first), **{f"{{{_XML}}}lang": first})
    for language in config.study.languages[1:]:
        if written.in_language(language) != written.in_language(first):
            _add(titles, "parTitl", written.in_language(language), **{f"{{{_XML}}}lang": language})
    _add(titles, "IDNo", config.study.name)
    _add(_add(study, "stdyInfo"), "abstract", _described(config), **{f"{{{_XML}}}lang": OF_MESSAGES})
    _add(_add(_add(study, "dataAccs"), "useStmt"), "confDec", ACCESS)
    for number, table in enumerate(tables, start=1):
        text = _add(_add(book, "fileDscr", ID=f"F{number}"), "fileTxt")
        _add(text, "fileName", f"{table.name}.csv")
        _add(text, "fileCont", f"{table.title}: one row per {table.row}.")
    data = _add(book, "dataDscr")
    for number, table in enumerate(tables, start=1):
        for place, variable in enumerate(table.variables, start=1):
            _add_variable(data, variable, f"V{number}_{place}", f"F{number}")
    ET.indent(book, " ")
    return bytes(ET.tostring(book, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_variable(data: ET.Element, variable: Variable, identifier: str, file: str) -> None:
    continuous = variable.kind in ("number", "date")
    interval = "contin" if continuous else "discrete"
    attributes = {"ID": identifier, "name": _clean(variable.name), "files": file, "intrvl": interval}
    given = _add(data, "var", **attributes)
    _add(given, "labl", variable.label)
    limits = {"min": variable.minimum, "max": variable.maximum}
    known = {key: f"{value:g}" for key, value in limits.items() if value is not None}
    if known:
        _add(_add(given, "valrng"), "range", **known)
    values = {"0": "no", "1": "yes"} if variable.kind == "boolean" else variable.values
    for code, label in values.items():
        category = _add(given, "catgry")
        _add(category, "catValu", code)
        _add(category, "labl", label)
    numeric = variable.kind in ("number", "integer", "boolean")
    kind = {"type": "numeric" if numeric else "character"}
    if variable.kind == "date":
        kind |= {"category": "date", "schema": "ISO"}
    _add(given, "varFormat", **kind)


def _add(above: ET.Element, tag: str, text: str = "", /, **attributes: str) -> ET.Element:
    element = ET.SubElement(above, f"{{{_NAMESPACE}}}{tag}", attributes)
    if text:
        element.text = _clean(text)
    return element


def _clean(text: str) -> str:
    """Without signs that XML does not know."""
    return _NOT_XML.sub("", text)
