"""Measurement error beside continuous-time autoregression: a state that carries on, plus white noise.

R = S [(1 - share) phi^|dt| + share I] S within a series, S the standard deviations of the strata. R^-1 is not
of neighbours only, so that everything goes through the filter of :mod:`residual_filter`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.covariance.kalman_filter import Filter, Kernel, run_filter
from mpg_research.mixed.covariance.neighbours import NO_CORRELATION, NeighbourResidual
from mpg_research.mixed.covariance.protocol import BoundResidual, Meaning, Pairs, Turned
from mpg_research.mixed.covariance.row_weights import Links

__all__ = ["NoisyResidual"]


# Up to this logit a share counts as zero; a share below the other one becomes zero if the deviance does
# not mind.
SMALLEST_LOGIT = -35.0
SMALL_SHARE = 1e-3
# The second derivative of log|R| is a central difference of the first, relative precision about 1e-9.
STEP = 1e-4
# Logs of range / unit and logits of the share to begin from.
STARTS = ((np.log(1.5), np.log(0.5)), (np.log(6.0), np.log(1.5)), (np.log(0.6), np.log(0.1)))


@dataclass(frozen=True, slots=True)
class NoisyResidual(NeighbourResidual):
    """A state and noise bound to rows: delta is (log of range / unit, logit of the share, log ratios)."""

    neighbours_only: ClassVar[bool] = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        assert self.serial is not None
        strata = () if self.strata is None else self.strata.names
        return (*self.serial.names, "share of measurement error", *strata)

    @property
    def label(self) -> str:
        """What the structure is called in a message."""
        return "Measurement error beside CAR1"

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What each parameter is."""
        strata = self.strata
        ratios = () if strata is None else tuple(strata.meaning for _ in strata.names)
        return ("correlation", "share", *ratios)

    def split(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The state's and noise's part of a vector of parameters, and the ratios'."""
        return values[:2], values[2:]

    def start(self) -> FloatArray:
        """A correlation of the state of about .5 between neighbours, and a third of noise."""
        ratios = np.empty(0) if self.strata is None else self.strata.start()
        return np.concatenate([[np.log(1.5), np.log(0.5)], ratios])

    def starts(self) -> list[FloatArray]:
        """A state that lasts with much noise, and one that passes with little, look alike at first."""
        rest = self.start()[2:]
        return [np.concatenate([own, rest]) for own in STARTS]

    def natural(self, delta: FloatArray) -> FloatArray:
        """Delta in the units of ``names``."""
        assert self.serial is not None
        own, ratios = self.split(delta)
        share = 0.0 if own[1] <= SMALLEST_LOGIT else 1.0 / (1.0 + np.exp(-own[1]))
        return np.concatenate([self.serial.natural(own[:1]), [share], np.exp(ratios)])

    def from_natural(self, values: FloatArray) -> FloatArray:
        """The inverse of ``natural``."""
        assert self.serial is not None
        own, ratios = self.split(np.asarray(values, dtype=float))
        share = own[1]
        logit = SMALLEST_LOGIT if share == 0 else np.log(share / (1.0 - share))
        return np.concatenate([self.serial.from_natural(own[:1]), [logit], np.log(ratios)])

    def sorted(self, order: IntArray | None) -> "NoisyResidual":
        """The same for rows in another order, in which each row comes right after the one before it."""
        plain = NeighbourResidual(self.serial, self.strata).sorted(order)
        return NoisyResidual(plain.serial, plain.strata)

    def some(self, keep: NDArray[np.bool_]) -> "NoisyResidual":
        """The same for some of the rows, whole series."""
        plain = NeighbourResidual(self.serial, self.strata).some(keep)
        return NoisyResidual(plain.serial, plain.strata)

    def filter(self, delta: FloatArray) -> Filter:
        """The filter at delta; rows as :meth:`sorted` wants them."""
        found: Filter = self._once("filter", delta, lambda: self._filter(delta))
        return found

    def _filter(self, delta: FloatArray) -> Filter:
        links, share = self._state(delta), self.share(delta)
        return run_filter(links.a, links.d1, share, share * (1.0 - share), self.steps())

    def steps(self) -> list[IntArray]:
        """Rows by their place within the series, the first ones first."""
        if "steps" not in self.last:
            starts = np.flatnonzero(self.previous < 0)
            lengths = np.diff(np.append(starts, self.previous.size))
            found = [starts[lengths > place] + place for place in range(int(lengths.max()))]
            self.last["steps"] = (b"", found)
        steps: list[IntArray] = self.last["steps"][1]
        return steps

    def share(self, delta: FloatArray) -> float:
        """Share of the noise in the residual variance."""
        return float(self.natural(delta)[1])

    def _state(self, delta: FloatArray) -> Links:
        assert self.serial is not None
        serial = self.serial
        found: Links = self._once("state", delta, lambda: serial.links(delta[:1]))
        return found

    def _kernel(self, delta: FloatArray) -> Kernel:
        assert self.serial is not None
        scaled = self.serial.distance / (self.serial.unit * np.exp(delta[0]))
        links = self._state(delta)
        return Kernel(links.a, np.where(links.a > 0, scaled, 0.0))

    def whitened(self, delta: FloatArray, columns: FloatArray) -> tuple[FloatArray, float]:
        """W times columns (m, n), with W'W = R^-1, and log|R|; rows as :meth:`sorted` wants them."""
        own, s = self.filter(delta), self.deviations(delta)
        return own.whitened(columns / s), float(np.sum(np.log(own.f)) + 2.0 * np.sum(np.log(s)))

    def half(self, delta: FloatArray, columns: FloatArray) -> FloatArray:
        """(W^-1)' times columns (m, n), so that the products of two are those with R between."""
        return self.filter(delta).coloured_back(self.deviations(delta) * columns)

    def back(self, delta: FloatArray, half: FloatArray) -> FloatArray:
        """W^-1 times columns (m, n): R times columns is this of their :meth:`half`."""
        return self.deviations(delta) * self.filter(delta).coloured(half)

    def solve(self, delta: FloatArray, columns: FloatArray) -> FloatArray:
        """R^-1 times columns (m, n)."""
        own, s = self.filter(delta), self.deviations(delta)
        return own.whitened_back(own.whitened(columns / s)) / s

    def derivative(self, delta: FloatArray, indices: tuple[int, ...], columns: FloatArray) -> FloatArray:
        """A derivative of R in one or two parameters times columns (m, n)."""
        ratio = next((index for index in indices if index >= 2), None)
        if ratio is not None:
            # S moves on both sides of what is left
            assert self.strata is not None
            member = self.strata.members()[ratio - 2]
            place = indices.index(ratio)
            rest = indices[:place] + indices[place + 1 :]
            left = member * self.derivative(delta, rest, columns)
            both: FloatArray = left + self.derivative(delta, rest, member * columns)
            return both
        if not indices:
            return self.back(delta, self.half(delta, columns))
        s, share, kernel = self.deviations(delta), self.share(delta), self._kernel(delta)
        order, own = indices.count(0), s * columns
        # derivatives of the share in its logit
        shares = (share, share * (1.0 - share), share * (1.0 - share) * (1.0 - 2.0 * share))
        of_share = shares[len(indices) - order]
        found = kernel.times(order, own)
        if order == len(indices):
            found = (1.0 - share) * found
        else:
            found = of_share * ((own if order == 0 else 0.0) - found)
        return s * found

    def turned(self, delta: FloatArray, columns: FloatArray, pairs: Pairs) -> Turned:
        """R^-1 R_k R^-1 times columns (m, n) of every parameter, then R^-1 R_kl R^-1 of pairs of them."""
        return BoundResidual.turned(self, delta, columns, pairs)

    def inverse_slopes(self, delta: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
        """Sum over columns of left' E right (m, n) each, for E the derivative of R^-1 in each parameter."""
        return BoundResidual.inverse_slopes(self, delta, left, right)

    def d_log_det(self, delta: FloatArray) -> FloatArray:
        """Derivative of log|R| in each parameter, shape (k,)."""
        own = self.filter(delta)
        counts = np.empty(0) if self.strata is None else 2.0 * self.strata.members().sum(axis=1)
        return np.append(np.sum(own.df / own.f, axis=1), counts)

    def bends(self, i: int, j: int) -> bool:
        """Whether R has a second derivative in two parameters: always."""
        return True

    def traces(self, delta: FloatArray, pairs: Pairs) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """tr(R^-1 R_i R^-1 R_j) and tr(R^-1 R_ij) of the pairs; no third.

        With M_i = W_i W^-1, a lower triangle, R^-1 R_i is -(M_i + M_i') but for a similarity, so that the
        first is 2 sum of (M_i)_tt (M_j)_tt + 2 sum of all (M_i)_tu (M_j)_tu: the latter are covariances of
        the innovations' derivatives, which follow a recursion of their own.
        """
        product = self._products(delta)
        k = delta.size
        second = np.zeros((k, k))
        for i in range(2):
            move = np.zeros(k)
            move[i] = STEP
            second[i] = (self.d_log_det(delta + move) - self.d_log_det(delta - move)) / (2.0 * STEP)
        second[:2, :2] = 0.5 * (second[:2, :2] + second[:2, :2].T)
        second[2:] = 0.0
        bent = second + product
        return product, np.array([bent[pair] for pair in pairs]), None

    def _products(self, delta: FloatArray) -> FloatArray:
        own, k = self.filter(delta), delta.size
        n = self.previous.size
        member = np.zeros((k, n))
        if self.strata is not None:
            member[2:] = self.strata.members()
        da, df, dk = (np.zeros((k, n)) for _ in range(3))
        da[:2], df[:2], dk[:2] = own.da, own.df, own.dk
        diagonal = -0.5 * df / own.f - member
        product = 4.0 * diagonal @ diagonal.T
        covariance = np.zeros((0, 0, 0))
        for index, rows in enumerate(self.steps()):
            if index == 0:
                # of the prediction m and its derivatives, each series
                covariance = np.zeros((k + 1, k + 1, rows.size))
            else:
                before = rows - 1
                going = self._going_on(index)
                a, gain, f = own.a[rows], own.k[before], own.f[before]
                move = np.zeros((k + 1, k + 1, rows.size))
                move[0, 0] = a
                move[1:, 0] = da[:, rows] - a * gain * member[:, before]
                innovation = np.empty((k + 1, rows.size))
                innovation[0] = a * gain
                innovation[1:] = da[:, rows] * gain + a * (dk[:, before] - gain * member[:, before])
                for i in range(1, k + 1):
                    move[i, i] = a * (1.0 - gain)
                covariance = np.einsum("abn,bcn,dcn->adn", move, covariance[:, :, going], move)
                covariance += innovation[:, None] * innovation[None] * f
            # -(m_i + member_i m), the part of an innovation's derivative that is not its own innovation
            turn = np.zeros((k, k + 1, rows.size))
            turn[:, 0] = -member[:, rows]
            turn[np.arange(k), np.arange(k) + 1] = -1.0
            product += 2.0 * np.einsum("ian,abn,jbn,n->ij", turn, covariance, turn, 1.0 / own.f[rows])
        return product

    def _going_on(self, place: int) -> NDArray[np.bool_]:
        """Which of the series with a row at the place before have one at this place."""
        steps = self.steps()
        return np.isin(steps[place - 1] + 1, steps[place], assume_unique=True)

    def whitening(self, delta: FloatArray) -> sparse.csr_matrix:
        """W for rows in any order, a triangle within each series, shape (n, n)."""
        order = np.argsort(self.place(), kind="stable")
        inner = self.sorted(order)
        place = np.empty(order.size, dtype=np.intp)
        for index, rows in enumerate(inner.steps()):
            place[rows] = index
        first = np.arange(order.size) - place
        found = inner.filter(delta).whitened((np.arange(place.max() + 1)[:, None] == place).astype(float))
        column, row = np.nonzero(np.arange(len(found))[:, None] <= place)
        values = found[column, row]
        shape = (order.size, order.size)
        within = sparse.csr_matrix((values, (order[row], order[first[row] + column])), shape=shape)
        return (within @ sparse.diags(1.0 / self.deviations(delta))).tocsr()

    def correlation_at_zero(self, delta: FloatArray) -> bool:
        """Whether no two neighbours are correlated by as much as .01, noise included."""
        return bool((1.0 - self.share(delta)) * np.max(np.abs(self._state(delta).a)) < NO_CORRELATION)

    def uninformative(self, delta: FloatArray) -> list[int]:
        """Parameters without information: state and noise where they are independent; a share of zero."""
        if self.correlation_at_zero(delta):
            return [0, 1]
        return [1] if self.share(delta) == 0 else []

    def onto_face(self, delta: FloatArray) -> FloatArray | None:
        """Delta with what came near zero at zero: the correlation, or the share; None where nothing did."""
        assert self.serial is not None
        if self.correlation_at_zero(delta):
            return np.concatenate([[self.serial.zero, SMALLEST_LOGIT], delta[2:]])
        if 0.0 < self.share(delta) < SMALL_SHARE:
            return np.concatenate([delta[:1], [SMALLEST_LOGIT], delta[2:]])
        return None

    def off_face(self, delta: FloatArray) -> FloatArray:
        """Delta a little away from zero."""
        start = self.start()
        moved = delta.copy()
        if self.correlation_at_zero(delta):
            moved[:2] = start[:2]
        elif self.share(delta) < SMALL_SHARE:
            moved[1] = start[1]
        return moved

    def faces(self, delta: FloatArray) -> list[tuple[str, str]]:
        """Which parameters lie at an end of what they can be: (kind, name), kinds being codes of notes."""
        plain = NeighbourResidual(self.serial, self.strata)
        found = plain.faces(np.delete(delta, 1))
        if self.correlation_at_zero(delta):
            kept = [one for one in found if one[0] == "zero_residual_variance"]
            return [("zero_correlation", self.names[0]), *kept]
        if self.share(delta) == 0:
            found.append(("zero_measurement_error", self.names[1]))
        return found
