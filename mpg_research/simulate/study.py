"""Make a synthetic study with a known truth: the whole folder, from one seed."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from mpg_research.errors import ConfigError
from mpg_research.simulate.costs import cost_truth, cost_truth_text, plant_effect
from mpg_research.simulate.norms import norm_table, simulate_reference_sample
from mpg_research.simulate.plan import (
    EXAMPLE_SEED,
    organisation_plans,
    organisation_sizes,
)
from mpg_research.simulate.tables import intervention_roles, simulate_tables
from mpg_research.simulate.texts import readme_text, study_text, truth_text
from mpg_research.simulate.timeline.add import COST_STREAM, N_STREAMS, add_timeline
from mpg_research.simulate.timeline.own_strength import INSTRUMENT, own_strength_text
from mpg_research.simulate.timeline.planted import timeline_truth_text
from mpg_research.simulate.truth import population_truth

__all__ = ["EXAMPLE_SEED", "TRUTH_FAMILIES", "simulate_example", "simulate_study"]

TRUTH_FAMILIES = {"none": 0, "small": 2_000, "large": 200_000}
"""Simulated families per organisation and case mix behind the truth; the example's is large."""

_MARKER = "synthetic = true"
_UNFINISHED = ".unfinished"
_TRUE_COURSES = ("truth/mean_course.csv", "truth/classes.csv")


