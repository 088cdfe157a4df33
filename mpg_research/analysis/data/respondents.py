"""Whether two people give the same family the same score: agreement between respondents.

Tables of :class:`RespondentAgreement` (beside ``sample_flow``)
---------------------------------------------------------------
- ``respondent_difference(quantity, estimate, conf_low, conf_high, n_pairs)``: ``mean_difference`` (second
  minus first respondent, each family counting once) and the limits between which most differences of a pair
  lie, ``lower_limit`` and ``upper_limit``.
- ``respondent_icc(coefficient, estimate, conf_low, conf_high)``: ``icc_agreement`` and ``icc_consistency``,
  on the first pair of each family.
- ``respondent_bands(score_low, score_high, mean_difference, sd_difference, n_pairs)``: pairs by band of the
  mean of their two scores, both ends included.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import coded, ends, key_column, modelled, number_of, observed
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.errors import ConfigError, NotApplicableError, did_you_mean
from mpg_research.instruments.agreement import agreement_coefficients
from mpg_research.statistics.agreement import limits_of_agreement
from mpg_research.study.model import FlowStep, SampleFlow, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.tables.canonical import RESPONDENT_NOT_GIVEN
from mpg_research.study.which_scores import Scores

__all__ = ["RespondentAgreement", "compare_respondents"]

#: Two measurements at most so far apart are of the same moment, by what the time axis counts.
_WITHIN = {"months": 0.5, "weeks": 2.0, "waves": 0.0}
_BANDS = 5
_DIFFERENCE = observed("estimate")
_ICC = modelled("estimate", digits=2)
_N_PAIRS = number_of("n_pairs", of="measurements")
_UNIT = ["family", "episode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondentAgreement(Result):
    """What :func:`compare_respondents` found; its tables are described in the module's docstring."""

    pairs: pd.DataFrame
    kind: ClassVar[str] = "respondents"


def compare_respondents(
    study: Study,
    *,
    respondents: tuple[str, str] | None = None,
    instrument: str | None = None,
    outcome: str | None = None,
    within: float | None = None,
    share: float = 0.95,
    level: float = 0.95,
) -> RespondentAgreement:
    """Compare the scores of two respondents of the same family at the same moment.

    Parameters
    ----------
    study : Study
        A loaded study.
    respondents : tuple of str, optional
        The two respondents by their codes, such as ``("first_parent", "second_parent")``; the difference is
        that of the second minus the first. By default the two that most families have both.
    instrument, outcome : str, optional
        Questionnaire and score; the study's own choice by default.
    within : float, optional
        How far apart two measurements of the same moment may lie, in the unit of the time axis: by default
        half a month, two weeks, or in the same wave.
    share : float
        Share of the differences between the limits of agreement.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    RespondentAgreement
        Tables ``respondent_difference``, ``respondent_icc``, ``respondent_bands`` and ``sample_flow``.

    Raises
    ------
    ConfigError
        If a respondent, a share or a level is not there or cannot be.
    NotApplicableError
        If no family has a pair: one respondent per family, or never at the same moment.

    Notes
    -----
    A measurement is paired with the nearest of the other respondent in the same period of help, the nearest
    two first, each in one pair. Families, not pairs, are taken for independent; see
    :func:`mpg_research.statistics.agreement.limits_of_agreement` and
    :func:`mpg_research.instruments.agreement.agreement_coefficients` for the methods and their sources.

    Examples
    --------
    >>> from mpg_research import compare_respondents, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = compare_respondents(load_study(shipped_example()))
    >>> found.tables["respondent_difference"].data["quantity"].tolist()
    ['mean_difference', 'lower_limit', 'upper_limit']
    """
    for name, value in (("share", share), ("level", level)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} = {value}; expected a number between 0 and 1, such as 0.95.")
    scores = Scores(instrument=instrument, outcome=outcome, respondents="both", episodes="all")
    course = course_frame(study, scores=scores)
    first, second = _two_of(course.data, respondents)
    unit = study.time_unit
    near = _WITHIN[unit] if within is None else float(within)
    pairs = pair_measurements(course.data, first, second, within=near)
    if pairs.empty:
        raise NotApplicableError(
            f"No family of study {study.name} has measurements of two respondents at the same moment.",
            code="one_respondent",
        )
    n_families, n_organisations = (int(pairs[name].nunique()) for name in ("family", "organisation"))
    counts = {"n_families": n_families, "n_organisations": n_organisations}
    questionnaire = study.instruments[course.instrument]
    scale = (questionnaire.raw_minimum, questionnaire.raw_maximum) if course.outcome == "raw" else None
    steps = [step for step in course.flow.steps if step.code != "analysed"]
    episodes = len(pairs[_UNIT].drop_duplicates())
    paired = FlowStep("paired", "in pairs of two respondents", 2 * len(pairs), n_families, episodes)
    flow = SampleFlow((*steps, paired))
    tables = [
        ResultTable(
            "respondent_difference",
            _difference(pairs, share, level).assign(n_pairs=len(pairs), **counts),
            columns=(
                coded("quantity"),
                _DIFFERENCE,
                *ends(_DIFFERENCE, "conf", heading="interval"),
                _N_PAIRS,
            ),
        ),
        ResultTable(
            "respondent_icc",
            _coefficients(pairs, level).assign(**counts),
            columns=(coded("coefficient"), _ICC, *ends(_ICC, "conf", heading="interval")),
        ),
        ResultTable(
            "respondent_bands",
            _bands(pairs, scale),
            columns=(
                key_column("score_low", ends="low", adds_up="families"),
                key_column("score_high", ends="high", adds_up="families"),
                observed("mean_difference"),
                observed("sd_difference", digits=2, plain=False),
                _N_PAIRS,
            ),
        ),
        sample_flow_table(flow),
    ]
    parameters = {
        "instrument": course.instrument,
        "first": first,
        "second": second,
        "within": near,
        "share": share,
        "level": level,
    }
    if scale is not None:
        parameters |= {"raw_minimum": scale[0], "raw_maximum": scale[1]}
    return RespondentAgreement(
        pairs=pairs,
        tables=collect_tables(tables),
        flow=flow,
        notes=tuple(study.notes),
        provenance=provenance_of(
            study, parameters=parameters, instrument=course.instrument, outcome=course.outcome
        ),
        level=level,
    )


