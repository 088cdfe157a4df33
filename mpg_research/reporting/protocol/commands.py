"""``mpg protocol``: print, seal, amend, and say what was done."""

from pathlib import Path

from mpg_research.errors import ConfigError
from mpg_research.reporting.due import read_day
from mpg_research.reporting.planned.deviations import find_deviations
from mpg_research.reporting.planned.seal import amend_plan, read_sealed, seal_plan
from mpg_research.reporting.protocol.write import check_plan, write_protocol
from mpg_research.study.config.plan import SEALED_FILE
from mpg_research.study.config.study_toml import read_config

__all__ = ["make_protocol"]


def make_protocol(
    study: str | Path,
    *,
    output: Path | None = None,
    seal: bool = False,
    reason: str | None = None,
    day: str = "",
) -> str:
    """Print the plan of a study, after it was sealed or amended where that is asked for.

    Parameters
    ----------
    study : str or Path
        Study folder or study.toml.
    output : Path, optional
        Folder for the plan; "protocol" in the study's folder where it is left out.
    seal : bool
        Whether to seal it.
    reason : str, optional
        Why it is amended; not amended where it is left out.
    day : str
        The day it is sealed, as 2026-01-31; empty is that of the machine.

    Returns
    -------
    str
        What was done, in lines.

    Raises
    ------
    ConfigError
        If there is no plan, a day is given where nothing is sealed, it cannot be sealed, or the sealed file
        is not as it was written.
    """
    config = read_config(study)
    chosen = read_day(day)
    if chosen is not None and not seal and reason is None:
        raise ConfigError("--date is the day of a seal; expected --seal or --amend beside it.")
    check_plan(config, to_seal=seal or reason is not None)
    lines = []
    if seal or reason is not None:
        made = seal_plan(config, day=chosen) if seal else amend_plan(config, reason or "", day=chosen)
        lines.append(
            f"{'Sealed' if seal else 'Amended'} on {made.day} (date {made.date_is}): "
            f"{config.folder / SEALED_FILE}\nSHA-256 {made.sha256}: deposit the file, or write this down."
        )
        if made.data_were_there:
            lines.append("Files with data were there already: the plan is after the data, and it says so.")
    lines += [str(path) for path in write_protocol(config, output or config.folder / "protocol")]
    sealed = read_sealed(config)
    if not sealed:
        lines.append("Not sealed yet: mpg protocol STUDY --seal.")
    elif found := find_deviations(config, sealed):
        lines.append(f"Differs from the sealed plan: {', '.join(each.setting for each in found)}.")
    return "\n".join(lines)
