"""Make a synthetic study with a known truth: the whole folder, from one seed."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import ConfigError
from mpg_research.study.simulate_norms import norm_table, simulate_reference_sample
from mpg_research.study.simulate_plan import (
    EXAMPLE_SEED,
    OrganisationPlan,
    organisation_plans,
    organisation_sizes,
)
from mpg_research.study.simulate_tables import simulate_tables
from mpg_research.study.simulate_texts import readme_text, study_text, truth_text
from mpg_research.study.simulate_truth import population_truth

__all__ = ["EXAMPLE_SEED", "TRUTH_FAMILIES", "simulate_example", "simulate_study"]

TRUTH_FAMILIES = 200_000
"""Simulated families per organisation and case mix behind the truth of the example."""

_MARKER = "synthetic = true"


def simulate_study(
    folder: str | Path,
    *,
    seed: int = EXAMPLE_SEED,
    families: int = 250,
    organisations: int = 6,
    truth_families: int | None = None,
    name: str | None = None,
    overwrite: bool = False,
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
        computed: 200,000 by default; 0 leaves the true courses out. It has no influence on the
        study itself.
    name : str, optional
        Name of the study, and so of the folder of its reports; by default made from the folder's.
    overwrite : bool, default False
        Whether a synthetic study that stands there may be replaced. Anything else never is.

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

    Examples
    --------
    >>> import tempfile
    >>> from mpg_research.study.simulate import simulate_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = simulate_study(folder, families=60, truth_families=0)
    ...     (path / "study.toml").exists()
    True
    """
    folder = Path(folder)
    population = TRUTH_FAMILIES if truth_families is None else truth_families
    plans = organisation_plans(organisations)
    sizes = organisation_sizes(plans, families)
    _refuse_other_content(folder, overwrite)
    # Streams of their own: the size of the truth's population does not move the study.
    study_stream, norm_stream, truth_stream = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3)
    )
    simulated = simulate_tables(study_stream, plans, sizes)
    sample = simulate_reference_sample(norm_stream)
    norms = norm_table(sample)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    for table, frame in simulated.tables.items():
        _write_csv(folder / f"{table}.csv", frame)
    _write_csv(folder / "reference_sample.csv", sample.astype(str))
    _write_csv(folder / "norms.csv", norms.astype(object).map(_text))
    _write_csv(folder / "truth" / "families.csv", simulated.families)
    _write_text(folder / "study.toml", study_text(name or _name_from(folder), plans))
    _write_text(folder / "README.md", readme_text(seed, families, organisations))
    _write_text(folder / "truth" / "truth.toml", truth_text(plans, seed, population))
    for stale in ("mean_course.csv", "classes.csv"):
        (folder / "truth" / stale).unlink(missing_ok=True)
    if population:
        _write_truth(folder / "truth", truth_stream, plans, sizes, norms, population)
    return folder


def simulate_example(folder: str | Path, *, truth_families: int | None = None) -> Path:
    """Write the example study exactly as it is shipped, over an earlier one if need be.

    Parameters
    ----------
    folder : str or Path
        Where the study is written.
    truth_families : int, optional
        As in `simulate_study`.

    Returns
    -------
    Path
        The folder.
    """
    return simulate_study(folder, name="example", truth_families=truth_families, overwrite=True)


def _name_from(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", folder.resolve().name.lower()).strip("-_")
    return name[:48] or "simulated"


def _write_truth(
    folder: Path,
    rng: np.random.Generator,
    plans: tuple[OrganisationPlan, ...],
    sizes: NDArray[np.int64],
    norms: pd.DataFrame,
    families: int,
) -> None:
    mean_course, classes = population_truth(rng, plans, sizes, norms, families=families)
    decimals = {"share": 4, "se_raw": 4}
    for file, frame in (("mean_course.csv", mean_course), ("classes.csv", classes)):
        text = frame.copy().astype(object)
        for column in frame.select_dtypes("float"):
            text[column] = [f"{value:.{decimals.get(column, 3)}f}" for value in frame[column]]
        _write_csv(folder / file, text.astype(str))


def _text(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _refuse_other_content(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file. Name a folder for the synthetic study.")
    if not folder.exists() or not any(folder.iterdir()):
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
