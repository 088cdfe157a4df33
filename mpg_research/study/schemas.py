"""The tables of a study as data: columns, kinds, vocabularies, and what each means.

No pandas here: the configuration is checked against these schemas in milliseconds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

__all__ = [
    "CARE_ITEMS",
    "COST_KINDS",
    "DECISION_CODES",
    "DISTRIBUTIONS",
    "END_REASONS",
    "EPISODES",
    "EVENTS",
    "FORMER_NAMES",
    "INTERVENTIONS",
    "ITEM_COLUMN",
    "NOT_GIVEN",
    "PAYERS",
    "ROLES",
    "SCHEMAS",
    "WORKING_ELEMENTS",
    "Column",
    "Schema",
    "item_name",
]

Kind = Literal["id", "text", "code", "time", "number", "integer", "boolean"]

ITEM_COLUMN = re.compile(r"item_\d{2,3}")

# CBS Beleidsinformatie Jeugd, codes 01-05 for the reason help ended. 03 and 04 count as drop-out.
END_REASONS = {
    "as_planned": ("01", "1"),
    "early_agreed": ("02", "2"),
    "early_client": ("03", "3"),
    "early_provider": ("04", "4"),
    "external": ("05", "5"),
}

# The toolkit for stagnating help (DESIGN: fixed vocabulary); a study may add its own codes.
INTERVENTIONS = {
    "out_of_the_situation": (),
    "systemic_broadening": (),
    "future_projection": (),
    "emphasise_strengths": (),
    "bring_in_colleague": (),
    "network_meeting": (),
    "experience_expert": (),
    "critical_maximum": (),
}

# Who used an intervention, by role: our own words, no list of the toolkit; a study may add its own.
ROLES: dict[str, tuple[str, ...]] = {
    "family_worker": (),
    "colleague": (),
    "behavioural_scientist": (),
    "experience_expert": (),
    "other_organisation": (),
}

# Whether it was known beforehand that another worker would take over.
CHANGE_REASONS: dict[str, tuple[str, ...]] = {"planned": ("gepland",), "sudden": ("onverwacht",)}

# Who set a goal.
GOAL_SETTERS: dict[str, tuple[str, ...]] = {
    "family": ("gezin",),
    "worker": ("hulpverlener",),
    "together": ("samen",),
}

# Conditions for "one family, one plan" in an organisation: a study brings its own six; one is published.
CONDITIONS: dict[str, tuple[str, ...]] = {"structural_funding": ()}

# Life domains, as the problem flags of the episodes; a study may add its own.
DOMAINS: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("mental_health", "addiction", "parenting", "housing", "money", "school_work"), ()
)

EVENTS: dict[str, tuple[str, ...]] = {"placement": (), "eviction": (), "renewed_referral": ()}

# What of the table care has a price: the item, and the column that says how much of it there was.
CARE_ITEMS = {
    "contact_hour": "contact_hours",
    "visit": "n_visits",
    "network_meeting": "network_meeting",
    "agency_month": "n_agencies",
}

# Stands where a respondent, a payer or a kind of costs is not named.
NOT_GIVEN = "not_given"

# Who pays: a housing corporation was written with a space before payers had codes.
PAYERS: dict[str, tuple[str, ...]] = {
    "municipality": ("gemeente",),
    "health_insurer": ("health insurer", "zorgverzekeraar"),
    "housing_corporation": ("housing corporation", "woningcorporatie"),
    "state": ("rijk",),
    "school": (),
    "family": ("gezin",),
    "other": ("overig",),
}

# Whose money or worth: public money, that of the economy, or worth to people that nobody pays in money.
COST_KINDS: dict[str, tuple[str, ...]] = {
    "fiscal": ("fiscaal",),
    "economic": ("economisch",),
    "social": ("maatschappelijk",),
}

# How sure a price is, with price_low and price_high as its 95 % range (docs/explanation/costs.md).
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {"fixed": (), "gamma": (), "lognormal": (), "triangular": ()}

# What a talk with the family ended in; written by hand.
DECISION_CODES: dict[str, tuple[str, ...]] = {
    "go_on": ("doorgaan",),
    "change": ("anders",),
    "stop": ("stoppen",),
    "hand_over": ("overdragen",),
}

# RoQua writes `parent` for the first parent.
RESPONDENTS: dict[str, tuple[str, ...]] = {"first_parent": ("parent",), "second_parent": (), "worker": ()}

# Working elements of "one family, one plan".
WORKING_ELEMENTS = {
    "one_plan_one_case_manager": "one plan and one case manager",
    "generalist_specialist": "generalist with the family, specialist in the team",
    "developed_from_the_field": "practice developed from the field",
    "demand_led_empowering": "demand-led and empowering",
    "outreach_presence": "outreach and presence",
    "integral_systemic": "integral and systemic",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        Canonical name.
    kind : str
        "id" and "text" stay text; "code" is text from a vocabulary; "time" is a date, or a number
        where ``[time] kind = "numbers"``; "number", "integer" and "boolean" as they say.
    meaning : str
        What it holds, for the codebook.
    required : bool
        Whether the column must be there and filled in every row.
    minimum, maximum : float or None
        Bounds, inclusive.
    vocabulary : mapping or None
        Canonical codes, each with the spellings that mean the same.
    open_vocabulary : bool
        Whether other codes are kept as they are (with a warning) or refused.
    in_template : bool
        Whether the empty table of a new study has it. What few studies record stands in the codebook only, so
        that a small study is not asked for more than it needs.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    vocabulary: Mapping[str, tuple[str, ...]] | None = None
    open_vocabulary: bool = False
    in_template: bool = True


@dataclass(frozen=True, slots=True)
class Schema:
    """One table.

    Attributes
    ----------
    name : str
        Name of the table and of its section in ``study.toml``.
    row : str
        What one row is.
    columns : tuple of Column
        Known columns. ``measurements`` takes item_01, item_02, ... besides.
    key : tuple of str
        Columns that together may occur once only (those that are present).
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        """The column of this name; items count as integers; None if unknown."""
        for column in self.columns:
            if column.name == name:
                return column
        if self.name == "measurements" and ITEM_COLUMN.fullmatch(name):
            return Column(name, "integer", "answer to this item")
        return None


