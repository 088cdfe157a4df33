"""Numbers out of every hundred."""

from mpg_research.present.language.voice import Voice

__all__ = ["out_of_hundred"]


def out_of_hundred(voice: Voice, share: float) -> str:
    """A share as a number out of every hundred; never none or all where it is not.

    Parameters
    ----------
    voice : Voice
    share : float
        From 0 to 1.
    """
    number = 100 * float(share)
    if 0 < number < 0.5:
        return f"<{voice.count(1)}"
    if 99.5 <= number < 100:
        return f">{voice.count(99)}"
    return voice.count(number)
