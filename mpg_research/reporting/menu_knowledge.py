"""What a study knows of each intervention, for the menu on the page of one family."""

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import ModelError, NotApplicableError
from mpg_research.present.language.voice import voice_of
from mpg_research.present.sentences.trials import known_of_interventions
from mpg_research.reporting.store.results import result_of
from mpg_research.reporting.store.source import StudySource

__all__ = ["known_by_intervention"]


def known_by_intervention(source: StudySource, profile: FamilyProfile, language: str) -> dict[str, str]:
    """What the target trial of the study says of each intervention, as the family's organisation may see it.

    Parameters
    ----------
    source : StudySource
        The study; the result is read where a run has stored it.
    profile : FamilyProfile
        Of one of its families.
    language : str

    Returns
    -------
    dict of str to str
        Sentences by the code of the intervention, "any" among them, of those with a number; empty where the
        question does not arise or a model does not hold.
    """
    try:
        result = result_of(source, "emulate_target_trial", {})
    except (NotApplicableError, ModelError):
        return {}
    if not result.converged:
        return {}
    episodes = source.pristine().tables["episodes"]
    mine = (episodes["family"].astype(str) == profile.family) & (
        episodes["episode"].astype(str) == profile.episode
    )
    reader = Audience("organisation", str(episodes.loc[mine, "organisation"].iloc[0]))
    released = release(result, reader, policy=policy_of(source))
    return known_of_interventions(voice_of(released, language))
