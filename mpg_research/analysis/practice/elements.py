"""The working elements as they were scored: one row per score, with whose organisation and year it is."""

import numpy as np
import pandas as pd

from mpg_research.errors import NotApplicableError
from mpg_research.study.model import Study
from mpg_research.study.schemas import WORKING_ELEMENTS

__all__ = ["ELEMENTS", "INDEX", "element_scores", "index_of", "rater_pairs"]

#: The mean of the elements that were scored, of those rows that have at least half of them.
INDEX = "index"
ELEMENTS = (*WORKING_ELEMENTS, INDEX)
_LEAST_SHARE = 0.5


def index_of(table: pd.DataFrame) -> pd.Series:
    """Mean of the working elements of each row; missing where fewer than half of them were scored.

    Parameters
    ----------
    table : DataFrame
        With any of the six elements as columns.

    Returns
    -------
    Series of float
    """
    scores = pd.DataFrame(
        {
            name: pd.to_numeric(table[name], errors="coerce").astype(float) if name in table else np.nan
            for name in WORKING_ELEMENTS
        },
        index=table.index,
    )
    enough = scores.notna().sum(axis=1) >= _LEAST_SHARE * len(WORKING_ELEMENTS)
    mean: pd.Series = scores.mean(axis=1).where(enough)
    return mean


def element_scores(study: Study) -> pd.DataFrame:
    """The table practice, each row with its organisation.

    Parameters
    ----------
    study : Study
        A loaded study.

    Returns
    -------
    DataFrame
        family (None where a team was scored), episode, organisation, worker (the family's, None without),
        team, date, rater, the six elements and ``index``. Rows without any element, or of which neither
        family nor organisation is known, are left out.

    Raises
    ------
    NotApplicableError
        If the study has no scores on working elements.
    """
    table = study.tables.get("practice")
    if table is None or not len(table):
        raise _none(study)
    rows = pd.DataFrame(index=table.index)
    for name in ("family", "episode", "organisation", "team", "rater", "rater_role"):
        values = table[name].astype(object) if name in table else pd.Series(None, index=table.index)
        rows[name] = values.where(values.notna(), None)
    rows["date"] = table["date"]
    for name in WORKING_ELEMENTS:
        rows[name] = pd.to_numeric(table[name], errors="coerce").astype(float) if name in table else np.nan
    rows[INDEX] = index_of(table)
    episodes = study.tables["episodes"].drop_duplicates(["family", "episode"])
    whose = episodes.set_index(["family", "episode"])[["organisation", "worker"]].astype(object)
    found = whose.reindex(pd.MultiIndex.from_frame(rows[["family", "episode"]]))
    of_family = pd.Series(found["organisation"].to_numpy(), index=rows.index)
    rows["organisation"] = of_family.where(of_family.notna(), rows["organisation"])
    rows["worker"] = pd.Series(found["worker"].to_numpy(), index=rows.index)
    known = rows["organisation"].isin(study.organisations) & rows[list(WORKING_ELEMENTS)].notna().any(axis=1)
    if not known.any():
        raise _none(study)
    return rows[known].astype({"organisation": str}).reset_index(drop=True)


def rater_pairs(rows: pd.DataFrame, name: str, *, days: float) -> pd.DataFrame:
    """Of each family the first time that two workers scored it at about the same moment.

    Parameters
    ----------
    rows : DataFrame
        As :func:`element_scores` gives them.
    name : str
        The element.
    days : float or int
        How far apart the two scores may lie (where times are numbers: in the unit of the axis, zero).

    Returns
    -------
    DataFrame
        family, organisation, first, second, first_rater, second_rater: scores of two different raters (unique
        over organisations), one row per family.
    """
    known = rows.dropna(subset=["family", "rater", name, "date"])
    known = known.sort_values(["family", "date", "rater"], kind="stable").reset_index(drop=True)
    following = known.shift(-1)
    apart = following["date"] - known["date"]
    reach = pd.Timedelta(days=days) if pd.api.types.is_timedelta64_dtype(apart) else 0.0
    paired = (
        (following["family"] == known["family"])
        & (following["rater"] != known["rater"])
        & (following["episode"].astype(str) == known["episode"].astype(str))
        & (apart <= reach)
    )
    pairs = pd.DataFrame(
        {
            "family": known["family"],
            "organisation": known["organisation"],
            "first": known[name],
            "second": following[name].astype(float),
            "first_rater": known["organisation"].astype(str) + "|" + known["rater"].astype(str),
            "second_rater": known["organisation"].astype(str) + "|" + following["rater"].astype(str),
        }
    )
    return pairs[paired.to_numpy(dtype=bool)].drop_duplicates("family").reset_index(drop=True)


def _none(study: Study) -> NotApplicableError:
    return NotApplicableError(
        f"Study {study.name} has no scores on the working elements of one family, one plan. Add the table "
        "practice in study.toml (docs/explanation/practice.md) if they are kept.",
        code="no_practice",
    )
