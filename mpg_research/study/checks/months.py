"""Whether the months of study.toml lie within the measurements."""

import pandas as pd

from mpg_research.errors import Problem
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.findings import Findings
from mpg_research.study.scoring.reach import months_are_typed, months_problem, reach_of
from mpg_research.study.scoring.scores import IN_COURSE

__all__ = ["check_months"]


def check_months(scores: pd.DataFrame, config: StudyConfig, findings: Findings) -> None:
    """Months that are asked for and at which nobody, or too few families, were measured.

    Parameters
    ----------
    scores : DataFrame
        As in :class:`~mpg_research.study.model.Study`.
    config : StudyConfig
    findings : Findings
        A chosen month at which nobody was measured, then or later, is an error; one at which too few were, or
        a default one beyond the data, a warning. So is a study in which too few are measured at any month.
    """
    analysis = config.analysis
    used = scores["phase"].isin(IN_COURSE) & scores["raw"].notna()
    measured = scores.loc[used, "instrument"].unique()
    key = analysis.instrument or (measured[0] if len(measured) == 1 else None)
    used &= scores["instrument"] == key
    if analysis.respondents == "declared":
        used &= scores["declared_respondent"]
    data = scores[used]
    if data.empty:
        return  # what is the matter with all of them is said elsewhere
    if data["months"].max() <= 0:
        findings.add(
            Problem(
                found=f"nobody has a score after the start of help: all {len(data)} scores lie at it",
                expected="later measurements too",
                remedy="No course and no change can be computed. Look at the dates of the measurements and "
                "the starts in the table episodes.",
                file="study.toml", severity="warning", code="nothing_after_start",
            )
        )  # fmt: skip
        return
    if data.groupby("family")["months"].nunique().max() < 2:
        number = int(data["family"].nunique())
        findings.add(
            Problem(
                found=f"no family has scores at two moments ({len(data)} scores of {number})",
                expected="families that are measured again",
                remedy="No course can be computed. Look whether the ids are the same at every moment.",
                file="study.toml", severity="warning", code="measured_once",
            )
        )  # fmt: skip
        return
    if findings.counts["few_families"] and data["family"].nunique() < analysis.minimum_measured:
        return  # that finding says it
    reach = reach_of(data, minimum=analysis.minimum_measured, dates=config.time.kind == "dates")
    unit = config.time.axis_unit.removesuffix("s")
    months = sorted({*analysis.months, analysis.primary_month})
    problem = months_problem(reach, months, typed=months_are_typed(analysis), unit=unit)
    if problem is not None:
        findings.add(problem)
