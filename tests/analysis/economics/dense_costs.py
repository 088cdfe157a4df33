"""What families cost, worked out row by row with plain loops: slow, and written apart from the package."""

from collections import defaultdict

import numpy as np
import pandas as pd

from tests.analysis.made_studies import EXPORT

LENGTH = 30.4375
CARE = {
    "contact_hours": "contact_hour", "n_visits": "visit", "n_agencies": "agency_month",
    "network_meeting": "network_meeting",
}  # fmt: skip


def price_of(tables, item, payer, year):
    """The price of one item for one payer in euros of a year; None where there is none."""
    rows = tables["prices"]
    rows = rows[(rows["item"] == item) & (rows["payer"] == payer)]
    if rows.empty:
        return None
    for wanted in [*range(year, 1990, -1), *range(year + 1, 2100)]:
        found = rows[rows["year"] == wanted]
        if len(found):
            break
    price = float(found["unit_price"].iloc[0])
    if wanted == year:
        return price
    level = dict(zip(tables["price_index"]["year"], tables["price_index"]["index"], strict=True))
    return price * level[year] / level[wanted]


def months_between(later, earlier):
    if isinstance(later, pd.Timestamp):
        return (later - earlier) / pd.Timedelta(days=1) / LENGTH
    return float(later) - float(earlier)


