"""The one scale of certainty in which organisations are spoken of, and when each of its words may be said.

Three words: demonstrably better, not demonstrably different, demonstrably worse. The first and the last hold
after correction for the number of organisations; whatever lies in between is the second, which is no proof of
no difference. A difference can stand out (chance alone seldom gives it) without being demonstrable, since of
many organisations some stand out by chance: that is said beside the word, not by another one.
"""

from typing import Literal

import pandas as pd

from mpg_research.present.language.phrases import Phrases

__all__ = [
    "HIGHER_IS_BETTER",
    "Certainty",
    "certainty_of_difference",
    "certainty_of_share",
    "certainty_word",
    "distinguishable",
    "favourable_share",
    "leaves_zero_out",
    "p_column",
    "stands_out",
]

Certainty = Literal["better", "none", "worse"]

#: Of shares of families: whether more of it is the better side.
HIGHER_IS_BETTER = {
    "measured": True,
    "reliably_improved": True,
    "reliably_worsened": False,
    "dropped_out": False,
}


def certainty_word(phrases: Phrases, certainty: Certainty, beside: Literal["reference", "expected"]) -> str:
    """The word of the scale.

    Parameters
    ----------
    phrases : Phrases
        The catalogue of the language.
    certainty : {"better", "none", "worse"}
    beside : {"reference", "expected"}
        What the organisation is set beside: the average of the organisations, or what was expected of its
        families.
    """
    return phrases(f"certainty.{certainty}_{beside}")


def p_column(found: pd.Series | pd.DataFrame) -> str:
    """The p-values corrected for the number of comparisons; the plain ones where nothing is corrected."""
    return "p_adjusted" if "p_adjusted" in found else "p_value"


def leaves_zero_out(row: pd.Series) -> bool:
    """Whether the interval of a difference leaves zero out."""
    return bool(row["conf_low"] > 0 or row["conf_high"] < 0)


def distinguishable(row: pd.Series, *, level: float) -> bool:
    """Whether a difference stands after correction for the number of comparisons."""
    return bool(float(row[p_column(row)]) < round(1 - level, 12) and leaves_zero_out(row))


def certainty_of_difference(row: pd.Series, *, level: float, lower_is_better: bool) -> Certainty:
    """The word for a difference of scores from the average.

    Parameters
    ----------
    row : Series
        Of ``difference_from_mean``, all its numbers known.
    level : float
        Confidence level.
    lower_is_better : bool
        Whether a lower score is better.
    """
    if not distinguishable(row, level=level):
        return "none"
    return "better" if (float(row["estimate"]) < 0) == lower_is_better else "worse"


def certainty_of_share(row: pd.Series) -> Certainty:
    """The word for a share beside the one expected: a row of ``share_indicators``, all its numbers known."""
    if row["observed_demonstrable"] not in ("lower", "higher"):
        return "none"
    return "better" if favourable_share(row) else "worse"


def favourable_share(row: pd.Series) -> bool:
    """Whether a share lies on the better side of the one expected."""
    return bool((float(row["observed_difference"]) > 0) == HIGHER_IS_BETTER[str(row["indicator"])])


def stands_out(row: pd.Series) -> bool:
    """Whether chance alone seldom gives such a difference, looked at by itself."""
    if "observed_beyond_chance" in row:
        return row["observed_beyond_chance"] in ("lower", "higher")
    return leaves_zero_out(row)
