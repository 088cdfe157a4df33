"""What growth models were computed with: the mean course, organisations compared, the model itself."""

import re
from collections.abc import Iterator
from dataclasses import replace

from mpg_research.present.language.numbers import format_count
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper.known import is_known
from mpg_research.present.registry import Method

__all__ = [
    "cohort_methods",
    "comparison_methods",
    "model_methods",
    "robustness_methods",
    "trajectory_methods",
]

#: What families have of their own, by the rule of the growth model.
_FAMILY_PARTS = ("spline", "bend", "line", "level")
_DEGREES = {"kenward-roger": "kenward1997", "satterthwaite": "satterthwaite1946"}
#: With more clusters than this errors are not corrected for their number: there is nothing to correct.
_CORRECTED = 2_000


def trajectory_methods(voice: Voice) -> Iterator[Method]:
    """The mean course."""
    yield from _growth(voice)
    yield from _robust(voice, "robust_change")
    if is_known(voice, "change", "standardised"):
        yield Method("standardised", ("hedges1981",))
    if "sensitivity" in voice.released.tables:
        yield Method("free_curve")


def comparison_methods(voice: Voice) -> Iterator[Method]:
    """Organisations beside each other."""
    yield from _growth(voice)
    parameters, tables = voice.released.provenance.parameters, voice.released.tables
    role = parameters.get("organisations_as")
    if role in ("fixed", "random"):
        yield Method(f"organisations_{role}")
    if parameters.get("reference") in ("mean", "median"):
        yield Method(f"reference_{parameters['reference']}")
    if parameters.get("adjust") == "holm" and is_known(voice, "difference_from_mean", "p_adjusted"):
        yield Method("holm", ("holm1979",))
    if is_known(voice, "difference_from_mean", "simultaneous_low"):
        yield Method("simultaneous", ("hothorn2008",))
    yield from _robust(voice, "robust_difference")
    if "share_indicators" in tables:
        yield Method("expected_shares")
    if "raw_and_shrunken" in tables:
        yield Method("shrunken")
    if "ranks" in tables:
        yield Method("ranks", ("lingsma2009", "mogstad2024"))
    if "funnel" in tables or "share_funnel" in tables:
        yield Method("funnel", ("spiegelhalter2005a", "spiegelhalter2005b", "jones2008"))
    if "rankability" in set(voice.frame("funnel_summary").get("quantity", ())):
        yield Method("rankability", ("dishoeck2011",))
    if "case_mix_difference" in tables:
        yield Method("case_mix_difference", ("austin2009",))


def cohort_methods(voice: Voice) -> Iterator[Method]:
    """Organisations over the years."""
    yield from _growth(voice)
    if "run_chart" in voice.released.tables:
        yield Method("run_chart", ("anhoj2014",))


def robustness_methods(voice: Voice) -> Iterator[Method]:
    """Other ways of computing a comparison."""
    rows = voice.frame("robustness")
    done = [name for name in rows.get("conclusion", ()) if name != "not_possible"]
    if done:
        yield Method("other_ways", values={"number": format_count(float(len(done)), voice.language)})
    if "leave_one_out" in voice.released.tables:
        yield Method("leave_one_out")


def model_methods(voice: Voice) -> Iterator[Method]:
    """How well a growth model fits."""
    tables = voice.released.tables
    if {"r2_marginal", "r2_conditional"} & set(voice.frame("fit_statistics").get("quantity", ())):
        yield Method("r_squared", ("nakagawa2013", "johnson2014"))
    if "residual_spread" in tables or "residuals_by_fitted" in tables:
        yield Method("residuals")
    if "influence" in tables:
        yield Method("influence", ("christensen1992",))
    if "deviance_slices" in tables:
        yield Method("convergence")


def _growth(voice: Voice) -> Iterator[Method]:
    """The parts of the model, marked as such."""
    for method in _model(voice):
        yield replace(method, of_model=True)


def _model(voice: Voice) -> Iterator[Method]:
    """The model itself: its shape, what families have of their own, errors and degrees of freedom."""
    parameters = voice.released.provenance.parameters
    formula = str(parameters.get("formula", ""))
    if not formula:
        return
    yield Method("mixed_model", ("laird1982", "patterson1971"))
    if "cr(" in formula:
        knots = "root" if parameters.get("knots") == "root" else "other"
        yield Method(f"spline_{knots}")
    else:
        yield Method("straight_line")
    if parameters.get("families") in _FAMILY_PARTS:
        yield Method(f"families_{_family_part(formula)}")
    for group in ("respondent", "episode"):
        if re.search(rf"\|\s*family:{group}\)", formula):
            yield Method(f"random_{group}")
    for group in ("worker", "organisation"):
        if re.search(rf"\|\s*{group}\)", formula):
            yield Method(f"random_{group}")
    variances = voice.frame("variance_components")
    if "month_apart" in set(variances.get("term_1", ())):
        yield Method("carries_on", ("pinheiro2000",))
    elif parameters.get("residual") == "independent" or len(variances):
        yield Method("independent")
    rule = parameters.get("df")
    if rule in _DEGREES:
        yield Method(str(rule).replace("-", "_"), (_DEGREES[str(rule)],))
    yield Method("missing_at_random", ("rubin1976",))


def _family_part(formula: str) -> str:
    """What families have of their own in a fitted formula, which may be less than was asked for."""
    found = re.search(r"\(((?:[^()]|\([^()]*(?:\([^()]*\))?[^()]*\))*?)\|\|?\s*family\)", formula)
    terms = found[1] if found else ""
    if "cr(" in terms:
        return "spline"
    return "bend" if re.search(r"bend|log", terms) else "line" if "months" in terms else "level"


def _robust(voice: Voice, table: str) -> Iterator[Method]:
    """Robust errors beside the model's, by families or (where these are in the model) by workers."""
    rows = voice.frame(table)
    if not len(rows) or not rows["robust_error"].notna().any():
        return
    whom = "workers" if voice.released.provenance.parameters.get("worker") else "families"
    corrected = whom == "workers" or float(rows["n_families"].max()) <= _CORRECTED
    yield Method(f"robust_{whom}", ("pustejovsky2018",) if corrected else ())
