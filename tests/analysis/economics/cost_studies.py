"""Small studies with prices, drawn at random; the truth is drawn here, not by our model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.study.model import Study
from tests.analysis.made_studies import EXPORT, MONTHS, made_study

EVENTS = ("placement", "eviction", "renewed_referral")
PAYERS = ("municipality", "health_insurer", "housing_corporation", "state")
KINDS = ("fiscal", "economic", "social")


@dataclass(frozen=True)
class Plan:
    """How a study is drawn.

    Attributes
    ----------
    families, organisations, workers : int
        In all; workers per organisation.
    care, events, interventions : bool
        Whether the study has the table.
    payers : int
        So many.
    ends : float
        Share of help that has ended.
    again : float
        Share of families that come back.
    longest : int
        Days since the start, at most.
    calendar : bool
        Whether times are dates; else months, from 0.
    index : bool
        Whether some prices are of another year, with an index table.
    holes : float
        Share of numbers of care that are not filled in.
    before : int
        Months before the start that are on record.
    soon : float
        Share of ended help after which another period begins within ten days, perhaps elsewhere.
    blank : int
        Organisations that leave network meetings blank in care; the next one fills in that there were none.
    """

    families: int = 60
    organisations: int = 4
    workers: int = 4
    care: bool = True
    events: bool = True
    interventions: bool = True
    payers: int = 4
    ends: float = 0.7
    again: float = 0.15
    longest: int = 900
    calendar: bool = True
    index: bool = True
    holes: float = 0.05
    before: int = 0
    soon: float = 0.0
    blank: int = 0


PLANS = {
    "plain": Plan(),
    "only_events": Plan(care=False, interventions=False),
    "only_care": Plan(events=False, interventions=False),
    "one_payer": Plan(payers=1),
    "everything_censored": Plan(ends=0.0, again=0.0),
    "nobody_ended_and_short": Plan(ends=0.0, again=0.0, longest=200),
    "one_organisation": Plan(organisations=1),
    "sixty_organisations": Plan(families=240, organisations=60, workers=2),
    "months": Plan(calendar=False, index=False, again=0.0),
    "before_help": Plan(before=3),
    "no_case_to_index": Plan(index=False),
    "two_periods_in_a_month": Plan(soon=0.8, again=0.0, holes=0.2),
    "meetings_in_either_table": Plan(blank=2, soon=0.3),
    "months_and_blanks": Plan(calendar=False, index=False, again=0.0, blank=1),
}


def draw_tables(rng: np.random.Generator, plan: Plan) -> dict[str, pd.DataFrame]:
    """The tables of a study."""
    episodes = _episodes(rng, plan)
    tables = {"episodes": episodes}
    first = episodes.drop_duplicates("family")
    tables["measurements"] = pd.DataFrame(
        {"family": first["family"], "episode": first["episode"], "date": first["start"], "total": 30}
    )
    if plan.care:
        tables["care"] = _care(rng, plan, episodes)
    if plan.events:
        tables["events"] = _moments(rng, plan, episodes, "event", EVENTS, 0.9)
    if plan.interventions:
        tables["interventions"] = _moments(
            rng, plan, episodes, "intervention", ("network_meeting", "bring_in_colleague"), 0.8
        )
    tables["prices"] = _prices(rng, plan)
    if plan.index:
        tables["price_index"] = pd.DataFrame(
            {"year": range(2019, 2025), "index": np.round(100 * np.cumprod(rng.uniform(1, 1.08, 6)), 2)}
        )
    return tables


def draw_study(folder: Path, rng: np.random.Generator, plan: Plan, *, costs: str = "") -> Study:
    """The same, written and loaded."""
    tables = draw_tables(rng, plan)
    more = f"[costs]\nbefore_help_months = {plan.before}\n{costs}"
    if plan.calendar:
        return made_study(folder, tables, constants=CONSTANTS, more=more)
    return made_study(folder, tables, constants=CONSTANTS, more=more, time=MONTHS)


CONSTANTS = {"instrument": "burden", "respondent": "first_parent"}


def _episodes(rng: np.random.Generator, plan: Plan) -> pd.DataFrame:
    rows = []
    for place in range(plan.families):
        name = f"f{place:03d}"
        home, worker = f"k{place % plan.organisations:02d}", f"w{rng.integers(plan.workers)}"
        ago = int(rng.integers(5, plan.longest))
        start = EXPORT - pd.Timedelta(days=ago)
        ended = rng.random() < plan.ends
        lasted = int(rng.integers(0, max(ago, 1)))
        end = start + pd.Timedelta(days=lasted) if ended else pd.NaT
        rows.append((name, "1", home, worker, start, end))
        if ended and rng.random() < plan.again and ago - lasted > 40:
            again = end + pd.Timedelta(days=int(rng.integers(31, ago - lasted)))
            rows.append((name, "2", home, worker, again, pd.NaT))
        elif ended and plan.soon and rng.random() < plan.soon and ago - lasted > 10:
            elsewhere = f"k{rng.integers(plan.organisations):02d}"
            soon = end + pd.Timedelta(days=int(rng.integers(1, 10)))
            rows.append((name, "2", elsewhere, worker, soon, pd.NaT))
    found = pd.DataFrame(rows, columns=["family", "episode", "organisation", "worker", "start", "end"])
    found["child_age"] = rng.integers(1, 17, len(found))
    if not plan.calendar:
        length = (found["end"].fillna(EXPORT) - found["start"]).dt.days / 30.4375
        found["end"] = np.where(found["end"].isna(), np.nan, np.round(length, 2))
        found["start"] = 0.0
    return found


def _care(rng: np.random.Generator, plan: Plan, episodes: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for _, row in episodes.iterrows():
        for month in _months_of(plan, row):
            if rng.random() < 0.1:
                continue
            rows.append((row["family"], row["episode"], month))
    found = pd.DataFrame(rows, columns=["family", "episode", "month"])
    n = len(found)
    columns: dict[str, np.ndarray] = {
        "contact_hours": np.round(rng.gamma(2, 4, n), 1),
        "n_visits": rng.integers(0, 6, n).astype(float),
        "n_agencies": rng.integers(0, 7, n).astype(float),
        "network_meeting": (rng.random(n) < 0.15).astype(float),
    }
    for name, values in columns.items():
        found[name] = np.where(rng.random(n) < plan.holes, np.nan, values)
    keys = ["family", "episode"]
    homes = found[keys].merge(episodes, on=keys, how="left")["organisation"].str[1:].astype(int).to_numpy()
    if plan.blank:
        found.loc[homes < plan.blank, "network_meeting"] = np.nan
        found.loc[homes == plan.blank, "network_meeting"] = 0.0
    return found


def _months_of(plan: Plan, row: pd.Series) -> list[object]:
    if not plan.calendar:
        last = row["end"] if np.isfinite(row["end"]) else 20.0
        return [float(month) for month in range(int(np.ceil(last)) or 1)]
    last = EXPORT if pd.isna(row["end"]) else row["end"]
    first = row["start"].to_period("M") - (plan.before if row["episode"] == "1" else 0)
    return [month.start_time for month in pd.period_range(first, last.to_period("M"), freq="M")]


def _moments(
    rng: np.random.Generator,
    plan: Plan,
    episodes: pd.DataFrame,
    name: str,
    codes: tuple[str, ...],
    rate: float,
) -> pd.DataFrame:
    rows = []
    for _, row in episodes.iterrows():
        for _ in range(rng.poisson(rate)):
            if plan.calendar:
                since = (EXPORT - row["start"]).days
                when = row["start"] + pd.Timedelta(
                    days=int(rng.integers(-60 if plan.before else 0, since + 1))
                )
            else:
                when = float(np.round(rng.uniform(0, 18), 2))
            rows.append((row["family"], row["episode"], when, codes[rng.integers(len(codes))]))
    found = pd.DataFrame(rows, columns=["family", "episode", "date", name])
    return found.drop_duplicates(["family", "episode", "date", name])


def _prices(rng: np.random.Generator, plan: Plan) -> pd.DataFrame:
    items = ["contact_hour", "network_meeting", "agency_month", *EVENTS[:2], "bring_in_colleague"]
    rows = []
    for item in items:
        size = 20_000.0 if item == "placement" else 50.0
        chosen = rng.permutation(PAYERS[: plan.payers])[: rng.integers(1, min(plan.payers, 2) + 1)]
        for payer in chosen:
            years = rng.permutation(range(2019, 2025))[: rng.integers(1, 3)] if plan.index else [2024]
            rows += [
                (
                    item,
                    int(year),
                    round(float(rng.gamma(4, size / 4)) + 1, 2),
                    payer,
                    KINDS[rng.integers(3)],
                    "made",
                )
                for year in years
            ]
    return pd.DataFrame(rows, columns=["item", "year", "unit_price", "payer", "kind", "source"])
