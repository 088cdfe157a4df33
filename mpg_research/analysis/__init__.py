"""The questions researchers ask, one module each: a Study in, a frozen result out.

The functions are imported on first use, so that ``import mpg_research.analysis`` stays light.
"""

from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.analysis.afterwards.after_end import Afterwards as Afterwards
    from mpg_research.analysis.afterwards.after_end import describe_afterwards as describe_afterwards
    from mpg_research.analysis.afterwards.without_progress import WithoutProgress as WithoutProgress
    from mpg_research.analysis.afterwards.without_progress import (
        describe_without_progress as describe_without_progress,
    )
    from mpg_research.analysis.cohorts.compare import OrganisationsOverTime as OrganisationsOverTime
    from mpg_research.analysis.cohorts.compare import compare_cohorts as compare_cohorts
    from mpg_research.analysis.data.intake import Intake as Intake
    from mpg_research.analysis.data.intake import describe_intake as describe_intake
    from mpg_research.analysis.data.measurement import Measurement as Measurement
    from mpg_research.analysis.data.measurement import describe_measurement as describe_measurement
    from mpg_research.analysis.data.quality import DataQuality as DataQuality
    from mpg_research.analysis.data.quality import describe_quality as describe_quality
    from mpg_research.analysis.data.respondents import RespondentAgreement as RespondentAgreement
    from mpg_research.analysis.data.respondents import compare_respondents as compare_respondents
    from mpg_research.analysis.economics.describe import Costs as Costs
    from mpg_research.analysis.economics.describe import describe_costs as describe_costs
    from mpg_research.analysis.economics.family_costs import FamilyCosts as FamilyCosts
    from mpg_research.analysis.economics.family_costs import family_costs as family_costs
    from mpg_research.analysis.families.change import IndividualChange as IndividualChange
    from mpg_research.analysis.families.change import reliable_change as reliable_change
    from mpg_research.analysis.families.choices import ErrorModel as ErrorModel
    from mpg_research.analysis.families.choices import Margin as Margin
    from mpg_research.analysis.families.choices import Thresholds as Thresholds
    from mpg_research.analysis.families.course_slopes import course_slopes as course_slopes
    from mpg_research.analysis.families.courses import Courses as Courses
    from mpg_research.analysis.families.courses import read_courses as read_courses
    from mpg_research.analysis.families.direction import CourseOfFamilies as CourseOfFamilies
    from mpg_research.analysis.families.direction import course as course
    from mpg_research.analysis.families.sudden_changes import (
        SuddenChangesOfFamilies as SuddenChangesOfFamilies,
    )
    from mpg_research.analysis.families.sudden_changes import sudden_changes as sudden_changes
    from mpg_research.analysis.families.trend import ReliableTrend as ReliableTrend
    from mpg_research.analysis.families.trend import reliable_trend as reliable_trend
    from mpg_research.analysis.family_profile import FamilyProfile as FamilyProfile
    from mpg_research.analysis.family_profile import describe_family as describe_family
    from mpg_research.analysis.growth.rule import GrowthRule as GrowthRule
    from mpg_research.analysis.growth.trajectory import TrajectoryFit as TrajectoryFit
    from mpg_research.analysis.growth.trajectory import fit_trajectory as fit_trajectory
    from mpg_research.analysis.interventions.after_signal import ActionsAfterSignals as ActionsAfterSignals
    from mpg_research.analysis.interventions.after_signal import describe_actions as describe_actions
    from mpg_research.analysis.interventions.completeness import RecordKeeping as RecordKeeping
    from mpg_research.analysis.interventions.completeness import describe_records as describe_records
    from mpg_research.analysis.interventions.protocol import TrialLimits as TrialLimits
    from mpg_research.analysis.interventions.protocol import TrialProtocol as TrialProtocol
    from mpg_research.analysis.interventions.target_trial import TargetTrial as TargetTrial
    from mpg_research.analysis.interventions.target_trial import emulate_target_trial as emulate_target_trial
    from mpg_research.analysis.missing.describe import MissingData as MissingData
    from mpg_research.analysis.missing.describe import describe_missing as describe_missing
    from mpg_research.analysis.missing.followed import FollowedFamilies as FollowedFamilies
    from mpg_research.analysis.missing.followed import follow_families as follow_families
    from mpg_research.analysis.monitoring.expected_course import ExpectedCourse as ExpectedCourse
    from mpg_research.analysis.monitoring.expected_course import expected_course as expected_course
    from mpg_research.analysis.monitoring.quality import SignalQuality as SignalQuality
    from mpg_research.analysis.monitoring.quality import evaluate_signals as evaluate_signals
    from mpg_research.analysis.monitoring.signals import Signals as Signals
    from mpg_research.analysis.monitoring.signals import signals as signals
    from mpg_research.analysis.organisations.compare import OrganisationComparison as OrganisationComparison
    from mpg_research.analysis.organisations.compare import compare_organisations as compare_organisations
    from mpg_research.analysis.outcomes.domains import LifeDomains as LifeDomains
    from mpg_research.analysis.outcomes.domains import describe_domains as describe_domains
    from mpg_research.analysis.outcomes.instruments import InstrumentComparison as InstrumentComparison
    from mpg_research.analysis.outcomes.instruments import compare_instruments as compare_instruments
    from mpg_research.analysis.outcomes.outcome_set import OutcomeSet as OutcomeSet
    from mpg_research.analysis.outcomes.outcome_set import outcome_set as outcome_set
    from mpg_research.analysis.outcomes.own_voice import OwnVoice as OwnVoice
    from mpg_research.analysis.outcomes.own_voice import describe_own_voice as describe_own_voice
    from mpg_research.analysis.practice.fidelity import Fidelity as Fidelity
    from mpg_research.analysis.practice.fidelity import describe_fidelity as describe_fidelity
    from mpg_research.analysis.practice.rater_drift import RaterDriftOfWorkers as RaterDriftOfWorkers
    from mpg_research.analysis.practice.rater_drift import describe_rater_drift as describe_rater_drift
    from mpg_research.analysis.process.dose import Dose as Dose
    from mpg_research.analysis.process.dose import describe_dose as describe_dose
    from mpg_research.analysis.process.fewer_agencies import FewerAgencies as FewerAgencies
    from mpg_research.analysis.process.fewer_agencies import emulate_fewer_agencies as emulate_fewer_agencies
    from mpg_research.analysis.process.flow import FamilyFlow as FamilyFlow
    from mpg_research.analysis.process.flow import describe_flow as describe_flow
    from mpg_research.analysis.process.helpers import Helpers as Helpers
    from mpg_research.analysis.process.helpers import describe_helpers as describe_helpers
    from mpg_research.analysis.process.worker_spells import WorkerSpells as WorkerSpells
    from mpg_research.analysis.process.worker_spells import describe_worker_spells as describe_worker_spells
    from mpg_research.analysis.providers.compare import ProviderComparison as ProviderComparison
    from mpg_research.analysis.providers.compare import compare_providers as compare_providers
    from mpg_research.analysis.robustness.check import OrganisationRobustness as OrganisationRobustness
    from mpg_research.analysis.robustness.check import check_robustness as check_robustness
    from mpg_research.analysis.robustness.model_fit import ModelFit as ModelFit
    from mpg_research.analysis.robustness.model_fit import describe_model as describe_model
    from mpg_research.analysis.value.agencies_scenario import AgenciesScenario as AgenciesScenario
    from mpg_research.analysis.value.agencies_scenario import price_fewer_agencies as price_fewer_agencies
    from mpg_research.analysis.value.benefits import CostsAndBenefits as CostsAndBenefits
    from mpg_research.analysis.value.benefits import weigh_costs_and_benefits as weigh_costs_and_benefits
    from mpg_research.analysis.value.compare import CostsAndEffects as CostsAndEffects
    from mpg_research.analysis.value.compare import (
        OrganisationsCostsAndEffects as OrganisationsCostsAndEffects,
    )
    from mpg_research.analysis.value.compare import compare_costs_and_effects as compare_costs_and_effects
    from mpg_research.analysis.value.reporting_checklist import CostsChecklist as CostsChecklist
    from mpg_research.analysis.value.reporting_checklist import (
        list_what_is_reported as list_what_is_reported,
    )

__getattr__, __dir__, __all__ = public_names(__name__)
