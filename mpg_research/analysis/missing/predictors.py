"""When help ended and why, which months were missed, and what foretold it."""

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import coded, ends, estimates, modelled
from mpg_research.analysis.growth.help_periods import DROP_OUT_REASONS, HelpPeriods
from mpg_research.analysis.monitoring.expectation_model import code_case_mix
from mpg_research.analysis.result import ResultTable
from mpg_research.frames import each_row
from mpg_research.statistics.logistic import clustered_logistic
from mpg_research.study.model import CourseFrame, Study

__all__ = ["courses_in_help", "help_months", "predictor_rows"]

#: A measurement within half a month of a whole month counts for it.
_HALF = 0.5
_ODDS = ("odds_ratio", "odds_low", "odds_high")


def courses_in_help(periods: HelpPeriods) -> pd.DataFrame:
    """One row per period of help with a score in its course.

    Returns
    -------
    DataFrame
        family, episode, organisation, worker, end (months in help, or seen), reach, ended, end_reason
        ("still_in_help" without an end; "unknown" without a reason), drop_out ("drop_out" or "no_drop_out"),
        pattern ("drop_out", "ended", "still_in_help").
    """
    keys = ["family", "episode"]
    last = periods.course.data.groupby(keys, as_index=False)["months"].max()
    last = last.assign(**{name: last[name].astype(str) for name in keys}).rename(columns={"months": "last"})
    units = periods.rows.merge(last, on=keys, how="inner")
    units["end"] = units["time"].clip(lower=units["last"])
    dropped = units["end_reason"].isin(DROP_OUT_REASONS)
    units["drop_out"] = np.where(dropped, "drop_out", "no_drop_out")
    units["pattern"] = np.select([dropped, units["ended"]], ["drop_out", "ended"], "still_in_help")
    return units.drop(columns=["time", "last", "part"])


def help_months(frame: CourseFrame, units: pd.DataFrame) -> pd.DataFrame:
    """One row per course and whole month in help that was seen: measured or not, and the last score before.

    Returns
    -------
    DataFrame
        family, episode, organisation, months, measured (bool), last_score (NaN before the first score),
        leaves (help ends within the next month).
    """
    rows = []
    scores = {
        key: (mine["months"].to_numpy(dtype=float), mine["score"].to_numpy(dtype=float))
        for key, mine in frame.data.assign(
            family=frame.data["family"].astype(str), episode=frame.data["episode"].astype(str)
        ).groupby(["family", "episode"])
    }
    for unit in each_row(units):
        months, score = scores[unit.family, unit.episode]
        for month in range(int(np.floor(unit.end + 1e-9)) + 1):
            if month and month + _HALF > unit.reach + _HALF / 5:
                continue  # it might still be measured for this month
            before = months < month - _HALF
            measured = bool((np.abs(months - month) <= _HALF).any())
            known = float(score[before][np.argmax(months[before])]) if before.any() else np.nan
            leaves = bool(unit.ended and month <= unit.end < month + 1)
            rows.append((unit.family, unit.episode, unit.organisation, float(month), measured, known, leaves))
    columns = ["family", "episode", "organisation", "months", "measured", "last_score", "leaves"]
    return pd.DataFrame(rows, columns=columns)


def predictor_rows(
    study: Study, frame: CourseFrame, units: pd.DataFrame, names: tuple[str, ...], level: float
) -> ResultTable:
    """What foretells a missed month, and dropping out in a month."""
    waves = help_months(frame, units)
    waves = waves[waves["last_score"].notna()]
    episodes = study.tables["episodes"][["family", "episode", *names]].copy()
    for name in ("family", "episode"):
        episodes[name] = episodes[name].astype(str)
    waves = waves.merge(episodes, on=["family", "episode"], how="left").dropna(subset=list(names))
    for name in names:
        if waves[name].dtype == "boolean":
            waves[name] = waves[name].astype(float)
    risk, columns = code_case_mix(waves.reset_index(drop=True), names)
    labels = _labels(waves, names)
    dropped = units.set_index(["family", "episode"])["drop_out"] == "drop_out"
    own = dropped.reindex(pd.MultiIndex.from_frame(risk[["family", "episode"]])).to_numpy(dtype=bool)
    outcomes = {
        "missing": ~risk["measured"].to_numpy(dtype=bool),
        "drop_out": risk["leaves"].to_numpy(dtype=bool) & own,
    }
    centred = risk[["last_score", "months"]] - risk[["last_score", "months"]].mean()
    design = np.column_stack([np.ones(len(risk)), centred, risk[list(columns)]])
    terms = ["(Intercept)", "last_score", "months", *labels]
    pieces = []
    for outcome, happened in outcomes.items():
        found = clustered_logistic(design, happened, risk["family"].to_numpy(), level=level)
        piece = pd.DataFrame({"outcome": outcome, "term": terms[: design.shape[1]], "df": found.df})
        for name in ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"):
            piece[name] = getattr(found, name)
        with np.errstate(over="ignore"):
            for name, source in zip(_ODDS, ("estimate", "conf_low", "conf_high"), strict=True):
                piece[name] = np.exp(piece[source])
        pieces.append(piece)
    data = pd.concat(pieces, ignore_index=True).assign(
        n_families=risk["family"].nunique(), n_organisations=risk["organisation"].nunique()
    )
    odds = modelled(_ODDS[0], digits=2)
    declared = (
        coded("outcome"), coded("term"), *estimates(digits=3, plain=False), odds, *ends(odds, "odds"),
    )  # fmt: skip
    kept = [*(column.name for column in declared), "n_families", "n_organisations"]
    return ResultTable("predictors", data[kept], columns=declared, n_coefficients=design.shape[1])


def _labels(waves: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    """Names of the risk columns, in the order and with the omissions of ``code_case_mix``."""
    labels = []
    for name in names:
        values = waves[name]
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            labels += [name] if values.nunique() > 1 else []
            continue
        texts = values.astype(str)
        sizes = texts.value_counts()
        levels = sorted(sizes.index, key=lambda level: (-int(sizes[level]), level))
        labels += [f"{name}={level}" for level in levels[1:]]
    return labels
