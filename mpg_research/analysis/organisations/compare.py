"""Organisations beside each other, adjusted for the families they help.

Tables of :class:`OrganisationComparison` (beside ``sample_flow``)
-----------------------------------------------------------------
- ``adjusted_means(organisation, months, ...)``: expected score of the study's average family at each
  organisation, at the months asked for; ``adjusted_curve`` the same month by month, for a figure.
- ``adjusted_change(organisation, months, ..., standardised, standardised_low, standardised_high)``: change
  since the start.
- ``difference_from_mean(organisation, months, ..., p_adjusted, simultaneous_low, simultaneous_high)``:
  that change minus the mean of the organisations' changes, each organisation weighing the same (or, with
  ``reference="median"``, minus their median); p adjusted over the organisations of a month.
- ``pairwise(organisation_1, organisation_2, months, ..., p_adjusted, simultaneous_low, simultaneous_high)``:
  change of the first minus change of the second; p adjusted over the pairs of a month.
- ``joint_test(effect, months, statistic, df_numerator, df_denominator, p_value)``: F tests that all
  organisations have the same change up to the primary month (``organisation:months``) and the same level at
  the start (``organisation``).
- ``case_mix(organisation, variable, level, kind, mean_or_share, sd)``: the families of each organisation;
  ``kind`` is "mean" (one row) or "share" (one row per level; ``n_families`` are those at that level).
- ``by_organisation(organisation, n_measurements, measurements_per_family)``.
- ``observed_course(organisation, months, mean, sd, n_measurements)``: families measured around each month.
- ``robust_difference(organisation, months, ...)``, with fixed effects:
  :mod:`~mpg_research.analysis.growth.robust_errors`.
- ``coefficients``, ``variance_components``: as in the trajectory; over all organisations.
- ``indicators``: :mod:`~mpg_research.analysis.organisations.indicators`; ``share_indicators``,
  ``shares_of_all``, ``share_funnel``, ``share_funnel_lines``, ``share_funnel_summary``,
  ``share_funnel_steps``:
  :mod:`~mpg_research.analysis.organisations.shares`.
- ``families_by_step``, ``response_by_month``:
  :mod:`~mpg_research.analysis.organisations.who_was_measured`.
- ``raw_and_shrunken`` and, from five organisations on, ``ranks``:
  :mod:`~mpg_research.analysis.organisations.ranks`.
- ``case_mix_difference``, ``standardisation``, ``within_between``, ``worker_share``:
  :mod:`~mpg_research.analysis.organisations.equal_comparison`.
- ``funnel``, ``funnel_lines``, ``funnel_summary``, ``funnel_steps``, from five organisations on:
  :mod:`~mpg_research.analysis.organisations.funnel`.

``...`` stands for estimate, std_error, df, statistic, p_value, conf_low, conf_high.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Unpack

from mpg_research.analysis.families.indicator_shares import indicator_rows
from mpg_research.analysis.growth.curve_ends import end_curves
from mpg_research.analysis.growth.estimate_tables import (
    model_notes,
)
from mpg_research.analysis.growth.growth_model import (
    DEFAULT_RULE,
    GrowthModel,
    OrganisationRole,
    Shape,
    fit_growth,
)
from mpg_research.analysis.growth.help_ended import ended_note, share_ended
from mpg_research.analysis.growth.help_periods import HelpPeriods, periods_of_course
from mpg_research.analysis.growth.model_frame import ModelFrame, prepare_frame
from mpg_research.analysis.growth.question import ModelQuestion, choose_scores
from mpg_research.analysis.growth.robust_errors import robust_difference
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.growth.scale import hold_to_scale
from mpg_research.analysis.organisations.duration import duration_horizon
from mpg_research.analysis.organisations.effects import (
    FEWEST_RANDOM,
    ManyOrganisations,
    effects_of,
    end_level,
    many_organisations,
)
from mpg_research.analysis.organisations.episodes_of_comparison import units_of_periods
from mpg_research.analysis.organisations.equal_comparison import (
    case_mix_difference_table,
    standardisation_table,
    within_between_table,
    worker_share_table,
)
from mpg_research.analysis.organisations.funnel import funnel_tables
from mpg_research.analysis.organisations.indicators import indicator_table
from mpg_research.analysis.organisations.ranks import FEWEST_FOR_RANKS, rank_table, shrinkage_table
from mpg_research.analysis.organisations.reference import from_median
from mpg_research.analysis.organisations.shares import (
    share_funnel_tables,
    share_outcomes,
    share_table,
    shares_of_all_table,
)
from mpg_research.analysis.organisations.tables import Adjust, comparison_tables
from mpg_research.analysis.organisations.who_was_measured import families_by_step, response_by_month
from mpg_research.analysis.result import Result, ResultTable, collect_tables, settings_table
from mpg_research.errors import ConfigError, NotApplicableError, Note
from mpg_research.mixed import DfRule
from mpg_research.statistics.providers.standardisation import Reference
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["MANY_ORGANISATIONS", "OrganisationComparison", "compare_organisations"]

#: From this many organisations on, random effects describe them better than fixed ones.
MANY_ORGANISATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationComparison(Result):
    """What :func:`compare_organisations` found; its tables are described in the module's docstring.

    Attributes
    ----------
    model : GrowthModel
        The fitted model, for further questions (``model.fit`` is the mixed-model fit).
    primary_month : float
        The month that a one-sentence answer is about.
    adjust : {"holm", "none"}
        How p-values were adjusted for the number of contrasts.
    baseline_sd : float
        Standard deviation that changes are divided by, in points; the same for all organisations.
    """

    model: GrowthModel = field(repr=False)
    primary_month: float
    adjust: Adjust
    baseline_sd: float
    kind: ClassVar[str] = "organisations"
    compares_organisations: ClassVar[bool] = True


def compare_organisations(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    shape: Shape = "spline",
    case_mix: tuple[str, ...] | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    adjust: Adjust = "holm",
    effects: Literal["auto", "fixed", "random"] = "auto",
    reference: Reference | None = None,
    interactions: bool = False,
    worker: bool | None = None,
    df: DfRule | None = None,
    level: float = 0.95,
    seed: int = 0,
    rule: GrowthRule = DEFAULT_RULE,
    **older: Unpack[ScoreKeywords],
) -> OrganisationComparison:
    """Compare the change of families between organisations, adjusted for case mix.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    shape : {"linear", "spline"}
        A natural cubic spline per organisation, or a straight line. Families tend to improve fast at
        first; a line through such a course misleads at every single month (a note says so where it does).
    case_mix : tuple of str, optional
        Columns of ``episodes`` to adjust for, in level and in change; by default those of ``study.toml``.
        Give ``()`` for no adjustment.
    months : sequence of float, optional
        Moments to report, in months (or waves) since the start; by default those of ``study.toml``.
    adjust : {"holm", "none"}
        Adjustment of p-values for the number of contrasts within a month.
    effects : {"auto", "fixed", "random"}
        Organisations as fixed effects (by default fewer than ten) or as random effects (ten or more).
    reference : {"mean", "median"}, optional
        What organisations are compared with; by default as ``study.toml`` says. The plain mean of the
        organisations (in ``standardisation`` the mean over the families), or the median organisation,
        which one organisation that lies far off does not move.
    interactions : bool
        Whether the case mix acts differently at each organisation (fixed effects only); direct and indirect
        standardisation then differ.
    worker : bool, optional
        Random effects of workers within organisations; by default where ten or more are known and have two
        families on average. A family without a known worker then counts as having one of its own.
    df : str, optional
        Rule of the degrees of freedom: "kenward-roger", "satterthwaite", "residual" or "normal". By default
        Kenward-Roger for fewer than ten organisations, Satterthwaite for more.
    level : float
        Confidence level.
    seed : int
        Of the draws behind ranks and the false-alarm rate of the funnel plot.
    rule : GrowthRule
        Knots of the mean course, what each family has of its own, and whether residuals carry on;
        ``GrowthRule.simple()`` is a straight line per family with independent residuals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    OrganisationComparison
        Tables ``adjusted_means``, ``adjusted_curve``, ``adjusted_change``,
        ``difference_from_mean``, ``pairwise``, ``joint_test``, ``case_mix``, ``by_organisation``,
        ``observed_course``, ``coefficients``, ``variance_components``, ``sample_flow``,
        ``robust_difference``, ``settings``, ``indicators``, ``share_indicators``,
        ``shares_of_all``, ``families_by_step``, ``response_by_month``, ``raw_and_shrunken``,
        ``case_mix_difference``, ``standardisation``, ``within_between``, ``worker_share``, ``ranks``,
        ``funnel``, ``funnel_lines``, ``funnel_summary``, ``funnel_steps``, ``share_funnel``,
        ``share_funnel_lines``, ``share_funnel_summary`` and ``share_funnel_steps`` (the
        module says what each holds; some are there only where the study has what they need).

    Raises
    ------
    ModelError
        If there are fewer than two organisations, or the measurements cannot carry the model.
    ConfigError
        If an option is impossible.

    Notes
    -----
    ``score ~ spline(months) * organisation + x + months:x + (1 + months + log(1 + months) | family)`` by
    REML, x the case mix centred at the study's average family, residuals that carry on within a series of a
    family; more random terms as in ``fit_trajectory``. The joint test, and who is named, are about the
    primary month; naming is by Holm on the differences from the mean at that month and needs no joint test
    before it. With a handful of organisations their spread cannot be estimated well, so they are fixed
    effects; ten or more are ``(1 + months + log(1 + months) | organisation)`` beside a common spline.
    Estimates of single organisations are shown with level and slope unshrunken, and in ``raw_and_shrunken``
    both ways. The reference of ``difference_from_mean`` is the plain mean over organisations, so that it does
    not hang on who is large; one that is far off pulls it, and others may be named that do nothing out of the
    ordinary: then look at the median too
    (:func:`~mpg_research.statistics.providers.reference_difference.differences_from_reference` says how its
    errors are found). Organisations without a course of their own are left out of it, and counted (see
    :func:`~mpg_research.analysis.growth.model_frame.prepare_frame`).

    Examples
    --------
    >>> from mpg_research import compare_organisations, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = compare_organisations(load_study(shipped_example()))
    >>> sorted(found.tables["difference_from_mean"].data["months"].unique().tolist())
    [6.0, 12.0]
    """
    if adjust not in ("holm", "none"):
        raise ConfigError(f"adjust must be 'holm' or 'none'; found {adjust!r}.")
    against: Reference = study.config.analysis.reference if reference is None else reference
    if effects not in ("auto", "fixed", "random") or against not in ("mean", "median"):
        raise ConfigError(
            "effects must be 'auto', 'fixed' or 'random', and reference 'mean' or 'median'; found "
            f"{effects!r} and {reference!r}."
        )
    (scores,) = gather(older, scores)
    question = choose_scores(study, scores, case_mix=case_mix, months=months)
    frame = prepare_frame(
        question.course,
        by_organisation=True,
        until=question.primary_month,
        minimum_measured=question.reach.minimum,
    )
    _check_organisations(frame)
    many = len(frame.organisations) >= MANY_ORGANISATIONS
    df_rule: DfRule = df if df is not None else ("satterthwaite" if many else "kenward-roger")
    role: OrganisationRole = effects if effects != "auto" else ("random" if many else "fixed")
    if role == "random" and len(frame.organisations) < FEWEST_RANDOM:
        raise ConfigError(
            f"effects is 'random', and there are {len(frame.organisations)} organisations to compare: their "
            f"spread takes at least {FEWEST_RANDOM}. Use effects='auto' or 'fixed'."
        )
    model = fit_growth(
        frame, shape=shape, organisation=role, worker=worker, interactions=interactions, df=df_rule,
        level=level, rule=rule,
    )  # fmt: skip
    randomly = many_organisations(model) if role == "random" else None
    tables = comparison_tables(
        model, question.months, primary_month=question.primary_month, adjust=adjust, level=level,
        many=randomly,
    )  # fmt: skip
    if against == "median":
        found = tables["difference_from_mean"]
        tables[found.name] = from_median(found, model, randomly, adjust=adjust, level=level)
    periods = periods_of_course(study, question.course, month=question.primary_month)
    notes = [
        *model_notes(model, question.months, minimum=study.config.disclosure.minimum_families),
        *_size_notes(frame, role),
        *periods.notes,
    ]
    if model.converged:
        later = [month for month in question.months if month > 0]
        beside = tables["difference_from_mean"] if against == "median" else None
        robust, said = robust_difference(model, later, question.primary_month, beside=beside)
        share = share_ended(periods)
        tables |= collect_tables([robust])
        notes += [*said, *ended_note(share, question.primary_month)]
        horizon = duration_horizon(periods.rows, frame.organisations.values(), month=question.primary_month)
        computed = settings_table(
            {"duration_horizon": horizon},
            n_families=frame.n_families,
            n_organisations=len(frame.organisations),
        )
        tables |= collect_tables([computed])
        tables |= _further_tables(
            question, model, randomly, periods, reference=against, level=level, seed=seed
        )
    tables, held = hold_to_scale(tables, question.scale)
    tables, ended = end_curves(tables, question.reach)
    notes += [*held, *ended]
    return OrganisationComparison(
        model=model,
        primary_month=question.primary_month,
        adjust=adjust,
        baseline_sd=frame.baseline.sd,
        tables=tables,
        level=level,
        converged=model.converged,
        **question.parts(
            frame.flow, notes, shape=model.shape, worker=model.worker, df=df_rule, level=level, adjust=adjust,
            **rule.described,
            formula=rule.told(model.formula), organisations_as=role, reference=against,
        ),
    )  # fmt: skip


def _check_organisations(frame: ModelFrame) -> None:
    if len(frame.organisations) < 2:
        raise NotApplicableError(
            f"A comparison needs at least two organisations with measurements at two moments; found "
            f"{len(frame.organisations)}. Use fit_trajectory for a study of one organisation.",
            code="one_organisation",
        )


def _further_tables(
    question: ModelQuestion,
    model: GrowthModel,
    many: ManyOrganisations | None,
    periods: HelpPeriods,
    *,
    reference: Reference,
    level: float,
    seed: int,
) -> dict[str, ResultTable]:
    """Indicators, standardisation and, from five organisations on, ranks and the funnel plots."""
    study, month, frame = question.study, question.primary_month, model.frame
    found = effects_of(model, month, better=question.better, many=many)
    units = units_of_periods(study, periods, frame)
    indicators = indicator_rows(study, periods)
    shares = share_outcomes(indicators, units)
    of_shares = (
        share_table(shares, units.order, level=level),
        shares_of_all_table(indicators, level=level),
    )
    times = None if study.time_unit == "waves" else periods.rows
    tables = [
        indicator_table(frame, found, end_level(model, month, many), units, times, month=month, level=level),
        *(table for table in of_shares if table is not None),
        families_by_step(periods, frame),
        response_by_month(periods, units.order),
        shrinkage_table(found, level=level),
        case_mix_difference_table(frame),
        standardisation_table(model, found, reference=reference),
        within_between_table(model, found),
        worker_share_table(model, month),
    ]
    if len(frame.organisations) >= FEWEST_FOR_RANKS:
        declared = month == float(study.config.analysis.primary_month)
        tables += [
            rank_table(found, level=level, seed=seed),
            *funnel_tables(model, found, level=level, declared=declared, seed=seed),
            *share_funnel_tables(
                shares,
                frame,
                month=month,
                level=level,
                declared=declared,
                minimum=study.config.disclosure.minimum_families,
                seed=seed,
            ),
        ]
    return collect_tables(tables)


def _size_notes(frame: ModelFrame, role: OrganisationRole) -> list[Note]:
    number = len(frame.organisations)
    if role == "random":
        text = (
            f"{number} organisations are compared as random effects: each differs from a common course in "
            "its level, its slope and (unless the course is a straight line) its bend."
        )
        return [Note("organisations_random", text, {"n_organisations": number})]
    if number < MANY_ORGANISATIONS:
        return []
    text = (
        f"{number} organisations are compared as fixed effects; with {MANY_ORGANISATIONS} or more, estimates "
        "that borrow strength from each other (random effects) would be steadier."
    )
    return [Note("many_organisations_fixed", text, {"n_organisations": number}, "caution")]
