"""Random waves, interventions and periods of help, and what follows from them counted in plain Python."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.analysis.interventions.moments import Windows

DAY = 12 / 365.25
WINDOWS = Windows(grace=56 * DAY, later=6.0, near=1.5)
CODES = ("network_meeting", "bring_in_colleague", "walk")
SIGNALS = ("off_track", "may_stand_still", "on_track", "cannot_tell")


@dataclass(frozen=True, slots=True)
class Made:
    """What a random study holds, as the analysis gets it."""

    waves: pd.DataFrame
    interventions: pd.DataFrame
    periods: HelpPeriods


def made_study(
    rng: np.random.Generator, families: int, organisations: int = 3, *, again: float = 0.2
) -> Made:
    """Waves at whole days after the start, ends and exports at any day, interventions during the help.

    ``again``: the share of families with two periods of help.
    """
    weights = rng.dirichlet(np.ones(len(SIGNALS)))
    waves, records, rows = [], [], []
    for number in range(families):
        organisation = f"o{rng.integers(organisations)}"
        for episode in ("1", "2")[: 1 + int(rng.random() < again)]:
            reach = int(rng.integers(20, 700))
            end = int(rng.integers(1, 700))
            ended = end <= reach
            last = min(end, reach)
            who = (f"f{number}", episode)
            rows.append(
                (*who, organisation, f"{organisation}/w{rng.integers(4)}", ended, last * DAY, reach * DAY)
            )
            days = np.unique(rng.integers(0, last + 1, int(rng.integers(1, 14))))
            signals = ["intake", *rng.choice(SIGNALS, len(days) - 1, p=weights)]
            waves += [
                (*who, "first_parent", organisation, wave, day * DAY, signal)
                for wave, (day, signal) in enumerate(zip(days, signals, strict=True))
            ]
            for day in rng.integers(0, last + 1, int(rng.integers(0, 4))):
                role = rng.choice(["colleague", ""])
                records.append((*who, organisation, day * DAY, rng.choice(CODES), role))
    keys = ["family", "episode"]
    periods = pd.DataFrame(rows, columns=[*keys, "organisation", "worker", "ended", "time", "reach"])
    return Made(
        pd.DataFrame(waves, columns=[*keys, "respondent", "organisation", "wave", "months", "signal"]),
        pd.DataFrame(records, columns=[*keys, "organisation", "months", "code", "role"]).drop_duplicates(
            [*keys, "months", "code"], ignore_index=True
        ),
        HelpPeriods(periods, None, 6.0, 1.5, ()),  # type: ignore[arg-type]
    )


def days_of(months: float) -> int:
    """The whole days behind a time in months."""
    return round(months / DAY)


def by_hand(made: Made) -> list[dict]:
    """Every moment at which a signal began, with what came after it: loops over whole days."""
    period = {(row.family, row.episode): row for row in made.periods.rows.itertuples()}
    found = []
    for who, mine in made.waves.groupby(["family", "episode"], sort=True):
        waves = sorted((days_of(row.months), row.signal) for row in mine.itertuples())
        acts = sorted(
            (days_of(row.months), row.code)
            for row in made.interventions.itertuples()
            if (row.family, row.episode) == who
        )
        of = period[who]
        end = days_of(of.time) if of.ended else None
        seen_first = False
        for place, (day, signal) in enumerate(waves):
            if signal not in SIGNALS[:2] or (place and waves[place - 1][1] in SIGNALS[:2]):
                continue
            later = [(when - day, code) for when, code in acts if when >= day]
            wait = later[0][0] if later else None
            codes = {code for when, code in later if when == wait}
            if wait is not None and wait <= 56:
                action = "acted"
            else:
                action = "help_ended" if end is not None and end - day < 56 else "not_acted"
            at = 6 / DAY
            close = [(abs(when - day - at), when, what) for when, what in waves]
            close = [each for each in close if each[0] <= 1.5 / DAY + 1e-6]
            if close:
                state = min(close)[2]
                state = "signal" if state in SIGNALS[:2] else state
            else:
                state = "help_ended" if end is not None and end - day < at - 1e-6 else "not_measured"
            found.append(
                {
                    "family": who[0], "episode": who[1], "day": day, "signal": signal, "wait": wait,
                    "code": ("several_on_one_day" if len(codes) > 1 else codes.pop()) if codes else "",
                    "organisation": of.organisation, "action": action, "state": state,
                    "could_act": days_of(of.reach) - day >= 56,
                    "could_be_seen": days_of(of.reach) - day >= 7.5 / DAY - 1e-6,
                    "first": not seen_first, "measured_after": place < len(waves) - 1,
                    "left": None if end is None else end - day, "seen": days_of(of.reach) - day,
                }
            )  # fmt: skip
            seen_first = True
    return found


def incidence_by_hand(moments: list[dict], until: int) -> float:
    """Aalen-Johansen in days, one day after the other."""
    people = []
    for moment in moments:
        wait, left = moment["wait"], moment["left"]
        if wait is not None and (left is None or wait <= left):
            people.append((wait, "acted"))
        elif left is not None:
            people.append((left, "gone"))
        else:
            people.append((moment["seen"], "censored"))
    still, total = 1.0, 0.0
    for day in range(until + 1):
        at_risk = sum(time >= day for time, _ in people)
        events = Counter(what for time, what in people if time == day)
        if at_risk:
            total += still * events["acted"] / at_risk
            still *= 1 - (events["acted"] + events["gone"]) / at_risk
    return total


def prompted_by_hand(made: Made, moments: list[dict]) -> list[str]:
    """Of each intervention: soon after the beginning of a signal, later after one, or without one."""
    found = []
    for record in made.interventions.itertuples():
        day = days_of(record.months)
        who = (record.family, record.episode)
        begun = [m["day"] for m in moments if (m["family"], m["episode"]) == who]
        if any(0 <= day - each <= 56 for each in begun):
            found.append("soon_after_signal")
        elif any(each <= day for each in begun):
            found.append("later_after_signal")
        else:
            found.append("no_signal_before")
    return found
