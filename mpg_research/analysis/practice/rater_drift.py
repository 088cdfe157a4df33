"""Whether workers who score shift their norm: drift of raters, for the group of workers and never for one.

Tables of :class:`RaterDriftOfWorkers` (beside ``sample_flow``)
---------------------------------------------------------------
- ``rated_scales(scale, drift_verdict, n_scores, n_raters)``: the scales that workers score, whether drift
  could be estimated or why not, with the scores used and the workers who gave them.
- ``rater_drift(scale, drift_term, estimate, ...)``: in standard deviations of the score per year,
  ``years_in_job`` (drift: workers of one organisation who began at different times, at one moment),
  ``same_worker_year`` (one worker a year later: drift and whatever else changed over the calendar),
  ``years_with_family`` and ``calendar_year``; those that the data can tell apart.
- ``rater_differences(scale, quantity, value)``: ``sd_between_workers`` (of their levels), ``sd_of_drift``
  (per year), ``parent_slope``, all in standard deviations of the score, and ``score_sd`` in its own unit.
- ``second_rater(scale, tenure, mean_difference, ..., lower_limit, upper_limit)``: the family's own worker
  less a second one at the same moment, in standard deviations, by years in the job of the own worker.
- ``second_rater_trend(scale, drift_term, estimate, ...)``: within such pairs, per year longer in the job than
  the other (``years_apart``); and per year in the job of the own worker (``years_first``) and of the second
  one (``years_second``).

The last two are there only where a second worker scored.
"""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mpg_research.analysis.columns import (
    Column,
    coded,
    ends,
    estimates,
    modelled,
    number_of,
    observed,
    tally,
)
from mpg_research.analysis.practice.drift_model import RaterDrift, fit_rater_drift, scores_used
from mpg_research.analysis.practice.ratings import WorkerScores, worker_scores
from mpg_research.analysis.practice.second_raters import agreement_by_tenure, pair_raters, tenure_trend
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import NotApplicableError
from mpg_research.study.model import Study

__all__ = ["RaterDriftOfWorkers", "describe_rater_drift"]

