"""Simulated studies one by one, each saved as it is done, and the table of what their intervals held.

A run that is broken off goes on where it was: what is on file is not done again. After a change of an
estimator or of a truth, throw the folder away. With ``--studies 0`` none is drawn: the page is written from
what is on file.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["Found", "Scenarios", "draw_and_write", "kept_studies", "table"]

#: What was found of each quantity: estimate, lower and upper limit, truth.
Found = Mapping[str, tuple[float, float, float, float]]
#: By name: one study of a number, and studies of it out of a thousand.
Scenarios = Mapping[str, tuple[Callable[[int], Found], int]]
_HALF = 1.959963984540054


def draw_and_write(
    script: Path,
    scenarios: Scenarios,
    *,
    description: str | None,
    section: Callable[[str, pd.DataFrame], str] | None = None,
) -> None:
    """Draw, save as it goes, and write what stands between the marks of the page beside a script.

    ``section`` makes what stands under a scenario's name, of that name and its rows: their :func:`table`.
    """
    chosen = _asked(description)
    parts = []
    for place, (name, (one_study, of_thousand)) in enumerate(scenarios.items()):
        if not name.startswith(chosen.only):
            continue
        number = chosen.studies * of_thousand // 1000
        rows = kept_studies(f"{script.stem}_{place}", one_study, number, folder=chosen.kept)
        if len(rows):
            parts.append(f"### {name}\n\n{section(name, rows) if section else table(rows)}")
            print(parts[-1], flush=True)
    if not chosen.only:
        _write_between(script.with_suffix(".md"), parts)


def _asked(description: str | None) -> argparse.Namespace:
    """The arguments; ``--kept`` is the folder where results are saved."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--kept", type=Path, default=Path("build/kept_studies"))
    parser.add_argument("--only", default="", help="only truths whose name begins so; nothing is written")
    return parser.parse_args()


def kept_studies(name: str, one_study: Callable[[int], Found], studies: int, *, folder: Path) -> pd.DataFrame:
    """One row per study and quantity: study, quantity, estimate, low, high, truth."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    done = {found["study"]: found["found"] for found in map(json.loads, lines)}
    with file.open("a", encoding="utf-8") as out:
        for study in range(studies):
            if study in done:
                continue
            found = {key: [float(value) for value in values] for key, values in one_study(study).items()}
            out.write(json.dumps({"study": study, "found": found}) + "\n")
            out.flush()
            done[study] = found
    wanted = range(studies) if studies else sorted(done)
    rows = [(study, key, *done[study][key]) for study in wanted for key in done[study]]
    return pd.DataFrame(rows, columns=["study", "quantity", "estimate", "low", "high", "truth"])


def table(rows: pd.DataFrame, *, digits: int = 3) -> str:
    """Per quantity, in Markdown: truth, mean estimate, bias, spread, width of the intervals, coverage.

    Width: of the mean interval, over that of 1.96 standard deviations of the estimates to either side.
    Studies: those in which there was an interval; of how many, where there was none in some.
    """
    lines = [
        "| quantity | truth | mean estimate | bias | spread of estimates | width | coverage | ± | studies |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, mine in rows.groupby("quantity", sort=False):
        known = mine[np.isfinite(mine[["estimate", "low", "high"]]).all(axis=1)]
        n, spread = len(known), known["estimate"].std()
        error = known["estimate"] - known["truth"]
        held = ((known["low"] <= known["truth"]) & (known["truth"] <= known["high"])).mean()
        width = (known["high"] - known["low"]).mean() / (2 * _HALF * error.std())
        number = f"{n:,}" if n == len(mine) else f"{n:,} of {len(mine):,}"
        lines.append(
            f"| {name} | {known['truth'].mean():.{digits}f} | {known['estimate'].mean():.{digits}f} "
            f"| {error.mean():+.{digits}f} ± {error.std() / np.sqrt(n):.{digits}f} | {spread:.{digits}f} "
            f"| {width:.2f} | {held:.3f} | {np.sqrt(held * (1 - held) / n):.3f} | {number} |"
        )
    return "\n".join(lines)


def _write_between(page: Path, parts: list[str]) -> None:
    """Tables between the two marks of a page, whose other text stays."""
    begin, end = f"<!-- written by {page.stem}.py -->", "<!-- until here -->"
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    tail = rest.partition(end)[2]
    between = "\n\n".join([begin, *parts, end])
    page.write_text(f"{head}{between}{tail}", encoding="utf-8")
