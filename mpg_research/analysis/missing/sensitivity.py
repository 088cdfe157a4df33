"""How much the mean change hangs on those who were not measured."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import ESTIMATE, MONTHS, coded, key_column, modelled, observed_share
from mpg_research.analysis.growth.estimate_tables import estimate_rows
from mpg_research.analysis.growth.growth_model import GrowthModel, fit_growth
from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.result import ResultTable
from mpg_research.errors import ModelError, Note
from mpg_research.statistics.change.reliable_change import Direction, improvement_sign
from mpg_research.statistics.delta_adjustment import adjust_by_delta, tipping_point
from mpg_research.study.model import CourseFrame

__all__ = ["change_at", "completers", "delta_tables", "pattern_mixture", "who_was_measured"]


def change_at(model: GrowthModel, month: float) -> pd.DataFrame:
    """The mean change from the start to the month, as one row of estimates."""
    rows = model.mean_rows([month]) - model.mean_rows([0.0])
    return estimate_rows(model, pd.DataFrame({"months": [month]}), rows)


def who_was_measured(periods: HelpPeriods, month: float) -> pd.Series:
    """Per family that could have been measured around the month, whether it was.

    Also families whose help had ended before, or who were never measured: how they fared is not known.
    """
    could = periods.could_reach(month + periods.near)
    if not could.any():
        could = periods.could_reach(month)
    if not could.any():
        could = np.ones(len(could), dtype=bool)
    rows = periods.rows.assign(measured=periods.measured(month))
    return rows[could].groupby("family")["measured"].any()


def _sample_rows(sample: str, change: pd.DataFrame, families: int, organisations: int) -> pd.DataFrame:
    return change.assign(sample=sample, n_families=families, n_organisations=organisations)


def completers(
    frame: CourseFrame, periods: HelpPeriods, mar: pd.DataFrame, month: float
) -> tuple[ResultTable, list[Note]]:
    """The change of all families beside that of families measured around the month."""
    data = frame.data
    rows = [_sample_rows("all", mar, data["family"].nunique(), data["organisation"].nunique())]
    kept = data[data["family"].astype(str).isin(periods.rows.loc[periods.measured(month), "family"])]
    notes = []
    try:
        model = fit_growth(prepare_frame(replace(frame, data=kept.reset_index(drop=True))))
        found = change_at(model, month)
        rows.append(
            _sample_rows("completers", found, kept["family"].nunique(), kept["organisation"].nunique())
        )
    except ModelError as problem:
        text = f"The families measured to the end cannot be modelled apart: {problem}"
        notes.append(Note("no_completers_model", text, {}, "caution"))
    table = pd.concat(rows, ignore_index=True)
    return ResultTable("completers", table, columns=(coded("sample"), MONTHS, *ESTIMATE)), notes


def pattern_mixture(frame: CourseFrame, month: float) -> tuple[ResultTable, list[Note]]:
    """A straight course per pattern of how long families were measured, and their average over all families.

    Straight, since beyond its last wave a pattern's course can only be continued.
    """
    data = frame.data
    until = data.groupby("family")["months"].transform("max")
    cuts = np.quantile(until.groupby(data["family"]).first(), [1 / 3, 2 / 3])
    # Many are measured to the same last month: those are "late", however large a part they are.
    pattern = np.select([until >= cuts[1], until <= cuts[0]], ["late", "early"], "middle")
    counts = {"n_families": data["family"].nunique(), "n_organisations": data["organisation"].nunique()}
    spread_over = data.groupby(pattern)["organisation"].nunique()
    together = fit_growth(prepare_frame(frame), shape="linear", worker=False)
    rows = [change_at(together, month).assign(pattern="missing_at_random", **counts)]
    notes = []
    try:
        split = replace(frame, data=data.assign(organisation=pattern))
        by_pattern = prepare_frame(split, by_organisation=True)
        if len(by_pattern.organisations) < len(set(pattern)):
            raise ModelError("Hardly any family of one of them was measured at two moments.")
        model = fit_growth(by_pattern, shape="linear", organisation="fixed", worker=False)
        both = model.organisation_rows([0.0, month])
        names = pd.DataFrame({"pattern": list(model.frame.organisations.values()), "months": month})
        own = estimate_rows(model, names, both[:, 1] - both[:, 0])
        own["n_families"] = list(model.frame.families_of.values())
        own["n_organisations"] = spread_over.reindex(own["pattern"]).to_numpy()
        share = own["n_families"] / own["n_families"].sum()
        spread = float((share * own["estimate"] ** 2).sum() - (share * own["estimate"]).sum() ** 2)
        average = _widen(change_at(model, month), spread / counts["n_families"])
        rows += [own, average.assign(pattern="over_patterns", **counts)]
    except ModelError as problem:
        text = f"The patterns of how long families were measured cannot be modelled apart: {problem}"
        notes.append(Note("no_pattern_mixture", text, {}, "caution"))
    table = pd.concat(rows, ignore_index=True)
    return (
        ResultTable("pattern_mixture", table, columns=(coded("pattern"), MONTHS, *ESTIMATE)),
        notes,
    )


def _widen(change: pd.DataFrame, variance: float) -> pd.DataFrame:
    """The change with the uncertainty of the patterns' shares added to its error."""
    from scipy.special import stdtr

    error = np.sqrt(change["std_error"] ** 2 + variance)
    scale = error / change["std_error"]
    statistic = change["estimate"] / error
    return change.assign(
        std_error=error,
        statistic=statistic,
        p_value=2 * stdtr(change["df"], -statistic.abs()),
        conf_low=change["estimate"] - (change["estimate"] - change["conf_low"]) * scale,
        conf_high=change["estimate"] + (change["conf_high"] - change["estimate"]) * scale,
    )


def delta_tables(
    frame: CourseFrame,
    mar: pd.DataFrame,
    measured: pd.Series,
    month: float,
    deltas: tuple[float, ...],
    *,
    direction: Direction,
    level: float,
) -> list[ResultTable]:
    """The change if those not measured were worse by each delta, and the delta at which it tips.

    A positive delta is worse, whatever the direction of the instrument.
    """
    share, n = float(1 - measured.mean()), len(measured)
    one = mar.iloc[0]
    change, error, df = (float(one[name]) for name in ("estimate", "std_error", "df"))
    worse = -improvement_sign(direction)
    shifts = [worse * delta for delta in deltas]
    found = adjust_by_delta(change, error, df=df, share=share, n=n, delta=shifts, level=level)
    counts = {"n_families": n, "n_organisations": frame.data["organisation"].nunique()}
    values = ("estimate", "std_error", "conf_low", "conf_high")
    data = pd.DataFrame({"months": month, "delta": deltas, **{v: getattr(found, v) for v in values}})
    tip = worse * tipping_point(change, error, df=df, share=share, n=n, level=level)
    tipping = pd.DataFrame({"months": [month], "delta_at_tipping": [tip], "share_unmeasured": [share]})
    return [
        ResultTable(
            "delta_adjustment",
            data.assign(**counts),
            columns=(MONTHS, key_column("delta"), *(column for column in ESTIMATE if column.name in values)),
        ),
        ResultTable(
            "tipping_point",
            tipping.assign(**counts),
            columns=(MONTHS, modelled("delta_at_tipping"), observed_share("share_unmeasured")),
        ),
    ]
