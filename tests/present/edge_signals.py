"""Edge results about signals, sudden changes, expected courses, remarks, and the profile of one family."""

from string import Formatter
from typing import Any

import pandas as pd

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.analysis.result import family_table
from mpg_research.disclosure.rules.note_values import meaning_of
from mpg_research.errors import Note
from mpg_research.present.language.phrases import phrases_in
from mpg_research.study.model import SampleFlow
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_families import (
    classes,
    shares_table,
)
from tests.present.edge_results import (
    INF,
    NAN,
    SHARES,
    Draw,
    Edges,
    computed,
    pooled,
    provenance,
    table,
    trajectory,
)


def signals(draw: Draw) -> MadeResult:
    names = ("on_track", "cannot_tell", "may_stand_still", "off_track")
    counts = draw(
        "split_four",
        ((116, 69, 0, 55), (116, 69, 3, 52), (0, 0, 0, 40), (0, 0, 0, 0), (4, 3, 2, 1), (60, 40, 30, 20)),
    )
    facts = {
        "rule": draw("rule", ("chance", "band")),
        "target": draw("target", ("no_gain", "deteriorated")),
        "false_alarms": 0.2,
        "on_track": 0.1,
        "least_scores": 3,
        "still_alarms": 0.2,
        "still_month": 4.0,
    }
    return result_of("signals", shares_table(classes(names, counts)), provenance=provenance(**facts))


BEYOND = (
    (0.23, 0.09, 0.37),
    (0.02, 0.003, 0.04),
    (-0.2, -0.3, -0.1),
    (0.05, -0.1, 0.2),
    (0.0, 0.0, 0.0),
    (0.1, NAN, NAN),
)


def signal_quality(draw: Draw) -> MadeResult:
    shown, target = draw("rule", ("chance", "band")), "no_gain"
    two = {"sensitivity": draw("sensitivity", SHARES), "specificity": draw("specificity", SHARES)}
    rules = [
        {
            "rule": rule,
            "target": target,
            **(two if rule == shown else {"sensitivity": 0.4, "specificity": 0.98}),
        }
        for rule in ("chance", "naive_as_many", "naive", "chance_as_many", "band")
    ]
    beyond, without = draw("beyond", BEYOND), []
    for rule, goal in ((shown, target), (shown, "own_line")):
        for figure in ("sensitivity", "specificity", "both"):
            numbers = dict(zip(("difference", "conf_low", "conf_high"), beyond, strict=True))
            inside = draw("without", (0.6, 0.0, NAN))
            without.append(
                {
                    "figure": figure,
                    "rule": rule,
                    "target": goal,
                    "in_study": 0.8,
                    "without_change": inside,
                    **numbers,
                }
            )
    ends = draw("pairs", ((0.056, 0.006, 0.106), (0.002, -0.004, 0.008), (NAN, NAN, NAN)))
    months = [
        {
            "months": 6.0,
            "naive": 0.87,
            "chance": 0.93,
            **dict(zip(("difference", "conf_low", "conf_high"), ends, strict=True)),
            "n_bad": 36,
        }
    ]
    by_month = [
        {
            "measure": "chance",
            "target": target,
            "months": 6.0,
            "in_study": 0.92,
            "without_change": draw("chance_without", (0.8, NAN)),
        }
    ]
    curve = [
        {"acting_from": place / 10, "forecast": 0.2, "everybody": 0.1, "nobody": 0.0} for place in range(1, 6)
    ]
    tables = (
        pooled("rules", rules, "rule", "target"),
        pooled("without_change", without, "figure", "rule", "target"),
        pooled("by_month", months, "months"),
        pooled("without_change_by_month", by_month, "measure", "target", "months"),
        pooled("decision_curve", curve, "acting_from"),
    )
    return result_of(
        "signal_quality", *tables, provenance=provenance(rule=shown, target=target, replicates=20)
    )


