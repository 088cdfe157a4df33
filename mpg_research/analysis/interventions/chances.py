"""Chances on the way: of a start, of help ending, of an outcome being measured; and the weights they make."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mpg_research.analysis.interventions.person_time import PersonTime, position_in
from mpg_research.analysis.interventions.protocol import ANY, TrialLimits, TrialProtocol
from mpg_research.analysis.interventions.trials import Strategy, Trials
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.statistics.trials.weights import fit_chances

__all__ = ["Chances", "StrategyWeights", "fit_way", "history_columns", "weigh"]

#: Keeps coefficients finite where a column tells yes and no apart; worth less than one family.
_RIDGE = 0.1
#: Pieces shorter than this many months (about two days) count as so long: their logarithm has no end.
_SHORT = 1 / 15
#: Rows that are copied at once.
_AT_ONCE = 10_000
#: A chance below this is not told apart from none.
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A model whose columns are put on one scale first; columns without spread are left out."""

    mean: FloatArray
    sd: FloatArray
    used: BoolArray
    estimate: FloatArray
    converged: bool

    @property
    def slopes(self) -> FloatArray:
        """Log-odds per unit of every column, shape (k,): 0 for those left out."""
        found = np.zeros(len(self.mean))
        found[self.used] = self.estimate[1:] / self.sd[self.used]
        return found

    @property
    def level(self) -> float:
        """Log-odds where all columns are 0."""
        return float(self.estimate[0] - self.mean @ self.slopes)

    def chances(self, columns: FloatArray) -> FloatArray:
        return _chance(self.level + columns @ self.slopes)

    def chances_of_pieces(self, own: FloatArray, known: FloatArray, row: NDArray[np.intp]) -> FloatArray:
        """The same of columns of the pieces, then those of their waves: (pieces, j), (waves, k)."""
        slopes, j = self.slopes, own.shape[1]
        return _chance(self.level + own @ slopes[:j] + (known @ slopes[j:])[row])


def _chance(log_odds: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))), dtype=np.float64)


def _fit(columns: FloatArray, happened: BoolArray) -> _Fitted:
    """The model of these rows."""
    if not len(columns):
        return _without_rows(columns.shape[1])
    design = np.empty((len(columns), columns.shape[1] + 1))
    design[:, 1:] = columns
    return _fitted(design, happened)


