"""Who is due for a talk: a page per study, by organisation and worker, and the same as CSV."""

import io
import math
from html import escape
from typing import Any

import pandas as pd

from mpg_research.analysis.talk.due import REASONS, DueFamilies
from mpg_research.frames import each_row
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_number, format_share, format_time
from mpg_research.present.language.phrases import Phrases, phrases_in
from mpg_research.present.tables.html import harmless_in_spreadsheets
from mpg_research.present.talk.shell import paragraph, sensitive_page

__all__ = ["due_as_csv", "present_due"]

_COLUMNS = ("family", "reason", "chance", "since", "months", "last_measured", "last_action")
_STYLE = """
body { max-width: 64rem; } table { width: 100%; margin-bottom: 1.5rem; } th, td { vertical-align: top; }
@page { size: A4 landscape; }
"""


def present_due(due: DueFamilies, *, language: str) -> str:
    """The whole page.

    Parameters
    ----------
    due : DueFamilies
        From :func:`mpg_research.analysis.talk.due.find_due`.
    language : str
    """
    say = phrases_in(language, unit=due.unit.get(language))
    talk = due.talk
    title = say("due.title")
    limits = {
        "unmeasured": format_time(talk.unmeasured_after, language),
        "evaluate": format_time(talk.evaluate_after, language),
        "clear": format_share(talk.clear_progress, language),
    }
    body = [
        paragraph(say("general.synthetic"), "synthetic") if due.synthetic else "",
        paragraph(say("due.sensitive"), "sensitive"),
        f"<h1>{escape(title)}</h1>",
        paragraph(say("due.as_of", date=due.as_of.isoformat())),
        paragraph(say("due.reasons_mean", **limits), "small"),
        paragraph(say("due.choice")),
    ]
    if due.families.empty:
        body.append(paragraph(say("due.nobody"), "answer"))
    for key, mine in due.families.groupby("organisation", sort=True):
        name = clean_name(due.organisations.get(str(key), {}).get(language, str(key)))
        body.append(f"<h2>{escape(name)}</h2>")
        body.append(paragraph(say("due.count", n=len(mine), all=due.running.get(str(key), 0))))
        for worker, theirs in mine.groupby("worker", sort=True):
            who = clean_name(str(worker)) if worker else say("due.no_worker")
            body.append(_table(due, theirs, f"{say('due.worker')}: {who}", say, language))
    return sensitive_page(title, body, language=language, style=_STYLE)


def _table(due: DueFamilies, rows: pd.DataFrame, caption: str, say: Phrases, language: str) -> str:
    heads = "".join(f'<th scope="col" class="text">{escape(say(f"due.{name}"))}</th>' for name in _COLUMNS)
    body = []
    for row in each_row(rows):
        cells = (
            "; ".join(say(f"due.{name}") for name in REASONS if getattr(row, name)),
            format_share(row.chance, language) if math.isfinite(row.chance) else "–",
            _number(row.since, language),
            _number(row.months, language),
            _number(row.last_measured, language),
            _action(due, row, say, language),
        )
        family = f'<th scope="row" class="text">{escape(clean_name(row.family))}</th>'
        written = "".join(f'<td class="text">{escape(cell)}</td>' for cell in cells)
        body.append(f"<tr>{family}{written}</tr>")
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _number(value: float, language: str) -> str:
    return format_number(value, language, digits=1) if math.isfinite(value) else "–"


def _action(due: DueFamilies, row: Any, say: Phrases, language: str) -> str:
    """The last thing done or decided, with how many months ago."""
    if not row.last_what:
        return "–"
    room = "intervention" if row.last_what == "intervention" else "decided"
    own = due.own_codes.get(row.last_action, {}).get(language) if room == "intervention" else None
    name = own or (
        say(f"{room}.{row.last_action}") if say.has(f"{room}.{row.last_action}") else row.last_action
    )
    words = clean_name(name) if room == "intervention" else say("moment.decision", code=clean_name(name))
    return say("moment.ago", what=words, months=format_number(row.last_ago, language, digits=1))


def due_as_csv(due: DueFamilies) -> str:
    """The table with its codes, a decimal point, and nothing that a spreadsheet would run.

    Parameters
    ----------
    due : DueFamilies
    """
    data = due.families.copy()
    for name in ("months", "since", "last_measured", "last_ago"):
        data[name] = data[name].astype(float).round(1)
    data["chance"] = data["chance"].astype(float).round(2)
    for name in ("organisation", "worker", "family", "episode", "last_action", "last_what"):
        data[name] = data[name].map(harmless_in_spreadsheets)
    data["as_of"] = due.as_of.isoformat()
    if due.synthetic:
        data["synthetic"] = True
    buffer = io.StringIO()
    data.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()
