"""Lines of JSON with a FHIR QuestionnaireResponse each: one row per response, one column per question.

HL7 FHIR R4, QuestionnaireResponse. The score of a coded answer is its ordinalValue (R4) or itemWeight (R5).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.study.files.file_errors import file_error

__all__ = ["read_fhir"]

COUNTED = frozenset({"completed", "amended"})
WEIGHTS = (
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
)
ANSWER = "answer/"
#: Elements of a response that become columns, and in which part of them the text stands.
ELEMENTS = ("id", "questionnaire", "status", "subject", "source", "author", "encounter", "authored")
DEEPEST = 40


def read_fhir(path: Path, content: bytes) -> tuple[pd.DataFrame, NDArray[np.int64], tuple[Problem, ...]]:
    """The responses of a file, the line of each, and warnings about those that do not count.

    Parameters
    ----------
    path : Path
        For messages.
    content : bytes
        The file.

    Returns
    -------
    frame, rows, problems
        Answers stand in the columns ``answer/LINKID``.

    Raises
    ------
    DataError
        If a line is no JSON, or no QuestionnaireResponse, or a question has several answers.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise file_error(
            path, f"byte {error.start + 1} is not UTF-8 text", "lines of JSON in UTF-8",
            "Export the responses again.", "bad_encoding",
        ) from None  # fmt: skip
    records, rows, left_out = [], [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        response = _response(path, line, number)
        if response.get("status") not in COUNTED:
            left_out.append(number)
            continue
        records.append(_record(path, response, number))
        rows.append(number)
    names = list(dict.fromkeys([*ELEMENTS, *(name for record in records for name in record)]))
    frame = pd.DataFrame.from_records(records, columns=names)
    frame = frame.astype(object).where(frame.notna(), None)
    return frame, np.array(rows, dtype=np.int64), _not_counted(path, left_out)


def _response(path: Path, line: str, number: int) -> dict[str, Any]:
    try:
        response = json.loads(line)
    except (ValueError, RecursionError):
        raise file_error(
            path, "the line is no JSON", "one QuestionnaireResponse in each line (NDJSON)",
            "Export the responses again, as lines of JSON (bulk export).", "bad_rows", row=number,
        ) from None  # fmt: skip
    kind = response.get("resourceType") if isinstance(response, dict) else type(response).__name__
    if not isinstance(response, dict) or kind != "QuestionnaireResponse":
        raise file_error(
            path, f"the line holds {str(kind)[:60]}", "a QuestionnaireResponse",
            "Export these resources alone; a Bundle must be taken apart into lines first.", "bad_rows",
            row=number,
        )  # fmt: skip
    return response


def _record(path: Path, response: Mapping[str, Any], number: int) -> dict[str, Any]:
    record = {name: _text(response.get(name)) for name in ELEMENTS}
    for link, answers in _answers(response, 0):
        if len(answers) > 1 or f"{ANSWER}{link}" in record:
            raise file_error(
                path, f"the question {link} has several answers", "one answer to a question",
                "Leave the question out of the export, or make columns of it.", "no_single_values",
                row=number, column=f"{ANSWER}{link}",
            )  # fmt: skip
        record[f"{ANSWER}{link}"] = _value(answers[0])
    return record


def _answers(part: Mapping[str, Any], depth: int) -> Iterator[tuple[str, list[Any]]]:
    items = part.get("item")
    if depth > DEEPEST or not isinstance(items, list):
        return
    for item in items:
        if not isinstance(item, dict):
            continue
        answers = [each for each in item.get("answer") or [] if isinstance(each, dict)]
        if answers:
            yield str(item.get("linkId", "")).strip(), answers
        yield from _answers(item, depth + 1)
        for answer in answers:
            yield from _answers(answer, depth + 1)


def _value(answer: Mapping[str, Any]) -> Any:
    """The score of an answer where it says one, else its code, number or text."""
    name, value = next(((key, each) for key, each in answer.items() if key.startswith("value")), ("", None))
    if name == "valueCoding" and isinstance(value, dict):
        for holder in (value, answer):
            for extension in holder.get("extension") or []:
                if isinstance(extension, dict) and extension.get("url") in WEIGHTS:
                    return extension.get("valueDecimal")
        return value.get("code", value.get("display"))
    if isinstance(value, dict):
        return value.get("value", value.get("reference"))
    return None if isinstance(value, list) else value


def _text(element: Any) -> Any:
    """A reference by what it refers to; a canonical questionnaire by its name, without its version."""
    if isinstance(element, dict):
        element = element.get("reference") or (element.get("identifier") or {}).get("value")
    if not isinstance(element, str):
        return None
    return element.rpartition("/")[2].partition("|")[0] if "/" in element else element.partition("|")[0]


def _not_counted(path: Path, lines: list[int]) -> tuple[Problem, ...]:
    if not lines:
        return ()
    return (
        Problem(
            found=f"{len(lines)} responses are neither completed nor amended; the first is this one",
            expected="responses with status completed or amended",
            remedy="They are left out. Look whether the export should have held them.",
            file=path.name, row=lines[0], severity="warning", code="not_completed",
        ),
    )  # fmt: skip
