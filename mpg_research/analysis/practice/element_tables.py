"""Tables about the working elements themselves: how they are scored, how they hang together, who agrees."""

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    Column,
    coded,
    ends,
    modelled,
    number_of,
    observed,
    quantile,
)
from mpg_research.analysis.practice.elements import ELEMENTS, INDEX, rater_pairs
from mpg_research.analysis.result import ResultTable
from mpg_research.instruments.agreement import one_way_coefficients
from mpg_research.instruments.reliability import reliability_of_answers
from mpg_research.study.schemas import WORKING_ELEMENTS

__all__ = ["agreement_table", "element_tables", "reliability_table"]

_ELEMENT = coded("working_element")
_SCORES = number_of("n_scores", of="measurements")
_MEAN, _SD = observed("mean", digits=2), observed("sd", digits=2)
_COEFFICIENT = modelled("estimate", digits=2)
_QUARTERS = {"lowest_quarter": 0.25, "middle": 0.5, "highest_quarter": 0.75}
#: Quartiles of fewer teams would tell of one of them.
_FEWEST_UNITS = 10


def element_tables(rows: pd.DataFrame, families_at: pd.Series) -> list[ResultTable]:
    """How the elements were scored: over all, by organisation and by calendar year.

    Parameters
    ----------
    rows : DataFrame
        As :func:`mpg_research.analysis.practice.elements.element_scores` gives them.
    families_at : Series
        Families in help, by organisation: behind scores of teams stand those of their organisation.

    Returns
    -------
    list of ResultTable
        ``elements(working_element, n_scores, mean, sd, lowest_quarter, middle, highest_quarter)``, each
        family (or team) counting once with the mean of its scores; ``elements_by_organisation`` and, where
        times are dates, ``elements_by_year`` with mean and standard deviation only.
    """
    rows = rows.assign(unit=_unit(rows))
    over_all = [
        {
            "working_element": name,
            **_spread(rows, name, families_at),
            "n_organisations": _organisations(rows, name),
        }
        for name in ELEMENTS
    ]
    tables = [
        ResultTable(
            "elements",
            pd.DataFrame(over_all),
            columns=(_ELEMENT, _SCORES, _MEAN, _SD,
                     *(quantile(name, at, digits=2) for name, at in _QUARTERS.items())),
        ),
        ResultTable(
            "elements_by_organisation",
            _split(rows, rows["organisation"], "organisation", families_at),
            columns=(EACH_ORGANISATION, _ELEMENT, _SCORES.but(own=True), _MEAN.but(own=True),
                     _SD.but(own=True)),
        ),
    ]  # fmt: skip
    if pd.api.types.is_datetime64_any_dtype(rows["date"]):
        by_year = _split(rows, rows["date"].dt.year.astype(str), "year", families_at, with_organisations=True)
        columns = (Column(name="year", meaning="date", is_key=True), _ELEMENT, _SCORES, _MEAN, _SD)
        tables.append(ResultTable("elements_by_year", by_year, columns=columns))
    return tables


def reliability_table(
    rows: pd.DataFrame, families_at: pd.Series, *, level: float, n_bootstrap: int
) -> ResultTable:
    """Alpha and omega of the six elements, on the first complete score of each family or team.

    Parameters
    ----------
    rows : DataFrame
        As for :func:`element_tables`.
    families_at : Series
        Families in help, by organisation.
    level : float
        Of the intervals.
    n_bootstrap : int
        Resamples behind them.

    Returns
    -------
    ResultTable
        ``element_reliability(coefficient, estimate, conf_low, conf_high)``.
    """
    ordered = rows.assign(unit=_unit(rows)).sort_values(["date", "unit"], kind="stable")
    complete = ordered.dropna(subset=list(WORKING_ELEMENTS)).drop_duplicates("unit")
    found = reliability_of_answers(
        complete[list(WORKING_ELEMENTS)].to_numpy(dtype=float), complete["unit"],
        level=level, n_bootstrap=n_bootstrap,
    )  # fmt: skip
    data = found[["coefficient", "estimate", "conf_low", "conf_high"]].assign(
        n_families=_families(complete, families_at), n_organisations=complete["organisation"].nunique()
    )
    return ResultTable(
        "element_reliability",
        data,
        columns=(coded("coefficient"), _COEFFICIENT, *ends(_COEFFICIENT, "conf", heading="interval")),
    )


