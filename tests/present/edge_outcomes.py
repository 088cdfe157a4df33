"""Edge results about life domains, several questionnaires, the family's own voice and the outcome set."""

import math
from typing import Any

from mpg_research.analysis.columns import (
    CLASS,
    ESTIMATE,
    LEVEL_ESTIMATE,
    MONTHS,
    N_GROUP,
    SHARE,
    coded,
    ends,
    key_column,
    modelled,
    number_of,
    observed,
    observed_share,
    setting,
)
from mpg_research.analysis.outcomes.outcome_set import OUTCOMES
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Released
from tests.disclosure.made_results import MadeResult, result_of
from tests.present.edge_needs import Need, Words, rows_of
from tests.present.edge_practice import made, way_of
from tests.present.edge_results import NAN, SHARES, Draw, Edges, estimates, provenance

Triple = tuple[float, float, float]
FAMILIES = (247, 247, 120, 8)
#: Changes of a severity, gains in standard deviations and what carries over, each with its interval.
CHANGES: tuple[Triple, ...] = (
    (-0.3, -0.4, -0.2), (0.3, 0.2, 0.4), (0.1, -0.1, 0.3), (0.0, 0.0, 0.0), (-0.2, -0.4, 0.0),
    (-0.001, -0.002, -0.0004), (NAN, NAN, NAN), (0.2, NAN, NAN), (12.0, 3.0, 21.0),
)  # fmt: skip
CORRELATIONS: tuple[Triple, ...] = (
    (0.64, 0.08, 0.89), (-0.64, -0.89, -0.08), (0.2, -0.3, 0.6), (1.0, NAN, NAN), (NAN, NAN, NAN),
    (1.0, 0.31, 1.0), (NAN, -1.0, 1.0), (-0.9, -1.0, 0.2),
)  # fmt: skip
MARKS: tuple[Triple, ...] = ((7.4, 7.2, 7.6), (0.0, 0.0, 0.3), (10.0, 10.0, 10.0), (7.0, NAN, NAN))
DOMAINS = ("housing", "money", "a_domain_of_our_own")
_GAIN, _FOUND, _MEAN = modelled("gain", digits=2), modelled("estimate", digits=2), observed("mean", digits=1)
_SHARE = observed_share("estimate", of="n_group")


def share_row(draw: Draw, name: str, n: int, **keys: Any) -> dict[str, Any]:
    """A share with both its intervals; now and then nothing is known."""
    share = draw(f"share_{name}", SHARES)
    known = math.isfinite(share)
    low, high = (max(share - 0.1, 0.0), min(share + 0.1, 1.0)) if known else (NAN, NAN)
    limits = {"conf_low": low, "conf_high": high, "clustered_low": low, "clustered_high": high}
    return {**keys, "estimate": share, **limits, "n_group": n, "n_families": round(share * n) if known else n}


def shares(draw: Draw, table: str, classes: tuple[str, ...], n: int, key: Any = CLASS) -> ResultTable:
    rows = [share_row(draw, f"{table}_{name}", n, **{key.name: name}) for name in classes]
    return made(table, rows, (key, *SHARE), n=n)


def triple(names: tuple[str, str, str], values: Triple) -> dict[str, float]:
    return dict(zip(names, values, strict=True))


# --- life domains ----------------------------------------------------------------------------------------


def domains(draw: Draw) -> MadeResult:
    n = draw("n", FAMILIES)
    changes = [
        {"domain": name, "months": 12.0, **estimates(draw(f"change_{name}", CHANGES))}
        for name in draw("domains", (DOMAINS, DOMAINS[:1]))
    ]
    curve = [
        {"domain": name, "months": month, **estimates((2.0 - month / 24, 1.5 - month / 24, 2.4))}
        for name in DOMAINS
        for month in (0.0, 6.0, 12.0)
    ]
    keys = (coded("domain"), MONTHS)
    tables = [
        made("domain_course", curve, (*keys, *LEVEL_ESTIMATE), n=n),
        made("domain_curve", curve, (*keys, *LEVEL_ESTIMATE), n=n),
        made("domain_change", changes, (*keys, *ESTIMATE), n=n),
        shares(draw, "all_domains", ("less_severe", "as_severe", "more_severe"), n),
        shares(draw, "family_balance", ("more_improved", "as_many", "more_worsened"), n),
    ]
    return result_of("domains", *tables, provenance=provenance(severe_from=3))


