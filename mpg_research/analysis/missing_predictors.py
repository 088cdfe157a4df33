"""When help ended and why, which months were missed, and what foretold it."""

import numpy as np
import pandas as pd

from mpg_research.analysis.expectation_model import code_case_mix
from mpg_research.analysis.quality import DROP_OUT_REASONS
from mpg_research.analysis.result import ESTIMATE_COLUMNS, ResultTable
from mpg_research.statistics.clustered_logistic import clustered_logistic
from mpg_research.study.config import DAYS_PER_MONTH
from mpg_research.study.model import CourseFrame, Study

__all__ = ["end_of_help", "help_months", "predictor_rows"]

#: A measurement within half a month of a whole month counts for it.
_HALF = 0.5
_ODDS = ("odds_ratio", "odds_low", "odds_high")


def end_of_help(study: Study, frame: CourseFrame) -> pd.DataFrame:
    """One row per family and episode of the course: end in months, its reason, and the pattern.

    Returns
    -------
    DataFrame
        family, episode, organisation, worker, end (months since the start; the last measurement where no
        end is known), ended (bool), end_reason ("still_in_help" without an end; "unknown" without a
        reason), drop_out ("drop_out" or "no_drop_out"), pattern ("drop_out", "ended", "still_in_help").
    """
    data = frame.data
    last = data.groupby(["family", "episode"], as_index=False).agg(
        organisation=("organisation", "first"), worker=("worker", "first"), last=("months", "max")
    )
    episodes = study.tables["episodes"].copy()
    episodes["end_months"] = _months(study, episodes)
    if "end_reason" not in episodes:
        episodes["end_reason"] = None
    units = last.merge(
        episodes[["family", "episode", "end_months", "end_reason"]], on=["family", "episode"], how="left"
    )
    ended = units["end_months"].notna() | units["end_reason"].notna()
    reason = units["end_reason"].astype(object).where(units["end_reason"].notna(), "unknown")
    units["ended"] = ended
    units["end"] = units["end_months"].fillna(units["last"]).clip(lower=units["last"])
    units["end_reason"] = np.where(ended, reason, "still_in_help")
    dropped = units["end_reason"].isin(DROP_OUT_REASONS)
    units["drop_out"] = np.where(dropped, "drop_out", "no_drop_out")
    units["pattern"] = np.select([dropped, ended], ["drop_out", "ended"], "still_in_help")
    for name in ("family", "episode", "organisation"):
        units[name] = units[name].astype(str)
    own = units["organisation"] + "/" + units["worker"].astype(str)
    units["worker"] = own.where(units["worker"].notna(), units["family"] + "/own")
    return units


def _months(study: Study, episodes: pd.DataFrame) -> pd.Series:
    """End of each episode in months since its start; NaN where unknown."""
    if "end" not in episodes or "start" not in episodes:
        return pd.Series(np.nan, index=episodes.index)
    gap = episodes["end"] - episodes["start"]
    if pd.api.types.is_timedelta64_dtype(gap):
        return gap.dt.total_seconds() / 86400 / DAYS_PER_MONTH
    return gap.astype(float) * study.config.time.unit_in_months


def help_months(frame: CourseFrame, units: pd.DataFrame) -> pd.DataFrame:
    """One row per course and whole month in help: measured or not, and the last score before it.

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
    for unit in units.itertuples():
        months, score = scores[unit.family, unit.episode]
        for month in range(int(np.floor(unit.end + 1e-9)) + 1):
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
    coded, columns = code_case_mix(waves.reset_index(drop=True), names)
    labels = _labels(waves, names)
    dropped = units.set_index(["family", "episode"])["drop_out"] == "drop_out"
    own = dropped.reindex(pd.MultiIndex.from_frame(coded[["family", "episode"]])).to_numpy(dtype=bool)
    outcomes = {
        "missing": ~coded["measured"].to_numpy(dtype=bool),
        "drop_out": coded["leaves"].to_numpy(dtype=bool) & own,
    }
    centred = coded[["last_score", "months"]] - coded[["last_score", "months"]].mean()
    design = np.column_stack([np.ones(len(coded)), centred, coded[list(columns)]])
    terms = ["(Intercept)", "last_score", "months", *labels]
    pieces = []
    for outcome, happened in outcomes.items():
        found = clustered_logistic(design, happened, coded["family"].to_numpy(), level=level)
        piece = pd.DataFrame({"outcome": outcome, "term": terms[: design.shape[1]], "df": found.df})
        for name in ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"):
            piece[name] = getattr(found, name)
        with np.errstate(over="ignore"):
            for name, source in zip(_ODDS, ("estimate", "conf_low", "conf_high"), strict=True):
                piece[name] = np.exp(piece[source])
        pieces.append(piece)
    data = pd.concat(pieces, ignore_index=True).assign(
        n_families=coded["family"].nunique(), n_organisations=coded["organisation"].nunique()
    )
    keys = ("outcome", "term")
    return ResultTable(
        "predictors",
        data[[*keys, *ESTIMATE_COLUMNS, *_ODDS, "n_families", "n_organisations"]],
        keys=keys,
        values=(*ESTIMATE_COLUMNS, *_ODDS),
    )


def _labels(waves: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    """Names of the coded columns, in the order and with the omissions of ``code_case_mix``."""
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
