"""A fit as plain text and as HTML; everything that comes from the data is escaped."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

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
        f"{_table(_fixed(fit), 'Fixed effects', index=True)}"
        f"{_table(_random(fit), 'Random effects', index=False)}"
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
        shown[heading] = [_p(value) if column == "p_value" else _number(value) for value in table[column]]
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
                "Variance or covariance": _number(row.covariance),
                "SD": _number(row.sd),
                "Correlation": _number(row.correlation),
            }
        )
    sd = fit.residual_sd
    rows.append(
        {
            "Group": "Residual",
            "Term": "",
            "Variance or covariance": _number(sd**2),
            "SD": _number(sd),
            "Correlation": "",
        }
    )
    for name, value in fit.residual_parameters.items():
        rows.append(
            {"Group": "Residual", "Term": name, "Variance or covariance": "", "SD": "", "Correlation": ""}
            | {"SD" if name.startswith("sd ratio") else "Correlation": _number(value)}
        )
    return pd.DataFrame(rows)


def _number(value: float) -> str:
    if np.isnan(value):
        return ""
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.4g}" if abs(value) < 1e-3 or abs(value) >= 1e5 else f"{value:.3f}"


def _p(value: float) -> str:
    if np.isnan(value):
        return ""
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0") if value < 1 else "1.000"


def _table(frame: pd.DataFrame, caption: str, *, index: bool) -> str:
    heads = ([""] if index else []) + [str(column) for column in frame.columns]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    rows = []
    for label, values in zip(frame.index, frame.itertuples(index=False), strict=True):
        cells = [str(value) for value in values]
        first = str(label) if index else cells.pop(0)
        body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{body}</tr>')
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
