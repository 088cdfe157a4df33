"""Families on straight lines with normal errors: a course whose coefficients are known exactly.

For studies of bias and coverage. Nothing is ordinal here and nobody leaves because of a score, so that
the mixed model is exactly right and any miss is the software's.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import ConfigError
from mpg_research.simulate.gaussian_truth import GaussianTruth
from mpg_research.simulate.plan import DAYS_PER_MONTH

__all__ = ["GaussianTruth", "simulate_gaussian", "simulate_gaussian_study"]

_COLUMNS = (
    "family", "episode", "organisation", "worker", "respondent", "months", "score",
    "child_age", "single_parent",
)  # fmt: skip
_START = pd.Timestamp("2022-01-03")


def simulate_gaussian(
    rng: np.random.Generator | int,
    *,
    truth: GaussianTruth | None = None,
    families: int = 150,
    last_month: int = 12,
    missing: float = 0.15,
    second_parent: float = 0.0,
) -> pd.DataFrame:
    """Draw scores of families in organisations from a linear growth model.

    Parameters
    ----------
    rng : Generator or int
        Randomness, or a seed.
    truth : GaussianTruth, optional
        The coefficients.
    families : int, default 150
        Families in all; organisations get unequal shares, the first the largest.
    last_month : int, default 12
        Visits are monthly from 0 up to here, some days early or late; about a quarter of the families
        stops sooner, for reasons that have nothing to do with the score.
    missing : float, default 0.15
        Chance that a visit after the first is missed.
    second_parent : float, default 0
        Share of the families in which a second parent answers as well.

    Returns
    -------
    DataFrame
        ``family, episode, organisation, worker, respondent, months, score, child_age, single_parent``, as
        `course_frame` gives: one row per score. Months are whole days over 30.4375.

    Examples
    --------
    >>> from mpg_research.simulate.gaussian import simulate_gaussian
    >>> simulate_gaussian(1, families=60)["family"].nunique()
    60
    """
    rng, truth = np.random.default_rng(rng), GaussianTruth() if truth is None else truth
    keys = list(truth.organisation_levels)
    if families < 5 * len(keys):
        raise ConfigError(
            f"families = {families}; expected at least five per organisation ({5 * len(keys)})."
        )
    people = _draw_people(rng, truth, families)
    months, visited = _draw_visits(rng, families, last_month, missing)
    parts = []
    for name, share in (("first_parent", 1.0), ("second_parent", second_parent)):
        answers = rng.random(families) < share
        own = rng.normal(scale=truth.sd_respondent, size=families)
        who, visit = np.nonzero(visited & answers[:, None])
        part = people.iloc[who].assign(respondent=name, months=months[who, visit])
        expected = part["level"] + part["slope"] * part["months"] + own[who]
        parts.append(part.assign(score=expected + rng.normal(scale=truth.sd_residual, size=len(who))))
    data = pd.concat(parts).sort_values(["family", "respondent", "months"], ignore_index=True)
    return data[list(_COLUMNS)]


def _draw_people(rng: np.random.Generator, truth: GaussianTruth, families: int) -> pd.DataFrame:
    """One row per family: who helps it, its case mix, its own level and slope."""
    keys = list(truth.organisation_levels)
    organisation = _spread(families, len(keys))
    n_workers = np.maximum(2, np.bincount(organisation, minlength=len(keys)) // 8)
    worker = np.floor(rng.random(families) * n_workers[organisation]).astype(np.int64)
    worker_effect = rng.normal(scale=truth.sd_worker, size=(len(keys), int(n_workers.max())))
    deviations = rng.multivariate_normal(np.zeros(2), truth.covariance(), size=families)
    people = pd.DataFrame(
        {
            "family": [f"g{number:04d}" for number in range(1, families + 1)],
            "episode": "1",
            "organisation": [keys[place] for place in organisation],
            "worker": [f"w{number + 1:02d}" for number in worker],
            "child_age": np.round(np.clip(rng.normal(8, 4, size=families), 0, 18), 1),
            "single_parent": (rng.random(families) < 0.3 + 0.05 * (organisation % 3)).astype(float),
        }
    )
    level = truth.intercept + people["organisation"].map(truth.organisation_levels)
    slope = truth.slope + people["organisation"].map(truth.organisation_slopes)
    for name in truth.case_mix_levels:
        level = level + truth.case_mix_levels[name] * people[name]
        slope = slope + truth.case_mix_slopes[name] * people[name]
    level = level + deviations[:, 0] + worker_effect[organisation, worker]
    return people.assign(level=level, slope=slope + deviations[:, 1])


def _draw_visits(
    rng: np.random.Generator, families: int, last_month: int, missing: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Months of the visits and whether they took place, shape (families, last_month + 1) each."""
    shape = (families, last_month + 1)
    jitter = np.clip(rng.normal(scale=4.5, size=shape), -12, 12)
    months = np.round(np.arange(last_month + 1) * DAYS_PER_MONTH + jitter) / DAYS_PER_MONTH
    months[:, 0] = 0.0
    stops = np.where(rng.random(families) < 0.25, rng.uniform(2, last_month, size=families), np.inf)
    visited = (months <= stops[:, None]) & (rng.random(shape) > missing)
    visited[:, 0] = True
    return months, visited


