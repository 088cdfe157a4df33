"""What a study so far says of the inputs of a plan, with its uncertainty; through the gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import DisclosureError, ModelError

__all__ = ["SoFar", "estimate_inputs"]

#: Draws from the sampling distribution of the estimates.
_DRAWS = 200
#: The study's families are followed at most so long in a plan.
_LONGEST = 24.0
_LEVEL = 0.95
#: Of the variance components, the row with the correlation of what is left over, a month apart.
_APART = "month_apart"


@dataclass(frozen=True, slots=True)
class SoFar:
    """Inputs as a study so far has them.

    Attributes
    ----------
    values : mapping of str to number
        As the gate let them pass: rounded.
    ranges : mapping of str to (float, float)
        Of what was estimated: between which 95 of 100 draws lie, rounded.
    draws : tuple of mapping of str to float
        The same inputs, drawn.
    titles : mapping of str to str
        Of the study, by language.
    units : mapping
        Whom the study is about, by language.
    synthetic : bool
    """

    values: Mapping[str, Any]
    ranges: Mapping[str, tuple[float, float]]
    draws: tuple[Mapping[str, float], ...] = field(repr=False)
    titles: Mapping[str, str]
    units: Mapping[str, Any]
    synthetic: bool


def estimate_inputs(study: str | Path, *, seed: int = 1) -> SoFar:
    """Spreads, sizes and drop-out of a study so far.

    Parameters
    ----------
    study : str or Path
        A study's folder or its study.toml.
    seed : int

    Returns
    -------
    SoFar

    Raises
    ------
    DisclosureError
        If there are too few families or organisations for their spread to be shown.
    ModelError
        If the model cannot be fitted.

    Notes
    -----
    A straight line per family, residuals that carry on where they do, and random organisations (and workers,
    where the growth model has them): the model of the plan itself. Its estimates are released as to a
    funder, who reads the page. The draws are refits to data simulated from the fit: the sampling distribution
    of the estimates, boundaries included.
    The effect is never taken from the study: what was found is no measure of what would matter, and a power
    computed from it says only what its p-value said.
    """
    from mpg_research.analysis import fit_trajectory
    from mpg_research.analysis.growth.rule import GrowthRule
    from mpg_research.study import load_study

    loaded = load_study(study)
    rule = GrowthRule("line", "auto", "quantiles")
    several = len(loaded.organisations) > 1
    fit = fit_trajectory(loaded, shape="linear", rule=rule, organisation="random" if several else False)
    if not fit.model.converged:
        raise ModelError(
            f"The straight-line model of study {loaded.name} did not converge: nothing can be taken from it "
            "for a plan. Give the inputs yourself."
        )
    released = release(fit, Audience("funder"), policy=policy_of(loaded))
    components = _shown(released, "variance_components", loaded.name)
    measured = _shown(released, "observed_course", loaded.name)
    sd = _deviations(components)
    values = _as_inputs(sd)
    values["correlation"] = _correlation(components)
    values["serial"] = _serial(components)
    values |= _design(components, measured, last=float(fit.primary_month))
    values["workers"] = _workers(loaded) if values["icc_worker"] or values["sd_slope_worker"] else 1
    draws = _drawn(fit.model.fit, seed)
    estimated = {name: _range(draws, name) for name in draws[0]}
    config = loaded.config.study
    titles = {language: str(text) for language, text in config.title.root.items()}
    return SoFar(values, estimated, draws, titles, config.unit_words, config.synthetic)


def _shown(released: Any, name: str, study: str) -> pd.DataFrame:
    """A released table as numbers; refused where the gate withheld what is needed."""
    table = released.tables.get(name)
    if table is None or table.data.empty:
        raise DisclosureError(
            f"Study {study} has too few families or organisations for its {name.replace('_', ' ')} to be "
            "shown, so no plan can be made from it. Give the inputs yourself."
        )
    found: pd.DataFrame = table.data
    return found


def _deviations(components: pd.DataFrame) -> dict[str, float]:
    """Standard deviations by group and term."""
    own = components[components["term_1"].astype(str) == components["term_2"].astype(str)]
    own = own[own["term_1"].astype(str) != _APART]
    numbers = pd.to_numeric(own["sd"], errors="coerce")
    if numbers.isna().any():
        raise DisclosureError(
            "A spread of this study is not shown: too few organisations or families lie behind it, so no "
            "plan can be made from it. Give the inputs yourself."
        )
    names = own["group"].astype(str) + " " + own["term_1"].astype(str)
    return dict(zip(names, numbers.astype(float), strict=True))


def _as_inputs(sd: Mapping[str, float]) -> dict[str, Any]:
    """Spreads as inputs of a plan."""
    levels = {name: sd.get(f"{name} Intercept", 0.0) ** 2 for name in ("family", "worker", "organisation")}
    residual = next(value for name, value in sd.items() if name.split()[0].lower() == "residual")
    total = sum(levels.values()) + residual**2
    found: dict[str, Any] = {"sd": float(np.sqrt(total))}
    found |= {f"icc_{name}": float(value / total) for name, value in levels.items()}
    found["sd_slope"] = sd.get("family months", 0.0)
    found |= {f"sd_slope_{name}": sd.get(f"{name} months", 0.0) for name in ("worker", "organisation")}
    return found


def _correlation(components: pd.DataFrame) -> float:
    """Between a family's level and its change per month; 0 where it is not known."""
    rows = components[
        (components["group"].astype(str) == "family") & (components["term_1"] != components["term_2"])
    ]
    found = pd.to_numeric(rows["correlation"], errors="coerce").dropna()
    return float(np.clip(found.iloc[0], -0.95, 0.95)) if len(found) else 0.0


