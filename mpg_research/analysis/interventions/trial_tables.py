"""The tables of a target trial; the module ``target_trial`` says what each holds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    ESTIMATE,
    Column,
    coded,
    ends,
    key_column,
    modelled,
    number_of,
    observed,
    observed_share,
)
from mpg_research.analysis.interventions.checklist import checklist_table, protocol_table
from mpg_research.analysis.interventions.doubts import doubts_about, evalue_of, nothing_done, with_confounding
from mpg_research.analysis.interventions.emulation import Answer, Emulation
from mpg_research.analysis.interventions.protocol import ANY, TrialLimits, TrialProtocol
from mpg_research.analysis.result import ESTIMATE_COLUMNS, ResultTable
from mpg_research.statistics.trials.regression import WeightedFit, weighted_regression

__all__ = ["trial_tables"]

_KEYS = (
    coded("intervention"),
    Column(name="months", meaning="time", is_key=True),
)
_PERCENT = ("estimate", "conf_low", "conf_high", "std_error")


def trial_tables(
    emulation: Emulation,
    *,
    protocol: TrialProtocol,
    limits: TrialLimits,
    deltas: Sequence[float],
    rng: np.random.Generator,
    level: float,
) -> list[ResultTable]:
    """All tables of an emulation.

    Parameters
    ----------
    emulation : Emulation
    protocol : TrialProtocol
    limits : TrialLimits
    deltas : sequence of float
        Points by which those with an intervention might have been worse off for reasons not measured.
    rng : Generator
    level : float
        Confidence level of the intervals.
    """
    answered = [answer for answer in emulation.answers if answer.verdict.fine]
    doubts, confounding, explained = [], [], []
    for answer in answered:
        key = _key(emulation, answer) | _sides(emulation, answer)
        for doubt in doubts_about(emulation, answer, protocol=protocol, limits=limits, level=level):
            doubts.append(
                key
                | {"look": doubt.check, "estimate": doubt.estimate, "std_error": doubt.std_error}
                | {"conf_low": doubt.conf_low, "conf_high": doubt.conf_high}
            )
        told = evalue_of(answer)
        explained.append(key | {"e_value": told.point, "e_value_limit": told.limit})
        if not answer.stability:
            confounding += [key | row for row in with_confounding(answer, emulation.data.sign, deltas)]
    estimate, low, high = modelled("estimate"), *ends(modelled("estimate"), "conf", heading="interval")
    error = modelled("std_error", digits=2, plain=False, is_error=True)
    return [
        _verdicts(emulation),
        _estimates("differences", emulation, [a for a in answered if not a.stability], level),
        _estimates("stability", emulation, [a for a in answered if a.stability], level),
        _before_after(emulation, answered, limits, level),
        _nothing_done(emulation, answered, limits, rng, level),
        _balance(emulation, answered),
        _positivity(emulation),
        _table("doubts", doubts, (*_KEYS, coded("look"), estimate, error, low, high)),
        _table(
            "confounding", confounding, (*_KEYS, key_column("worse_by", digits=1), estimate, low, high)
        ),
        _table(
            "explained_away",
            explained,
            (*_KEYS, *(modelled(name, digits=2, plain=False) for name in ("e_value", "e_value_limit"))),
        ),
        protocol_table(protocol, emulation),
        checklist_table(emulation),
    ]  # fmt: skip


def _table(name: str, rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> ResultTable:
    names = [*(column.name for column in columns), "n_families", "n_organisations"]
    data = pd.DataFrame(rows, columns=list(dict.fromkeys(names)))
    return ResultTable(name, data, columns=columns)


def _key(emulation: Emulation, answer: Answer) -> dict[str, Any]:
    return {"intervention": answer.what, "months": answer.month * emulation.data.axis}


def _families(emulation: Emulation, answer: Answer, kept: np.ndarray) -> int:
    return len(np.unique(emulation.data.family[answer.found.trials.course[kept]]))


def _sides(emulation: Emulation, answer: Answer) -> dict[str, int]:
    """Families behind a difference: those of its smaller side; and organisations."""
    found = answer.found
    sides = [found.treated, found.seen & ~found.treated]
    organisations = np.unique(emulation.data.organisation[found.trials.course[found.seen]])
    return {
        "n_families": min(_families(emulation, answer, side) for side in sides),
        "n_organisations": len(organisations),
    }


def _verdicts(emulation: Emulation) -> ResultTable:
    rows = []
    for answer in emulation.answers:
        found, everybody = answer.found, np.ones(len(answer.found.trials.course), dtype=bool)
        organisations = np.unique(emulation.data.organisation[found.trials.course])
        judged = not {"few_treated", "few_untreated"} & set(answer.verdict.reasons)
        rows.append(
            _key(emulation, answer)
            | {
                "estimable": answer.verdict.reasons[0] if answer.verdict.reasons else "answered",
                # Those of single interventions add up to those of any: told where there is an answer only.
                "n_treated": _families(emulation, answer, found.treated)
                if answer.what == ANY or answer.verdict.fine
                else np.nan,
                "n_untreated": _families(emulation, answer, found.seen & ~found.treated),
                "effective_treated": found.after.size_treated if judged else np.nan,
                "effective_untreated": found.after.size_control if judged else np.nan,
                "overlap": found.overlap.inside if judged else np.nan,
                "imbalance": answer.verdict.largest_imbalance,
                "n_families": _families(emulation, answer, everybody),
                "n_organisations": len(organisations),
            }
        )
    columns = (
        *_KEYS,
        Column(name="estimable", meaning="label"),
        number_of("n_treated", of="families"),
        number_of("n_untreated", of="families"),
        modelled("effective_treated", digits=0, plain=False),
        modelled("effective_untreated", digits=0, plain=False),
        modelled("overlap", percent=True, plain=False),
        modelled("imbalance", digits=2, plain=False),
    )
    return _table("verdicts", rows, columns)


def _numbers(fit: WeightedFit, place: int) -> dict[str, float]:
    return {name: float(getattr(fit, name)[place]) for name in ESTIMATE_COLUMNS}


def _estimates(name: str, emulation: Emulation, answers: list[Answer], level: float) -> ResultTable:
    rows = []
    for answer in answers:
        key = _key(emulation, answer) | _sides(emulation, answer)
        rows.append(key | {"approach": "weighted", **_numbers(answer.found.weighted, 1)})
        if answer.by_g_formula is not None:
            told = answer.by_g_formula
            rows.append(
                key
                | {"approach": "g_formula", "estimate": told.estimate, "std_error": told.std_error}
                | {"conf_low": told.conf_low, "conf_high": told.conf_high}
                | dict.fromkeys(("df", "statistic", "p_value"), np.nan)
            )
        rows.append(key | {"approach": "augmented", **_numbers(answer.found.augmented, 0)})
    columns: tuple[Column, ...] = ESTIMATE
    if name == "stability":
        columns = tuple(
            column.but(percent=True, digits=0) if column.name in _PERCENT else column for column in columns
        )
    return _table(name, rows, (*_KEYS, coded("approach"), *columns))


def _before_after(
    emulation: Emulation, answers: list[Answer], limits: TrialLimits, level: float
) -> ResultTable:
    """What is seen without a trial, with the errors of the same clusters."""
    rows = []
    for answer in answers:
        found = answer.found
        arms = {"before_after": found.treated, "unadjusted": found.seen}
        for comparison, kept in arms.items():
            columns = [np.ones(kept.sum())]
            if comparison == "unadjusted":
                columns.append(found.treated[kept].astype(float))
            fit = weighted_regression(
                np.column_stack(columns), answer.change[kept], clusters=found.clusters[kept], level=level
            )
            sides = _sides(emulation, answer)
            if comparison == "before_after":
                sides["n_families"] = _families(emulation, answer, kept)
            numbers = {name: float(getattr(fit, name)[-1]) for name in ("estimate", "conf_low", "conf_high")}
            rows.append(_key(emulation, answer) | {"comparison": comparison} | numbers | sides)
    estimate = observed("estimate")
    low, high = ends(estimate, "conf", heading="interval")
    return _table("before_after", rows, (*_KEYS, coded("comparison"), estimate, low, high))


def _nothing_done(
    emulation: Emulation, answers: list[Answer], limits: TrialLimits, rng: np.random.Generator, level: float
) -> ResultTable:
    """Families who started nothing, drawn as if they had: both looks at what nothing does."""
    rows = []
    for answer in answers:
        looks = nothing_done(answer, limits, rng, level=level)
        found = answer.found
        side = {
            "n_families": _families(emulation, answer, found.seen & ~found.treated),
            "n_organisations": _sides(emulation, answer)["n_organisations"],
        }
        for look in looks:
            rows.append(
                _key(emulation, answer)
                | {"comparison": look.check, "estimate": look.estimate}
                | {"conf_low": look.conf_low, "conf_high": look.conf_high}
                | side
            )
    estimate = modelled("estimate")
    low, high = ends(estimate, "conf", heading="interval")
    return _table("nothing_done", rows, (*_KEYS, coded("comparison"), estimate, low, high))


def _balance(emulation: Emulation, answers: list[Answer]) -> ResultTable:
    rows = []
    for answer in answers:
        found = answer.found
        sides = _sides(emulation, answer)
        for place, variable in enumerate(emulation.names):
            rows.append(
                _key(emulation, answer)
                | {
                    "variable": variable,
                    "before": found.before.standardised[place],
                    "after": found.after.standardised[place],
                    "variance_ratio": found.after.variance_ratio[place],
                    "distance": found.after.distance[place],
                }
                | sides
            )
    columns = (
        *_KEYS,
        coded("variable"),
        modelled("before", digits=2),
        modelled("after", digits=2),
        modelled("variance_ratio", digits=2, plain=False),
        modelled("distance", digits=2, plain=False),
    )
    return _table("balance", rows, columns)


def _positivity(emulation: Emulation) -> ResultTable:
    """Per organisation: families whose help stood still, and how many got an intervention in the grace."""
    data, waves = emulation.data, emulation.time.waves
    eligible = waves["eligible"].to_numpy()
    course = waves["course"].to_numpy()[eligible]
    pieces = emulation.time.pieces
    first = pieces[~pieces["second"]].drop_duplicates("wave").set_index("wave")["started"]
    started = first.reindex(np.flatnonzero(eligible)).fillna(False).to_numpy(dtype=bool)
    rows = []
    for name in np.unique(data.organisation):
        mine = data.organisation[course] == name
        families = len(np.unique(data.family[course[mine]]))
        with_one = len(np.unique(data.family[course[mine & started]]))
        rows.append(
            {
                "organisation": name,
                "n_started": with_one,
                "share_started": with_one / families if families else np.nan,
                "n_families": families,
            }
        )
    columns = (
        EACH_ORGANISATION,
        number_of("n_started", of="families", own=True),
        observed_share("share_started", of="n_families", own=True),
    )
    data_frame = pd.DataFrame(rows, columns=["organisation", "n_started", "share_started", "n_families"])
    return ResultTable("positivity", data_frame, columns=columns)