def sudden(draw: Draw) -> MadeResult:
    gain, loss = (draw(name, ((30, 180), (0, 40), (40, 0), (3, 40), (0, 0))) for name in ("gain", "loss"))
    rows = [
        *classes(("with", "without"), gain, kind="gain"),
        *classes(("with", "without"), loss, kind="loss"),
    ]
    sizes = [
        {
            "kind": kind,
            "n_steps": count[0],
            "mean_size": 9.3,
            "sd_size": 1.3,
            "share_reversed": draw("lost", SHARES),
            "n_families": count[0],
        }
        for kind, count in (("gain", gain), ("loss", loss))
    ]
    settings, origin = computed({"cutoff": draw("cutoff", (7.3, 45.0, NAN))})
    tables = (shares_table(rows, "kind"), pooled("sizes", sizes, "kind"), settings)
    return result_of("sudden_changes", *tables, provenance=origin)


def expected(draw: Draw) -> MadeResult:
    rows = [
        {
            "months": month,
            "level": 0.8,
            "coverage": draw("coverage", SHARES),
            "mean_deviation": 0.0,
            "n_measurements": 499,
        }
        for month in (3.0, 6.0)
    ]
    return result_of(
        "expected_course", pooled("calibration", rows, "months", "level"), provenance=provenance()
    )


def noted(draw: Draw) -> MadeResult:
    """A result with every note of the catalogue, its numbers drawn."""
    entries = phrases_in("en").entries
    notes = []
    for key, phrase in entries.items():
        if key.startswith("note."):
            names = {name for _, name, _, _ in Formatter().parse(phrase) if name}
            words: dict[str, Any] = {
                "name": "child_age",
                "percent": draw("percent", (0.0, 45.0, 100.0, NAN)),
                "outcome": "score",
                "column": "months",
                "source": "a book",
                "level": "2025",
            }
            numbers: dict[bool, tuple[float, ...]] = {
                True: (14, 247, 12345, 3, 40),
                False: (14, 247, 1.5, 12345, NAN, INF, 0.5),
            }
            values = {
                name: words.get(name, draw(name, numbers[meaning_of(Note("", ""), name).meaning == "count"]))
                for name in names
            }
            level = "stop" if key == "note.not_converged" else "info"
            notes.append(Note(key.removeprefix("note."), "A remark without numbers.", values, level))  # type: ignore[arg-type]
    return trajectory(
        Draw(
            0,
            change=(-4.1, -5.0, -3.2),
            n=247,
            notes=tuple(notes),
            outcome=draw("outcome", ("raw", "t_score")),
        )
    )


#: Columns of tables of a profile that can be empty.
EMPTY = {
    "since_before": ("months", "score", "signal", "months_before", "score_before", "signal_before", "moved"),
    "moments": ("what", "code", "reason"),
}


