"""The partial likelihood of proportional hazards: its value, derivatives and each one's part in it.

Everything comes from cumulative sums over spells that are sorted once, by their end and by their entry, so
that one evaluation takes time in proportion to the number of spells. With d events at one moment, event l of
them (l = 0, ..., d - 1) is compared with everybody at risk less l/d of those with an event then (Efron), or
with everybody (Breslow).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray

__all__ = ["Layer", "Parts", "Ties", "layers_of", "parts_of"]

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True)
class Layer:
    """The spells of one stratum, prepared: n spells, m moments with events, e events.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Their places in the data.
    died : ndarray of int, shape (e,)
        Places within ``rows`` of those with an event, sorted by moment.
    moment : ndarray of int, shape (e,)
        The moment of each event.
    fraction : ndarray, shape (e,)
        l / d (zero by Breslow).
    times : ndarray, shape (m,)
    first, last : ndarray of int, shape (n,)
        Moments ``first`` to ``last - 1`` are those at which a spell is at risk.
    """

    rows: NDArray[np.intp]
    died: NDArray[np.intp]
    moment: NDArray[np.intp]
    fraction: FloatArray
    times: FloatArray
    first: NDArray[np.intp]
    last: NDArray[np.intp]

    def at_risk(self, values: FloatArray) -> FloatArray:
        """Sums of values over those at risk at each moment; values (n,) or (n, p) to (m,) or (m, p)."""
        m = self.times.size
        shape = (m + 1, *values.shape[1:])
        change = np.zeros(shape)
        if values.ndim == 1:
            change += np.bincount(self.last, values, m + 1)
            change -= np.bincount(self.first, values, m + 1)
        else:
            for column in range(values.shape[1]):
                change[:, column] += np.bincount(self.last, values[:, column], m + 1)
                change[:, column] -= np.bincount(self.first, values[:, column], m + 1)
        # At risk at moment j: those with last > j less those with first > j.
        summed: FloatArray = np.cumsum(change[::-1], axis=0)[::-1][1:]
        return summed

    def of_events(self, values: FloatArray) -> FloatArray:
        """Sums of values over those with an event at each moment."""
        m, own = self.times.size, values[self.died]
        if values.ndim == 1:
            found: FloatArray = np.bincount(self.moment, own, m).astype(float)
            return found
        return np.stack([np.bincount(self.moment, own[:, c], m) for c in range(own.shape[1])], axis=1)

    def over_watch(self, steps: FloatArray) -> FloatArray:
        """Sums of steps (m,) or (m, p) over the moments at which each spell is at risk."""
        summed = np.concatenate([np.zeros((1, *steps.shape[1:])), np.cumsum(steps, axis=0)])
        result: FloatArray = summed[self.last] - summed[self.first]
        return result


def layers_of(
    time: FloatArray,
    event: NDArray[np.bool_],
    entry: FloatArray,
    strata: NDArray[np.intp],
    ties: Ties,
) -> list[Layer]:
    """Prepare the strata that have an event; the others say nothing.

    Parameters
    ----------
    time, event, entry, strata : ndarray, shape (n,)
    ties : {"efron", "breslow"}
    """
    found = []
    order = np.argsort(strata, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(strata[order])) + 1):
        died = np.flatnonzero(event[rows])
        if not died.size:
            continue
        died = died[np.argsort(time[rows][died], kind="stable")]
        times, moment, counts = np.unique(time[rows][died], return_inverse=True, return_counts=True)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        rank = np.arange(died.size) - starts[moment]
        fraction = rank / counts[moment] if ties == "efron" else np.zeros(died.size)
        first = np.searchsorted(times, entry[rows], side="right")
        last = np.searchsorted(times, time[rows], side="right")
        found.append(Layer(rows, died, moment, fraction, times, first, last))
    return found


@dataclass(frozen=True, slots=True)
class Parts:
    """The log partial likelihood at some coefficients.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (p,)
    information : ndarray, shape (p, p)
    means : list of ndarray, shape (e, p)
        Per layer the mean of the design among those compared with each event.
    """

    value: float
    gradient: FloatArray
    information: FloatArray
    means: list[FloatArray]


def parts_of(
    layers: list[Layer],
    design: FloatArray,
    offset: FloatArray,
    *,
    weights: list[FloatArray] | None = None,
) -> Parts:
    """Value and derivatives at a linear predictor.

    Parameters
    ----------
    layers : list of Layer
    design : ndarray, shape (n, p)
    offset : ndarray, shape (n,)
        The whole linear predictor.
    weights : list of ndarray, shape (e,), optional
        A weight per event, by layer; value, gradient and information are then weighted sums.
    """
    p = design.shape[1]
    value, gradient, information = 0.0, np.zeros(p), np.zeros((p, p))
    means = []
    for number, layer in enumerate(layers):
        x, linear = design[layer.rows], offset[layer.rows]
        shift = float(linear.max())
        risk = np.exp(linear - shift)
        own = np.ones(layer.died.size) if weights is None else weights[number]
        total = layer.at_risk(risk)[layer.moment] - layer.fraction * layer.of_events(risk)[layer.moment]
        weighted = risk[:, None] * x
        sums = layer.at_risk(weighted)[layer.moment]
        sums = sums - layer.fraction[:, None] * layer.of_events(weighted)[layer.moment]
        mean = sums / total[:, None]
        value += float(own @ (linear[layer.died] - np.log(total) - shift))
        gradient += own @ (x[layer.died] - mean)
        load = expected_events(layer, risk, own / total)
        information += x.T @ (load[:, None] * x) - mean.T @ (own[:, None] * mean)
        means.append(mean)
    return Parts(value, gradient, information, means)


def expected_events(layer: Layer, risk: FloatArray, rate: FloatArray) -> FloatArray:
    """How many (weighted) events each spell was expected to have, shape (n,).

    Parameters
    ----------
    layer : Layer
    risk : ndarray, shape (n,)
    rate : ndarray, shape (e,)
        Weight over the sum of the risks compared, of each event.
    """
    m = layer.times.size
    steps = np.bincount(layer.moment, rate, m).astype(float)
    less = np.bincount(layer.moment, rate * layer.fraction, m)
    load = layer.over_watch(steps)
    load[layer.died] -= less[layer.moment]
    result: FloatArray = risk * load
    return result
