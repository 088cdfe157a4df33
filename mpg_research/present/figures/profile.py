"""The scores of one family with their error, the expected band, and the forecast."""

from collections.abc import Mapping

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.present.figures.by_matplotlib import canvas, export_svg, styled
from mpg_research.present.figures.style import BAND, FAINT, GREY, INK, MAIN
from mpg_research.present.language.phrases import Phrases

__all__ = ["draw_profile"]


def draw_profile(
    profile: FamilyProfile, say: Phrases, names: Mapping[str, str], *, title: str, mark: str, label: str
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
    """
    from matplotlib.ticker import MultipleLocator

    waves, bands, ahead = (profile.tables[name].data for name in ("waves", "bands", "forecasts"))
    with styled():
        figure, axes = canvas(3.6, columns=len(names), sharey=True)
        for ax, (respondent, name) in zip(axes[0], names.items(), strict=True):
            mine, band, future = (frame[frame["respondent"] == respondent] for frame in (waves, bands, ahead))
            if len(band):
                x = band["months"].to_numpy(dtype=float)
                low, high = (band[end].to_numpy(dtype=float) for end in ("band_low", "band_high"))
                ax.fill_between(x, low, high, color=BAND, linewidth=0)
                ax.plot(x, band["expected"].to_numpy(dtype=float), color=MAIN, linewidth=1, linestyle="--")
            ax.vlines(mine["months"], mine["error_low"], mine["error_high"], color=GREY, linewidth=1)
            ax.plot(mine["months"], mine["score"], "-o", color=INK, markersize=5, linewidth=1)
            if len(future):
                ax.vlines(future["months"], future["band_low"], future["band_high"], color=GREY, linewidth=1)
                ax.plot(future["months"], future["estimate"], "o", color=INK, markersize=5, fillstyle="none")
            ax.set_title(name if len(names) > 1 else "", loc="left")
            ax.set_xlabel(say("profile.month_axis"))
            ax.xaxis.set_major_locator(MultipleLocator(3 if float(waves["months"].max()) < 30 else 12))
            ax.xaxis.set_major_formatter("{x:.0f}")
            ax.grid(axis="y", color=FAINT, linewidth=0.6)
            ax.set_axisbelow(True)
            if profile.score_range is not None:
                ax.set_ylim(profile.score_range[0] - 1, profile.score_range[1] + 1)
        axes[0, 0].set_ylabel(say("profile.score_axis"))
    return export_svg(figure, name="profile", title=title, mark=mark, label=label).decode("utf-8")
