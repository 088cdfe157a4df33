"""Longitudinal analysis of parenting stress in multi-problem families.

A study folder goes in, trustworthy reports come out, with one command (``mpg run``).
In a notebook or script::

    from mpg_research import load_study, fit_trajectory, compare_organisations, show

Names are imported on first use, so that ``import mpg_research`` costs nothing.
"""

import importlib as _importlib
import sys as _sys
from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.analysis import ErrorModel as ErrorModel
    from mpg_research.analysis import Margin as Margin
    from mpg_research.analysis import Thresholds as Thresholds
    from mpg_research.analysis import check_robustness as check_robustness
    from mpg_research.analysis import compare_cohorts as compare_cohorts
    from mpg_research.analysis import compare_costs_and_effects as compare_costs_and_effects
    from mpg_research.analysis import compare_instruments as compare_instruments
    from mpg_research.analysis import compare_organisations as compare_organisations
    from mpg_research.analysis import compare_providers as compare_providers
    from mpg_research.analysis import compare_respondents as compare_respondents
    from mpg_research.analysis import course as course
    from mpg_research.analysis import describe_actions as describe_actions
    from mpg_research.analysis import describe_afterwards as describe_afterwards
    from mpg_research.analysis import describe_costs as describe_costs
    from mpg_research.analysis import describe_domains as describe_domains
    from mpg_research.analysis import describe_dose as describe_dose
    from mpg_research.analysis import describe_fidelity as describe_fidelity
    from mpg_research.analysis import describe_flow as describe_flow
    from mpg_research.analysis import describe_helpers as describe_helpers
    from mpg_research.analysis import describe_intake as describe_intake
    from mpg_research.analysis import describe_measurement as describe_measurement
    from mpg_research.analysis import describe_missing as describe_missing
    from mpg_research.analysis import describe_model as describe_model
    from mpg_research.analysis import describe_own_voice as describe_own_voice
    from mpg_research.analysis import describe_quality as describe_quality
    from mpg_research.analysis import describe_rater_drift as describe_rater_drift
    from mpg_research.analysis import describe_records as describe_records
    from mpg_research.analysis import describe_without_progress as describe_without_progress
    from mpg_research.analysis import describe_worker_spells as describe_worker_spells
    from mpg_research.analysis import emulate_fewer_agencies as emulate_fewer_agencies
    from mpg_research.analysis import emulate_target_trial as emulate_target_trial
    from mpg_research.analysis import evaluate_signals as evaluate_signals
    from mpg_research.analysis import expected_course as expected_course
    from mpg_research.analysis import fit_trajectory as fit_trajectory
    from mpg_research.analysis import follow_families as follow_families
    from mpg_research.analysis import list_what_is_reported as list_what_is_reported
    from mpg_research.analysis import outcome_set as outcome_set
    from mpg_research.analysis import price_fewer_agencies as price_fewer_agencies
    from mpg_research.analysis import reliable_change as reliable_change
    from mpg_research.analysis import reliable_trend as reliable_trend
    from mpg_research.analysis import signals as signals
    from mpg_research.analysis import sudden_changes as sudden_changes
    from mpg_research.analysis import weigh_costs_and_benefits as weigh_costs_and_benefits
    from mpg_research.disclosure import Audience as Audience
    from mpg_research.disclosure import policy_of as policy_of
    from mpg_research.disclosure import release as release
    from mpg_research.mixed import fit_mixed as fit_mixed
    from mpg_research.present import show as show
    from mpg_research.reporting import begin as begin
    from mpg_research.study import Scores as Scores
    from mpg_research.study import Study as Study
    from mpg_research.study import check_study as check_study
    from mpg_research.study import load_study as load_study
    from mpg_research.version import __version__ as __version__

__getattr__, __dir__, __all__ = public_names(__name__)

# In a notebook, a result on the last line of a cell is displayed as its readers may see it.
if "IPython" in _sys.modules:
    _importlib.import_module("mpg_research.reporting.session.bare_results").show_bare_results()