def simulate_gaussian_study(
    folder: str | Path, *, seed: int = 1, truth: GaussianTruth | None = None, families: int = 150
) -> Path:
    """Write a Gaussian simulation as a study folder with its own questionnaire, for the whole path.

    Parameters
    ----------
    folder : str or Path
        A new or empty folder.
    seed : int
        The same seed gives the same bytes.
    truth : GaussianTruth, optional
        The coefficients.
    families : int, default 150
        Families in all.

    Returns
    -------
    Path
        The folder. The scores are those of `simulate_gaussian` at this seed, to three decimals.

    Raises
    ------
    ConfigError
        If the folder holds anything.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder} is not an empty folder; nothing was written. Name a new or empty folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    data = simulate_gaussian(seed, truth=truth, families=families)
    columns = ["family", "organisation", "worker", "child_age", "single_parent"]
    episodes = data.drop_duplicates("family")[columns].assign(start=_START.date().isoformat())
    episodes["child_age"] = episodes["child_age"].map("{:.1f}".format)
    episodes["single_parent"] = episodes["single_parent"].map("{:.0f}".format)
    days = np.round(data["months"] * DAYS_PER_MONTH)
    measurements = pd.DataFrame(
        {
            "family": data["family"],
            "respondent": data["respondent"],
            "date": [(_START + pd.Timedelta(days=int(day))).date().isoformat() for day in days],
            "total": data["score"].map("{:.3f}".format),
        }
    )
    for name, frame in (("episodes", episodes), ("measurements", measurements)):
        (folder / f"{name}.csv").write_bytes(frame.to_csv(index=False, lineterminator="\n").encode())
    (folder / "study.toml").write_bytes(_STUDY.encode())
    (folder / "gauss.toml").write_bytes(_INSTRUMENT.encode())
    return folder


def _spread(families: int, organisations: int) -> NDArray[np.int64]:
    """Organisation of each family; shares fall from the first to the last, which has half of the first's."""
    shares = np.linspace(2.0, 1.0, organisations)
    limits = np.round(np.cumsum(shares / shares.sum()) * families)
    return np.searchsorted(limits, np.arange(families), side="right").astype(np.int64)


_STUDY = """\
# Synthetic data: straight lines with normal errors, for testing.
[study]
name = "gaussian"
title = { nl = "Gaussische simulatie (synthetische gegevens)", en = "Gaussian simulation (synthetic data)" }
synthetic = true
export_date = 2023-12-31

[tables.episodes]
file = "episodes.csv"

[tables.measurements]
file = "measurements.csv"
decimal = "."
constants = { instrument = "gauss" }

[instruments.gauss]
file = "gauss.toml"

[analysis]
instrument = "gauss"
case_mix = ["child_age", "single_parent"]
"""

_INSTRUMENT = """\
key = "gauss"
name = { nl = "Normaal verdeelde score", en = "Normally distributed score" }
abbreviation = "GAUSS"
direction = "higher_is_worse"
source = "Invented for simulation."

[items]
number = 1
total_only = true

[total]
minimum = 0
maximum = 200
"""