def _serial(components: pd.DataFrame) -> float:
    """Correlation of what is left over, a month apart; 0 where residuals count as independent."""
    rows = components[components["term_1"].astype(str) == _APART]
    found = pd.to_numeric(rows["correlation"], errors="coerce").dropna()
    return float(np.clip(found.iloc[0], 0.0, 0.95)) if len(found) else 0.0


def _workers(study: Any) -> int:
    """Workers per organisation, on average; a worker's name counts within the organisation."""
    known = study.tables["episodes"][["organisation", "worker"]].dropna().drop_duplicates()
    each = len(known) / max(1, int(known["organisation"].nunique()))
    return max(1, round(each))


def _design(components: pd.DataFrame, measured: pd.DataFrame, *, last: float) -> dict[str, Any]:
    """Families, organisations, waves and who is still measured."""
    found: dict[str, Any] = {"families": int(pd.to_numeric(components["n_families"]).max())}
    organisations = pd.to_numeric(components["n_organisations"], errors="coerce").max()
    found["organisations"] = 1 if pd.isna(organisations) else max(1, int(organisations))
    seen = pd.to_numeric(measured.set_index("months")["n_families"], errors="coerce").dropna()
    seen = seen[(seen.index >= 0) & (seen.index <= min(last, _LONGEST))]
    if len(seen) < 2 or seen.index[0] != 0:
        raise DisclosureError(
            "How many families of this study were measured by month is not shown, so its drop-out cannot be "
            "taken. Give the inputs yourself."
        )
    end = int(seen.index[-1])
    months = np.arange(end + 1.0)
    share = np.interp(months, seen.index.to_numpy(float), seen.to_numpy(float) / float(seen.iloc[0]))
    share = np.minimum.accumulate(np.clip(share, 1e-3, 1.0))
    hazards = np.round(1.0 - share[1:] / share[:-1], 3)
    found |= {"waves": end + 1, "spacing": 1.0, "dropout": tuple(hazards.tolist()), "missed": 0.0}
    return found


def _drawn(fit: Any, seed: int) -> tuple[dict[str, float], ...]:
    """Spreads drawn from the sampling distribution of their estimates."""
    draws = fit.bootstrap(_DRAWS, rng=seed).draws
    names = {
        column: column.removeprefix("sd[").removesuffix("]").replace(",", "")
        for column in draws.columns
        if column.startswith("sd[")
    }
    found = [
        _as_inputs({label: float(value) for label, value in zip(names.values(), row, strict=True)})
        for row in draws[list(names)].to_numpy()
    ]
    carried = next((column for column in draws.columns if column.startswith("correlation at")), None)
    if carried is not None:
        for one, value in zip(found, draws[carried], strict=True):
            one["serial"] = float(np.clip(value, 0.0, 0.95))
    return tuple(found)


def _range(draws: tuple[Mapping[str, float], ...], name: str) -> tuple[float, float]:
    """Between which 95 of 100 draws lie, to two digits that count."""
    tail = (1.0 - _LEVEL) / 2.0
    ends = np.quantile([one[name] for one in draws], [tail, 1.0 - tail])
    return float(f"{ends[0]:.2g}"), float(f"{ends[1]:.2g}")