def share_shown(released: Released, table: str, name: str, key: str = "class") -> bool:
    rows = rows_of(released, table)
    rows = rows[rows[key] == name] if len(rows) else rows
    numbers = ("estimate", "conf_low", "conf_high")
    return (
        len(rows) > 0
        and rows.iloc[0]["n_group"] > 0
        and all(0 <= rows.iloc[0][each] <= 1 for each in numbers)
    )


def ways(
    released: Released, table: str, columns: tuple[str, str, str], widest: float = math.inf, **only: Any
) -> list[str]:
    """Which way each row goes whose numbers are known and possible."""
    rows = rows_of(released, table)
    for name, codes in only.items():
        rows = rows[rows[name].isin(codes)] if len(rows) else rows
    found = []
    for _, row in rows.iterrows():
        numbers = [float(row[name]) for name in columns]
        if all(map(math.isfinite, numbers)) and abs(numbers[0]) <= widest:
            found.append(way_of(numbers[1], numbers[2]))
    return found


PLAIN = ("estimate", "conf_low", "conf_high")
GAINS = ("gain", "gain_low", "gain_high")


def domain_ways(released: Released) -> list[str]:
    return ways(released, "domain_change", PLAIN, 4.0)


def some(of: Any, way: str) -> Need:
    return lambda released, _: way in of(released)


def nothing_of_domains(released: Released, _: Words) -> bool:
    known = share_shown(released, "all_domains", "less_severe")
    known = known or share_shown(released, "family_balance", "more_improved")
    return not known and not domain_ways(released)


# --- questionnaires side by side -------------------------------------------------------------------------


def instruments(draw: Draw) -> MadeResult:
    n = draw("n", FAMILIES)
    names = ("OBVL-K", "EK-V")
    change = [
        {"instrument": name, "direction": "higher_is_worse", "months": 12.0, **estimates((-4.1, -5.0, -3.2)),
         **triple(GAINS, draw(f"gain_{name}", CHANGES))}
        for name in names
    ]  # fmt: skip
    curve = [
        {"instrument": name, "months": month, "gain": month / 20, "gain_low": 0.0, "gain_high": month / 10}
        for name in names
        for month in (0.0, 6.0, 12.0)
    ]
    together = draw("together", (True, True, False))
    slopes = [
        {"instrument": "EK-V", "effect": effect, **triple(PLAIN, draw(effect, CORRELATIONS))}
        for effect in ("slopes", "levels")
    ]
    carried = [
        {"instrument": "EK-V", "path": path, "std_error": 0.05, **triple(PLAIN, draw(path, CHANGES))}
        for path in ("first_to_itself", "other_to_first", "first_to_other", "other_to_itself")
    ]
    key, limits = key_column("instrument"), ends(_FOUND, "conf", heading="interval")
    error = modelled("std_error", digits=2, plain=False, is_error=True)
    direction = coded("direction", is_key=False)
    shares = {f"swing_share_{each}": draw(f"swing_share_{each}", SHARES) for each in ("first", "other")}
    verdict = draw("carried", ("estimated", "estimated", "no_items", "no_swings", "not_converged"))
    lag = [
        {"instrument": "EK-V", "lag_months": draw("lag", (1.0, 2.0)), "carried_verdict": verdict, **shares}
    ]
    settings = (
        setting("lag_months"), coded("carried_verdict", is_key=False),
        *(modelled(f"swing_share_{each}", percent=True, plain=False) for each in ("first", "other")),
    )  # fmt: skip
    paths = (key, coded("path"), _FOUND, error, *limits)
    pairs = [
        made("growth_together", slopes, (key, coded("effect"), _FOUND, *limits), n=n),
        *([made("carried_over", carried, paths, n=n)] if verdict == "estimated" else []),
        made("together_settings", lag, (key, *settings), n=n),
    ]
    tables = [
        made("instrument_change", change, (key, direction, MONTHS, *ESTIMATE, _GAIN, *ends(_GAIN)), n=n),
        made("instrument_curve", curve, (key, MONTHS, _GAIN, *ends(_GAIN)), n=n),
        *(pairs if together else []),
    ]
    return result_of("instruments", *tables, provenance=provenance(instrument_names=list(names)))