def _fit_pieces(
    own: FloatArray, known: FloatArray, row: NDArray[np.intp], happened: BoolArray, kept: BoolArray
) -> _Fitted:
    """The model of some pieces: columns of the pieces, then those of their waves. Nothing is copied twice."""
    place, j = np.flatnonzero(kept), own.shape[1]
    if not len(place):
        return _without_rows(j + known.shape[1])
    design = np.empty((len(place), 1 + j + known.shape[1]))
    design[:, 1 : j + 1] = own[place]
    for start in range(0, len(place), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        design[some, j + 1 :] = known[row[place[some]]]
    return _fitted(design, happened[place])


def _without_rows(k: int) -> _Fitted:
    return _Fitted(np.zeros(k), np.ones(k), np.zeros(k, dtype=bool), np.array([-30.0]), False)


def _fitted(design: FloatArray, happened: BoolArray) -> _Fitted:
    """The model of a matrix whose first column is free; its columns are put on one scale in place."""
    columns = design[:, 1:]
    mean = columns.mean(axis=0)
    columns -= mean
    sd = np.sqrt(np.einsum("nk,nk->k", columns, columns) / len(columns))
    used = sd > 1e-9
    sd = np.where(used, sd, 1.0)
    columns /= sd
    design[:, 0] = 1.0
    x = design if used.all() else design[:, np.concatenate([[True], used])]
    found = fit_chances(x, happened, ridge=_RIDGE)
    estimate = np.clip(np.nan_to_num(found.estimate, posinf=30, neginf=-30), -30, 30)
    return _Fitted(mean, sd, used, estimate, found.converged)


@dataclass(frozen=True, slots=True)
class Chances:
    """Models of what happens on the way, as sums over pieces that can be read off at any moment.

    Attributes
    ----------
    time : PersonTime
    starting, ending : ndarray, shape (pieces + 1,)
        Cumulated -log(1 - chance) of a start, and of the end of help, over the pieces.
    starting_plain, ending_plain : ndarray, shape (pieces + 1,)
        The same of models that know the length of a piece only: numerators of stabilised weights.
    columns : ndarray, shape (waves, k)
        What was known at each wave.
    names : tuple of str, length k
    converged : bool
    n_starts : int
        Starts that the model of starting was fitted to.
    """

    time: PersonTime = field(repr=False)
    starting: FloatArray
    ending: FloatArray
    starting_plain: FloatArray
    ending_plain: FloatArray
    columns: FloatArray = field(repr=False)
    names: tuple[str, ...]
    converged: bool
    n_starts: int

    def hazard(self, which: str, course: IntArray, months: FloatArray) -> FloatArray:
        """The cumulated sum of one of the four at moments of courses."""
        total: FloatArray = getattr(self, which)
        place, part = position_in(self.time, course, months)
        return np.asarray(total[place] + part * (total[place + 1] - total[place]), dtype=np.float64)


def history_columns(time: PersonTime) -> tuple[FloatArray, tuple[str, ...]]:
    """What was known at each wave, without the case mix and the organisation; shape (waves, k).

    Parameters
    ----------
    time : PersonTime
    """
    waves = time.waves
    score = waves["score"].to_numpy(dtype=float)
    columns = {
        "score": waves["score"].to_numpy(dtype=float),
        "change": np.nan_to_num(waves["change"].to_numpy(dtype=float)),
        "intake_score": waves["first"].to_numpy(dtype=float),
        "months_in_help": np.log1p(np.maximum(waves["months"].to_numpy(dtype=float), 0.0)),
        "earlier_interventions": np.minimum(waves["earlier"].to_numpy(dtype=float), 3.0),
        "score_squared": (score - score.mean()) ** 2,
    }
    return np.column_stack(list(columns.values())), tuple(columns)


def fit_way(
    time: PersonTime,
    known: FloatArray,
    names: tuple[str, ...],
    *,
    extra: FloatArray,
    extra_names: tuple[str, ...] = (),
    included: BoolArray,
    limits: TrialLimits,
) -> Chances:
    """Fit the chances of a start and of the end of help in the pieces, by pooled logistic regression.

    Parameters
    ----------
    time : PersonTime
    known : ndarray, shape (waves, k)
        What was known at each wave.
    names : tuple of str, length k
    extra : ndarray, shape (courses, q)
        Organisation and case mix, in the order in which they are used as far as the starts allow.
    extra_names : tuple of str, length q
    included : ndarray of bool, shape (pieces,)
        Pieces of organisations that take part.
    limits : TrialLimits
    """
    pieces = time.pieces
    row = pieces["wave"].to_numpy()
    length = np.log(np.maximum((pieces["stop"] - pieces["start"]).to_numpy(dtype=float), _SHORT))
    plain = np.column_stack([length, pieces["second"].to_numpy(dtype=float)])
    still = time.waves["still"].to_numpy(dtype=float)[row]
    at_risk = included & pieces["at_risk"].to_numpy()
    started, ended = pieces["started"].to_numpy(), pieces["ended"].to_numpy()
    n_starts = int(started[at_risk].sum())
    room = max(n_starts // limits.per_column - known.shape[1] - 4, 0)
    n_more = min(room, extra.shape[1])
    columns = np.empty((len(known), known.shape[1] + n_more))
    columns[:, : known.shape[1]] = known
    columns[:, known.shape[1] :] = extra[time.waves["course"].to_numpy(), :n_more]
    of_start = np.column_stack([plain, still, plain[:, 1] * still])
    start_model = _fit_pieces(of_start, columns, row, started, at_risk)
    followed = included & pieces["followed"].to_numpy()
    treated = np.column_stack([pieces["recent"], pieces["earlier"] > 0]).astype(float)
    of_end = np.column_stack([plain, treated])
    end_model = _fit_pieces(of_end, columns, row, ended, followed)
    start_plain = _fit(plain[at_risk], started[at_risk])
    end_plain = _fit(plain[followed], ended[followed])
    return Chances(
        time,
        _cumulated(start_model.chances_of_pieces(of_start, columns, row)),
        _cumulated(end_model.chances_of_pieces(of_end, columns, row)),
        _cumulated(start_plain.chances(plain)),
        _cumulated(end_plain.chances(plain)),
        columns,
        (*names, *extra_names[:n_more]),
        start_model.converged and end_model.converged,
        n_starts,
    )


def _cumulated(chance: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(-np.log1p(-np.clip(chance, 0, 1 - 1e-9)))])


@dataclass(frozen=True, slots=True)
class StrategyWeights:
    """Weights of the trials that followed a strategy to an outcome; arrays of shape (n,).

    Attributes
    ----------
    weight : ndarray
        Inverse chance of that, given all that was known on the way.
    stabilised : ndarray
        The same times the chance that models without history give.
    """

    weight: FloatArray
    stabilised: FloatArray


def weigh(
    chances: Chances,
    trials: Trials,
    strategies: tuple[Strategy, Strategy],
    *,
    what: str,
    protocol: TrialProtocol,
) -> tuple[StrategyWeights, StrategyWeights, FloatArray, bool]:
    """Weights of both strategies, the chance of a start within the grace, and whether all models arrived.

    Parameters
    ----------
    chances : Chances
    trials : Trials
    strategies : (Strategy, Strategy)
        With and without.
    what : str
        A code, or "any".
    protocol : TrialProtocol

    Notes
    -----
    A start of another kind leaves both strategies; its chance is shared out by a model of the kind, given a
    start.
    """
    own, fine_kind = _chance_of_kind(chances, trials, what)
    measured, fine_measured = _chance_measured(chances, trials, strategies)
    found = []
    for plain in (False, True):
        way = "_plain" if plain else ""
        end = chances.hazard(f"ending{way}", trials.course, trials.opens)
        end = end - chances.hazard(f"ending{way}", trials.course, trials.start)
        kind = max(float(own.sum()) / max(len(own), 1), _LEAST) if plain else np.maximum(own, _LEAST)
        with_it = 1 / (_chance_of_start(chances, trials, f"starting{way}") * kind)
        last = np.where(np.isfinite(trials.outcome_time), trials.outcome_time, trials.opens)
        if protocol.later == "as_usual":
            last = trials.decided
        stay = chances.hazard(f"starting{way}", trials.course, last)
        stay = stay - chances.hazard(f"starting{way}", trials.course, trials.start)
        for arm, log_weight in enumerate((np.log(with_it), stay)):
            seen = strategies[arm].seen
            share = strategies[arm].on_it.sum()
            rate = seen.sum() / share if share else 1.0
            last_step = np.full(len(seen), max(rate, _LEAST)) if plain else measured[arm]
            found.append(np.exp(log_weight + end) / last_step)
    first, second = (StrategyWeights(found[arm], found[arm] / found[arm + 2]) for arm in (0, 1))
    chance = _chance_of_start(chances, trials, "starting") * own
    return first, second, chance, chances.converged and fine_kind and fine_measured


def _chance_of_start(chances: Chances, trials: Trials, which: str) -> FloatArray:
    """The chance of a start before the grace is over."""
    total = chances.hazard(which, trials.course, trials.decided)
    total = total - chances.hazard(which, trials.course, trials.start)
    return np.asarray(np.clip(1 - np.exp(-total), _LEAST, 1 - _LEAST), dtype=np.float64)


def _chance_of_kind(chances: Chances, trials: Trials, what: str) -> tuple[FloatArray, bool]:
    """The chance that a start is of the kind asked for, given what was known; 1 for any kind."""
    n = len(trials.start)
    if what == ANY:
        return np.ones(n), True
    within = trials.began < trials.decided
    if not within.any():
        return np.full(n, _LEAST), False
    columns = chances.columns[trials.wave][:, :4]
    model = _fit(columns[within], (trials.code == what)[within])
    return np.maximum(model.chances(columns), _LEAST), model.converged


def _chance_measured(
    chances: Chances, trials: Trials, strategies: tuple[Strategy, Strategy]
) -> tuple[tuple[FloatArray, FloatArray], bool]:
    """The chance of a score in the window, given that help goes on when it opens; per strategy."""
    latest = _last_wave(chances, trials)
    columns = np.column_stack([chances.columns[latest], trials.opens - _months(chances, latest)])
    stacked, happened = [], []
    for arm, strategy in enumerate(strategies):
        stacked.append(np.column_stack([columns, np.full(len(columns), 1.0 - arm)])[strategy.on_it])
        happened.append(np.isfinite(trials.outcome)[strategy.on_it])
    if not sum(len(part) for part in stacked):
        return (np.ones(len(columns)), np.ones(len(columns))), False
    model = _fit(np.concatenate(stacked), np.concatenate(happened))
    both = [
        np.maximum(model.chances(np.column_stack([columns, np.full(len(columns), 1.0 - arm)])), _LEAST)
        for arm in (0, 1)
    ]
    return (both[0], both[1]), model.converged


def _months(chances: Chances, row: IntArray) -> FloatArray:
    return np.asarray(chances.time.waves["months"].to_numpy(dtype=float)[row])


def _last_wave(chances: Chances, trials: Trials) -> NDArray[np.intp]:
    """Row of the last wave of the course before the window opens."""
    place, _ = position_in(chances.time, trials.course, trials.opens)
    return np.asarray(chances.time.pieces["wave"].to_numpy()[place], dtype=np.intp)
