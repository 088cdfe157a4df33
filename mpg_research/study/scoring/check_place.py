"""Nearly no measurement inside any period of help: a fault of the whole file, said once."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.findings import Findings
from mpg_research.study.scoring.place_in_time import assign_episodes, place_in_time
from mpg_research.study.tables.columns import Table

__all__ = ["check_place_in_time"]

NEARLY_NONE, FEWEST = 0.2, 5
DAYS_TO_1904 = 1462  # between the first days that Excel counts from
MOST = 0.4  # that another reading must bring inside
NEAR_START = 120  # days: where a first measurement may lie when it was planned at the start


def check_place_in_time(
    phase: NDArray[np.object_], measurements: Table, episodes: Table, config: StudyConfig, findings: Findings
) -> NDArray[np.bool_]:
    """Whether nearly all measurements lie outside their period of help: one warning, with the likely cause.

    Where that does not hold of the whole file, it may hold of an organisation that exported by itself.

    Parameters
    ----------
    phase : ndarray of str, shape (n_measurements,)
        From :func:`~mpg_research.study.scoring.place_in_time.place_in_time`.
    measurements, episodes : Table
        Canonical and linked.
    config : StudyConfig
    findings : Findings
        Receives the problem.

    Returns
    -------
    ndarray of bool, shape (n_measurements,)
        The measurements that it was said of; they are not listed one by one.
    """
    everything = np.ones(len(phase), dtype=bool)
    if _add_if_nearly_none(everything, "", phase, measurements, episodes, config, findings):
        return everything
    told = np.zeros(len(phase), dtype=bool)
    of_family = episodes.frame.drop_duplicates("family").set_index("family")["organisation"]
    organisation = measurements.frame["family"].map(of_family).to_numpy(dtype=object)
    for key in _with_nearly_none(phase, organisation):
        own = organisation == key
        if _add_if_nearly_none(own, key, phase, measurements, episodes, config, findings):
            told |= own
    return told


def _with_nearly_none(phase: NDArray[np.object_], organisation: NDArray[np.object_]) -> list[str]:
    """Keys of the organisations of which it holds, sorted; all are counted at once, there may be hundreds."""
    codes, keys = pd.factorize(organisation)
    dated = (phase != "undated") & (codes >= 0)
    n_dated = np.bincount(codes[dated], minlength=len(keys))
    n_inside = np.bincount(codes[dated & _is_inside(phase)], minlength=len(keys))
    return sorted(keys[(n_dated >= FEWEST) & (n_inside < NEARLY_NONE * n_dated)])


def _is_inside(phase: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.isin(phase, ["baseline", "course"])


def _add_if_nearly_none(
    chosen: NDArray[np.bool_],
    organisation: str,
    phase: NDArray[np.object_],
    measurements: Table,
    episodes: Table,
    config: StudyConfig,
    findings: Findings,
) -> bool:
    """The finding about some of the measurements, if it holds of them."""
    phase, measurements = phase[chosen], measurements.take(chosen)
    dated = phase != "undated"
    inside = _is_inside(phase)
    n_dated, n_inside = int(dated.sum()), int(inside.sum())
    if n_dated < FEWEST or n_inside >= NEARLY_NONE * n_dated:
        return False
    before, after = int((phase == "before").sum()), int((phase == "follow_up").sum())
    place = int(np.flatnonzero(dated & ~inside)[0])
    findings.add(
        Problem(
            found=(
                f"{f'only {n_inside}' if n_inside else 'none'} of {n_dated} measurements "
                f"{f'of organisation {organisation} ' if organisation else ''}lie inside a period of help of "
                f"their family: {before} before its start, {after} after its end"
                f"{_cause(measurements, episodes, config)}"
            ),
            expected="measurements during the help",
            remedy=(
                "Compare the dates of the two files. Measurements outside a period of help are in no course."
            ),
            file=measurements.places.file_of(place), row=measurements.places.row_of(place),
            column=measurements.places.column_of("date", place),
            severity="warning", code="measured_outside_help",
        ),
        times=n_dated - n_inside,
    )  # fmt: skip
    findings.counts["before_start"] += before
    findings.counts["after_end"] += after
    return True


def _cause(measurements: Table, episodes: Table, config: StudyConfig) -> str:
    """Which plain fault would put most of them inside, if one does."""
    if config.time.kind == "numbers":
        unit = config.time.unit
        return f" (are the times of both in {unit}, counted from {config.time.origin:g}?)"
    dates = measurements.frame["date"]
    for what, moved in (
        ("4 years and a day {}: one of the files counts its days from 1904", [DAYS_TO_1904, -DAYS_TO_1904]),
        ("a whole century {}", [36_525, -36_525]),
    ):
        for days in moved:
            if _share_inside(dates + pd.Timedelta(days=days), measurements, episodes, config) > MOST:
                moment = what.format("later" if days > 0 else "earlier")
                return f"; most would lie inside if the dates were {moment}"
    turned = _turned(dates)
    if turned is not None and _share_inside(turned, measurements, episodes, config) > MOST:
        return "; most would lie inside with day and month the other way round"
    return ""


def _share_inside(dates: pd.Series, measurements: Table, episodes: Table, config: StudyConfig) -> float:
    frame = measurements.frame.drop(columns="episode", errors="ignore").assign(date=dates)
    position = assign_episodes(frame, episodes.frame, config)
    own = episodes.frame.iloc[np.maximum(position, 0)].reset_index(drop=True)
    _, phase = place_in_time(dates.reset_index(drop=True), own["start"], own["end"], config)
    inside = np.isin(phase, ["baseline", "course"]) & (position >= 0)
    if not inside.any():
        return 0.0
    # Where help goes on, any late date lies inside: the true reading puts first measurements near a start.
    days = (dates.reset_index(drop=True) - own["start"]).dt.days
    first = days[inside].groupby([own["family"][inside], own["start"][inside]]).min()
    if float((first <= NEAR_START).mean()) < MOST:
        return 0.0
    return float(inside[position >= 0].mean())


def _turned(dates: pd.Series) -> pd.Series | None:
    """The dates with day and month swapped; None unless every day could be a month."""
    if (dates.dt.day > 12).any():
        return None
    parts = pd.DataFrame({"year": dates.dt.year, "month": dates.dt.day, "day": dates.dt.month})
    return pd.to_datetime(parts, errors="coerce").astype("datetime64[s]")
