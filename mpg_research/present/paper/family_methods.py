"""What analyses of single families, and of who is missing, were computed with."""

from collections.abc import Iterator

from mpg_research.present.language.voice import Voice
from mpg_research.present.registry import Method

__all__ = [
    "change_methods",
    "course_methods",
    "missing_methods",
    "respondent_methods",
    "signal_methods",
    "step_methods",
    "trend_methods",
]

#: Works by method of reliable change; of the others the paper that compares them stands for all.
_OF_METHOD = {"JT": ("jacobson1991",), "EN": ("speer1992",), "HA": ("hageman1999",)}


def change_methods(voice: Voice) -> Iterator[Method]:
    """Change between two moments."""
    parameters = voice.released.provenance.parameters
    method, name = str(parameters.get("method", "")), str(parameters.get("method_name", ""))
    if name:
        known = _OF_METHOD.get(method, ())
        yield Method("reliable_change" if known else "reliable_change_other", known, {"name": name})
    if "methods" in voice.released.tables:
        yield Method("six_methods", ("jacobson1991", "speer1992", "hageman1999"))
    if "conf_low" in voice.frame("shares"):
        yield Method("wilson", ("wilson1927",))


def trend_methods(voice: Voice) -> Iterator[Method]:
    """The trend over all measurements."""
    if "shares" in voice.released.tables:
        yield Method("reliable_trend", ("willett1989",))


def course_methods(voice: Voice) -> Iterator[Method]:
    """The answer at each measurement."""
    if "shares" in voice.released.tables:
        yield Method("two_sided_tests", ("schuirmann1987",))
        yield Method("every_look", ("jennison1989", "lan1983"))


def step_methods(voice: Voice) -> Iterator[Method]:
    """Sudden changes."""
    if "shares" in voice.released.tables:
        yield Method("sudden_changes", ("tang1999",))


def signal_methods(voice: Voice) -> Iterator[Method]:
    """How well signals foretell."""
    if "rules" in voice.released.tables:
        yield Method("signal_rules")
    if "decision_curve" in voice.released.tables:
        yield Method("decision_curve", ("vickers2006",))


def respondent_methods(voice: Voice) -> Iterator[Method]:
    """Two respondents of one family."""
    if "respondent_bands" in voice.released.tables:
        yield Method("limits_of_agreement", ("bland2007", "zou2013"))


def missing_methods(voice: Voice) -> Iterator[Method]:
    """Who stops and what is missing."""
    tables = voice.released.tables
    if "predictors" in tables:
        yield Method("predictors")
    if "pattern_mixture" in tables:
        yield Method("pattern_mixture", ("little1994",))
    if "delta_adjustment" in tables or "tipping_point" in tables:
        yield Method("delta")
    if "completers" in tables:
        yield Method("completers")