def item_name(number: int | str) -> str:
    """Canonical column of an item: 3 becomes ``item_03``."""
    return f"item_{int(number):02d}"


FAMILY = Column("family", "id", "pseudonymous id of the family; links the tables", required=True)
EPISODE = Column("episode", "id", "which period of help of this family; may be left out")
WORKER = Column("worker", "id", "worker in charge; unique within the organisation only")
RATER = Column("rater", "id", "worker who scored; unique within the organisation only")

EPISODES = Schema(
    "episodes",
    "family and period of help",
    (
        FAMILY,
        Column("episode", "id", "number or id of this period of help; numbered by start if left out"),
        Column("organisation", "id", "key of the organisation that helps", required=True),
        WORKER,
        Column("region", "id", "region the family lives in", in_template=False),
        Column("referred", "time", "when the family was referred", in_template=False),
        Column("start", "time", "start of the help: time zero", required=True),
        Column("end", "time", "end of the help; empty while it runs"),
        Column("end_reason", "code", "why the help ended (CBS codes 01-05)", vocabulary=END_REASONS),
        Column("thin_line", "boolean", "contact was kept up after the end of the help", in_template=False),
        Column("satisfaction", "number", "mark the family gave the help", minimum=0, maximum=10,
               in_template=False),
        Column("child_age", "number", "age of the child at intake, in years", minimum=0, maximum=25),
        Column("n_children", "integer", "number of children in the family", minimum=0, maximum=25),
        Column("single_parent", "boolean", "one parent in the household"),
        Column("earlier_care", "boolean", "youth care before this period"),
        Column("problem_mental_health", "boolean", "problems with mental health at intake"),
        Column("problem_addiction", "boolean", "problems with addiction at intake"),
        Column("problem_parenting", "boolean", "problems with parenting at intake"),
        Column("problem_housing", "boolean", "problems with housing at intake"),
        Column("problem_money", "boolean", "problems with money and debts at intake"),
        Column("problem_school_work", "boolean", "problems with school and work at intake"),
    ),
    ("family", "episode"),
)  # fmt: skip

