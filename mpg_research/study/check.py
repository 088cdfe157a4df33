"""Every problem of a study at once, without raising."""

from dataclasses import replace
from pathlib import Path

from mpg_research.errors import ConfigError, Problem
from mpg_research.study.config.looser_rules import reason_is_missing
from mpg_research.study.config.study_toml import read_config
from mpg_research.study.model import CheckReport

__all__ = ["check_study"]


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
    try:
        config = read_config(path)
    except ConfigError as error:
        problems = error.problems or (Problem(found=str(error), code="bad_config"),)
        counts = {problem.code: sum(p.code == problem.code for p in problems) for problem in problems}
        return CheckReport(study=Path(path).name, problems=problems, counts=counts)
    from mpg_research.study.load import assemble

    report = assemble(config).report()
    if missing := reason_is_missing(config):  # a run says so on its pages; who asks is told that it must not
        first = [each for each in report.problems if each.severity == "error"]
        rest = [each for each in report.problems if each.severity != "error" and each.code != missing.code]
        report = replace(report, problems=(*first, missing, *rest))
    return report
