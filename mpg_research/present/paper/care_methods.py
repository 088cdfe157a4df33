"""What analyses of the help itself were computed with: care, target trials, afterwards."""

from collections.abc import Iterator

from mpg_research.present.language.numbers import format_count, format_plain
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper.known import is_known
from mpg_research.present.registry import Method

__all__ = [
    "action_methods",
    "afterwards_methods",
    "agency_methods",
    "dose_methods",
    "flow_methods",
    "helper_methods",
    "spell_methods",
    "trial_methods",
]

_TRIAL = ("hernan2016",)


def action_methods(voice: Voice) -> Iterator[Method]:
    """What was done after a signal."""
    if is_known(voice, "how_soon", "share_of_signals"):
        yield Method("how_soon", ("aalen1978",))


def helper_methods(voice: Voice) -> Iterator[Method]:
    """Workers, helpers and agencies."""
    yield from _around(voice, "around_plan")


def spell_methods(voice: Voice) -> Iterator[Method]:
    """How long a worker stays."""
    if is_known(voice, "change_rates", "rate_low"):
        yield Method("change_rates")
    if is_known(voice, "spell_survival", "estimate"):
        yield Method("spells", ("kaplan1958", "aalen1978"))
    yield from _around(voice, "around_change")


def dose_methods(voice: Voice) -> Iterator[Method]:
    """Hours and visits."""
    names = ("hours_follow_need", "dose_response")
    if any(is_known(voice, name, "estimate") for name in names):
        yield Method("within_between", ("bell2015",))
    if any(_has_row(voice, name, "part", "forward") for name in names):
        yield Method("forward", ("hayakawa2019",))
    if is_known(voice, "dose_shape", "estimate"):
        yield Method("dose_curve")
    asked = voice.released.provenance.parameters.get("hours_model_months")
    if asked and is_known(voice, "hours_model", "estimate"):
        months = format_count(float(asked), voice.language)
        yield Method("hours_model", ("robins2000", "zhou2020"), {"months": months})
    yield from _around(voice, "around_worsening")


def agency_methods(voice: Voice) -> Iterator[Method]:
    """Fewer agencies."""
    yield from _emulated(voice, "agencies_verdicts", "agencies_differences")
    yield from _around(voice, "around_fewer")


def flow_methods(voice: Voice) -> Iterator[Method]:
    """Families in and out."""
    if is_known(voice, "case_mix_drift", "estimate"):
        yield Method("drift")
    if is_known(voice, "case_mix_drift", "p_adjusted"):
        yield Method("holm", ("holm1979",))


def trial_methods(voice: Voice) -> Iterator[Method]:
    """With and without an intervention."""
    yield from _emulated(voice, "verdicts", "differences")
    if is_known(voice, "explained_away", "e_value"):
        yield Method("e_values", ("vanderweele2017",))


def afterwards_methods(voice: Voice) -> Iterator[Method]:
    """What came after help that ended well."""
    groups = ("", "_by_end_reason", "_by_thin_line")
    if any(is_known(voice, f"incidence{group}", "estimate") for group in groups):
        yield Method("first_events", ("aalen1978",))
    if is_known(voice, "gray", "p_value"):
        yield Method("gray", ("gray1988",))
    if is_known(voice, "months_free", "estimate"):
        yield Method("restricted_mean")
    if any(is_known(voice, f"worsening{group}", "estimate") for group in groups):
        yield Method("worsening_between_waves")
    if is_known(voice, "hazards", "hazard_ratio"):
        yield Method("cox", ("efron1977", "lin1989"))
    if is_known(voice, "proportional", "p_value"):
        yield Method("proportional", ("grambsch1994",))
    if is_known(voice, "frailty", "variance"):
        yield Method("frailty", ("therneau2003",))


def _emulated(voice: Voice, verdicts: str, differences: str) -> Iterator[Method]:
    """A target trial, and how its answer was computed where there is one."""
    if verdicts not in voice.released.tables:
        return
    yield Method("target_trial", _TRIAL)
    if not is_known(voice, differences, "estimate"):
        yield Method("trial_no_answer")
        return
    facts = voice.released.provenance.parameters
    if "truncation" in facts:
        percentile = format_plain(round(100 * float(facts["truncation"]), 2), voice.language)
        yield Method("trial_weights", ("hernan2000", "cole2008"), {"percentile": percentile})
    if "few_clusters" in facts:
        few = format_count(float(facts["few_clusters"]), voice.language)
        yield Method("trial_errors", ("pustejovsky2018",), {"number": few})
    if _has_row(voice, differences, "approach", "g_formula"):
        yield Method("g_formula", ("robins1986",))
    if _has_row(voice, differences, "approach", "augmented"):
        yield Method("doubly_robust", ("bang2005",))


def _around(voice: Voice, table: str) -> Iterator[Method]:
    """Before and after an event, beside families without one as yet."""
    if is_known(voice, table, "estimate"):
        yield Method("around_event", ("callaway2021",))


def _has_row(voice: Voice, table: str, column: str, code: str) -> bool:
    """Whether a shown table has an estimate in a row of that code."""
    rows = voice.frame(table)
    if column not in rows or "estimate" not in rows:
        return False
    return bool(rows.loc[rows[column] == code, "estimate"].notna().any())
