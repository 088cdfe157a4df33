"""How severe the problems in each life domain are, and in which domains families stand better at the end.

Tables of :class:`LifeDomains` (beside ``sample_flow``)
------------------------------------------------------
- ``domain_course(domain, months, estimate, conf_low, conf_high)`` and ``domain_curve``, the same for a
  figure: mean severity (0 to 4) at the months;
  :mod:`~mpg_research.analysis.outcomes.mean_severity` says how.
- ``domain_change(domain, months, estimate, std_error, df, conf_low, conf_high)``: change since the start.
- ``domain_levels(domain, moment, no_problem, severe, n_group)``: of the families scored twice or more, the
  share without a problem and the share with a severe one, at the first and at the last time. A severity is a
  few steps: its mean alone does not say what became of those who were worst off.
- ``domain_direction(domain, class, ...)``: of those families, first to last: less severe, as severe,
  more severe, and without a problem both times.
- ``domain_improved(domain, ...)``: of those with a problem at first, the share that improved.
- ``all_domains(class, ...)``: the same over all domains with a problem at first, one family counting once for
  each; the limits allow for that.
- ``family_balance(class, ...)``: of the families scored twice, who improved in more domains than they
  worsened, in fewer, or in as many.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    CLASS,
    MONTHS,
    N_GROUP,
    coded,
    estimates,
    observed_share,
)
from mpg_research.analysis.families.shares import share_rows, share_table
from mpg_research.analysis.outcomes.mean_severity import Asked, fit_mean_course
from mpg_research.analysis.outcomes.placed import place_rows
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import NotApplicableError, Note
from mpg_research.statistics.proportions import clustered_interval
from mpg_research.study.model import Study
from mpg_research.study.schemas import DOMAINS

__all__ = ["ALL_CLASSES", "BALANCE", "DIRECTIONS", "OTHER_DOMAIN", "LifeDomains", "describe_domains"]

#: What a domain that is in no list is called; its name may be anything.
OTHER_DOMAIN = "other_domain"
DIRECTIONS = ("less_severe", "as_severe", "more_severe", "no_problem")
ALL_CLASSES = ("less_severe", "as_severe", "more_severe")
BALANCE = ("more_improved", "as_many", "more_worsened")
_UNIT = ["family", "episode", "domain"]
_DOMAIN = coded("domain")
#: A severity is a few steps: in one decimal its changes would all look alike.
_LEVEL = estimates(digits=2, csv_only=("statistic", "p_value"))
_CHANGE = estimates(digits=2)
#: Points of a curve between two reported months.
_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeDomains(Result):
    """What :func:`describe_domains` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "domains"


def describe_domains(study: Study, *, level: float = 0.95) -> LifeDomains:
    """Describe the severity of problems per life domain during help.

    Parameters
    ----------
    study : Study
        A loaded study with a table ``domains``.
    level : float
        Confidence level.

    Returns
    -------
    LifeDomains
        Tables ``domain_course``, ``domain_curve``, ``domain_change``, ``domain_levels``,
        ``domain_direction``, ``domain_improved``, ``all_domains``, ``family_balance`` and ``sample_flow``
        (the module says what each holds).

    Raises
    ------
    NotApplicableError
        If the study has no table of domains, or no score in the course of help.

    Notes
    -----
    What several raters scored of one family on one day is averaged: for shares each counts for its part.

    Examples
    --------
    >>> from mpg_research import describe_domains
    >>> describe_domains.__name__
    'describe_domains'
    """
    if not len(study.tables.get("domains", ())):
        raise NotApplicableError(
            f"Study {study.name} has no scores per life domain. Add the table domains in study.toml "
            "(docs/reference/study_folder.md) if they are kept.",
            code="no_domains",
        )
    placed = place_rows(study, "domains", needed="severity")
    known = list(dict.fromkeys((*DOMAINS, *study.config.vocabularies.domains)))
    rows = _averaged(placed.frame, known, study.config.care.severe_from)
    if rows.empty:
        raise NotApplicableError(
            f"No row of the table domains of study {study.name} lies in the course of help. `mpg check` says "
            "where they lie.",
            code="no_domains",
        )
    listed = [name for name in (*known, OTHER_DOMAIN) if name in set(rows["domain"])]
    pairs = _first_and_last(rows)
    months = _months(study, rows)
    course, curve, change, without = _courses(rows, listed, months, level)
    notes: list[Note] = [*study.notes, *placed.notes]
    if without:
        text = f"{len(without)} life domains have too few scores for a course."
        notes.append(Note("domains_without_course", text, {"n_domains": len(without)}))
    tables = [
        ResultTable("domain_course", course, columns=(_DOMAIN, MONTHS, *_LEVEL)),
        ResultTable("domain_curve", curve, columns=(_DOMAIN, MONTHS, *_LEVEL)),
        ResultTable("domain_change", change, columns=(_DOMAIN, MONTHS, *_CHANGE)),
        _levels(pairs, listed),
        *_directions(pairs, listed, level),
        sample_flow_table(placed.flow),
    ]
    parameters = {
        "level": level, "months": months, "primary_month": months[-1] if months else 0.0,
        "severe_from": study.config.care.severe_from, "time_unit": study.config.time.unit,
    }  # fmt: skip
    return LifeDomains(
        tables=collect_tables(tables),
        flow=placed.flow,
        notes=tuple(notes),
        provenance=provenance_of(study, parameters=parameters),
        level=level,
    )


