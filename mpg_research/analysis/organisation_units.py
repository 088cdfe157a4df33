"""The episodes of a comparison, one row each, with the case mix as the model has it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.frame import ModelFrame

__all__ = ["OrganisationUnits", "units_of"]

FloatArray = NDArray[np.float64]


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
        present = set(self.rows["organisation"])
        return tuple(key for key in self.order if key in present)

    @property
    def codes(self) -> NDArray[np.intp]:
        """Organisation of each row: its place in ``keys``."""
        place = {key: number for number, key in enumerate(self.keys)}
        codes: NDArray[np.intp] = self.rows["organisation"].map(place).to_numpy(dtype=np.intp)
        return codes

    @property
    def case_mix(self) -> FloatArray:
        """Shape (n, k)."""
        columns: FloatArray = self.rows[list(self.columns)].to_numpy(dtype=float)
        return columns

    def families(self) -> list[int]:
        """Distinct families of each organisation."""
        counts = self.rows.groupby("organisation")["family"].nunique()
        return [int(counts[key]) for key in self.keys]

    def join(self, found: pd.DataFrame) -> "OrganisationUnits":
        """Those episodes that ``found`` (family, episode, ...) has a row for, with its columns."""
        keys = ["family", "episode"]
        once = found.assign(**{key: found[key].astype(str) for key in keys}).drop_duplicates(keys)
        rows = self.rows.merge(once, on=keys, how="inner")
        return OrganisationUnits(rows, self.columns, self.order)


def units_of(frame: ModelFrame) -> OrganisationUnits:
    """The episodes of a model's data."""
    columns = tuple(covariate.column for covariate in frame.covariates)
    first = frame.data.drop_duplicates(["family", "episode"])
    rows = first[["family", "episode", "organisation", *columns]].reset_index(drop=True)
    names = dict(frame.organisations)
    return OrganisationUnits(
        rows.assign(organisation=rows["organisation"].map(names)), columns, tuple(names.values())
    )
