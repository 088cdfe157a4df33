"""Does an organisation that joined late get other numbers because it joined late?

    python benchmarks/late_organisations.py              # prints the tables, writes the .md beside this file
    python benchmarks/late_organisations.py --runs 20    # quicker, coarser, to the screen only

Equal organisations, of which one joined so many months before the export; what its page says of drop-out, of
being measured and of duration, and how often it is called different: by the funnel plot and by the interval
of the difference. On the level of the statistics, which costs little; whole studies (with scores, improvement
and the growth model) are counted in the last table. The truth is no model of the package: help is planned for
some eleven months, families drop out at a constant or a falling rate.

The small version is a test (tests/analysis/organisations/test_late_organisations.py).
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from mpg_research.analysis.families.indicator_shares import drop_out_rows, measured_rows
from mpg_research.analysis.growth.help_periods import HelpPeriods
from mpg_research.analysis.organisations.duration import HORIZON, duration_horizon, duration_rows
from mpg_research.analysis.organisations.episodes_of_comparison import OrganisationUnits
from mpg_research.analysis.organisations.shares import ShareOutcome, share_outcomes, share_table
from mpg_research.statistics.providers.share_funnel import make_share_funnel
from mpg_research.statistics.survival.restricted_mean import pseudo_times
from mpg_research.study.model import CourseFrame, SampleFlow

MONTH, EXPORT = 12.0, 36.0


@dataclass(frozen=True, slots=True)
class Setting:
    """One kind of study.

    Attributes
    ----------
    name : str
    joined : float
        How many months before the export the first organisation joined; the others 36.
    families : int
        Per organisation.
    organisations : int
    falling : bool
        Whether drop-out is most frequent at first; else its rate is constant.
    longer : float
        Months that help is planned longer for at the first organisation.
    confounded : bool
        Whether families with a higher risk of drop-out go to the later organisations.
    again : float
        Share of the families who come back once at the same organisation.
    """

    name: str
    joined: float
    families: int = 70
    organisations: int = 6
    falling: bool = False
    longer: float = 0.0
    confounded: bool = False
    again: float = 0.0


SETTINGS = (
    Setting("all joined together", 36.0),
    Setting("one joined 24 months before the export", 24.0),
    Setting("one joined 16 months before", 16.0),
    Setting("one joined 13 months before", 13.0),
    Setting("one joined 11 months before", 11.0),
    Setting("16 months, 25 families each", 16.0, families=25),
    Setting("16 months, drop-out falls with time", 16.0, falling=True),
    Setting("16 months, 20 organisations", 16.0, organisations=20),
    Setting("16 months, case mix that matters and differs", 16.0, confounded=True),
    Setting("16 months, a third of the families come back", 16.0, again=1 / 3),
)
DURATIONS = (
    Setting("no gap, all joined together", 36.0),
    Setting("no gap, one joined 20 months before", 20.0),
    Setting("longer at one that joined 24 months before", 24.0, longer=6.6),
    Setting("shorter at one that joined 14 months before", 14.0, longer=-5.75),
    Setting("longer at one that joined 18 months before", 18.0, longer=6.6),
)


def courses(rng: np.random.Generator, n: int, setting: Setting, own: np.ndarray, risk: np.ndarray) -> tuple:
    """Months to the end of help as it will be, and whether it is drop-out."""
    planned = np.maximum(2.0, rng.normal(11, 3, n) + setting.longer * own)
    scale = 1 / (0.03 * np.exp(risk))
    drop = scale * rng.weibull(0.6, n) if setting.falling else rng.exponential(scale)
    return np.minimum(planned, drop), drop < planned


def simulate(rng: np.random.Generator, setting: Setting) -> tuple[HelpPeriods, OrganisationUnits]:
    """A study's periods of help, as ``help_periods`` would hand them over, and its case mix."""
    g, per = setting.organisations, setting.families
    place = np.repeat(np.arange(g), per)
    n = place.size
    back = rng.uniform(0, np.where(place == 0, setting.joined, EXPORT))
    mix = rng.normal(size=n) + (place / g * 1.5 if setting.confounded else 0.0)
    risk = 0.5 * (mix - mix.mean()) if setting.confounded else np.zeros(n)
    first, _ = found = courses(rng, n, setting, place == 0, risk)
    family = np.arange(n)
    parts = [(family, place, mix, back, *found, np.zeros(n))]
    returning = (rng.random(n) < setting.again) & (first + 1 < back)
    if returning.any():
        again = courses(rng, n, setting, place == 0, risk)
        parts.append(tuple(x[returning] for x in (family, place, mix, back - first - 1, *again, np.ones(n))))
    family, place, mix, back, end, dropped, episode = (
        np.concatenate(columns) for columns in zip(*parts, strict=True)
    )
    ended = end <= back
    rows = pd.DataFrame(
        {
            "family": np.char.add("f", family.astype(int).astype(str)),
            "episode": episode.astype(int).astype(str),
            "organisation": np.char.add("organisation ", np.char.zfill(place.astype(int).astype(str), 2)),
            "worker": np.char.add("w", family.astype(int).astype(str)),
            "ended": ended,
            "time": np.where(ended, end, back),
            "reach": back,
            "end_reason": np.where(ended, np.where(dropped, "early_client", "as_planned"), "still_in_help"),
            "part": np.where(ended & dropped, 1.0, 0.0),
        }
    )
    # As plain objects: short text of pandas' own kind takes twice the time.
    keys = ["family", "episode", "organisation", "worker", "end_reason"]
    rows = rows.astype(dict.fromkeys(keys, object))
    scores = waves(rng, rows)
    course = CourseFrame(scores, SampleFlow(()), "obvl_k", "raw", "declared", "all")
    units = rows[["family", "episode", "organisation"]].assign(covariate_1=mix - mix.mean())
    columns = ("covariate_1",) if setting.confounded else ()
    order = tuple(sorted(set(rows["organisation"])))
    return HelpPeriods(rows, course, MONTH, 1.5, ()), OrganisationUnits(units, columns, order)