_SCALE = coded("scale")
_TERM = coded("drift_term")
_PER_YEAR = estimates(digits=3, error_digits=3)
_DIFFERENCE = observed("mean_difference", digits=2)
_LIMIT = observed("lower_limit", digits=2)
_SHARE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterDriftOfWorkers(Result):
    """What :func:`describe_rater_drift` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "rater_drift"


def describe_rater_drift(study: Study, *, level: float = 0.95) -> RaterDriftOfWorkers:
    """Describe whether workers score otherwise the longer they do the work.

    Parameters
    ----------
    study : Study
        A loaded study with dates, a table ``workers`` and at least one scale that workers score: life
        domains, working elements, or a questionnaire with a rater.
    level : float
        Of intervals.

    Returns
    -------
    RaterDriftOfWorkers
        The module says what its tables hold. Nothing in it is about one worker.
        Tables ``rated_scales``, ``rater_drift``, ``rater_differences``, ``second_rater``,
        ``second_rater_trend`` and ``sample_flow``.

    Raises
    ------
    NotApplicableError
        Without dates, a table of workers or a scale they score, or with fewer workers on every scale than
        ``[care] minimum_raters``.

    Notes
    -----
    See :func:`mpg_research.analysis.practice.drift_model.fit_rater_drift` for the model and what it takes for
    granted, and docs/explanation/practice.md for how well it finds a drift.

    Examples
    --------
    >>> from mpg_research import describe_rater_drift, load_study
    >>> from mpg_research.errors import NotApplicableError
    >>> from mpg_research.study import shipped_example
    >>> try:
    ...     found = describe_rater_drift(load_study(shipped_example())).kind
    ... except NotApplicableError as not_recorded:
    ...     found = not_recorded.code
    >>> found in ("rater_drift", "no_worker_starts")
    True
    """
    care = study.config.care
    scores = worker_scores(study, parent_days=care.parent_score_days)
    minimum = care.minimum_raters
    # A second worker scores beside the family's own: those scores are for the comparison of the two.
    by_scale = {str(scale): rows for scale, rows in scores.rows.groupby("scale", sort=True)}
    own = {scale: rows[rows["is_own"]] for scale, rows in by_scale.items()}
    if all(rows.dropna(subset=["in_job"])["rater"].nunique() < minimum for rows in own.values()):
        raise NotApplicableError(
            f"In study {study.name} fewer than {minimum} workers whose start is known score any one scale: "
            "whether workers shift their norm is told of a group only ([care] minimum_raters).",
            code="few_raters",
        )
    drifts = {
        scale: fit_rater_drift(
            rows, minimum_raters=minimum, minimum_spread=care.minimum_years_apart, level=level
        )
        for scale, rows in own.items()
    }
    tables = [
        _scales_table(own, drifts),
        _drift_table(own, drifts),
        _differences_table(own, drifts),
        *_second_rater_tables(scores, drifts, study, level),
    ]
    parameters = {
        "level": level,
        "minimum_raters": minimum,
        "parent_score_days": care.parent_score_days,
        "second_rater_days": care.second_rater_days,
        "minimum_years_apart": care.minimum_years_apart,
        "tenure_years": list(care.tenure_years),
        "share": _SHARE,
    }
    return RaterDriftOfWorkers(
        tables=collect_tables([*tables, sample_flow_table(scores.flow)]),
        flow=scores.flow,
        notes=study.notes,
        provenance=provenance_of(study, parameters=parameters),
        level=level,
    )


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {
        "n_families": int(rows["family"].nunique()),
        "n_organisations": int(rows["organisation"].nunique()),
    }


def _scales_table(own: dict[str, pd.DataFrame], drifts: dict[str, RaterDrift]) -> ResultTable:
    rows = []
    for scale, scored in own.items():
        used = scores_used(scored)
        rows.append(
            {
                "scale": scale,
                "drift_verdict": drifts[scale].verdict,
                "n_scores": len(used),
                "n_raters": int(used["rater"].nunique()),
                **_counts(used),
            }
        )
    return ResultTable(
        "rated_scales",
        pd.DataFrame(rows),
        columns=(
            _SCALE,
            coded("drift_verdict", is_key=False),
            number_of("n_scores", of="measurements"),
            tally("n_raters"),
        ),
    )


def _drift_table(own: dict[str, pd.DataFrame], drifts: dict[str, RaterDrift]) -> ResultTable:
    parts = [
        found.estimates[list(ESTIMATE_COLUMNS)]
        .rename_axis("drift_term")
        .reset_index()
        .assign(scale=scale, **_counts(scores_used(own[scale])))
        for scale, found in drifts.items()
        if len(found.estimates)
    ]
    names = ["scale", "drift_term", *ESTIMATE_COLUMNS, "n_families", "n_organisations"]
    data = pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)
    return ResultTable("rater_drift", data, columns=(_SCALE, _TERM, *_PER_YEAR))


def _differences_table(own: dict[str, pd.DataFrame], drifts: dict[str, RaterDrift]) -> ResultTable:
    names = ("sd_between_workers", "sd_of_drift", "parent_slope", "score_sd")
    rows = [
        {"scale": scale, "quantity": name, "value": getattr(found, name), **_counts(scores_used(own[scale]))}
        for scale, found in drifts.items()
        if found.verdict == "estimated"
        for name in names
    ]
    columns = ["scale", "quantity", "value", "n_families", "n_organisations"]
    return ResultTable(
        "rater_differences",
        pd.DataFrame(rows, columns=columns),
        columns=(_SCALE, coded("quantity"), modelled("value", digits=3, plain=False)),
    )


def _second_rater_tables(
    scores: WorkerScores, drifts: dict[str, RaterDrift], study: Study, level: float
) -> list[ResultTable]:
    """Of the scales with a drift model behind them, so that both speak of one standard deviation."""
    care = study.config.care
    bands, trends = [], []
    for scale, rows in scores.rows.groupby("scale", sort=True):
        sd = drifts[str(scale)].score_sd
        pairs = pair_raters(rows, days=care.second_rater_days)
        if not len(pairs) or not sd > 0:
            continue
        pairs = pairs.assign(difference=pairs["difference"] / sd, middle=pairs["middle"] / sd)
        found = agreement_by_tenure(
            pairs, care.tenure_years, minimum_raters=care.minimum_raters, share=_SHARE, level=level
        )
        bands.append(found.assign(scale=scale))
        trend = tenure_trend(pairs, minimum_raters=care.minimum_raters, level=level)
        known = pairs.dropna(subset=["years_first", "years_second"])
        trends.append(
            trend.rename_axis("drift_term").reset_index().assign(
                scale=scale, n_pairs=len(known), **_counts(known)
            )
        )  # fmt: skip
    if not bands:
        return []
    low, high = ends(_DIFFERENCE, "conf", heading="interval")
    return [
        ResultTable(
            "second_rater",
            pd.concat(bands, ignore_index=True),
            columns=(
                _SCALE,
                coded("tenure", adds_up="families"),
                _DIFFERENCE,
                low,
                high,
                *_limit_columns(),
                number_of("n_pairs", of="measurements"),
                tally("n_raters"),
            ),
        ),
        ResultTable(
            "second_rater_trend",
            pd.concat(trends, ignore_index=True),
            columns=(_SCALE, _TERM, *_PER_YEAR, number_of("n_pairs", of="measurements")),
        ),
    ]


def _limit_columns() -> tuple[Column, Column]:
    return _LIMIT, _LIMIT.but(name="upper_limit")