def gains(released: Released) -> list[str]:
    return ways(released, "instrument_change", GAINS)


def courses(released: Released) -> list[str]:
    return ways(released, "growth_together", PLAIN, 1.0, effect=["slopes"])


def carried_over(released: Released) -> list[str]:
    return ways(released, "carried_over", PLAIN, path=["first_to_other", "other_to_first"])


def carries(released: Released, verdict: str) -> bool:
    rows = rows_of(released, "together_settings")
    return bool(len(rows)) and verdict in set(rows["carried_verdict"])


def refused(verdict: str) -> Need:
    return lambda released, _: carries(released, verdict)


def without_error(released: Released, _: Words) -> bool:
    if not carries(released, "estimated"):
        return False
    rows = rows_of(released, "together_settings")
    shares = rows[["swing_share_first", "swing_share_other"]].astype(float)
    return bool(((shares > 0) & (shares <= 1)).all(axis=1).any())


# --- the family's own voice ------------------------------------------------------------------------------


def own_voice(draw: Draw) -> MadeResult:
    n = draw("n", FAMILIES)
    absent = draw("absent", ([], [], ["goals"], ["satisfaction", "family_asked"]))
    limit = draw("limit", (None, 6.0))
    tables: list[ResultTable] = []
    if "goals" not in absent:
        row = {"set_by": "all_goals", "n_goals": 3 * n, "mean": draw("mean_goal", (4.8, 0.0)), "sd": 1.3}
        numbers = (number_of("n_goals", of="goals"), observed("mean", digits=2), observed("sd", digits=2))
        tables.append(made("goals", [row], (coded("set_by"), *numbers), n=n))
        if limit is not None:
            tables.append(shares(draw, "goals_reached", ("all_goals",), n, coded("set_by")))
    if "satisfaction" not in absent:
        marks = triple(("mean", "mean_low", "mean_high"), draw("mark", MARKS))
        tables.append(made("satisfaction", [{"n_group": n, **marks}], (N_GROUP, _MEAN, *ends(_MEAN)), n=n))
        bands = ("low_mark", "middle_mark", "high_mark", "not_recorded")
        tables.append(shares(draw, "satisfaction_bands", bands, n))
    if "family_asked" not in absent:
        tables += [shares(draw, name, ("yes", "no", "not_recorded"), n) for name in ("asked", "followed")]
    facts = {"absent": absent, "goal_reached": limit, "low_limit": 5.5, "high_limit": 7.5}
    return result_of("own_voice", *tables, provenance=provenance(**facts))


def are_goals_known(released: Released, _: Words) -> bool:
    rows = rows_of(released, "goals")
    names = ("n_goals", "mean", "n_families")
    return len(rows) > 0 and all(math.isfinite(float(rows.iloc[0][name])) for name in names)


def is_mark_known(released: Released, table: str = "satisfaction") -> bool:
    rows = rows_of(released, table)
    names = ("mean", "mean_low", "mean_high")
    return len(rows) > 0 and all(0 <= float(rows.iloc[0][name]) <= 10 for name in names)


def are_talks_known(released: Released, table: str) -> bool:
    return share_shown(released, table, "yes")


def something_is_hidden(released: Released, words: Words) -> bool:
    absent = released.provenance.parameters["absent"]
    shown = {
        "goals": are_goals_known(released, words),
        "satisfaction": is_mark_known(released),
        "family_asked": are_talks_known(released, "asked") or are_talks_known(released, "followed"),
    }
    return any(not known for name, known in shown.items() if name not in absent)


