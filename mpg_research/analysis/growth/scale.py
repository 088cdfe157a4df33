"""No number outside the instrument's scale: what a model's line says beyond its ends is held there.

A growth model knows no ends of a scale. Where most scores lie at one end, its line or its interval can pass
it; no family can.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.result import ResultTable
from mpg_research.errors import Note
from mpg_research.instruments import Instrument

__all__ = ["hold_to_scale", "scale_of"]


_LEVELS = ("mean_course", "mean_curve", "adjusted_means", "adjusted_curve")
_CHANGES = {"change": "mean_curve", "adjusted_change": "adjusted_curve"}
#: Beyond an end by more than this share of the scale the line is no description of the scores.
_FAR = 0.1


def scale_of(instrument: Instrument, outcome: str) -> tuple[float, float] | None:
    """Lowest and highest possible score; of T-scores those of the norm table, None without one."""
    if outcome == "raw":
        return float(instrument.raw_minimum), float(instrument.raw_maximum)
    if instrument.norms is None:
        return None
    scores = [score for band in instrument.norms.bands for score in band.t_score]
    return (float(min(scores)), float(max(scores))) if scores else None


def hold_to_scale(
    tables: Mapping[str, ResultTable], ends: tuple[float, float] | None
) -> tuple[dict[str, ResultTable], list[Note]]:
    """The tables of a trajectory or a comparison with every score within the scale.

    Parameters
    ----------
    tables : mapping of str to ResultTable
        Changed are expected scores (``mean_course``, ``mean_curve``, ``adjusted_means``, ``adjusted_curve``,
        the end levels of ``indicators``) and changes (``change``, ``adjusted_change``).
    ends : (float, float) or None
        Lowest and highest possible score.

    Returns
    -------
    dict of str to ResultTable
        Intervals end at the ends of the scale, those of changes at the length of it; an expected score
        beyond an end is that end, and the changes from or to it are made anew.
    list of Note
        ``held_to_scale`` where an estimate was changed, with level "stop" where the mean course of all
        families lies so far beyond an end that it describes nothing.
    """
    found = dict(tables)
    if ends is None:
        return found, []
    low, high = ends
    for name, curve in _CHANGES.items():
        if name in found and curve in found:
            found[name] = _changes_within(found[name], found[curve], low, high)
    moved, far = False, False
    for name in _LEVELS:
        if name in found:
            estimate = found[name].data["estimate"].to_numpy(dtype=float)
            beyond = np.fmax(low - estimate, estimate - high)
            moved |= bool(np.any(beyond > 0))
            far |= name.startswith("mean") and bool(np.any(beyond > _FAR * (high - low)))
            found[name] = _clipped(found[name], low, high)
    if "indicators" in found:
        is_level = (found["indicators"].data["indicator"] == "end_level").to_numpy(dtype=bool)
        found["indicators"] = _clipped(found["indicators"], low, high, rows=is_level)
    if not moved:
        return found, []
    text = (
        "At some moments the model's line lies beyond the end of the scale, where no score can be; there it "
        "is held to the end of the scale. A model without ends fits these scores badly."
    )
    return found, [Note("held_to_scale", text, {}, "stop" if far else "caution")]


def _clipped(
    table: ResultTable, low: float, high: float, *, rows: NDArray[np.bool_] | None = None
) -> ResultTable:
    data = table.data.copy()
    chosen = np.ones(len(data), dtype=bool) if rows is None else rows
    for column in ("estimate", "conf_low", "conf_high"):
        values = data[column].to_numpy(dtype=float).copy()
        values[chosen] = np.clip(values[chosen], low, high)
        data[column] = values
    return replace(table, data=data)


def _changes_within(table: ResultTable, curve: ResultTable, low: float, high: float) -> ResultTable:
    """Changes between scores within the scale; those of which neither score is beyond it stay."""
    by = [key for key in table.keys if key != "months"]
    levels = curve.data[[*by, "months", "estimate"]]
    starts = levels[levels["months"] == 0].drop(columns="months").rename(columns={"estimate": "_start"})
    keys = table.data[[*by, "months"]]
    both = keys.merge(levels.rename(columns={"estimate": "_end"}), on=[*by, "months"], how="left")
    if by:
        both = both.merge(starts, on=by, how="left")
    else:
        both["_start"] = float(starts["_start"].iloc[0])
    start, end = (both[name].to_numpy(dtype=float) for name in ("_start", "_end"))
    held = np.clip(end, low, high) - np.clip(start, low, high)
    outside = (np.clip(end, low, high) != end) | (np.clip(start, low, high) != start)
    outside &= np.isfinite(held)
    data = table.data.copy()
    before = data["estimate"].to_numpy(dtype=float)
    data["estimate"] = np.where(outside, held, before)
    width = high - low
    data["conf_low"] = np.minimum(data["conf_low"].clip(lower=-width), data["estimate"])
    data["conf_high"] = np.maximum(data["conf_high"].clip(upper=width), data["estimate"])
    if "standardised" in data:
        ratio = np.divide(held, before, out=np.ones_like(before), where=outside & (before != 0))
        data["standardised"] = data["standardised"] * np.where(outside, ratio, 1.0)
    return replace(table, data=pd.DataFrame(data))
