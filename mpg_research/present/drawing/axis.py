"""One axis of a panel: its ends, its ticks and what stands beside them."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Axis", "nice_ticks"]

#: Room beside the lowest and the highest number, as a share of what lies between them.
MARGIN = 0.05


def nice_ticks(low: float, high: float, *, most: int = 6, whole: bool = False) -> tuple[list[float], int]:
    """Ticks at multiples of 1, 2 or 5 between two ends, and how many decimals they have.

    Parameters
    ----------
    low, high : float
        The ends of the axis.
    most : int
        How many steps there may be.
    whole : bool
        Whether only whole numbers make sense.

    Examples
    --------
    >>> nice_ticks(-7.3, 1.2)
    ([-6.0, -4.0, -2.0, 0.0], 0)
    >>> nice_ticks(0, 0.45)
    ([0.0, 0.1, 0.2, 0.3, 0.4], 1)
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return ([low] if math.isfinite(low) else []), 0
    power = math.floor(math.log10(span / most)) - 1
    before = None
    while True:
        for factor in (1, 2, 5):
            if whole and power < 0:
                continue
            step = factor * 10.0**power if power >= 0 else factor / 10.0**-power
            if span / step <= most * (1 + 1e-9):
                ticks = _multiples(low, high, factor, power)
                if not ticks and before is not None:  # a step just too long for the ends has no place there
                    return _multiples(low, high, *before), max(0, -before[1])
                return ticks, max(0, -power)
            before = factor, power
        power += 1


def _multiples(low: float, high: float, factor: int, power: int) -> list[float]:
    """The multiples of factor * 10**power between two ends."""
    step = factor * 10.0**power if power >= 0 else factor / 10.0**-power
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # The division gives the nearest number to, say, 0.3, where 3 * 0.1 does not.
    return [
        float(place * factor * 10**power) if power >= 0 else place * factor / 10**-power
        for place in range(first, last + 1)
    ]


@dataclass(slots=True)
class Axis:
    """What is known of an axis before it is laid out.

    Attributes
    ----------
    low, high : float or None
        Its ends, where they are given; otherwise they follow from the numbers on it.
    label : str
    write : callable
        A number and a number of decimals as the text of a tick.
    ticks : sequence of (float, str) or None
        Ticks that are given; otherwise they are found.
    most : int
        How many steps between ticks there may be.
    whole : bool
        Whether only whole numbers make sense.
    grid, line, shows_ticks : bool
        Whether lines run from its ticks through the panel, whether the axis itself is drawn, and whether the
        ticks have texts.
    turned : bool
        Whether the texts of ticks are turned, so that long ones have room.
    margin : float
        Room beside the lowest and highest number, as a share of what lies between them.
    bold : sequence of bool
        Which of the given ticks are in front.
    """

    low: float | None = None
    high: float | None = None
    label: str = ""
    write: Callable[[float, int], str] = lambda value, digits: f"{value:.{digits}f}"
    ticks: Sequence[tuple[float, str]] | None = None
    most: int = 6
    whole: bool = False
    grid: bool = False
    line: bool = True
    shows_ticks: bool = True
    turned: bool = False
    margin: float = MARGIN
    bold: Sequence[bool] = ()
    _seen: list[float] = field(default_factory=list)

    def see(self, values: Iterable[float]) -> None:
        """Let the axis reach these numbers."""
        self._seen += [value for value in values if math.isfinite(value)]

    def ends(self) -> tuple[float, float]:
        """Where the axis begins and ends."""
        low, high = (min(self._seen), max(self._seen)) if self._seen else (0.0, 1.0)
        if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):
            room = 0.05 * abs(low) if low else 0.5
        else:
            room = self.margin * (high - low)
        found = (
            low - room if self.low is None else self.low,
            high + room if self.high is None else self.high,
        )
        return found if found[1] > found[0] else (found[0], found[0] + 1.0)

    def texts(self, most: int) -> list[tuple[float, str]]:
        """Ticks with their texts: those that are given, or at most so many steps."""
        low, high = self.ends()
        room = 1e-9 * (high - low)
        if self.ticks is not None:
            return [(value, text) for value, text in self.ticks if low - room <= value <= high + room]
        places, digits = nice_ticks(low, high, most=min(most, self.most), whole=self.whole)
        return [(value, self.write(value, digits)) for value in places]
