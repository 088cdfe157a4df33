"""Which analyses a study planned before it had data, or before anything else."""

from mpg_research.reporting.planned.seal import read_sealed
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["planned_analyses"]


def planned_analyses(config: StudyConfig) -> frozenset[str] | None:
    """The analyses that stand in the sealed plan; all others are exploratory.

    An amendment adds to them only where no data of the study were there yet: what is added afterwards may
    have been chosen by its result.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    frozenset of str or None
        None where nothing was sealed.
    """
    sealed = read_sealed(config)
    if not sealed:
        return None
    plans = [each for each in sealed if each.number == 1 or not each.data_were_there]
    questions = (question for each in plans for question in each.settings.values.get("plan.questions", []))
    return frozenset(name for question in questions for name in question.get("analyses", []))
