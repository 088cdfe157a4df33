"""The alarms of every rule at every wave, each also with as many alarms as another."""

from mpg_research.analysis.monitoring.foretold import EndForecast
from mpg_research.analysis.monitoring.limits import alarms_as_many, chance_limits
from mpg_research.arrays import BoolArray, FloatArray

__all__ = ["compare_rules"]


def compare_rules(
    foretold: EndForecast, *, index: FloatArray, threshold: float, false_alarms: float
) -> dict[str, BoolArray]:
    """Alarms at every wave by the chance and by the naive rule, each also with as many alarms as the other.

    Parameters
    ----------
    foretold : EndForecast
    index : ndarray, shape (n_waves,)
        How much worse the score is than at intake, in points.
    threshold : float
        The smallest reliable change: the naive rule alarms beyond it.
    false_alarms : float
        As in :func:`mpg_research.analysis.signals`.

    Returns
    -------
    dict of str to ndarray of bool
        ``chance``, ``naive_as_many``, ``naive``, ``chance_as_many``.
    """
    naive = index > threshold
    limits, _ = chance_limits(foretold, false_alarms)
    in_training = {
        label: chance >= limits[foretold.part == label][0] for label, chance in foretold.training.items()
        if (foretold.part == label).any()
    }  # fmt: skip
    training = {label: foretold.training[label] for label in in_training}
    everywhere = dict.fromkeys(in_training, index)
    return {
        "chance": foretold.chance >= limits,
        "naive_as_many": alarms_as_many(foretold, index, everywhere, in_training),
        "naive": naive,
        "chance_as_many": alarms_as_many(
            foretold, foretold.chance, training, dict.fromkeys(in_training, naive)
        ),
    }
