"""How often the answers about single courses are wrong, and how often they come, for swings of six kinds.

    python benchmarks/course_answers.py

writes ``benchmarks/course_answers.md``. Nothing here is drawn by the package: swings that last (AR), that
differ between families (a lognormal spread, not the inverse chi-square of the method) and both lasting and
fleeting ones.
"""

from pathlib import Path

import numpy as np

from mpg_research.statistics.courses.course_answer import ANSWERS, CHANGING, SMALL, course_answers
from mpg_research.statistics.courses.swings import INDEPENDENT

SEED = 20270412
SD, MARGIN, PERIOD, MONTHS = 2.6, 0.45, 6.0, 25
KINDS = {
    "iid": "independent, alike",
    "hetero": "independent, families differ (log-SD .4)",
    "ar0.3": "AR(.3)",
    "ar0.5": "AR(.5)",
    "ar0.7": "AR(.7)",
    "mixed": "half AR(.7), half noise",
}
STUDIES = {200: 8, 60: 30}
IMPROVING = ANSWERS[:2]


def swings(kind: str, rng: np.random.Generator, n: int) -> np.ndarray:
    """Swings of mean square SD^2, shape (n, MONTHS)."""
    white = rng.normal(size=(n, MONTHS))
    if kind == "iid":
        return SD * white
    if kind == "hetero":
        own = np.exp(rng.normal(0, 0.4, n))
        return SD * white * (own / np.sqrt(np.exp(2 * 0.4**2)))[:, None]
    if kind == "mixed":
        return (swings("ar0.7", rng, n) + SD * white) / np.sqrt(2)
    carry = float(kind[2:])
    for month in range(1, MONTHS):
        white[:, month] = carry * white[:, month - 1] + np.sqrt(1 - carry**2) * white[:, month]
    return SD * white


def pooled(time: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Root mean square of the residuals around own lines up to each wave."""
    found = np.full(MONTHS, np.nan)
    for wave in range(2, MONTHS):
        x, y = time[:, : wave + 1], score[:, : wave + 1]
        dx, dy = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
        slope = (dx * dy).sum(axis=1) / (dx**2).sum(axis=1)
        found[wave] = np.sqrt(((dy - slope[:, None] * dx) ** 2).sum() / (len(y) * (wave - 1)))
    return np.broadcast_to(found, time.shape)


def ever(answer: np.ndarray, names: tuple[str, ...], month: int) -> float:
    """Share of courses with one of these answers at any wave up to a month."""
    return float(np.isin(answer[:, : month + 1], names).any(axis=1).mean())


def study(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rates of one study, a row for the rule and one for independent swings taken for granted."""
    time = np.tile(np.arange(float(MONTHS)), (n, 1))
    base = rng.normal(25, 5.4, (n, 1)) + swings(kind, rng, n)
    rows = []
    for given in (None, INDEPENDENT):
        answer = {}
        for slope in (0.0, -MARGIN, -2 * MARGIN):
            y = base + slope * time
            answer[slope] = course_answers(
                time, y, error_sd=pooled(time, y), delta=MARGIN * PERIOD, period=PERIOD, swings=given
            ).answer
        rows.append(
            [
                ever(answer[0.0], CHANGING, 12), ever(answer[0.0], CHANGING, 18), ever(answer[-MARGIN], SMALL,
                18), ever(answer[-MARGIN], IMPROVING, 18), ever(answer[-2 * MARGIN], IMPROVING, 12),
                ever(answer[0.0], ("stagnating",), 24),
            ]
        )  # fmt: skip
    return np.array(rows)


def row(kind: str, n: int) -> tuple[str, float]:
    """One row of the table, with a seed of its own, and the Monte Carlo error of its rates of error."""
    rng = np.random.default_rng([SEED, n, list(KINDS).index(kind)])
    found = np.array([study(kind, n, rng) for _ in range(STUDIES[n])])
    error = found[:, 0, :3].std(axis=0, ddof=1).max() / np.sqrt(len(found))
    cells = [f"{new:.3f} ({old:.3f})" for new, old in zip(*found.mean(axis=0), strict=True)]
    return f"| {n} | {KINDS[kind]} | " + " | ".join(cells) + " |", float(error)


def write(rows: list[str], error: float) -> None:
    """Write the table."""
    heads = [
        "families", "swings", "no trend, ever called changing by month 12", "by month 18",
        "changes by the margin, ever called standing still or less, by month 18",
        "changes by the margin, called improving by month 18",
        "changes by twice the margin, called improving by month 12",
        "no trend, called standing still by month 24",
    ]  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *rows]
    sizes = " and ".join(f"{studies} studies of {n} families" for n, studies in STUDIES.items())
    text = f"""# Answers about single courses: how often wrong, how often given

Written by `python benchmarks/course_answers.py` (seed {SEED}); simulated data. {sizes} per row, monthly
scores, swings with a standard deviation of {SD} points, a margin of {MARGIN * PERIOD:g} points per {PERIOD:g}
months, an error rate of .05 per course, half of it to be used within a year. Each study estimates how long
its swings last and how much its families differ from its own scores, month by month. In brackets: the same
rule with swings taken to be independent and alike, as it was before. The Monte Carlo
error of the rates of error, from the spread between studies, is at most {error:.3f}.

{chr(10).join(lines)}

The first three rates are to be at most .05, within Monte Carlo error. The price is paid in the last three:
where swings last, a trend
of a given size is seen in fewer families, and standing still is shown in fewer within two years. That is
what such scores can tell; the higher numbers in brackets were bought with wrong answers.
"""
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


def main() -> None:
    """Run all studies and write the table."""
    rows, errors = [], []
    for n in STUDIES:
        for kind in KINDS:
            line, error = row(kind, n)
            rows.append(line)
            errors.append(error)
            print(line, f"{error:.4f}", flush=True)
    write(rows, max(errors))


if __name__ == "__main__":
    main()