def _two_of(data: pd.DataFrame, wanted: tuple[str, str] | None) -> tuple[str, str]:
    """The two respondents to compare."""
    known = data[data["respondent"].astype(str) != RESPONDENT_NOT_GIVEN]
    of = {str(code): set(rows["family"]) for code, rows in known.groupby("respondent", observed=True)}
    if wanted is not None:
        for code in wanted:
            if code not in of:
                raise ConfigError(
                    f"There is no respondent {code!r} with a score; expected two of {', '.join(of)}. "
                    f"{did_you_mean(code, of)}".rstrip()
                )
        if len(set(wanted)) != 2:
            raise ConfigError(f"respondents = {wanted}; expected two that are different.")
        return wanted[0], wanted[1]
    choices = sorted(combinations(sorted(of), 2), key=lambda two: -len(of[two[0]] & of[two[1]]))
    return choices[0] if choices else ("", "")


def pair_measurements(data: pd.DataFrame, first: str, second: str, *, within: float) -> pd.DataFrame:
    """Pairs of measurements at the same moment: the nearest two first, each measurement in one pair.

    Parameters
    ----------
    data : DataFrame
        Measurements with family, episode, organisation, respondent, months and score.
    first, second : str
        Codes of the two respondents.
    within : float
        How far apart two measurements may lie, in the unit of ``months``.

    Returns
    -------
    DataFrame
        One row per pair: family, episode, organisation, months (of the first respondent), first, second,
        difference (second minus first); in the order of families and months.
    """
    columns = [*_UNIT, "organisation", "months", "score"]
    sides = [data.loc[data["respondent"].astype(str) == code, columns] for code in (first, second)]
    sides = [side.reset_index(drop=True).rename_axis("row").reset_index() for side in sides]
    near = sides[0].merge(sides[1], on=[*_UNIT, "organisation"], suffixes=("", "_2"))
    near = near.assign(apart=(near["months_2"] - near["months"]).abs().round(9))
    near = near[near["apart"] <= within + 1e-9].sort_values(["apart", "row", "row_2"], kind="stable")
    taken: tuple[set[int], set[int]] = (set(), set())
    kept = []
    for row, other in zip(near["row"], near["row_2"], strict=True):
        free = row not in taken[0] and other not in taken[1]
        kept.append(free)
        if free:
            taken[0].add(row)
            taken[1].add(other)
    pairs = near[np.array(kept, dtype=bool)].sort_values("row", kind="stable").reset_index(drop=True)
    pairs = pairs.rename(columns={"score": "first", "score_2": "second"})
    pairs["difference"] = pairs["second"] - pairs["first"]
    return pairs[[*_UNIT, "organisation", "months", "first", "second", "difference"]]


def _difference(pairs: pd.DataFrame, share: float, level: float) -> pd.DataFrame:
    found = limits_of_agreement(
        pairs["difference"].to_numpy(dtype=float),
        pairs["family"].astype(str).to_numpy(),
        share=share,
        level=level,
    )
    rows = [
        ("mean_difference", found.mean, found.conf_low, found.conf_high),
        ("lower_limit", found.lower, *found.lower_interval),
        ("upper_limit", found.upper, *found.upper_interval),
    ]
    return pd.DataFrame(rows, columns=["quantity", "estimate", "conf_low", "conf_high"])


def _coefficients(pairs: pd.DataFrame, level: float) -> pd.DataFrame:
    one = pairs.sort_values(["family", "months"], kind="stable").drop_duplicates("family")
    return agreement_coefficients(one[["first", "second"]].to_numpy(dtype=float), level=level)


def _bands(pairs: pd.DataFrame, scale: tuple[float, float] | None) -> pd.DataFrame:
    """Pairs by band of the mean of their scores: about five on the raw scale, tens for T-scores.

    The mean of two raw scores goes by halves. No end of a band tells the lowest or highest score there is.
    """
    middle = ((pairs["first"] + pairs["second"]) / 2).to_numpy(dtype=float)
    if scale is None:
        width, gap = 10.0, 0.0
        low, high = float(np.floor(middle.min() / width) * width), float(middle.max())
    else:
        low, high = scale
        width, gap = max(float(np.ceil((high - low) / _BANDS)), 1.0), 0.5
    starts = np.arange(low, max(high, low + 0.5 * width), width)
    band = np.clip(np.floor((middle - low) / width).astype(int), 0, len(starts) - 1)
    rows = []
    for number, start in enumerate(starts):
        mine = pairs[band == number]
        differences = mine["difference"].to_numpy(dtype=float)
        mean = float(differences.mean()) if len(mine) else float("nan")
        sd = float(differences.std(ddof=1)) if len(mine) > 1 else float("nan")
        counts = (len(mine), mine["family"].nunique(), mine["organisation"].nunique())
        last = number == len(starts) - 1 and scale is not None
        rows.append((start, high if last else start + width - gap, mean, sd, *counts))
    columns = ["score_low", "score_high", "mean_difference", "sd_difference"]
    return pd.DataFrame(rows, columns=[*columns, "n_pairs", "n_families", "n_organisations"])
