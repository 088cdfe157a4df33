"""How long a run still takes, from how long its steps took so far."""

from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["TimeLeft", "in_words"]


class TimeLeft:
    """Learns from every step that ends how long those of its kind take.

    Parameters
    ----------
    kinds : iterable of str
        The kind of each step that is to be made: its notebook, or its analysis.
    jobs : int
        Steps at once.
    known : mapping of str to float
        Seconds by kind, from an earlier run; what is seen now counts more.
    """

    def __init__(self, kinds: Iterable[str], jobs: int, known: Mapping[str, float] | None = None) -> None:
        self._undone = Counter(kinds)
        self._jobs = jobs
        self._known = dict(known or {})
        self._seen: dict[str, tuple[int, float]] = {}

    def finished(self, kind: str, seconds: float) -> None:
        """A step has ended.

        Parameters
        ----------
        kind : str
            Of which kind.
        seconds : float
            How long it took.
        """
        count, total = self._seen.get(kind, (0, 0.0))
        self._seen[kind] = count + 1, total + seconds
        self._undone[kind] = max(0, self._undone[kind] - 1)

    def seconds(self) -> float | None:
        """Seconds until all is made; None as long as nothing is known of what is left.

        Returns
        -------
        float or None
        """
        each = self._known | {kind: total / count for kind, (count, total) in self._seen.items()}
        if not each:
            return None
        usual = sum(each.values()) / len(each)
        work = sum(count * each.get(kind, usual) for kind, count in self._undone.items())
        return work / min(self._jobs, max(1, self._undone.total()))


def in_words(seconds: float | None) -> str:
    """The time left as a person reads it; nothing where it is short or unknown.

    Parameters
    ----------
    seconds : float or None
        The time.

    Returns
    -------
    str

    Examples
    --------
    >>> in_words(200)
    'about 3 min left'
    >>> in_words(12)
    ''
    """
    if seconds is None or seconds < 45:
        return ""
    minutes = round(seconds / 60)
    return f"about {minutes} min left" if minutes < 90 else f"about {seconds / 3600:.1f} h left"
