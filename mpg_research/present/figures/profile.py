"""The scores of one family with their error, the expected band, signals, and what happened."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.frames import each_row
from mpg_research.present.figures.by_matplotlib import canvas, export_svg, styled
from mpg_research.present.figures.style import BAND, FAINT, GREY, INK, MAIN
from mpg_research.present.language.phrases import Phrases

__all__ = ["draw_profile"]

#: Earlier help is drawn as far back as this many months before the start.
_BACK = 12.0
_MARK_OF_SIGNAL = {"off_track": "^", "may_stand_still": "D"}


def draw_profile(
    profile: FamilyProfile,
    say: Phrases,
    names: Mapping[str, str],
    *,
    title: str,
    mark: str,
    label: str,
    plain: bool = False,
) -> str:
    """The picture as SVG text, the respondents side by side.

    Parameters
    ----------
    profile : FamilyProfile
    say : Phrases
    names : mapping of str to str
        Respondents and how they are called.
    title, mark, label : str
        What stands above and at the bottom, and the description for those who do not see the picture.
    plain : bool
        Only the scores, for the family itself.
    """
    waves, bands, ahead = (profile.tables[name].data for name in ("waves", "bands", "forecasts"))
    span = _span(waves)
    with styled():
        figure, axes = canvas(2.3 if plain else 3.9, columns=len(names), sharey=True)
        for ax, (respondent, name) in zip(axes[0], names.items(), strict=True):
            mine, band, future = (frame[frame["respondent"] == respondent] for frame in (waves, bands, ahead))
            if plain:
                ax.plot(mine["months"], mine["score"], "-o", color=INK, markersize=8, linewidth=1.6)
            else:
                _expected(ax, band, future)
                ax.vlines(mine["months"], mine["error_low"], mine["error_high"], color=GREY, linewidth=1)
                ax.plot(mine["months"], mine["score"], "-o", color=INK, markersize=5, linewidth=1)
                _signals(ax, mine, span)
                _moments(ax, profile, low=_floor(profile, waves), height=span)
            _axes(ax, profile, say, waves, span)
            ax.set_title(name if len(names) > 1 else "", loc="left")
        axes[0, 0].set_ylabel(say("profile.score_axis"))
    name = "family" if plain else "profile"
    return export_svg(figure, name=name, title=title, mark=mark, label=label).decode("utf-8")


def _axes(ax: Any, profile: FamilyProfile, say: Phrases, waves: pd.DataFrame, span: float) -> None:
    from matplotlib.ticker import MultipleLocator

    ax.set_xlabel(say("profile.month_axis"))
    ax.xaxis.set_major_locator(MultipleLocator(3 if float(waves["months"].max()) < 30 else 12))
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.grid(axis="y", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    if profile.score_range is not None:
        low, high = profile.score_range
        ax.set_ylim(low - 0.16 * span - 1, high + 0.06 * span + 1)


def _span(waves: pd.DataFrame) -> float:
    """Height of the picture in points, at least of what the scores span."""
    return max(float(np.ptp(waves["score"])) * 1.5, 10.0)


def _floor(profile: FamilyProfile, waves: pd.DataFrame) -> float:
    low = float(waves["error_low"].min()) if waves["error_low"].notna().any() else float(waves["score"].min())
    return low if profile.score_range is None else profile.score_range[0]


def _expected(ax: Any, band: pd.DataFrame, future: pd.DataFrame) -> None:
    if len(band):
        x = band["months"].to_numpy(dtype=float)
        low, high = (band[end].to_numpy(dtype=float) for end in ("band_low", "band_high"))
        ax.fill_between(x, low, high, color=BAND, linewidth=0)
        ax.plot(x, band["expected"].to_numpy(dtype=float), color=MAIN, linewidth=1, linestyle="--")
    if len(future):
        ax.vlines(future["months"], future["band_low"], future["band_high"], color=GREY, linewidth=1)
        ax.plot(future["months"], future["estimate"], "o", color=INK, markersize=5, fillstyle="none")


def _signals(ax: Any, mine: pd.DataFrame, span: float) -> None:
    """A mark above each score that is a call."""
    for signal, shape in _MARK_OF_SIGNAL.items():
        called = mine[mine["signal"] == signal]
        above = called[["score", "error_high"]].max(axis=1) + 0.045 * span
        fill = "full" if signal == "off_track" else "none"
        ax.plot(called["months"], above, shape, color="#7a1f00", markersize=5, fillstyle=fill)


def _moments(ax: Any, profile: FamilyProfile, *, low: float, height: float) -> None:
    """Below the scale: a number at each moment, in the order of the list; earlier help as a grey bar."""
    lane = low - 0.09 * height
    for row in each_row(profile.tables["earlier"].data):
        end = row.months_end if np.isfinite(row.months_end) else 0.0
        if end > -_BACK:
            ax.plot(
                [max(row.months, -_BACK), min(end, 0.0)], [lane - 0.05 * height] * 2, color=GREY, linewidth=4
            )
    used: list[float] = []
    for number, row in enumerate(each_row(profile.tables["moments"].data), start=1):
        if row.months < -_BACK:
            continue
        crowded = sum(abs(row.months - other) < 1.0 for other in used) % 2
        used.append(row.months)
        ax.axvline(row.months, color=FAINT, linewidth=0.8, zorder=0)
        ax.text(
            row.months, lane - 0.075 * height * crowded, str(number), ha="center", va="center", fontsize=8
        )