def _averaged(frame: pd.DataFrame, known: list[str], severe_from: int) -> pd.DataFrame:
    """One row per family, domain and day: mean severity, and the parts without and with a severe problem."""
    score = frame["severity"].astype(float)
    name = frame["domain"].astype(object)
    rows = frame.assign(
        domain=name.where(name.isin(known), OTHER_DOMAIN),
        score=score,
        no_problem=(score == 0).astype(float),
        severe=(score >= severe_from).astype(float),
    )
    keys = [*_UNIT, "organisation", "worker", "months"]
    values = ["score", "no_problem", "severe"]
    found = rows.groupby(keys, sort=True, as_index=False)[values].mean()
    return found.sort_values([*_UNIT, "months"], kind="stable", ignore_index=True)


def _first_and_last(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per family and domain scored at two moments or more: what it was first and last."""
    groups = rows.groupby(_UNIT, sort=True)
    first = groups.head(1).set_index(_UNIT)
    last = groups.tail(1).set_index(_UNIT)
    values = ["score", "no_problem", "severe", "months"]
    pairs = first.join(last[values].add_suffix("_last")).reset_index()
    pairs = pairs[pairs["months_last"] > pairs["months"]].reset_index(drop=True)
    change = pairs["score_last"] - pairs["score"]
    pairs["direction"] = np.select(
        [(pairs["score"] == 0) & (pairs["score_last"] == 0), change < 0, change > 0],
        ["no_problem", "less_severe", "more_severe"],
        "as_severe",
    )
    return pairs


def _months(study: Study, rows: pd.DataFrame) -> list[float]:
    """The study's months that the scores reach."""
    minimum = study.config.analysis.minimum_measured
    furthest = rows.groupby("family")["months"].max().sort_values(ascending=False)
    reach = float(furthest.iloc[min(minimum, len(furthest)) - 1])
    wanted = [float(month) for month in study.config.analysis.months]
    kept = [month for month in wanted if month <= reach + 1.5]
    if len(kept) > 1:
        return kept
    return [0.0, float(np.floor(reach))] if reach >= 1 else [0.0]


def _courses(
    rows: pd.DataFrame, listed: list[str], months: list[float], level: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]:
    """Mean severity at the months, on a grid, and its change; and the domains without a course."""
    grid = sorted({*months, *np.linspace(0.0, months[-1], _STEPS * max(len(months) - 1, 1) + 1).round(2)})
    parts: tuple[list[pd.DataFrame], ...] = ([], [], [])
    without = []
    for name in listed:
        mine = rows[rows["domain"] == name]
        behind = {"n_families": mine["family"].nunique(), "n_organisations": mine["organisation"].nunique()}
        reach = float(mine["months"].max()) + 1.5
        model = fit_mean_course(mine) if len(months) > 1 else None
        here = [month for month in months if month <= reach]
        if model is None or len(here) < 2:
            without.append(name)
            continue
        there = [month for month in grid if month <= reach]
        asked: list[Asked] = [(here, "mean"), (there, "mean"), (here[1:], "change")]
        for part, (wanted, what), found in zip(parts, asked, model.at(*asked, level=level), strict=True):
            if what == "mean":
                found[["conf_low", "conf_high"]] = found[["conf_low", "conf_high"]].clip(0.0, 4.0)
            part.append(found.assign(domain=name, months=wanted, **behind))
    names = ["domain", "months", *ESTIMATE_COLUMNS, "n_families", "n_organisations"]
    frames = [
        pd.concat(part, ignore_index=True)[names] if part else pd.DataFrame(columns=names) for part in parts
    ]
    return frames[0], frames[1], frames[2], without


def _levels(pairs: pd.DataFrame, listed: list[str]) -> ResultTable:
    """Without a problem, and with a severe one, first and last."""
    rows = []
    for name in listed:
        mine = pairs[pairs["domain"] == name]
        for moment, end in (("first", ""), ("last", "_last")):
            rows.append(
                {
                    "domain": name, "moment": moment,
                    "no_problem": mine[f"no_problem{end}"].mean(), "severe": mine[f"severe{end}"].mean(),
                    "n_group": len(mine), "n_families": mine["family"].nunique(),
                    "n_organisations": mine["organisation"].nunique(),
                }
            )  # fmt: skip
    columns = ["domain", "moment", "no_problem", "severe", "n_group", "n_families", "n_organisations"]
    shares = observed_share("no_problem", of="n_group"), observed_share("severe", of="n_group")
    return ResultTable(
        "domain_levels",
        pd.DataFrame(rows, columns=columns),
        columns=(_DOMAIN, coded("moment"), *shares, N_GROUP),
    )


def _directions(pairs: pd.DataFrame, listed: list[str], level: float) -> list[ResultTable]:
    """From first to last, by domain, over all domains, and per family."""
    order = pd.Categorical(pairs["domain"], listed)
    apart = pairs.assign(domain=order)
    rows = share_rows(apart, "direction", DIRECTIONS, by=("domain",), level=level)
    problem = pairs[pairs["score"] > 0]
    improved = share_rows(
        problem.assign(domain=pd.Categorical(problem["domain"], listed)),
        "direction", ALL_CLASSES, by=("domain",), level=level,
    )  # fmt: skip
    improved = improved[improved["class"] == "less_severe"].drop(columns="class").reset_index(drop=True)
    for frame in (rows, improved):
        frame["domain"] = frame["domain"].astype(str)
    return [
        share_table("domain_direction", rows, _DOMAIN, CLASS),
        share_table("domain_improved", improved, _DOMAIN),
        share_table("all_domains", _over_domains(problem, level)),
        share_table("family_balance", share_rows(_balance(pairs), "balance", BALANCE, level=level)),
    ]


def _over_domains(problem: pd.DataFrame, level: float) -> pd.DataFrame:
    """Shares of all problems at first; of one family there can be several, and the limits allow for that."""
    rows = share_rows(problem, "direction", ALL_CLASSES, level=level)
    for place, name in enumerate(ALL_CLASSES[: len(rows)]):
        happened = (problem["direction"] == name).to_numpy()
        found = clustered_interval(happened, problem["family"].to_numpy(dtype=str), level=level)
        rows.loc[place, ["conf_low", "conf_high"]] = [found.conf_low[0], found.conf_high[0]]
    return rows


def _balance(pairs: pd.DataFrame) -> pd.DataFrame:
    """Per family, whether it improved in more domains than it worsened."""
    signs = pairs.assign(sign=pairs["direction"].map({"less_severe": 1, "more_severe": -1}).fillna(0))
    keys = ["family", "episode", "organisation", "worker"]
    found = pd.DataFrame(signs.groupby(keys, sort=True, as_index=False)["sign"].sum())
    balance = np.select([found["sign"] > 0, found["sign"] < 0], [BALANCE[0], BALANCE[2]], BALANCE[1])
    return found.assign(balance=balance)
