"""The page of every table of every result, from the results of the example study themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpg_research
from mpg_research import analysis
from mpg_research.analysis.columns import Column
from mpg_research.errors import MpgError
from mpg_research.reporting.store.results import result_of
from mpg_research.reporting.store.source import open_study
from mpg_research.reporting.store.verbs import verbs

__all__ = ["MEANINGS", "result_tables_page", "results_of_study", "unnamed_tables"]

#: What a declaration of a column says, in words.
MEANINGS = {
    "organisation": "organisation",
    "time": "moment since the start of help",
    "key": "what the row is",
    "label": "a code",
    "text": "text",
    "date": "date",
    "count": "number of {of}",
    "tally": "a number, not of people",
    "share": "share of `{of}`",
    "mean": "observed mean or spread",
    "model": "estimate of a model",
    "p": "p-value",
    "df": "degrees of freedom",
    "rank": "rank",
    "extreme": "smallest or largest (never shown)",
    "quantile": "percentile",
    "money": "euros",
    "setting": "number of the analysis",
    "family": "value of one family (never shown)",
}


def results_of_study(study: Path) -> dict[str, Any]:
    """What every public verb finds in a study with nothing but its defaults, by the verb.

    Results come from the store where a run made them. A verb that wants more than a study, or that does not
    apply to it, is left out.
    """
    source = open_study(study)
    found = {}
    for verb in verbs():
        if verb in mpg_research.__all__:
            try:
                result = result_of(source, verb, {})
            except (MpgError, TypeError):
                continue
            if hasattr(result, "tables") and hasattr(result, "kind"):
                found[verb] = result
    return found


def result_tables_page(results: dict[str, Any]) -> str:
    """The page: per verb its tables, per table its columns with what each of them means."""
    lines = [
        "# Tables of results",
        "",
        'Made from the results of the example study. `result.tables["name"].data` is a data frame with '
        "unrounded "
        "numbers; beside the columns below each has `n_families`, the distinct families behind the row, and "
        "`n_organisations` where a row pools organisations. What a column means is declared where it "
        "is made: the "
        "disclosure gate decides by that. *Key* marks what says which row it is. "
        "[The verbs](api/verbs.md) say in words what each table holds; a table is there only where a "
        "study has "
        "what it needs.",
    ]
    for verb, result in results.items():
        lines += ["", f"## `{verb}`", "", _summary(verb)]
        for name, table in result.tables.items():
            family = (
                " One row per family: for the study's own people, on no page."
                if table.unit == "family"
                else ""
            )
            lines += ["", f"### `{verb}`: `{name}`", ""]
            lines += [family.strip(), ""] if family else []
            lines += ["| column | what it holds |", "|---|---|", *_columns(table.columns)]
    return "\n".join(lines) + "\n"


def unnamed_tables(results: dict[str, Any]) -> list[str]:
    """Tables that a verb gives and its docstring (so ``help()``) does not name, a line each."""
    return [
        f"help({verb}) does not name the table {name}"
        for verb, result in results.items()
        for name in result.tables
        if f"``{name}``" not in str(getattr(analysis, verb).__doc__)
    ]


def _summary(verb: str) -> str:
    text = getattr(analysis, verb).__doc__ or ""
    return text.strip().partition("\n")[0]


def _columns(columns: tuple[Column, ...]) -> Iterator[str]:
    for column in columns:
        if column.name in {"n_families", "n_organisations"}:
            continue
        of = column.of.removeprefix("n_").replace("_", " ")
        said = MEANINGS[column.meaning].format(of=column.of if column.meaning == "share" else of)
        if column.ends:
            said = f"{'lower' if column.ends == 'low' else 'upper'} end of the interval of `{column.about}`"
        elif column.is_error:
            said = "standard error"
        elif column.rows:
            said = f"as `{column.row_key}` says"
        yield f"| `{column.name}` | {'*key*: ' if column.is_key else ''}{said} |"