MEASUREMENTS = Schema(
    "measurements",
    "family, respondent, date and instrument",
    (
        FAMILY,
        EPISODE,
        Column("respondent", "code", "who answered: first_parent, second_parent, ...",
               vocabulary=RESPONDENTS, open_vocabulary=True),
        replace(RATER, in_template=False),
        Column("date", "time", "when the questionnaire was filled in", required=True),
        Column("instrument", "id", "key of the questionnaire", required=True),
        Column("total", "number", "total score, where items are not exported"),
    ),
    ("family", "episode", "respondent", "rater", "instrument", "date"),
)  # fmt: skip

INTERVENTION_TABLE = Schema(
    "interventions",
    "family and date",
    (
        FAMILY,
        EPISODE,
        Column("date", "time", "when it was used", required=True),
        Column("intervention", "code", "one of the toolkit's eight, or the study's own code", required=True,
               vocabulary=INTERVENTIONS, open_vocabulary=True),
        WORKER,
        Column("role", "code", "role of who used it, never a person: family_worker, colleague, ...",
               vocabulary=ROLES, open_vocabulary=True),
    ),
    ("family", "episode", "date", "intervention"),
)  # fmt: skip

CARE = Schema(
    "care",
    "family and month",
    (
        FAMILY,
        EPISODE,
        Column("month", "time", "the month, as its first day", required=True),
        WORKER,
        Column("contact_hours", "number", "hours of contact in the month", minimum=0, maximum=744),
        Column("n_visits", "integer", "visits in the month", minimum=0, maximum=310),
        Column("at_home", "integer", "how many of them at the family's home", minimum=0, maximum=310),
        Column("n_agencies", "integer", "agencies involved", minimum=0, maximum=100),
        Column("n_helpers", "integer", "different helpers in the month", minimum=0, maximum=100),
        Column("worker_change_reason", "code", "where another worker took over this month: planned or sudden",
               vocabulary=CHANGE_REASONS),
        Column("case_manager", "boolean", "there is one case manager"),
        Column("one_plan", "boolean", "there is one plan"),
        Column("network_meeting", "boolean", "a network meeting was held"),
    ),
    ("family", "episode", "month"),
)  # fmt: skip

PRACTICE = Schema(
    "practice",
    "family or team, and date",
    (
        Column("family", "id", "the family, where the scores are about one family"),
        Column("episode", "id", "which period of help of this family; may be left out"),
        Column("organisation", "id", "the organisation, where the scores are about a team"),
        Column("team", "id", "the team, where the scores are about a team"),
        Column("date", "time", "when it was scored", required=True),
        RATER,
        Column("rater_role", "code", "role of who scored: family_worker, colleague, ...",
               vocabulary=ROLES, open_vocabulary=True),
        *(Column(name, "number", f"score on: {text}") for name, text in WORKING_ELEMENTS.items()),
    ),
    ("family", "episode", "organisation", "team", "date", "rater"),
)  # fmt: skip

EVENT_TABLE = Schema(
    "events",
    "family and date",
    (
        FAMILY,
        EPISODE,
        Column("date", "time", "when it happened", required=True),
        Column("event", "code", "placement, eviction, renewed_referral, ...", required=True,
               vocabulary=EVENTS, open_vocabulary=True),
    ),
    ("family", "episode", "date", "event"),
)  # fmt: skip

DECISIONS = Schema(
    "decisions",
    "family and date of a talk",
    (
        FAMILY,
        EPISODE,
        Column("date", "time", "when it was decided", required=True),
        Column("decision", "code", "what was decided in the talk with the family", required=True,
               vocabulary=DECISION_CODES),
        Column("reason", "text", "why, in a few words; no names"),
        Column("family_asked", "boolean", "the family was asked what would help"),
        Column("idea_followed", "boolean", "what the family proposed was followed"),
    ),
    ("family", "episode", "date", "decision"),
)  # fmt: skip

