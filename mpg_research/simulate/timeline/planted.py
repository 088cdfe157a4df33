"""What was put into the time line of the synthetic study: every number invented, and written down as truth.

The courses of the OBVL-K were drawn before and apart from all this: nothing here changes a score during the
help. So hours that do not follow need, and changes of worker without an effect, are part of the truth.
"""

__all__ = ["PLANTED", "timeline_truth_text"]

PLANTED: dict[str, dict[str, float]] = {
    "flow": {
        "waiting_days": 35.0,  # mean of the wait from referral to start in the first year
        "waiting_growth_per_year": 0.15,  # on the logarithm of the wait
        "share_of_region": 0.8,  # of the families of an organisation live in its own region
    },
    "workers": {
        "mean_years_before": 4.5,  # in the job before the first month in the study
        "change_planned": 0.65,  # share of the changes that were planned
        "change_reason_unknown": 0.08,
    },
    "care": {
        "hours_per_visit": 2.1,
        "at_home_log_odds": 0.9,
        "at_home_per_sd_practice": 0.5,  # log-odds per SD of the working elements
        "extra_helpers_per_agency": 0.35,
        "extra_helpers_with_one_plan": -0.4,  # relative: 40 % fewer beside the one of each agency
    },
    "severity": {
        "mean": 1.7,  # points of the latent scale before rounding to 0, 1, ..., 4
        "per_flag": 1.1,
        "per_sd_burden": 0.35,
        "sd_family_and_domain": 0.75,
        "sd_raters": 0.25,
        "drift_per_year": -0.05,  # by years in the job: who stays longer scores milder
        "sd_drift": 0.02,  # between raters
        "sd_occasion": 0.35,
        "share_second_rater": 0.2,
    },
    "practice": {
        "share_second_rater": 0.3,
        "sd_element": 0.6,  # of each score, apart from the family's practice
        "per_sd_practice": 0.55,
    },
    "own_strength": {
        "correlation_with_burden_at_start": -0.5,
        "slope_mean": 0.4,  # in SD of its level at the start, per 12 months
        "slope_sd": 0.5,
        "correlation_of_slope_with_change_in_burden": -0.6,  # latent change of the burden over 12 months
        "sd_occasion": 0.3,
        "share_answered": 0.9,
    },
    "voice": {
        "share_asked": 0.75,
        "idea_followed_if_asked": 0.6,
        "goal_set_by_family": 0.8,  # points of attainment more than a worker's goal
        "satisfaction_mean": 7.2,
        "satisfaction_per_sd_progress": 0.8,
        "share_satisfaction": 0.65,
    },
    "afterwards": {
        "relapse_per_month": 0.03,  # hazard of a latent relapse after the end, without a thin line
        "log_hazard_ratio_thin_line": -0.5,
        "relapse_burden": 0.8,
        "placement_per_month": 0.012,
        "placement_per_sd_burden": 0.5,  # log hazard ratio
        "eviction_per_month_with_housing_problem": 0.01,
        "eviction_per_month": 0.001,
        "thin_line_if_not_back": 0.5,
        "thin_line_if_back": 0.35,  # of who came back for a second period: an association, no effect
        "share_of_each_wave": 0.45,
    },
    "conditions": {
        "mean": 3.2,  # on a scale from 1 to 5
        "per_progress": 0.9,  # points per log-odds of progress that an organisation has of its own
        "sd": 0.5,
    },
}
"""Sections and parameters of ``truth/timeline.toml``."""


def timeline_truth_text() -> str:
    """``timeline.toml``: what was planted in the tables about care, workers, families and what came after."""
    lines = [
        "# Synthetic data: what was put into the time line of care. All parameters are invented.",
        "# Beside it: workers.csv (severity and drift of each rater), own_strength.csv (level and slope of",
        "# each family) and afterwards.csv (latent relapse after the end). Not planted, so nil: an effect",
        "# of hours, changes of worker, a plan or fewer agencies on the OBVL-K; hours do not follow need.",
        "# drift_per_year is of the latent severity, in points: families differ by about one point (SD).",
    ]
    for section, values in PLANTED.items():
        lines += ["", f"[{section}]", *(f"{name} = {value}" for name, value in values.items())]
    return "\n".join(lines) + "\n"
