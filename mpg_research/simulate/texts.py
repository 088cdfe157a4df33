"""The text files of the synthetic study: study.toml, README.md and truth.toml."""

from mpg_research.simulate.course import (
    INCOMPLETE_SHARE,
    INTERVENTION_EFFECT,
    INTERVENTION_SHARE,
    SD_OCCASION,
)
from mpg_research.simulate.families import (
    CASE_MIX_EFFECTS,
    MEAN_BURDEN,
    PRACTICE_EFFECT,
    SD_BURDEN,
    SD_WORKER,
)
from mpg_research.simulate.norms import NORMS_SOURCE
from mpg_research.simulate.periods import EXPORT_DATE
from mpg_research.simulate.plan import ITEM_SLOPES, ITEM_THRESHOLDS, OrganisationPlan
from mpg_research.simulate.timeline.flow import CONDITION_WORDS
from mpg_research.simulate.timeline.own_strength import INSTRUMENT
from mpg_research.simulate.truth import TRUTH_MONTHS
from mpg_research.study.schemas import SCHEMAS

__all__ = ["readme_text", "study_text", "truth_text"]

_TABLES = tuple(SCHEMAS)

_STUDY = """\
# Synthetic data: invented families in invented organisations. Made by `mpg simulate`.
[study]
name = "{name}"
title = {{ nl = "Voorbeeldstudie (synthetische gegevens)", en = "Example study (synthetic data)" }}
languages = ["nl", "en"]
synthetic = true
export_date = {export_date}

[time]
kind = "dates"
baseline_window_days = 30

{tables}
{organisations}
# The norm table was made from reference_sample.csv. It is not the publisher's.
[instruments.obvl_k]
norms = "norms.csv"
norms_source = "{norms_source}"
norms_synthetic = true

# A second questionnaire, invented for this example.
[instruments.{second}]
file = "{second}.toml"

# Invented conditions; a study names its own.
[vocabularies.conditions]
{conditions}

[analysis]
instruments = ["obvl_k", "{second}"]
outcome = "raw"
respondents = "declared"
episodes = "first"
case_mix = [
  "child_age", "n_children", "single_parent", "earlier_care", "problem_mental_health", "problem_addiction",
  "problem_parenting", "problem_housing", "problem_money", "problem_school_work",
]
months = [0, 6, 12]
primary_month = 12

# What costs and benefits take for granted here: invented for this example, no norm and no finding.
[costs]
otherwise = "stated"
otherwise_share = 0.3
otherwise_source = {{ nl = "verzonnen voor dit voorbeeld", en = "invented for this example" }}
evidence = "before_after"

[costs.optimism.before_after]
share = 0.25
label = {{ nl = "voor en na, zonder vergelijking", en = "before and after, without a comparison" }}
source = {{ nl = "verzonnen voor dit voorbeeld", en = "invented for this example" }}

[[costs.fewer_agencies]]
label = {{ nl = "hooguit twee instanties", en = "two agencies at most" }}
agencies_at_most = 2
coordination_hours = 2
share_saved = 0.5
source = {{ nl = "verzonnen voor dit voorbeeld", en = "invented for this example" }}

[[costs.fewer_agencies]]
label = {{ nl = "één instantie", en = "one agency" }}
agencies_at_most = 1
coordination_hours = 4
share_saved = 0.5
source = {{ nl = "verzonnen voor dit voorbeeld", en = "invented for this example" }}

[[costs.fewer_agencies]]
label = {{ nl = "hooguit drie, niets vrij", en = "three at most, nothing comes free" }}
agencies_at_most = 3
coordination_hours = 1
share_saved = 0.0
source = {{ nl = "verzonnen voor dit voorbeeld", en = "invented for this example" }}

[costs.cheers]
setting = {{ nl = "verzonnen organisaties", en = "invented organisations" }}
funding = {{ nl = "niemand: verzonnen gegevens", en = "nobody: invented data" }}

[disclosure]
minimum_families = 10
minimum_other_organisations = 3
public_groups = false
name_organisations_to_funder = false
"""