# --- the outcome set -------------------------------------------------------------------------------------


def outcome_set(draw: Draw) -> MadeResult:
    n = draw("n", FAMILIES)
    absent = draw("absent", ([], ["goals_reached"], list(OUTCOMES[3:])))
    rows = []
    for name in OUTCOMES:
        if name in {*absent, "satisfaction", "t_score_change"}:
            continue
        row = share_row(draw, name, n, outcome=name)
        if name == "ended_as_planned":
            row |= {"conf_low": NAN, "conf_high": NAN}
        rows.append({each: row[each] for each in ("outcome", "n_group", *PLAIN, "n_families")})
    marks = triple(("mean", "mean_low", "mean_high"), draw("mark", MARKS))
    norms = draw("norms", (True, False))
    change = triple(("mean", "mean_low", "mean_high"), draw("t_score", T_CHANGES))
    means = [{"outcome": "satisfaction", "n_group": n, **marks}]
    means += [{"outcome": "t_score_change", "n_group": n, **change}] if norms else []
    tables = [
        made("outcome_shares", rows,
             (coded("outcome"), N_GROUP, _SHARE, *ends(_SHARE, "conf", heading="interval")), n=n),
        made("outcome_means", means,
             (coded("outcome"), N_GROUP, _MEAN, *ends(_MEAN)), n=n),
    ]  # fmt: skip
    facts = {
        "absent": absent,
        "norms": norms,
        "horizon_months": draw("horizon", (24.0, NAN)),
        "goal_reached": None,
    }
    return result_of("outcome_set", *tables, provenance=provenance(**facts))


T_CHANGES: tuple[Triple, ...] = (
    (-4.2, -5.1, -3.3), (2.1, 0.4, 3.8), (0.0, 0.0, 0.0), (NAN, NAN, NAN), (-0.04, -1.0, 0.9),
)  # fmt: skip


def is_t_score_known(released: Released) -> bool:
    rows = rows_of(released, "outcome_means")
    rows = rows[rows["outcome"] == "t_score_change"] if len(rows) else rows
    names = ["mean", "mean_low", "mean_high", "n_group"]
    return bool(len(rows)) and bool(rows[names].notna().all(axis=None))


def outcome_rows(released: Released) -> list[bool]:
    """Of each share that is shown: whether its interval is."""
    return [
        all(0 <= float(row[name]) <= 1 for name in PLAIN)
        for _, row in rows_of(released, "outcome_shares").iterrows()
        if 0 <= float(row["estimate"]) <= 1 and row["n_group"] > 0
    ]