def profile(draw: Draw) -> FamilyProfile:
    """The profile of one family, with one or two respondents."""
    answers = (
        "improving",
        "improving_less_than_delta",
        "stagnating",
        "deteriorating_less_than_delta",
        "deteriorating",
        "not_enough_information",
    )
    who = ("first_parent", "second_parent")[: draw("respondents", (1, 2))]
    low, n_waves = draw("error", (2.0, NAN)), draw("waves", (1, 4))
    told = ("off_track", "may_stand_still", "on_track", "cannot_tell", "intake")
    chance = draw("chance", (0.61, NAN, 0.004))
    waves = [
        {
            "respondent": one,
            "wave": wave,
            "months": float(wave),
            "score": 24.0 - wave,
            "error_low": 22.0 - wave - low + 2.0,
            "error_high": 26.0 - wave,
            "expected": 24.0,
            "band_low": draw("band", (20.0, NAN)),
            "band_high": 28.0,
            "standing": "within",
            "answer": "stagnating",
            "at_limit": "",
            "signal": "cannot_tell" if wave else "intake",
        }
        for one in who
        for wave in range(n_waves)
    ]
    bands = [
        {"respondent": one, "months": month, "expected": 24.0, "band_low": 20.0, "band_high": 28.0}
        for one in who
        for month in (0.0, 3.0)
    ]
    ahead = [
        {
            "respondent": one,
            "ahead": 1.0,
            "months": 4.0,
            "estimate": 20.0,
            "band_low": 16.0,
            "band_high": 24.0,
        }
        for one in who
    ]
    summary = [
        {
            "respondent": one,
            "n_waves": 4,
            "first_score": 24.0,
            "last_score": 20.0,
            "change": -4.0,
            "category": draw("category", ("improved", "unchanged", "deteriorated", "not_computable")),
            "answer": draw(f"answer_{one}", answers),
            "standing": draw("standing", ("better", "within", "worse", "")),
            "at_limit": draw("at_limit", ("", "best")),
            "waves_needed": draw("needed", (31.0, NAN)),
            "signal": (signal := draw(f"signal_{one}", told)),
            "since": 2.0 if signal in told[:2] else NAN,
            **dict.fromkeys(
                ("chance", "line_chance", "no_better_chance", "worse_chance", "improving_chance"), chance
            ),
        }
        for one in who
    ]
    before = [
        {
            "respondent": one,
            "months": 3.0,
            "score": 20.0,
            "signal": draw("signal_now", told[:4]),
            "months_before": 2.0,
            "score_before": 22.0,
            "signal_before": draw("signal_before", told),
            "moved": draw("moved", ("better", "same", "worse")),
        }
        for one in who
        if n_waves > 1
    ]
    codes = (("intervention", "network_meeting"), ("decision", "go_on"), ("worker_change", ""))
    moments = [
        {"months": at, "what": what, "code": code, "reason": "because" * (what == "decision")}
        for at, (what, code) in zip((2.5, 2.6, -3.0), codes, strict=True)
        if draw("moments", (True, False))
    ]
    earlier = [{"months": -8.0, "episode": "0", "months_end": draw("earlier_end", (-3.0, NAN))}]
    tables = {
        name: table(name, [{**row, "n_families": 1} for row in rows], *keys, unit="family")
        if rows
        else family_table(name, pd.DataFrame(columns=[*keys, *EMPTY[name]]), keys=keys, values=EMPTY[name])
        for name, rows, keys in (
            ("waves", waves, ("respondent", "wave")),
            ("bands", bands, ("respondent", "months")),
            ("forecasts", ahead, ("respondent", "ahead")),
            ("summary", summary, ("respondent",)),
            ("since_before", before, ("respondent",)),
            ("moments", moments, ("months",)),
            ("earlier", earlier, ("months",)),
        )
    }
    return FamilyProfile(
        tables=tables,
        flow=SampleFlow(),
        notes=(),
        provenance=provenance(),
        level=0.95,
        converged=True,
        family="F1004",
        episode="1",
        instrument_name="OBVL-K",
        higher_is_worse=draw("direction", (True, False)),
        score_range=(10.0, 40.0),
        delta=2.7,
        period=6.0,
        unit={},
        ahead=6.0,
        recent=3.0,
        own_codes={"intervention.ownkind": {"nl": "Iets van ons", "en": "Something of ours"}},
    )


#: Kinds of results, with seeds that speak their sentences and what is seldom drawn.
EDGES = (
    Edges(
        "signals",
        signals,
        (1, 5, 0),
        (
            {"split_four": (60, 100, 50, 4)},
            {"split_four": (60, 4, 100, 50)},
        ),
    ),
    Edges(
        "signal_quality",
        signal_quality,
        (1, 0, 5, 10, 24),
    ),
    Edges(
        "sudden_changes",
        sudden,
        (31, 0, 7, 16),
    ),
    Edges(
        "expected_course",
        expected,
        (0,),
        ({"coverage": NAN},),
    ),
)
