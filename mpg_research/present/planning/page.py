"""A plan as a page that a funder can read, and as CSV."""

import io
import math
from html import escape

import pandas as pd

from mpg_research.planning.inputs import INPUTS
from mpg_research.planning.simulated import Measure, Plan, StudyPlan
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_count, format_number, format_share
from mpg_research.present.language.phrases import Phrases, phrases_in
from mpg_research.present.planning.picture import draw_plan, varying
from mpg_research.present.planning.words import (
    as_value,
    the_answer,
    the_limits,
    the_method,
    the_smallest,
)
from mpg_research.present.tables.html import harmless_in_spreadsheets
from mpg_research.present.talk.shell import paragraph, sensitive_page

__all__ = ["plan_as_csv", "present_plan"]

_STYLE = """
table { width: 100%; margin-bottom: 1.5rem; } th, td { vertical-align: top; }
"""
_EMPTY = "–"


def present_plan(plan: StudyPlan, *, language: str) -> str:
    """The whole page.

    Parameters
    ----------
    plan : StudyPlan
        From :func:`mpg_research.planning.plan_study`.
    language : str
    """
    say = phrases_in(language, unit=plan.plan.units.get(language))
    title = say(f"plan.title.{plan.plan.question}")
    study = clean_name(plan.plan.study.get(language, ""))
    body = [
        paragraph(say("general.synthetic"), "synthetic") if plan.plan.synthetic else "",
        f"<h1>{escape(title)}</h1>",
        paragraph(
            say(
                f"plan.about.{plan.plan.question}",
                month=as_value("last_month", plan.cells[0].inputs.last_month, language),
            )
        ),
        paragraph(say("plan.from_study", study=study)) if study else "",
        *(paragraph(text, "answer") for one in plan.smallest for text in the_smallest(one, plan, say)),
        *(paragraph(text, "" if plan.smallest else "answer") for text in the_answer(plan, say)),
        _figure(plan, say),
        _heading(say("plan.heading.numbers")),
        _numbers(plan, say),
        _heading(say("plan.heading.rests_on")),
        paragraph(say("plan.rests_on")),
        _inputs(plan.plan, say),
        _heading(say("plan.heading.limits")),
        *(paragraph(text) for text in the_limits(plan, say)),
        _heading(say("plan.heading.method")),
        *(paragraph(text) for text in the_method(plan, say)),
    ]
    return sensitive_page(title, body, language=language, style=_STYLE)


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _figure(plan: StudyPlan, say: Phrases) -> str:
    svg = draw_plan(plan, say)
    if not svg:
        return ""
    caption = escape(say("plan.caption"))
    return f"<figure>{svg.decode('utf-8').strip()}<figcaption>{caption}</figcaption></figure>"


