"""Which families each organisation helps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.columns import EACH_ORGANISATION, by_row, coded, observed
from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.result import ResultTable

__all__ = ["case_mix_table"]

_COLUMNS = ["organisation", "variable", "level", "kind", "mean_or_share", "sd", "n_families"]

#: The share of an organisation's families at a level.
_SHARE = observed("mean_or_share", percent=True, own=True)


def case_mix_table(frame: ModelFrame) -> ResultTable:
    """Case mix per organisation: means of numbers, shares of every level of the rest.

    Of shares every level has its row ("yes" and "no" too), and ``n_families`` are the families *at* that
    level, so that a share behind which few families stand is recognised as a small cell.
    """
    variables = [name for name in frame.episodes.columns if name not in ("family", "organisation")]
    described = {name: _Variable.of(frame.episodes[name]) for name in variables}
    places = frame.episodes.groupby("organisation").indices
    family = frame.episodes["family"].to_numpy()
    rows = [
        (key, name, *row)
        for code, key in frame.organisations.items()
        for name in variables
        for row in described[name].rows(np.asarray(places[code]), family[places[code]])
    ]
    return ResultTable(
        "case_mix",
        pd.DataFrame(rows, columns=_COLUMNS),
        columns=(
            EACH_ORGANISATION,
            coded("variable"),
            coded("level", adds_up="families"),
            coded("kind", csv_only=True),
            by_row("mean_or_share", "kind", {"share": _SHARE}, "mean").but(own=True),
            observed("sd", digits=2, plain=False, own=True),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Variable:
    """One column of the case mix: its numbers, or its texts and the levels shown for them."""

    numbers: NDArray[np.float64] | None
    texts: NDArray[np.object_]
    levels: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, everyone: pd.Series) -> "_Variable":
        number = pd.api.types.is_numeric_dtype(everyone) and not pd.api.types.is_bool_dtype(everyone)
        if number and not set(everyone.unique()) <= {0, 1}:
            return cls(everyone.to_numpy(dtype=float), np.empty(0, dtype=object), ())
        texts = everyone.astype(str).to_numpy(dtype=object)
        names = {"True": "yes", "False": "no", "1": "yes", "0": "no", "1.0": "yes", "0.0": "no"}
        found = sorted(set(texts))
        binary = set(found) <= set(names)
        return cls(None, texts, tuple((level, names[level] if binary else level) for level in found))

    def rows(
        self, place: NDArray[np.intp], family: NDArray[np.object_]
    ) -> list[tuple[str, str, float, float, int]]:
        """Rows (level, kind, mean_or_share, sd, n_families) of one organisation's episodes."""
        if self.numbers is not None:
            values = self.numbers[place]
            sd = float(np.std(values, ddof=1)) if values.size > 1 else float("nan")
            return [("", "mean", float(values.mean()), sd, len(set(family)))]
        mine = self.texts[place]
        return [
            (shown, "share", float((mine == level).mean()), float("nan"), len(set(family[mine == level])))
            for level, shown in self.levels
        ]