WORKERS = Schema(
    "workers",
    "organisation and worker",
    (
        Column("organisation", "id", "key of the organisation", required=True),
        Column("worker", "id", "the worker; unique within the organisation only", required=True),
        Column("start", "time", "since when in this work", required=True),
    ),
    ("organisation", "worker"),
)

DOMAIN_TABLE = Schema(
    "domains",
    "family, date and life domain",
    (
        FAMILY,
        EPISODE,
        Column("date", "time", "when it was scored", required=True),
        Column("domain", "code", "life domain", required=True, vocabulary=DOMAINS, open_vocabulary=True),
        Column("severity", "integer", "severity, 0 (no problem) to 4", required=True, minimum=0, maximum=4),
        RATER,
    ),
    ("family", "episode", "date", "domain", "rater"),
)

GOALS = Schema(
    "goals",
    "family, date and goal",
    (
        FAMILY,
        EPISODE,
        Column("date", "time", "when it was scored", required=True),
        Column(
            "goal", "id", "number or key of the goal of this family; no words of the family", required=True
        ),
        Column("attainment", "number", "how far it was reached, on the study's own scale", required=True),
        Column("set_by", "code", "who set the goal", vocabulary=GOAL_SETTERS, open_vocabulary=True),
    ),
    ("family", "episode", "date", "goal"),
)

CONDITION_TABLE = Schema(
    "conditions",
    "organisation, year and condition",
    (
        Column("organisation", "id", "key of the organisation", required=True),
        Column("year", "integer", "the year", required=True, minimum=1990, maximum=2100),
        Column("condition", "code", "which condition", required=True,
               vocabulary=CONDITIONS, open_vocabulary=True),
        Column("score", "number", "how far it is met, on the study's own scale", required=True),
    ),
    ("organisation", "year", "condition"),
)  # fmt: skip

PRICES = Schema(
    "prices",
    "item, year and payer",
    (
        Column("item", "id", "what is priced: contact_hour, visit, network_meeting, agency_month, a code of "
               "events or of interventions", required=True),
        Column("year", "integer", "price year", required=True, minimum=1990, maximum=2100),
        Column("unit", "text", "what one unit is (hour, month, placement)"),
        Column("unit_price", "number", "price of one unit, in euros: what is expected of it", required=True),
        Column("payer", "code", "who pays", vocabulary=PAYERS),
        Column("kind", "code", "fiscal (public money), economic or social", vocabulary=COST_KINDS),
        Column("source", "text", "where the price comes from"),
        Column("distribution", "code", "how sure the price is: fixed, gamma, lognormal or triangular",
               vocabulary=DISTRIBUTIONS, in_template=False),
        Column("price_low", "number", "lower end of the 95 % range of the price", in_template=False),
        Column("price_high", "number", "upper end of the 95 % range of the price", in_template=False),
    ),
    ("item", "year", "payer"),
)  # fmt: skip

PRICE_INDEX = Schema(
    "price_index",
    "year",
    (
        Column("year", "integer", "the year; every year from the first to the last", required=True,
               minimum=1990, maximum=2100),
        Column("index", "number", "index number of prices, of any base", required=True),
        Column("source", "text", "where the index comes from"),
    ),
    ("year",),
)  # fmt: skip

#: Names that columns had before, by table: a file that still has one is read all the same.
FORMER_NAMES: dict[str, dict[str, str]] = {"prices": {"actor": "payer"}}

SCHEMAS = {
    schema.name: schema
    for schema in (
        EPISODES,
        MEASUREMENTS,
        INTERVENTION_TABLE,
        CARE,
        PRACTICE,
        EVENT_TABLE,
        DECISIONS,
        WORKERS,
        DOMAIN_TABLE,
        GOALS,
        CONDITION_TABLE,
        PRICES,
        PRICE_INDEX,
    )
}
