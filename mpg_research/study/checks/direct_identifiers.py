"""Columns that tell who people are do not belong in a study, used or not."""

from collections.abc import Sequence

from mpg_research.errors import Problem
from mpg_research.study.config.study_toml import TableConfig
from mpg_research.study.files.read import RawTable
from mpg_research.study.findings import Findings
from mpg_research.study.tables.direct_identifiers import DIRECT_IDENTIFIERS, direct_identifier

__all__ = ["check_direct_identifiers"]


def check_direct_identifiers(
    raw: RawTable, tables: Sequence[tuple[str, TableConfig]], findings: Findings
) -> None:
    """Every column of a file that holds direct identifiers, whether the study uses it or not.

    What stands in the cells is never repeated. Where ``identifiers_kept`` gives a reason the error becomes a
    warning with that reason.

    Parameters
    ----------
    raw : RawTable
        The file.
    tables : sequence of (str, TableConfig)
        The tables that are read from it; each may say which columns are kept all the same.
    findings : Findings
        Receives the problems.
    """
    section = tables[0][1].section_of(tables[0][0])
    organisations = {table.source_of("organisation") for _, table in tables}
    reasons = {column: why for _, table in tables for column, why in table.identifiers_kept.items()}
    for column in map(str, raw.frame.columns):
        kind = direct_identifier(column, raw.frame[column])
        if not kind or (kind == "name" and column.strip().lower() in organisations):
            continue
        found = f"the column holds what looks like {DIRECT_IDENTIFIERS[kind]}"
        reason = reasons.get(column, "").strip()
        if reason:
            findings.add(
                Problem(
                    found=found, remedy=f"Kept all the same, because: {reason}", file=raw.name,
                    column=column, severity="warning", code="identifiers_kept",
                )
            )  # fmt: skip
            continue
        findings.add(
            Problem(
                found=found,
                expected="nothing that tells who a person is, used or not",
                remedy=(
                    "Take it out of the file, or replace it before it comes here: mpg pseudonymise. If it is "
                    f'something else, say so in {section}: identifiers_kept = {{ "{column}" = "why" }}.'
                ),
                file=raw.name, column=column, code="direct_identifier",
            )
        )  # fmt: skip