def agreement_table(
    rows: pd.DataFrame, *, days: float, minimum_raters: int, level: float
) -> ResultTable | None:
    """How far two workers who scored the same family agree: ICC(1,1), and of the index ICC(1,2) too.

    Parameters
    ----------
    rows : DataFrame
        As for :func:`element_tables`.
    days : float
        How far apart the two scores may lie.
    minimum_raters : int
        With fewer workers nothing is told.
    level : float
        Of the intervals.

    Returns
    -------
    ResultTable or None
        ``element_agreement(working_element, coefficient, estimate, conf_low, conf_high)``; None where no
        family was scored by two workers, or by too few of them.
    """
    known = rows.dropna(subset=["rater", "family"])
    if (known["organisation"] + "|" + known["rater"].astype(str)).nunique() < minimum_raters:
        return None
    parts = []
    for name in ELEMENTS:
        pairs = rater_pairs(rows, name, days=days)
        found = one_way_coefficients(
            pairs[["first", "second"]].to_numpy(dtype=float),
            raters=pairs[["first_rater", "second_rater"]].to_numpy(dtype=str),
            level=level,
        )
        kept = found if name == INDEX else found[found["coefficient"] == "icc_single"]
        parts.append(
            kept.assign(
                working_element=name, n_families=len(pairs), n_organisations=pairs["organisation"].nunique()
            )
        )
    data = pd.concat(parts, ignore_index=True)
    if not data["n_families"].any():
        return None
    return ResultTable(
        "element_agreement",
        data[
            [
                "working_element",
                "coefficient",
                "estimate",
                "conf_low",
                "conf_high",
                "n_families",
                "n_organisations",
            ]
        ],
        columns=(
            _ELEMENT,
            coded("coefficient"),
            _COEFFICIENT,
            *ends(_COEFFICIENT, "conf", heading="interval"),
        ),
    )


def _unit(rows: pd.DataFrame) -> pd.Series:
    """The family, or the team, that was scored."""
    team = (
        "team|"
        + rows["organisation"]
        + "|"
        + rows["team"].astype(object).where(rows["team"].notna(), "").astype(str)
    )
    unit: pd.Series = rows["family"].where(rows["family"].notna(), team)
    return unit.astype(str)


def _families(rows: pd.DataFrame, families_at: pd.Series) -> int:
    """Families scored, and those of the organisations of which a team was scored."""
    of_teams = rows.loc[rows["family"].isna(), "organisation"].unique()
    others = rows[rows["family"].notna() & ~rows["organisation"].isin(of_teams)]
    return int(families_at.reindex(of_teams).sum()) + int(others["family"].nunique())


def _organisations(rows: pd.DataFrame, name: str) -> int:
    return int(rows.loc[rows[name].notna(), "organisation"].nunique())


def _spread(rows: pd.DataFrame, name: str, families_at: pd.Series) -> dict[str, float | int]:
    known = rows.dropna(subset=[name])
    means = known.groupby("unit")[name].mean()
    quarters = dict.fromkeys(_QUARTERS, np.nan)
    if len(means) >= _FEWEST_UNITS:
        quarters = {key: float(means.quantile(at)) for key, at in _QUARTERS.items()}
    return {
        "n_scores": len(known),
        "mean": float(means.mean()),
        "sd": float(means.std(ddof=1)),
        **quarters,
        "n_families": _families(known, families_at),
    }


def _split(
    rows: pd.DataFrame, by: pd.Series, key: str, families_at: pd.Series, *, with_organisations: bool = False
) -> pd.DataFrame:
    found = []
    for value, mine in rows.groupby(by, sort=True):
        for name in ELEMENTS:
            known = mine.dropna(subset=[name])
            if not len(known):
                continue
            means = known.groupby("unit")[name].mean()
            found.append(
                {
                    key: value,
                    "working_element": name,
                    "n_scores": len(known),
                    "mean": float(means.mean()),
                    "sd": float(means.std(ddof=1)),
                    "n_families": _families(known, families_at),
                    **({"n_organisations": _organisations(known, name)} if with_organisations else {}),
                }
            )
    names = [key, "working_element", "n_scores", "mean", "sd", "n_families"]
    return pd.DataFrame(found, columns=[*names, *(["n_organisations"] if with_organisations else [])])
