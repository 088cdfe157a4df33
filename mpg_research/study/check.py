"""Every problem of a study at once, without raising."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mpg_research.errors import ConfigError, Problem
from mpg_research.study.config.looser_rules import reason_is_missing
from mpg_research.study.config.study_toml import read_config
from mpg_research.study.model import CheckReport

if TYPE_CHECKING:
    from mpg_research.study.load import Assembly

__all__ = ["check_study", "look_at_study"]


def check_study(path: str | Path) -> CheckReport:
    """Look for everything that is wrong or odd in a study; nothing is written, nothing is raised.

    Parameters
    ----------
    path : str or Path
        The study folder, or its ``study.toml``.

    Returns
    -------
    CheckReport
        Problems (errors first) and the data-quality summary. ``ok`` says whether it can be analysed.

    Examples
    --------
    >>> from mpg_research.study import check_study, shipped_example
    >>> check_study(shipped_example()).ok
    True
    """
    return look_at_study(path)[0]


def look_at_study(path: str | Path) -> "tuple[CheckReport, Assembly | None]":
    """The same, with what could be read of the study.

    Parameters
    ----------
    path : str or Path
        The study folder, or its ``study.toml``.

    Returns
    -------
    (CheckReport, Assembly or None)
        None where ``study.toml`` itself cannot be used.
    """
    try:
        config = read_config(path)
    except ConfigError as error:
        problems = error.problems or (Problem(found=str(error), code="bad_config"),)
        counts = {problem.code: sum(p.code == problem.code for p in problems) for problem in problems}
        return CheckReport(study=Path(path).name, problems=problems, counts=counts), None
    from mpg_research.study.load import assemble

    assembly = assemble(config)
    report = assembly.report()
    if missing := reason_is_missing(config):  # a run says so on its pages; who asks is told that it must not
        first = [each for each in report.problems if each.severity == "error"]
        rest = [each for each in report.problems if each.severity != "error" and each.code != missing.code]
        report = replace(report, problems=(*first, missing, *rest))
    return report, assembly