def simulate_study(
    folder: str | Path,
    *,
    seed: int = EXAMPLE_SEED,
    families: int = 250,
    organisations: int = 6,
    truth_families: int | None = None,
    name: str | None = None,
    overwrite: bool = False,
    cost_effect: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a synthetic study: tables, study.toml, norm table, reference sample, and the truth.

    Parameters
    ----------
    folder : str or Path
        Where the study is written.
    seed : int
        The same seed gives the same bytes.
    families, organisations : int
        How many families, and organisations of unequal size to help them.
    truth_families : int, optional
        Simulated families per organisation and case mix from which the true mean courses are
        computed: 2,000 by default; 0 leaves the true courses out. It has no influence on the
        study itself. ``TRUTH_FAMILIES`` has the sizes that ``mpg simulate --truth`` knows by name.
    name : str, optional
        Name of the study, and so of the folder of its reports; by default made from the folder's.
    overwrite : bool, default False
        Whether a synthetic study that stands there may be replaced. Anything else never is.
    cost_effect : bool, default False
        Whether the last organisation gets by with fewer hours and sees fewer placements, by the known measure
        in ``truth/costs.toml``. Nothing else moves.
    progress : callable, optional
        Told after each organisation whose true course was computed how many are done, and of how many.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConfigError
        If the folder holds something else, or a number is impossible.

    Notes
    -----
    Ten ordinal items come from a graded response model on a latent burden; see ``truth/truth.toml``
    in the folder for what is assumed and ``truth/mean_course.csv`` for what follows from it.
    The folder appears when all of it is there: until then it is made beside its place, under another name.

    Examples
    --------
    >>> import tempfile
    >>> from mpg_research.simulate.study import simulate_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = simulate_study(folder, families=60, truth_families=0)
    ...     (path / "study.toml").exists()
    True
    """
    folder = Path(folder)
    population = TRUTH_FAMILIES["small"] if truth_families is None else truth_families
    plans = organisation_plans(organisations)
    sizes = organisation_sizes(plans, families)
    _refuse_other_content(folder, overwrite)
    # Streams of their own: the size of the truth's population does not move the study.
    *first, later = np.random.SeedSequence(seed).spawn(5)
    study_stream, norm_stream, truth_stream, role_stream = map(np.random.default_rng, first)
    timeline_streams = [np.random.default_rng(child) for child in later.spawn(N_STREAMS)]
    with _whole_or_nothing(folder) as place:
        simulated = simulate_tables(study_stream, plans, sizes)
        simulated.tables["interventions"]["role"] = intervention_roles(
            role_stream, simulated.tables["interventions"]["intervention"]
        )
        tables, planted = add_timeline(timeline_streams, simulated, plans)
        organisation_keys = np.array([plan.key for plan in plans])
        planted["costs"] = cost_truth(
            simulated.periods, simulated.names, organisation_keys, planted=cost_effect
        )
        if cost_effect:
            tables = plant_effect(timeline_streams[COST_STREAM], tables, plans[-1].key)
        sample = simulate_reference_sample(norm_stream)
        norms = norm_table(sample)
        (place / "truth").mkdir()
        for table, frame in tables.items():
            _write_csv(place / f"{table}.csv", frame)
        for truth, frame in planted.items():
            _write_csv(place / "truth" / f"{truth}.csv", frame)
        _write_csv(place / "reference_sample.csv", sample.astype(str))
        _write_csv(place / "norms.csv", norms.astype(object).map(_text))
        _write_csv(place / "truth" / "families.csv", simulated.families)
        _write_text(place / "study.toml", study_text(name or _name_from(folder), plans))
        _write_text(place / f"{INSTRUMENT}.toml", own_strength_text())
        _write_text(place / "README.md", readme_text(seed, families, organisations))
        _write_text(place / "truth" / "truth.toml", truth_text(plans, seed, population))
        _write_text(place / "truth" / "timeline.toml", timeline_truth_text())
        _write_text(place / "truth" / "costs.toml", cost_truth_text(plans[-1].key, planted=cost_effect))
        if population:
            courses = population_truth(
                truth_stream, plans, sizes, norms, families=population, progress=progress
            )
            _write_truth(place / "truth", *courses)
    return folder


def simulate_example(
    folder: str | Path,
    *,
    truth_families: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write the example study exactly as it is shipped, over an earlier one if need be.

    Parameters
    ----------
    folder : str or Path
        Where the study is written.
    truth_families : int, optional
        As in `simulate_study`, but 200,000 by default.
    progress : callable, optional
        As in `simulate_study`.

    Returns
    -------
    Path
        The folder.
    """
    population = TRUTH_FAMILIES["large"] if truth_families is None else truth_families
    return simulate_study(
        folder, name="example", truth_families=population, overwrite=True, progress=progress
    )


def _name_from(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", folder.resolve().name.lower()).strip("-_")
    return name[:48] or "simulated"


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    """Where to write until all is there: beside the folder that is to be, or inside one that stands.

    Files of a folder that stands are replaced at the very end, study.toml last; what else lies there stays.
    """
    target = folder.resolve()
    stands = target.is_dir()
    place = target / _UNFINISHED if stands else target.with_name(f".{target.name}{_UNFINISHED}")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
        if not stands:
            place.rename(target)
            return
        for course in _TRUE_COURSES:
            (target / course).unlink(missing_ok=True)
        files = [path for path in place.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: (path.name == "study.toml", path)):
            there = target / path.relative_to(place)
            there.parent.mkdir(exist_ok=True)
            path.replace(there)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _write_truth(folder: Path, mean_course: pd.DataFrame, classes: pd.DataFrame) -> None:
    decimals = {"share": 4, "se_raw": 4}
    for file, frame in (("mean_course.csv", mean_course), ("classes.csv", classes)):
        text = frame.copy().astype(object)
        for column in frame.select_dtypes("float"):
            text[column] = [f"{value:.{decimals.get(str(column), 3)}f}" for value in frame[column]]
        _write_csv(folder / file, text.astype(str))


def _text(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _refuse_other_content(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file. Name a folder for the synthetic study.")
    if not folder.exists() or not any(path.name != _UNFINISHED for path in folder.iterdir()):
        return
    config = folder / "study.toml"
    ours = config.is_file() and _MARKER in config.read_text(encoding="utf-8", errors="replace")
    if not ours:
        raise ConfigError(
            f"The folder {folder} holds something that is not a synthetic study; nothing was written. "
            "Name a new or empty folder."
        )
    if not overwrite:
        raise ConfigError(
            f"The folder {folder} already holds a synthetic study; nothing was written. Name a new folder, "
            "or ask for it to be replaced."
        )


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    _write_text(path, frame.to_csv(index=False, lineterminator="\n"))


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))
