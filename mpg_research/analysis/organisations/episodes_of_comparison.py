"""The episodes of a comparison, one row each, with the case mix as the model has it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.analysis.growth.model_frame import Covariate, ModelFrame
from mpg_research.arrays import FloatArray
from mpg_research.study.model import Study

__all__ = ["OrganisationUnits", "episodes_of_comparison", "units_of_periods"]


@dataclass(frozen=True, slots=True)
class OrganisationUnits:
    """Episodes of g organisations.

    Attributes
    ----------
    rows : DataFrame
        family, episode, organisation (the study's key), the case mix, and whatever was joined.
    columns : tuple of str
        Names of the case-mix columns: numbers, centred at the study's average family.
    order : tuple of str
        All organisations of the comparison.
    """

    rows: pd.DataFrame
    columns: tuple[str, ...]
    order: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Organisations with an episode here, in the order of the comparison."""
        present = set(self.rows["organisation"].unique())
        return tuple(key for key in self.order if key in present)

    @property
    def codes(self) -> NDArray[np.intp]:
        """Organisation of each row: its place in ``keys``."""
        place = {key: number for number, key in enumerate(self.keys)}
        return np.asarray(self.rows["organisation"].map(place), dtype=np.intp)

    @property
    def case_mix(self) -> FloatArray:
        """Shape (n, k)."""
        columns: FloatArray = self.rows[list(self.columns)].to_numpy(dtype=float)
        return columns

    def families(self, only: str | None = None) -> list[int]:
        """Distinct families of each organisation; of the rows that say yes to ``only``."""
        rows = self.rows if only is None else self.rows[self.rows[only].astype(bool)]
        counts = rows.groupby("organisation")["family"].nunique()
        return [int(counts.get(key, 0)) for key in self.keys]

    def of(self, keys: list[str]) -> "OrganisationUnits":
        """The rows of these organisations."""
        rows = self.rows[self.rows["organisation"].isin(keys)].reset_index(drop=True)
        return OrganisationUnits(rows, self.columns, self.order)

    def join(self, found: pd.DataFrame) -> "OrganisationUnits":
        """Those episodes that ``found`` (family, episode, ...) has a row for, with its columns."""
        keys = ["family", "episode"]
        once = found.assign(**{key: found[key].astype(str) for key in keys}).drop_duplicates(keys)
        rows = self.rows.merge(once, on=keys, how="inner")
        return OrganisationUnits(rows, self.columns, self.order)


def episodes_of_comparison(frame: ModelFrame) -> OrganisationUnits:
    """The episodes of a model's data."""
    columns = tuple(covariate.column for covariate in frame.covariates)
    first = frame.data.drop_duplicates(["family", "episode"])
    rows = first[["family", "episode", "organisation", *columns]].reset_index(drop=True)
    names = dict(frame.organisations)
    return OrganisationUnits(
        rows.assign(organisation=rows["organisation"].map(names)), columns, tuple(names.values())
    )


def units_of_periods(study: Study, periods: HelpPeriods, frame: ModelFrame) -> OrganisationUnits:
    """All periods of help of the organisations of a model, also of families who were never measured.

    The case mix is coded as in the model; what is not known of it counts as the study's average family.
    """
    keys = ["family", "episode"]
    columns = tuple(covariate.column for covariate in frame.covariates)
    order = tuple(frame.organisations.values())
    rows = periods.rows.loc[periods.rows["organisation"].isin(order), [*keys, "organisation"]]
    names = list(dict.fromkeys(covariate.name for covariate in frame.covariates))
    intake = study.tables["episodes"][[*keys, *names]]
    intake = intake.assign(**{key: intake[key].astype(str) for key in keys}).drop_duplicates(keys)
    found = rows.merge(intake, on=keys, how="left")
    coded = {each.column: _centred(found[each.name], each) for each in frame.covariates}
    return OrganisationUnits(
        pd.concat([found[[*keys, "organisation"]], pd.DataFrame(coded, index=found.index)], axis=1),
        columns,
        order,
    )


def _centred(values: pd.Series, covariate: Covariate) -> pd.Series:
    """A column of the case mix as numbers around the average family; 0 where it is not known."""
    known = values.notna()
    if covariate.level:
        numbers = (values.astype(str) == covariate.level).astype(float)
    elif pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers = values.astype("Float64").astype(float)
    else:
        numbers = (values.astype(str) == "True").astype(float)
    return (numbers - covariate.centre).where(known, 0.0)
