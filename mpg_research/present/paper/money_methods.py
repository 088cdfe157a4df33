"""What analyses of money were computed with: costs, costs beside effects, benefits, organisations by both."""

from collections.abc import Iterator

from mpg_research.present.language.numbers import format_count, format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper.known import is_known
from mpg_research.present.registry import Method

__all__ = ["benefit_methods", "comparison_of_costs_methods", "cost_methods", "organisation_value_methods"]

_MONTHS_A_YEAR = 12.0
_FUNNEL = ("spiegelhalter2005a", "spiegelhalter2005b", "jones2008")


def cost_methods(voice: Voice) -> Iterator[Method]:
    """What families cost."""
    facts = voice.released.provenance.parameters
    if is_known(voice, "costs", "mean_cost"):
        yield from _priced(voice, "rate", float(facts.get("horizon_months", 0)))
        yield Method("censored_costs", ("bang2000", "lin1997"))
        yield Method("errors_over_workers" if facts.get("over_workers") else "errors_over_families")
    if is_known(voice, "costs_by_organisation", "adjusted_cost"):
        yield Method("adjusted_costs", ("manning2001",))
    if "cost_funnel" in voice.released.tables:
        yield Method("funnel", _FUNNEL)


def comparison_of_costs_methods(voice: Voice) -> Iterator[Method]:
    """Costs beside effects of groups of families."""
    facts = voice.released.provenance.parameters
    yield from _compared(voice, "cost_differences", "effect_differences")
    if is_known(voice, "ratios", "euros_per_unit_low"):
        yield Method("fieller", ("willan1996",))
    if is_known(voice, "net_benefit_regression", "estimate"):
        yield Method("net_benefit_regression", ("hoch2002", "willan2004"))
    if is_known(voice, "quadrants", "chance_best") or is_known(voice, "acceptability", "chance_best"):
        number = format_count(float(facts["replications"]), voice.language)
        yield Method("bootstrap", ("davison1997",), {"number": number})
    if is_known(voice, "acceptability", "chance_best"):
        yield Method("acceptability", ("fenwick2001",))


def organisation_value_methods(voice: Voice) -> Iterator[Method]:
    """Organisations by costs and effects."""
    yield from _compared(voice, "cost_from_mean", "effect_from_mean")
    if any(is_known(voice, f"{what}_from_mean", "p_adjusted") for what in ("cost", "effect", "value")):
        yield Method("holm", ("holm1979",))


def benefit_methods(voice: Voice) -> Iterator[Method]:
    """Benefits against costs."""
    if not is_known(voice, "waterfall", "estimate"):
        return
    yield from _priced(voice, "rate_costs", float(voice.released.provenance.parameters.get("months", 0)))
    yield Method("pseudo_costs", ("bang2000", "andersen2010"))
    yield Method("errors_over_workers")
    if is_known(voice, "per_euro", "per_euro_low"):
        yield Method("fieller", ("willan1996",))


def _compared(voice: Voice, costs: str, effects: str) -> Iterator[Method]:
    """Two regressions, and who stands in them."""
    if not (is_known(voice, costs, "estimate") or is_known(voice, effects, "estimate")):
        return
    facts = voice.released.provenance.parameters
    yield from _priced(voice, "rate_costs", float(facts.get("months", 0)))
    yield Method("two_regressions", ("willan2004",))
    if facts.get("by") in ("intervention", "fewer_agencies"):
        yield Method("weighted_as_trial", ("hernan2016",))
    else:
        yield Method("pseudo_costs", ("bang2000", "andersen2010"))


def _priced(voice: Voice, rate: str, months: float) -> Iterator[Method]:
    """Prices of one year, and discounting where it can change an amount."""
    facts = voice.released.provenance.parameters
    yield Method("prices", values={"year": str(facts.get("year", ""))})
    if float(facts.get(rate, 0)) > 0 and months > _MONTHS_A_YEAR:
        share = format_share(float(facts[rate]), voice.language, digits=1)
        yield Method("discounted", values={"rate": share})