_ALL = {f"share_{table}_{name}": 0.4 for table, names in {
    "all_domains": ("less_severe", "as_severe", "more_severe"),
    "family_balance": ("more_improved", "as_many", "more_worsened"),
    "asked": ("yes", "no", "not_recorded"), "followed": ("yes", "no", "not_recorded"),
    "satisfaction_bands": ("low_mark", "middle_mark", "high_mark", "not_recorded"),
    "goals_reached": ("all_goals",),
}.items() for name in names}  # fmt: skip
EDGES = (
    Edges(
        "domains",
        domains,
        (0, 1, 2, 3),
        (
            {"n": 247, "domains": DOMAINS, **_ALL,
             **{f"change_{name}": change for name, change in zip(DOMAINS, CHANGES, strict=False)}},
            {"n": 8},
        ),
        {
            "problems_known": lambda released, _: share_shown(released, "all_domains", "less_severe"),
            "more_severe_known": lambda released, _: share_shown(released, "all_domains", "more_severe"),
            "balance_known": lambda released, _: share_shown(released, "family_balance", "more_improved"),
            "balance_worse_known": lambda released, _: (
                share_shown(released, "family_balance", "more_worsened")
            ),
            "domain_below": some(domain_ways, "lower"),
            "domain_above": some(domain_ways, "higher"),
            "domain_unclear": some(domain_ways, "unclear"),
            "domains_not_known": nothing_of_domains,
        },
    ),
    Edges(
        "instruments",
        instruments,
        (0, 1, 2, 3),
        (
            {"n": 247, "together": True, "gain_OBVL-K": CHANGES[0], "gain_EK-V": CHANGES[1],
             "slopes": CORRELATIONS[0], "first_to_other": CHANGES[0], "other_to_first": CHANGES[1],
             "carried": "estimated"},
            {"n": 247, "together": True, "gain_OBVL-K": CHANGES[2], "slopes": CORRELATIONS[1],
             "first_to_other": CHANGES[2], "carried": "estimated", "swing_share_first": 0.42,
             "swing_share_other": 0.61},
            {"n": 247, "together": True, "slopes": CORRELATIONS[2], "carried": "no_items"},
            {"n": 247, "together": True, "carried": "no_swings"},
            {"n": 247, "together": True, "carried": "not_converged"},
            {"n": 8},
            {"n": 247, "together": False},
        ),
        {
            "gain_above": some(gains, "higher"),
            "gain_below": some(gains, "lower"),
            "gain_unclear": some(gains, "unclear"),
            "gains_not_known": lambda released, _: not gains(released),
            "slopes_above": some(courses, "higher"),
            "slopes_below": some(courses, "lower"),
            "slopes_unclear": some(courses, "unclear"),
            "carried_above": some(carried_over, "higher"),
            "carried_below": some(carried_over, "lower"),
            "carried_unclear": some(carried_over, "unclear"),
            "swings_without_error": without_error,
            **{f"carried_{each}": refused(each) for each in ("no_items", "no_swings", "not_converged")},
            "together_not_known": lambda released, _: not courses(released) and not carried_over(released),
        },
    ),
    Edges(
        "own_voice",
        own_voice,
        (0, 1, 2, 3),
        (
            {"n": 247, "absent": [], "limit": 6.0, "mark": MARKS[0], **_ALL},
            {"n": 247, "absent": ["goals", "family_asked"], "mark": MARKS[0]},
            {"n": 247, "absent": [], "limit": None, "mark": MARKS[3]},
            {"n": 8, "absent": []},
        ),
        {
            "goals_known": are_goals_known,
            "reached_known": lambda released, _: (
                released.provenance.parameters["goal_reached"] is not None
                and share_shown(released, "goals_reached", "all_goals", "set_by")
            ),
            "no_goal_limit": lambda released, _: released.provenance.parameters["goal_reached"] is None,
            "mark_known": lambda released, _: is_mark_known(released),
            "unmarked_known": lambda released, _: share_shown(released, "satisfaction_bands", "not_recorded"),
            "asked_known": lambda released, _: are_talks_known(released, "asked"),
            "asked_unknown_known": lambda released, _: share_shown(released, "asked", "not_recorded"),
            "followed_known": lambda released, _: are_talks_known(released, "followed"),
            "followed_unknown_known": lambda released, _: share_shown(released, "followed", "not_recorded"),
            "voice_not_recorded": lambda released, _: bool(released.provenance.parameters["absent"]),
            "voice_hidden": something_is_hidden,
        },
    ),
    Edges(
        "outcome_set",
        outcome_set,
        (0, 1, 2, 3),
        (
            {"n": 247, "absent": ["goals_reached"], "horizon": 24.0, "mark": MARKS[0], "norms": True,
             "t_score": T_CHANGES[0],
             **{f"share_{name}": 0.4 for name in OUTCOMES}},
            {"n": 8, "norms": False},
        ),
        {
            "outcome_share_known": lambda released, _: any(outcome_rows(released)),
            "outcome_share_only": lambda released, _: not all(outcome_rows(released)),
            "outcome_mean_known": lambda released, _: is_mark_known(released, "outcome_means"),
            "outcome_t_score_known": lambda released, _: is_t_score_known(released),
            "outcome_no_norms": lambda released, _: not released.provenance.parameters["norms"],
            "outcomes_not_known": lambda released, _: (
                not outcome_rows(released)
                and not is_mark_known(released, "outcome_means")
                and not is_t_score_known(released)
            ),
        },
    ),
)  # fmt: skip