def dense_rows(tables, *, year, rate, before=0):
    """Rows (family, month, item, payer, phase, amount, discounted) as a dict of sums."""
    episodes = tables["episodes"]
    numbers = not pd.api.types.is_datetime64_any_dtype(episodes["start"])
    prices = {
        (item, payer): price_of(tables, item, payer, year)
        for item in set(tables["prices"]["item"])
        for payer in set(tables["prices"]["payer"])
    }
    per_family = {
        name: dict(list(table.groupby("family"))) for name, table in tables.items() if "family" in table
    }
    sums = defaultdict(float)
    last = _last_moments(tables) if numbers else {}
    held = _organisations_with_meetings(tables)
    for family, mine in episodes.groupby("family"):
        mine = mine.sort_values("start")
        start = mine["start"].iloc[0]
        until = last[mine["organisation"].iloc[0]] if numbers else EXPORT
        spans = [
            (
                months_between(row["start"], start),
                np.inf if pd.isna(row["end"]) else months_between(row["end"], start),
            )
            for _, row in mine.iterrows()
        ]
        for begin, finish, item, quantity in _uses(
            per_family, family, mine, start, until, before, numbers, held
        ):
            middle = (begin + finish) / 2
            inside = any(low - 1e-6 <= middle <= high + 1e-6 for low, high in spans)
            phase = "before" if middle < 0 else "during" if inside else "after"
            for month in range(int(np.floor(begin + 1e-9)), int(np.ceil(finish)) + 1):
                part = _part(begin, finish, month)
                for (priced, payer), price in prices.items():
                    if priced != item or price is None or part <= 1e-9:
                        continue
                    amount = price * quantity * part
                    factor = (1 + rate) ** -max(month // 12, 0)
                    sums[family, month, item, payer, phase, "amount"] += amount
                    sums[family, month, item, payer, phase, "discounted"] += amount * factor
    return sums


def _part(begin, finish, month):
    if finish == begin:
        return 1.0 if np.floor(begin + 1e-9) == month else 0.0
    return max(min(finish, month + 1) - max(begin, month), 0.0) / (finish - begin)


def _last_moments(tables):
    home = dict(zip(tables["episodes"]["family"], tables["episodes"]["organisation"], strict=True))
    latest = defaultdict(float)
    for name, column in (
        ("episodes", "start"), ("episodes", "end"), ("measurements", "date"), ("care", "month"),
        ("events", "date"), ("interventions", "date"),
    ):  # fmt: skip
        if name in tables:
            for family, at in zip(tables[name]["family"], tables[name][column], strict=True):
                if not pd.isna(at):
                    latest[home[family]] = max(latest[home[family]], float(at))
    return latest


def _organisations_with_meetings(tables):
    home = tables["episodes"].set_index(["family", "episode"])["organisation"].to_dict()
    return {
        home[row["family"], row["episode"]]
        for row in tables.get("care", pd.DataFrame()).to_dict("records")
        if row["network_meeting"] > 0
    }


def months_without_care(tables):
    """Whole calendar months in a period of help without a row of care, by family that has any row."""
    rows = {
        name: {pd.Timestamp(month) for month in table["month"]}
        for name, table in tables["care"].groupby("family")
    }
    found = {}
    for family, mine in tables["episodes"].groupby("family"):
        missing = set()
        for _, row in mine.iterrows():
            last = EXPORT if pd.isna(row["end"]) else min(row["end"], EXPORT)
            for month in pd.date_range(row["start"], last, freq="MS"):
                if month + pd.offsets.MonthBegin(1) <= last and month not in rows.get(family, {month}):
                    missing.add(month)
        if missing:
            found[family] = len(missing)
    return found


def families_without_care(tables):
    """Families with a whole calendar month in a period of help and no row of care at all."""
    some = set(tables["care"]["family"])
    found = set()
    for _, row in tables["episodes"].iterrows():
        last = EXPORT if pd.isna(row["end"]) else min(row["end"], EXPORT)
        whole = [
            month
            for month in pd.date_range(row["start"], last, freq="MS")
            if month + pd.offsets.MonthBegin(1) <= last
        ]
        if whole and row["family"] not in some:
            found.add(row["family"])
    return found


def _uses(tables, family, mine, start, until, before, numbers, held):
    most = {}
    for row in tables.get("care", {}).get(family, pd.DataFrame()).to_dict("records"):
        if row["n_agencies"] > most.get(row["month"], (0, ""))[0]:
            most[row["month"]] = row["n_agencies"], row["episode"]
    for name, column in (("events", "event"), ("interventions", "intervention")):
        for row in tables.get(name, {}).get(family, pd.DataFrame()).to_dict("records"):
            at = months_between(row["date"], start)
            if row["date"] <= until and at >= -before - 1e-4:
                own = mine.loc[mine["episode"] == row["episode"], "organisation"].iloc[0]
                if name == "interventions" and row[column] == "network_meeting" and own in held:
                    continue
                yield at, at, row[column], 1.0
    for row in tables.get("care", {}).get(family, pd.DataFrame()).to_dict("records"):
        own = mine[mine["episode"] == row["episode"]].iloc[0]
        one = 1.0 if numbers else pd.Timedelta(days=1)
        low = row["month"]
        high = low + 1.0 if numbers else low + pd.offsets.MonthBegin(1)
        whole = (low, high)
        if low < own["start"] < high:
            low = own["start"]
        if not pd.isna(own["end"]) and low <= own["end"] < high:
            high = own["end"]
        high = min(high, until)
        day = 1 / LENGTH if numbers else one
        high = max(high, low + day)
        if low > until or months_between(low, start) < -before - 1e-4:
            continue
        assert whole[0] <= low
        for column, item in CARE.items():
            quantity = row[column]
            if pd.isna(quantity) or quantity == 0:
                continue
            if item == "agency_month" and most[row["month"]] != (quantity, row["episode"]):
                continue
            yield months_between(low, start), months_between(high, start), item, float(quantity)


def dense_mean(amounts, time, months):
    """Bang and Tsiatis by month, with loops; and the influence by leaving one out is not needed here."""
    n = len(time)
    total = 0.0
    for month in range(1, months + 1):
        for row in range(n):
            if time[row] < month:
                continue
            chance = 1.0
            for moment in sorted({t for t in time if t < month}):
                at_risk = sum(t >= moment for t in time)
                chance *= 1 - sum(t == moment for t in time) / at_risk
            total += amounts[row, month - 1] / chance
    return total / n