_README = """\
# Example study: synthetic data

No family, parent, child, worker or organisation in this folder exists. Everything was drawn by
`mpg simulate` from seed {seed} ({families} families, {organisations} organisations) and comes out the
same, byte for byte, when it is made again with the same version of this software and of numpy. The
organisations' names were invented; likeness to a real organisation is chance. The numbers behind the
simulation are invented as well: they say nothing about real help.

| file | one row per |
|---|---|
| `study.toml` | the description of the study |
| `episodes.csv` | family and period of help, with the case mix at intake |
| `measurements.csv` | family, respondent and date: ten answers from 1 to 4 (OBVL-K), or six from 1 to 5 |
| `own_strength.toml` | the second questionnaire, about own strength: invented, nobody's instrument |
| `interventions.csv` | family and date: what the toolkit offers when help stagnates |
| `care.csv` | family and calendar month: worker in charge, hours, visits, agencies, helpers, plan |
| `practice.csv` | family, date and rater: scores from 1 to 5 on the six working elements, some twice |
| `events.csv` | family and date: placement, eviction, renewed referral; after the end of help too |
| `decisions.csv` | family and date of a talk: what was decided, and whether its idea was followed |
| `workers.csv` | organisation and worker: since when in this work |
| `domains.csv` | family, date, life domain and rater: severity from 0 to 4, scored by workers |
| `goals.csv` | family, date and goal: attainment from 0 to 10, and who set the goal |
| `conditions.csv` | organisation, year and condition: a score from 1 to 5; all but one condition invented |
| `prices.csv` | item, year and payer: invented prices, some with an invented range |
| `price_index.csv` | year: an invented index of prices |
| `reference_sample.csv` | simulated parent in general: age of the child in years and raw score |
| `norms.csv` | age band and raw score: T-score, made from the reference sample. Not the publisher's norms |
| `truth/` | what is true of the simulated population, for testing analyses |

What was put in on purpose: visits around the month rather than on it; missed months and open items; first
forms up to 30 days before the start (and a few earlier), some forms after the end; families in which only
the second parent answers, or both do; second periods of help, sometimes at another organisation; workers
numbered anew in each organisation; an end of help that depends on the scores seen; families without any
form; a few unknown intake variables; organisations that differ more in their families than in their help.

The truth (`truth/mean_course.csv`) is the mean course of each organisation in a very large simulated
population, at its own case mix and at an equal one. `truth/truth.toml` has the model. What was put into the
time line of care (raters who grow milder with the years, the wait, relapses after the end, ...) stands in
`truth/timeline.toml`, per worker and family in the CSV files beside it. What each period of help was to be
expected to cost stands in `truth/costs.csv`, and what it was drawn from in `truth/costs.toml`.
"""


def study_text(name: str, plans: tuple[OrganisationPlan, ...]) -> str:
    """The ``study.toml`` of a synthetic study.

    Parameters
    ----------
    name : str
        Name of the study.
    plans : tuple of OrganisationPlan
        Its organisations.
    """
    tables = "\n".join(f'[tables.{table}]\nfile = "{table}.csv"\n' for table in _TABLES)
    organisations = "\n".join(f'[organisations.{plan.key}]\nname = "{plan.name}"\n' for plan in plans)
    return _STUDY.format(
        name=name,
        export_date=EXPORT_DATE.isoformat(),
        tables=tables,
        organisations=organisations,
        norms_source=NORMS_SOURCE,
        second=INSTRUMENT,
        conditions="\n".join(
            f'{code} = {{ nl = "{nl}", en = "{en}" }}' for code, (nl, en) in CONDITION_WORDS.items()
        ),
    )


def readme_text(seed: int, families: int, organisations: int) -> str:
    """The ``README.md`` that lies beside the data."""
    return _README.format(seed=seed, families=families, organisations=organisations)


def truth_text(plans: tuple[OrganisationPlan, ...], seed: int, families: int) -> str:
    """``truth.toml``: the model and its parameters, in words and numbers.

    Parameters
    ----------
    plans : tuple of OrganisationPlan
        The organisations.
    seed : int
        Seed of the study.
    families : int
        Size of the population per organisation and case mix; 0 if the courses were not computed.
    """
    lines = [
        "# Synthetic data: the truth behind them. All parameters are invented.",
        f"seed = {seed}",
        f"families_per_organisation_and_case_mix = {families}",
        f"months = [0, {TRUTH_MONTHS}]",
        'estimand = """',
        "Mean raw score (and T-score) of the declared respondent at exact months since the start of the",
        "first period of help, if nobody left and every visit took place: what is estimated from the study",
        "under missingness at random. case_mix = own: the organisation's own kind of families. case_mix =",
        "equal: families of all organisations, in their shares of the study, helped by this organisation.",
        '"""',
        "",
        "[burden]  # latent, in SD of the reference population",
        f"mean = {MEAN_BURDEN}",
        f"sd_between_families = {SD_BURDEN}",
        f"sd_between_occasions = {SD_OCCASION}",
        "",
        "[case_mix]  # centre, effect on the burden at intake, effect on progress (log-odds)",
        *(f"{name} = {list(effects)}" for name, effects in CASE_MIX_EFFECTS.items()),
        "",
        "[progress]  # log-odds",
        f"sd_between_workers = {SD_WORKER}",
        f"per_sd_of_practice = {PRACTICE_EFFECT}",
        "",
        "[intervention]",
        f"effect_on_burden = {INTERVENTION_EFFECT}",
        f"chance_per_visit_when_stagnating = {INTERVENTION_SHARE}",
        "",
        "[answers]  # graded response model",
        f"share_of_incomplete_forms = {INCOMPLETE_SHARE}",
        f"slopes = {[float(slope) for slope in ITEM_SLOPES]}",
        f"thresholds = {[[round(float(step), 3) for step in steps] for steps in ITEM_THRESHOLDS]}",
    ]
    for plan in plans:
        lines += [
            "",
            f"[organisations.{plan.key}]",
            f"severity = {plan.severity}",
            f"age_shift = {plan.age_shift}",
            f"progress = {plan.progress}",
            f"practice = {plan.practice}",
        ]
    return "\n".join(lines) + "\n"