def waves(rng: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    """Scores every three months with a third missing, up to the end of help or the export."""
    moments = np.arange(0, 40, 3.0) + rng.uniform(-1.4, 1.4, (len(rows), 14))
    seen = (moments <= rows["time"].to_numpy()[:, None]) & (rng.random(moments.shape) > 1 / 3)
    at, wave = np.nonzero(seen)
    keys = rows[["family", "episode"]].iloc[at].reset_index(drop=True)
    return keys.assign(months=np.maximum(moments[at, wave], 0.0), score=20.0)


def truth(setting: Setting, n: int = 400_000) -> float:
    """Drop-out by the month."""
    rng = np.random.default_rng(1)
    mix = rng.normal(size=n)
    risk = 0.5 * mix if setting.confounded else np.zeros(n)
    end, dropped = courses(rng, n, setting, np.zeros(n), risk)
    return float((dropped & (end <= MONTH)).mean())


def months_in_help(setting: Setting, n: int = 200_000) -> dict[str, np.ndarray]:
    """Mean months of help of the first organisation and of the others, up to every whole month."""
    rng = np.random.default_rng(1)
    found = {}
    for name, own in (("other", 0.0), ("first", 1.0)):
        end, _ = courses(rng, n, setting, np.full(n, own), np.zeros(n))
        found[name] = np.array([np.minimum(end, month).mean() for month in range(25)])
    return found


def judge(outcome: ShareOutcome, data: pd.DataFrame) -> dict[str, float]:
    """Whether the first organisation is called different, in the ways the page has; and the others."""
    keys = outcome.units.keys
    first = outcome.units.order[0]
    apart = data["observed_beyond_chance"].isin(["lower", "higher"])
    found = {"not yet": float(first not in keys)}
    if first in keys:
        found["interval"] = float(apart[first])
    found["interval, others"] = float(apart.drop(first).mean())
    if 0 < outcome.event.mean() < 1 and len(keys) >= 5:
        funnel = make_share_funnel(
            outcome.event, outcome.expected, outcome.units.codes, carried=outcome.carried,
            inflation=outcome.inflation,
        ).funnel  # fmt: skip
        for name, beyond in (
            ("plain 95", funnel.beyond(0.95, adjusted=False)),
            ("plain 99.8", funnel.beyond(0.998, adjusted=False)),
            ("adjusted 95", funnel.beyond(0.95)),
        ):
            if first in keys:
                found[name] = float(beyond[keys.index(first)])
            found[f"{name}, others"] = float(beyond[[key != first for key in keys]].mean())
    return found


def share_study(seed: int, setting: Setting, true: float) -> dict[str, dict[str, float]]:
    """One study: flags for drop-out and measured, and whether the interval of the share holds the truth."""
    periods, units = simulate(np.random.default_rng([7, seed]), setting)
    dropped = drop_out_rows(periods)
    assert dropped is not None
    indicators = {"dropped_out": dropped, "measured": measured_rows(periods)}
    found = {}
    for outcome in share_outcomes(indicators, units):
        table = share_table([outcome], units.order, level=0.95)
        assert table is not None
        shares = table.data.set_index("organisation")
        found[outcome.name] = judge(outcome, shares)
        if outcome.name == "dropped_out" and not setting.confounded:
            found[outcome.name] |= _coverage(shares, true)
    found["before"] = _as_before(periods, units.order[0])
    return found


def _coverage(shares: pd.DataFrame, true: float) -> dict[str, float]:
    """Whether the interval holds the true share: of the first organisation, and of the others."""
    held = (shares["observed_low"] <= true) & (true <= shares["observed_high"])
    found = {"coverage": float(held.iloc[1:].mean())}
    if np.isfinite(shares["share_observed"].iloc[0]):
        found["coverage, first"] = float(held.iloc[0])
        found["error, first"] = float(shares["share_observed"].iloc[0] - true)
    return found


def _as_before(periods: HelpPeriods, first: str) -> dict[str, float]:
    """How the page used to count: drop-out of ended help, measured of all families."""
    rows, measured = periods.rows, periods.measured(MONTH)
    late, ended = (rows["organisation"] == first).to_numpy(), rows["ended"].to_numpy(dtype=bool)
    part = rows["part"].to_numpy()
    return {
        "drop-out of ended, first": float(part[late & ended].mean()),
        "drop-out of ended, others": float(part[~late & ended].mean()),
        "measured of all, first": float(measured[late].mean()),
        "measured of all, others": float(measured[~late].mean()),
    }


def duration_study(seed: int, setting: Setting, means: dict[str, np.ndarray]) -> dict[str, float]:
    """Whether the gap between the first organisation and the mean of the others is found and held."""
    periods, units = simulate(np.random.default_rng([8, seed]), setting)
    rows = duration_rows(periods.rows, units, month=MONTH, level=0.95)
    horizon = duration_horizon(periods.rows, units.order, month=MONTH)
    table = {str(row[0]): row for row in rows}
    first = table[units.order[0]]
    found = {"not yet": float(np.isnan(first[4]))}  # type: ignore[arg-type]
    others = [float(row[4]) for key, row in table.items() if key != units.order[0]]  # type: ignore[arg-type]
    codes = pd.factorize(periods.rows["organisation"], sort=True)[0]
    pooled = pseudo_times(periods.rows["time"], periods.rows["ended"], horizon=HORIZON)
    found["gap, one curve of all"] = float(pooled[codes == 0].mean() - pooled[codes > 0].mean())
    if not found["not yet"]:
        g = len(others) + 1
        found["gap"] = float(first[4]) - float(np.mean(others))  # type: ignore[arg-type]
        true_gap = means["first"][int(horizon)] - means["other"][int(horizon)]
        apart = true_gap * (1 - 1 / g)
        found["horizon"], found["true gap"] = horizon, true_gap
        found["difference covered"] = float(first[9] <= apart <= first[10])  # type: ignore[operator]
        found["mean covered"] = float(first[5] <= means["first"][int(horizon)] <= first[6])  # type: ignore[operator]
        found["flagged"] = float(not first[9] <= 0 <= first[10])  # type: ignore[operator]
    return found


def share_table_of(runs: int) -> list[str]:
    """Rows of the tables of shares."""
    lines: list[str] = []
    found: dict[str, list[dict[str, dict[str, float]]]] = {}
    for setting in SETTINGS:
        true = truth(setting)
        found[setting.name] = [share_study(seed, setting, true) for seed in range(runs)]
        print(setting.name, flush=True)
    for indicator in ("dropped_out", "measured"):
        columns = ["not yet", "plain 95", "plain 99.8", "adjusted 95", "interval"]
        columns += ["plain 95, others", "interval, others"]
        columns += ["coverage, first", "error, first", "coverage"] if indicator == "dropped_out" else []
        lines += [f"### {indicator}", "", _head(["study", *columns])]
        for setting in SETTINGS:
            results = [each[indicator] for each in found[setting.name]]
            lines.append(_row(setting.name, results, columns))
        lines.append("")
    columns = [f"{what}, {who}" for what in ("drop-out of ended", "measured of all")
               for who in ("first", "others")]  # fmt: skip
    lines += ["### As the pages counted before", "", _head(["study", *columns])]
    for setting in SETTINGS[:5]:
        results = [each["before"] for each in found[setting.name]]
        lines.append(_row(setting.name, results, columns))
    return [*lines, ""]


def duration_table_of(runs: int) -> list[str]:
    """Rows of the table of duration."""
    columns = ["not yet", "horizon", "true gap", "gap", "gap, one curve of all", "mean covered"]
    columns += ["difference covered", "flagged"]
    lines = [_head(["study", "true gap at 24 months", *columns])]
    for setting in DURATIONS:
        means = months_in_help(setting)
        results = [duration_study(seed, setting, means) for seed in range(runs)]
        gap = f"{means['first'][24] - means['other'][24]:.2f}"
        lines.append(_row(f"{setting.name} | {gap}", results, columns))
        print(lines[-1], flush=True)
    return [*lines, ""]


def whole_studies(runs: int) -> list[str]:
    """Whole study folders, from file to comparison: how often the late organisation is called different."""
    from late_studies import late_study

    from mpg_research import compare_organisations

    rows: list[dict[str, float]] = []
    names = ("measured", "reliably_improved", "reliably_worsened", "dropped_out")
    for seed in range(runs):
        found: dict[str, float] = {}
        tables = compare_organisations(late_study(seed)).tables
        shares = tables["share_indicators"].data
        apart = shares["observed_beyond_chance"].isin(["lower", "higher"])
        for name in names:
            mine = shares["indicator"] == name
            late = mine & (shares["organisation"] == "ahorn")
            found[f"{name}: late has a number"] = float(shares.loc[late, "share_observed"].notna().any())
            found[f"{name}: others flagged"] = float(apart[mine & ~late].mean())
        duration = tables["indicators"].data.query("indicator == 'duration' and n_group > 0")
        beyond = (duration["difference_low"] > 0) | (duration["difference_high"] < 0)
        found["duration: late has a number"] = float((duration["organisation"] == "ahorn").any())
        found["duration: others flagged"] = float(beyond.mean())
        rows.append(found)
    table = pd.DataFrame(rows).mean()
    lines = [_head(["indicator", "late organisation has a number", "others flagged by the interval"])]
    for name in (*names, "duration"):
        late, others = table[f"{name}: late has a number"], table[f"{name}: others flagged"]
        lines.append(f"| {name} | {late:.3f} | {others:.3f} |")
    return [*lines, ""]


def _head(columns: list[str]) -> str:
    return "| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns)


def _row(name: str, results: list[dict[str, float]], columns: list[str]) -> str:
    data = pd.DataFrame(results)
    cells = [f"{data[c].mean():.3f}" if c in data and data[c].notna().any() else "" for c in columns]
    return "| " + " | ".join([name, *cells]) + " |"


TEXT = """# Does joining late change an organisation's numbers?

Made by `python benchmarks/late_organisations.py`: {runs} simulated studies per row, {whole} whole
studies. Six equal organisations of 70 families unless the row says otherwise; the first joined so many
months before the export as the row says, the others 36. The month is 12. A rate of .05 of {runs} studies
is known to within {error:.3f} (two standard errors).

"Not yet" is the share of studies in which nobody of the first organisation could have reached the month,
so that no number is given. The rates after it are of the studies with a number: first organisation
beyond the plain 95 % and 99.8 % limits of the funnel plot (expected at most .05 and .002), beyond the
limits that allow for overdispersion (at most .05), and the interval of the difference without 0 (at most
.05). "Others" are the other organisations. Coverage is that of the 95 % interval of an organisation's
share of drop-out.

## Shares

{shares}
## Months in help

Counted up to two years, or as far as all organisations could be followed that could reach month 12 (the
horizon). "Gap" is the mean difference between the first organisation and the others; "one curve of all" is
what pseudo-observations of a single Kaplan-Meier curve give up to two years (as the pages did before).
"Covered" are the 95 % limits of the first organisation's mean, and of its difference from the mean of all.
Flagged: that difference without 0.

{durations}
## Whole studies

Study folders with monthly scores, read, scored and compared as any study; one of six equal organisations
joined 11 months before the export, so that it could reach no month 12.

{whole_table}"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--whole", type=int, default=30)
    chosen = parser.parse_args()
    steps: tuple[Callable[[], list[str]], ...] = (
        lambda: share_table_of(chosen.runs),
        lambda: duration_table_of(chosen.runs),
        lambda: whole_studies(chosen.whole),
    )
    shares, durations, whole = ("\n".join(step()) for step in steps)
    text = TEXT.format(
        runs=f"{chosen.runs:,}", whole=chosen.whole, error=2 * np.sqrt(0.05 * 0.95 / chosen.runs),
        shares=shares, durations=durations, whole_table=whole,
    )  # fmt: skip
    print(text)
    if chosen.runs >= 500:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
