"""A fit as plain text and as HTML; everything that comes from the data is escaped."""

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from mpg_research.mixed.html_table import format_number, format_p, html_table

if TYPE_CHECKING:
    from mpg_research.mixed.fit_numbers import FitNumbers

__all__ = ["html", "text"]

_HEADINGS = {
    "estimate": "Estimate",
    "std_error": "SE",
    "df": "df",
    "statistic": "t",
    "p_value": "p",
    "conf_low": "Low",
    "conf_high": "High",
}


def text(fit: "FitNumbers") -> str:
    """The fit as plain text: sample, fixed effects, variances, notes."""
    parts = [*_header(fit), "", "Fixed effects", _fixed(fit).to_string(), "", "Random effects"]
    parts += [_random(fit).to_string(index=False), ""]
    parts += [f"Note: {note.text}" for note in fit.notes]
    return "\n".join(parts).rstrip() + "\n"


def html(fit: "FitNumbers") -> str:
    """The fit as a fragment of HTML with captions and row headers."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in _header(fit))
    notes = "".join(f"<li>{escape(note.text)}</li>" for note in fit.notes)
    return (
        f'<section class="mixed-fit">{lines}'
        f"{html_table(_fixed(fit), 'Fixed effects')}"
        f"{html_table(_random(fit).set_index('Group'), 'Random effects')}"
        f"{'<p>Notes</p><ul>' + notes + '</ul>' if notes else ''}</section>"
    )


def _header(fit: "FitNumbers") -> list[str]:
    groups = ", ".join(f"{group}: {count}" for group, count in fit.n_groups.items())
    dropped = f" ({fit.n_dropped} rows left out)" if fit.n_dropped else ""
    return [
        f"Linear mixed model fitted by {fit.method}: {fit.formula}",
        f"{fit.n_observations} observations{dropped}; groups: {groups}",
        f"Log-likelihood {fit.log_likelihood:.3f}, AIC {fit.aic:.2f}, BIC {fit.bic:.2f}; "
        f"degrees of freedom: {fit.inference.rule}",
        f"Optimiser: {fit.convergence}",
    ]


def _fixed(fit: "FitNumbers") -> pd.DataFrame:
    table = fit.fixed
    shown = pd.DataFrame(index=table.index)
    for column, heading in _HEADINGS.items():
        if heading in ("Low", "High"):
            heading = f"{heading} {100 * fit.level:g} %"
        if heading == "t" and fit.df_rule == "normal":
            heading = "z"
        shown[heading] = [_cell(column, value) for value in table[column]]
    shown.index.name = None
    return shown


def _random(fit: "FitNumbers") -> pd.DataFrame:
    table = fit.random
    rows = []
    for row in table.itertuples(index=False):
        own = row.term_1 == row.term_2
        rows.append(
            {
                "Group": row.group,
                "Term": row.term_1 if own else f"{row.term_1}, {row.term_2}",
                "Variance or covariance": format_number(row.covariance),
                "SD": format_number(row.sd),
                "Correlation": format_number(row.correlation),
            }
        )
    sd = fit.residual_sd
    rows.append(
        {
            "Group": "Residual",
            "Term": "",
            "Variance or covariance": format_number(sd**2),
            "SD": format_number(sd),
            "Correlation": "",
        }
    )
    structure = fit.problem.residual
    meanings = () if structure is None else structure.meanings
    for (name, value), meaning in zip(fit.residual_parameters.items(), meanings, strict=True):
        rows.append(
            {"Group": "Residual", "Term": name, "Variance or covariance": "", "SD": "", "Correlation": ""}
            | {"SD" if meaning == "sd_ratio" else "Correlation": format_number(value)}
        )
    return pd.DataFrame(rows)


def _cell(column: str, value: float) -> str:
    if column == "df":
        return f"{value:.1f}" if value < 1e6 else format_number(value)
    return format_p(value) if column == "p_value" else format_number(value)
