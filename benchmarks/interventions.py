"""Does the target trial find the planted effect, and none where there is none? The truth is known.

Families get an intervention because they score badly and do not get better, help ends by the score, waves are
irregular and some are missing, workers differ in how fast their families get better and in how soon they act.
The scores are not made by any model of the analysis. The naive picture (before and after in those who got an
intervention) is shown beside it, and the example study, where the effect is planted on a latent burden.

    python benchmarks/interventions.py [--studies 1000] [--write]
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.analysis.interventions.emulation import TrialData, emulate
from mpg_research.analysis.interventions.protocol import ANY, TrialLimits, TrialProtocol
from mpg_research.analysis.interventions.target_trial import emulate_target_trial
from mpg_research.simulate.course import SD_OCCASION, answer_items, burden, simulate_course
from mpg_research.simulate.families import draw_families
from mpg_research.simulate.plan import organisation_plans, organisation_sizes
from mpg_research.study import load_study, shipped_example

HERE = Path(__file__).parent
#: Time in months in which the effect grows to 63 % of what it becomes.
_GROWS = 2.0


@dataclass(frozen=True)
class Truth:
    """One kind of study."""

    name: str
    families: int
    workers: int
    effect: float
    informative: bool = True
    worker_sd: float = 1.0


TRUTHS = (
    Truth("many workers, no effect", 800, 120, 0.0),
    Truth("many workers, effect", 800, 120, -2.0),
    Truth("few workers, no effect", 800, 16, 0.0),
    Truth("few workers, effect", 800, 16, -2.0),
    Truth("ends by chance, effect", 800, 120, -2.0, informative=False),
)


def simulate(truth: Truth, rng: np.random.Generator, *, months: int = 20) -> TrialData:
    """One study as frames."""
    n = truth.families
    worker = rng.integers(0, truth.workers, n)
    slope = rng.normal(-0.15, 0.25, n) + rng.normal(0, 0.05, truth.workers)[worker]
    lean = rng.normal(0, 0.4, truth.workers)[worker]
    level = 24 + rng.normal(0, 3.5, n) + rng.normal(0, truth.worker_sd, truth.workers)[worker]
    reach = rng.uniform(10, months, n)
    swing, last = rng.normal(0, 1.2, n), np.full((n, 4), np.nan)
    start, end = np.full(n, np.inf), np.full(n, np.inf)
    rows = []
    for visit in range(months):
        now = visit + rng.uniform(-0.2, 0.2, n) * (visit > 0)
        swing = 0.5 * swing + rng.normal(0, 1.0, n)
        since = np.where(np.isfinite(start), now - np.where(np.isfinite(start), start, 0), -1.0)
        change = truth.effect * np.where(since > 0, 1 - np.exp(-np.maximum(since, 0) / _GROWS), 0)
        score = np.clip(np.round(level + slope * now + swing + change + rng.normal(0, 1.8, n)), 10, 40)
        in_help = (end > now) & (now < reach)
        seen = in_help & ((rng.random(n) > 0.12) | (visit == 0))
        last = np.column_stack([last[:, 1:], np.where(seen, score, last[:, -1])])
        rows.append(pd.DataFrame({"course": np.flatnonzero(seen), "months": now[seen], "score": score[seen]}))
        if visit >= 3:
            worse = last[:, -1] - last[:, 0]
            chance = 1 / (1 + np.exp(1.8 - 0.12 * (last[:, -1] - 24) - 0.15 * worse - lean))
            chance = np.where(worse >= 0, chance, 0.15 * chance)
            goes = in_help & np.isinf(start) & (rng.random(n) < chance)
            start = np.where(goes, now + rng.uniform(0, 0.9, n), start)
        if visit >= 2:
            leaves = np.full(n, 0.05)
            if truth.informative:
                gap = last[:, -1] - 22
                leaves = 1 / (1 + np.exp(3.4 + 0.22 * gap - 0.04 * visit)) + 1 / (
                    1 + np.exp(4.6 - 0.15 * gap)
                )
            goes = in_help & (rng.random(n) < leaves)
            end = np.where(goes, now + rng.uniform(0.05, 0.95, n), end)
    ended, until = end < reach, np.minimum(end, reach)
    recorded = np.flatnonzero(np.isfinite(start) & (start <= until))
    return TrialData(
        rows=pd.concat(rows).sort_values(["course", "months"], ignore_index=True),
        starts=pd.DataFrame({"course": recorded, "months": start[recorded], "code": "network_meeting"}),
        until=until,
        ended=ended,
        reach=reach,
        family=np.arange(n),
        organisation=np.array([f"o{number}" for number in worker % 6]),
        cluster=worker,
        case_mix=np.zeros((n, 0)),
    )


def true_difference(truth: Truth, month: float, protocol: TrialProtocol) -> float:
    """The effect at the month, of a start spread evenly over the time between two waves."""
    starts = np.linspace(0, min(protocol.grace, 0.9), 2001)
    return truth.effect * float(np.mean(1 - np.exp(-(month - starts) / _GROWS)))


def one_study(
    truth: Truth, seed: tuple[int, ...], protocol: TrialProtocol, limits: TrialLimits
) -> list[dict]:
    """What is answered in one study, month by month."""
    data = simulate(truth, np.random.default_rng(seed))
    found = emulate(data, what=[ANY], protocol=protocol, limits=limits, replicates=0)
    rows = []
    for answer in found.answers:
        each = answer.change[answer.found.treated]
        row = {
            "month": answer.month,
            "reason": answer.verdict.reasons[0] if answer.verdict.reasons else "",
            "naive": each.mean(),
            "naive_error": each.std(ddof=1) / np.sqrt(len(each)),
            "g_formula": np.nan if answer.by_g_formula is None else answer.by_g_formula.estimate,
        }
        for name, fit, place in (
            ("weighted", answer.found.weighted, 1),
            ("augmented", answer.found.augmented, 0),
        ):
            row[name], row[f"{name}_low"] = fit.estimate[place], fit.conf_low[place]
            row[f"{name}_high"] = fit.conf_high[place]
        rows.append(row)
    return rows


def summarise(truth: Truth, rows: list[dict], protocol: TrialProtocol) -> list[dict]:
    """One line per month: among the studies in which there is an answer."""
    lines = []
    for month, mine in pd.DataFrame(rows).groupby("month"):
        known = true_difference(truth, float(month), protocol)
        told = mine[mine["reason"] == ""]
        inside = (told["weighted_low"] <= known) & (known <= told["weighted_high"])
        beside = (told["weighted_low"] > 0) | (told["weighted_high"] < 0)
        naive = (mine["naive"] - known).abs() > 1.96 * mine["naive_error"]
        lines.append(
            {
                "study": truth.name,
                "month": month,
                "studies": len(mine),
                "answered": len(told) / len(mine),
                "true": known,
                "weighted": told["weighted"].mean(),
                "bias": told["weighted"].mean() - known,
                "simulation error": told["weighted"].std() / np.sqrt(max(len(told), 1)),
                "covers": inside.mean(),
                "says not zero": beside.mean(),
                "augmented": told["augmented"].mean(),
                "g-formula": told["g_formula"].mean(),
                "before-after": mine["naive"].mean(),
                "before-after misses": naive.mean(),
            }
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--only", type=int, default=None, help="number of one kind of study")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    protocol, limits = TrialProtocol(), TrialLimits()
    chosen = TRUTHS if arguments.only is None else (TRUTHS[arguments.only],)
    lines = []
    for truth in chosen:
        begun = time.process_time()
        rows = [
            row
            for number in range(arguments.studies)
            for row in one_study(
                truth,
                (truth.workers, round(-10 * truth.effect), int(truth.informative), number),
                protocol,
                limits,
            )
        ]
        lines += summarise(truth, rows, protocol)
        print(pd.DataFrame(lines[-2:]).round(3).to_string(index=False))
        print(f"{(time.process_time() - begun) / arguments.studies:.2f} s of cpu a study", flush=True)
    if arguments.write:
        write(pd.DataFrame(lines))


def example_truth(month: float, *, families: int = 40_000) -> float:
    """The planted effect of the example in points: those who got an intervention, with it and without."""
    rng = np.random.default_rng(1)
    plans = organisation_plans(6)
    sizes = organisation_sizes(plans, 250)
    place = rng.choice(6, size=families, p=sizes / sizes.sum())
    drawn = draw_families(rng, plans, place, case_mix_of=place)
    visits = np.broadcast_to(np.arange(19.0), (families, 19))
    course = simulate_course(rng, drawn, visits, keep_items=False)
    first = course.intervention_time[:, 0]
    kept = np.isfinite(first) & (first < course.end)
    at = np.where(kept, np.floor(first) + month, 0.0)
    gaps = []
    for seed in range(20):
        noise = rng.normal(scale=SD_OCCASION, size=families)
        shift = np.where(drawn.second_only, drawn.second_shift, 0.0) + noise
        sums = [
            answer_items(np.random.default_rng(seed), burden(drawn, at, times) + shift).sum(
                axis=1, dtype=float
            )
            for times in (course.intervention_time, np.full_like(course.intervention_time, np.inf))
        ]
        gaps.append((sums[0] - sums[1])[kept].mean())
    return float(np.mean(gaps))


def example_lines() -> str:
    """What is said of the example, beside its truth."""
    found = emulate_target_trial(load_study(shipped_example()), interventions=["any"])
    lines = []
    for answer in found.emulation.answers:
        fit, known = answer.found.weighted, example_truth(answer.month)
        said = "no answer: " + ", ".join(answer.verdict.reasons)
        if answer.verdict.fine:
            said = f"{fit.estimate[1]:.2f} ({fit.conf_low[1]:.2f} to {fit.conf_high[1]:.2f})"
        lines.append(f"| {answer.month:g} | {known:.2f} | {said} |")
    return "\n".join(lines)


def write(table: pd.DataFrame) -> None:
    """The page beside this file."""
    shares = ("answered", "covers", "says not zero", "before-after misses")
    shown = table.copy()
    for name in table.columns:
        if name in shares:
            shown[name] = [f"{100 * value:.1f} %" for value in table[name]]
        elif name == "month":
            shown[name] = [f"{value:g}" for value in table[name]]
        elif table[name].dtype.kind == "f":
            shown[name] = [f"{value:.3f}" for value in table[name]]
    header = "| " + " | ".join(shown.columns) + " |\n|" + "---|" * len(shown.columns)
    body = "\n".join("| " + " | ".join(str(value) for value in row) + " |" for row in shown.to_numpy())
    page = _TEXT + header + "\n" + body + "\n" + _EXAMPLE + example_lines() + "\n"
    (HERE / "interventions.md").write_text(page, encoding="utf-8")


_TEXT = """# Interventions: a target trial where nobody drew lots

Made by `python benchmarks/interventions.py --write`. Each row is a kind of simulated study (800 families;
interventions because of bad scores that do not fall; waves irregular, some missing; help that ends by the
score, but for the last kind) and a month after the wave. **true** is the planted difference at that month.
**weighted**, **bias**, **covers** (the 95 % interval holds the truth) and **says not zero** are of the
studies in which there is an answer (**answered**); in the others the page says why there is none.
**before-after** is the mean change of the families with an intervention, and how often its own 95 % margin
misses the truth.

"""

_EXAMPLE = """
## The example study

The example plants -0.30 on a latent burden, of which half is reached in about six weeks. In points of the sum
score that is, simulated with and without it in the families that got one (40,000 families; later ones
count too), the true number below; beside it what the package says of the 250 families of the example.

| month | true | said |
|---|---|---|
"""


if __name__ == "__main__":
    main()