def _table(caption: str, heads: list[str], rows: list[list[str]], *, keys: int) -> str:
    """An accessible table; the first ``keys`` columns say what the row is."""
    text = (' class="text"', "")
    top = "".join(
        f'<th scope="col"{text[place >= keys]}>{escape(head)}</th>' for place, head in enumerate(heads)
    )
    body = []
    for row in rows:
        cells = [
            f'<th scope="row" class="text">{escape(cell)}</th>'
            if place < keys
            else f"<td>{escape(cell)}</td>"
            for place, cell in enumerate(row)
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _written(name: str, value: float, language: str, *, error: bool = False) -> str:
    if not math.isfinite(value):
        return _EMPTY
    if name == "margin":
        return format_number(value, language, digits=3 if error else 2)
    return format_share(value, language, digits=1)


def _cells_of(name: str, measure: Measure, language: str) -> list[str]:
    error = _written(name, measure.mc_error, language, error=True)
    return [
        f"{_written(name, measure.estimate, language)} (± {error})",
        _written(name, measure.formula, language),
    ]


def _numbers(plan: StudyPlan, say: Phrases) -> str:
    """Every size with every measure, its Monte Carlo error and what the formula says."""
    names, language = varying(plan), say.language
    measures = list(plan.cells[0].measures)
    formula = {name: any(math.isfinite(c.measures[name].formula) for c in plan.cells) for name in measures}
    heads = [say(f"plan.input.{name}") for name in names] or [say("plan.column.plan")]
    for name in measures:
        heads.append(say(f"plan.axis.{name}"))
        heads += [say("plan.column.formula")] if formula[name] else []
    rows = []
    for cell in plan.cells:
        row = [as_value(name, getattr(cell.inputs, name), language) for name in names] or [
            say("plan.as_planned")
        ]
        for name in measures:
            estimate, told = _cells_of(name, cell.measures[name], language)
            row += [estimate, told] if formula[name] else [estimate]
        rows.append(row)
    caption = say("plan.numbers", n=format_count(plan.plan.simulations, language))
    return _table(caption, heads, rows, keys=max(1, len(names)))


def _inputs(plan: Plan, say: Phrases) -> str:
    """Every input with its value and where it comes from."""
    language, rows = say.language, []
    for name in INPUTS:
        value = getattr(plan.inputs, name)
        if name in plan.vary:
            shown, source = _as_values(name, plan.vary[name], language), say("plan.origin.varied")
        elif name == "families" and plan.smallest:
            shown, source = _EMPTY, say("plan.origin.looked_for")
        elif name == "sizes" and not value:
            shown, source = say("plan.equal_sizes"), say(f"plan.origin.{plan.origin('organisations').kind}")
        elif (name == "effect" and math.isnan(value)) or (
            name == "treated" and plan.question != "intervention"
        ):
            continue
        else:
            origin = plan.origin(name)
            shown = as_value(name, value, language)
            source = say(
                f"plan.source.{name}" if origin.kind == "published" else f"plan.origin.{origin.kind}"
            )
            if name in plan.ranges and origin.kind == "study":
                low, high = (as_value(name, end, language) for end in plan.ranges[name])
                shown = say("plan.range", value=shown, low=low, high=high)
        rows.append([say(f"plan.input.{name}"), shown, source])
    heads = [say("plan.column.input"), say("plan.column.value"), say("plan.column.source")]
    return _table(say("plan.inputs"), heads, rows, keys=1).replace("<table>", '<table class="inputs">')


def _as_values(name: str, values: tuple[object, ...], language: str) -> str:
    """Several values of an input."""
    return "; ".join(as_value(name, value, language) for value in values)


def plan_as_csv(plan: StudyPlan) -> str:
    """Every size and measure in a row: what varies, simulated, Monte Carlo error, range, formula.

    Parameters
    ----------
    plan : StudyPlan
    """
    rows = []
    for cell in plan.cells:
        own = {name: _plain(getattr(cell.inputs, name)) for name in INPUTS}
        for name, measure in cell.measures.items():
            rows.append(
                {
                    "question": plan.plan.question, "measure": name, "estimate": measure.estimate,
                    "mc_error": measure.mc_error, "low": measure.low, "high": measure.high,
                    "formula": measure.formula, "simulations": plan.plan.simulations,
                    "not_fitted": cell.n_failed, **own,
                }
            )  # fmt: skip
    for one in plan.smallest:
        own = {name: _plain(value) for name, value in one.values.items()}
        rows.append(
            {
                "question": plan.plan.question, "measure": "smallest_families", "estimate": one.families,
                "low": one.low, "high": one.high, "formula": one.formula, **own,
            }
        )  # fmt: skip
    data = pd.DataFrame(rows)
    if plan.plan.synthetic:
        data["synthetic"] = True
    buffer = io.StringIO()
    data.to_csv(buffer, index=False, lineterminator="\n", float_format="%.6g")
    return buffer.getvalue()


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return harmless_in_spreadsheets(" ".join(f"{each:g}" for each in value))
    return value
