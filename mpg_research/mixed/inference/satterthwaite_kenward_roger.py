"""Degrees of freedom: Satterthwaite and Kenward-Roger."""

from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.inference.information import Information, Kind, information
from mpg_research.mixed.search.solution import MixedSolution

__all__ = [
    "FTest",
    "KenwardRoger",
    "kenward_roger",
    "satterthwaite_degrees",
    "satterthwaite_test",
]


@dataclass(frozen=True, slots=True)
class FTest:
    """A joint Wald test of several contrasts.

    Attributes
    ----------
    statistic : float
    numerator_df, denominator_df : float
    scale : float
        What the Wald statistic was multiplied by (Kenward-Roger's lambda; 1 for Satterthwaite).
    """

    statistic: float
    numerator_df: float
    denominator_df: float
    scale: float = 1.0


def _gradients(found: Information, inside: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Variances (m,) of the contrasts and their derivatives (m, k) in the variance parameters."""
    half = inside @ found.phi
    variances: FloatArray = np.einsum("ma,ma->m", half, inside)
    slopes: FloatArray = np.einsum("ma,iab,mb->mi", half, found.p, half, optimize=True)
    return variances, slopes


def satterthwaite_degrees(
    solution: MixedSolution, contrasts: FloatArray, *, kind: Kind = "observed"
) -> FloatArray:
    """Satterthwaite degrees of freedom of each contrast.

    Parameters
    ----------
    solution : MixedSolution
    contrasts : array, shape (m, p) or (p,)
        Rows of weights for the fixed effects.
    kind : {"observed", "expected"}
        Which information; lmerTest and SAS use observed.

    Returns
    -------
    array, shape (m,)
        2 v^2 / g'W g with v the variance of the contrast and g its gradient.

    References
    ----------
    Kuznetsova, Brockhoff & Christensen (2017), 10.18637/jss.v082.i13.
    """
    found = information(solution, kind)
    variances, slopes = _gradients(found, found.inward(contrasts))
    spread = np.einsum("mi,ij,mj->m", slopes, found.inverse, slopes)
    degrees = np.full(spread.shape, np.inf)
    np.divide(2.0 * variances**2, spread, out=degrees, where=spread > 0)
    return degrees


def satterthwaite_test(solution: MixedSolution, contrasts: FloatArray, *, kind: Kind = "observed") -> FTest:
    """Joint F test as in lmerTest: independent t tests of the eigen-contrasts, their df pooled.

    Parameters
    ----------
    solution : MixedSolution
    contrasts : array, shape (m, p)
        Linearly dependent rows count once.
    kind : {"observed", "expected"}

    Returns
    -------
    FTest
    """
    found = information(solution, kind)
    rows = np.atleast_2d(np.asarray(contrasts, dtype=float))
    inside = found.inward(rows)
    values, vectors = np.linalg.eigh(inside @ found.phi @ inside.T)
    keep = values > 1e-8 * np.max(values, initial=0.0)
    if not np.any(keep):
        raise ModelError("The test has no contrast with a variance; expected at least one non-zero row.")
    rotated = vectors[:, keep].T @ inside
    estimates = vectors[:, keep].T @ (rows @ solution.beta) / found.y_scale
    statistic = float(np.mean(estimates**2 / values[keep]))
    variances, slopes = _gradients(found, rotated)
    spread = np.einsum("mi,ij,mj->m", slopes, found.inverse, slopes)
    degrees = 2.0 * variances**2 / np.maximum(spread, 1e-300)
    return FTest(statistic, float(np.sum(keep)), _pooled(degrees))


def _pooled(degrees: FloatArray) -> float:
    """Denominator df whose F has the mean of the sum of the squared t's (Fai & Cornelius 1996)."""
    if np.max(degrees) - np.min(degrees) < 1e-8 * np.max(degrees):
        return float(np.mean(degrees))
    if np.any(degrees <= 2):
        return 2.0
    expected = float(np.sum(degrees / (degrees - 2.0)))
    return 2.0 * expected / (expected - degrees.size)


@dataclass(frozen=True, slots=True)
class KenwardRoger:
    """Kenward-Roger inference about the fixed effects.

    Attributes
    ----------
    covariance : array, shape (p, p)
        The adjusted covariance of the user's fixed effects.
    information : Information
    adjusted : array, shape (p, p)
        The same in internal coordinates.
    """

    covariance: FloatArray
    information: Information
    adjusted: FloatArray

    def degrees(self, contrasts: FloatArray) -> FloatArray:
        """Degrees of freedom of each contrast, shape (m,).

        For one contrast the approximation of :meth:`test` comes down to 2 / (t'Wt), with t the relative
        derivatives of its variance.
        """
        found = self.information
        inside = found.inward(contrasts)
        loaded = inside @ found.phi
        slopes = np.einsum("imb,mb->mi", loaded @ found.p, loaded)
        relative = slopes / np.sum(loaded * inside, axis=1)[:, None]
        spread = np.einsum("mi,ij,mj->m", relative, found.inverse, relative)
        with np.errstate(divide="ignore"):
            return np.where(spread > 0, 2.0 / spread, np.inf)

    def standard_errors(self, contrasts: FloatArray) -> FloatArray:
        """Adjusted standard errors of each contrast, shape (m,), in units of the outcome."""
        inside = self.information.inward(contrasts)
        variances = np.einsum("ma,ab,mb->m", inside, self.adjusted, inside)
        return np.asarray(self.information.y_scale * np.sqrt(variances))

    def test(self, contrasts: FloatArray) -> FTest:
        """Joint F test with the scaled Wald statistic; linearly dependent rows count once."""
        rows = np.atleast_2d(np.asarray(contrasts, dtype=float))
        inside = self.information.inward(rows)
        left, values, _ = np.linalg.svd(inside, full_matrices=False)
        keep = values > 1e-10 * np.max(values, initial=0.0)
        if not np.any(keep):
            raise ModelError("The test has only zero weights; expected at least one non-zero row.")
        turned = left[:, keep].T
        inside = turned @ inside
        estimates = turned @ (rows @ self.information.beta) / self.information.y_scale
        degrees, scale = self._approximate(inside)
        wald = estimates @ np.linalg.solve(inside @ self.adjusted @ inside.T, estimates)
        count = inside.shape[0]
        return FTest(float(scale * wald / count), float(count), float(degrees), float(scale))

    def _approximate(self, rows: FloatArray) -> tuple[float, float]:
        """(m, lambda) of Kenward & Roger (1997), section 2, for internal contrast rows."""
        found = self.information
        phi, count = found.phi, rows.shape[0]
        theta = rows.T @ np.linalg.solve(rows @ phi @ rows.T, rows)
        spread = np.einsum("ab,bc,icd,de->iae", theta, phi, found.p, phi, optimize=True)
        traces = np.einsum("iaa->i", spread)
        a1 = float(traces @ found.inverse @ traces)
        a2 = float(np.sum(found.inverse * np.einsum("iab,jba->ij", spread, spread)))
        if a2 <= 0:
            return np.inf, 1.0
        b = (a1 + 6.0 * a2) / (2.0 * count)
        g = ((count + 1) * a1 - (count + 4) * a2) / ((count + 2) * a2)
        divisor = 3.0 * count + 2.0 * (1.0 - g)
        c1, c2, c3 = g / divisor, (count - g) / divisor, (count + 2 - g) / divisor
        v0, v1, v2 = 1.0 + c1 * b, 1.0 - c2 * b, 1.0 - c3 * b
        v0 = 0.0 if abs(v0) < 1e-10 else v0
        shrink = 1.0 - a2 / count
        # 0/0 at the exact balanced case with few groups: the limit is 1, as in pbkrtest.
        ratio_1 = 1.0 if abs(shrink) < 1e-10 and abs(v1) < 1e-10 else shrink / v1
        rho = ratio_1**2 * v0 / (count * v2)
        degrees = 4.0 + (count + 2.0) / (count * rho - 1.0)
        scale = 1.0 if abs(degrees - 2.0) < 1e-2 else degrees * shrink / (degrees - 2.0)
        return float(degrees), float(scale)


def kenward_roger(solution: MixedSolution, *, kind: Kind = "expected") -> KenwardRoger:
    """Kenward-Roger adjusted covariance, degrees of freedom and tests.

    Parameters
    ----------
    solution : MixedSolution
        Fitted by REML.
    kind : {"observed", "expected"}
        Which information; pbkrtest uses expected, SAS observed.

    Returns
    -------
    KenwardRoger

    Raises
    ------
    ModelError
        If the fit is by maximum likelihood, for which the adjustment is not defined.

    References
    ----------
    Kenward & Roger (1997), 10.2307/2533558; Kenward & Roger (2009), 10.1016/j.csda.2008.12.013;
    Halekoh & Hojsgaard (2014), 10.18637/jss.v059.i09.
    """
    if solution.method != "REML":
        raise ModelError("Kenward-Roger needs a REML fit; found an ML fit. Refit with method='REML'.")
    found = information(solution, kind)
    phi, w = found.phi, found.inverse
    # R_ij / 4 is there only where V is not linear in its parameters; as Kenward & Roger (2009), free of them
    middle = np.einsum("ij,ijab->ab", w, found.q - 0.25 * found.bend) - np.einsum(
        "ij,iab,bc,jcd->ad", w, found.p, phi, found.p, optimize=True
    )
    adjusted = phi + 2.0 * phi @ (0.5 * (middle + middle.T)) @ phi
    inverse = found.x_inverse
    covariance = found.y_scale**2 * inverse @ adjusted @ inverse.T
    return KenwardRoger(covariance, found, adjusted)
