"""For whom a result is released, and by which rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from mpg_research.errors import DisclosureError
from mpg_research.languages import languages

if TYPE_CHECKING:
    from mpg_research.instruments import Instrument
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["Audience", "DisclosurePolicy", "InstrumentFacts", "policy_of"]

ROLES = ("researcher", "funder", "organisation")


@dataclass(frozen=True, slots=True)
class Audience:
    """Who will read it.

    Attributes
    ----------
    role : {"researcher", "funder", "organisation"}
        What kind of reader.
    organisation : str or None
        Key of the reading organisation; with the role ``"organisation"`` only.
    private : bool
        Whether it stays with the researcher and is never handed over: nothing is suppressed, rounded or
        withheld but tables of single families. With the role ``"researcher"`` only.

    Raises
    ------
    DisclosureError
        If the role is unknown, or the organisation is missing or does not belong to the role, or somebody
        else than the researcher is to see what is private.

    Examples
    --------
    >>> from mpg_research import Audience
    >>> Audience("organisation", "tjalkmeer").role
    'organisation'
    """

    role: Literal["researcher", "funder", "organisation"]
    organisation: str | None = None
    private: bool = False

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise DisclosureError(f"Unknown audience {self.role!r}; expected one of {', '.join(ROLES)}.")
        if self.role == "organisation" and not self.organisation:
            raise DisclosureError("An audience of role 'organisation' needs the organisation's key.")
        if self.role != "organisation" and self.organisation is not None:
            raise DisclosureError(f"An audience of role {self.role!r} belongs to no organisation.")
        if self.private and self.role != "researcher":
            raise DisclosureError(
                f"What is private is for the researcher alone, not for a reader of role {self.role!r}."
            )

    @property
    def is_external(self) -> bool:
        """Whether the reader has no right to the study's data: everyone but the researcher."""
        return self.role != "researcher"

    @property
    def reader(self) -> str:
        """The kind of reader in words; what is shown is marked with it, and published for no other."""
        return "private researcher" if self.private else self.role

    @property
    def recipient(self) -> str:
        """A text that differs between recipients: the role, and the organisation's key after a colon."""
        return f"{self.role}:{self.organisation or ''}"


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """What a page must know of a questionnaire to speak about its scores.

    Attributes
    ----------
    name : str
        What people call it ("OBVL-K"). Data: escaped wherever it is shown.
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means.
    synthetic_norms : bool
        Whether its norm table is made up.
    norms_source : str
        Where the norm table comes from; empty without norms.
    subject : str
        What its scores are about, by a name that the catalogues have words for; empty if they have none.
    concepts : mapping of str to str
        Or the words themselves, per language. Data: escaped wherever it is shown.
    """

    name: str
    direction: Literal["higher_is_worse", "higher_is_better"] = "higher_is_worse"
    synthetic_norms: bool = False
    norms_source: str = ""
    subject: str = ""
    concepts: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class DisclosurePolicy:
    """The rules of a study, and the public facts a released result may name.

    Attributes
    ----------
    minimum_families : int
        Fewest distinct families behind a number that is shown.
    minimum_other_organisations : int
        Fewest others that must stand beside (or be pooled with) an organisation that is shown.
    rounding : int
        What counts are rounded to, in every number that leaves; 0 rounds only where it must be.
    midpoint : bool
        Whether they are rounded to the middle of its multiples (with six: 3, 9, 15, ...) instead.
    dominance_within_percent, dominance_largest_percent : int
        A sum of money is not shown where the family with the second largest part could tell the largest to
        within so many per cent, or where the largest makes up more than so many per cent of it.
    round_money_to : int
        What amounts of money are rounded to, always.
    public_groups : bool
        Whether the groups are no secret (the arms of a trial): lifts the rules on organisations,
        never the rule on families.
    name_organisations_to_funder : bool
        Whether the funder sees organisations by name.
    organisations : mapping of str to mapping of str to str
        Public name per language of every organisation of the study, by key.
    instruments : mapping of str to InstrumentFacts
        The questionnaires by key.
    time_unit : {"months", "weeks", "waves"}
        What the column ``months`` counts.
    unit : mapping of str to tuple of str
        Whom the study is about, per language, if not families: one, more, and its article.
    own_words : mapping of str to mapping of str to mapping of str to str
        Wording per language of the study's own codes, by what they are codes of ("intervention", "role") and
        by code; without those that name an organisation.
    has_comparison, randomised : bool
        Whether an arm of the study did not get the help, and whether arms were made by lot.
    secret : str
        What the order and the letters of organisations without a name hang on, kept by a run in the user's
        configuration; without one they hang on the study's digest. Never part of a released result.
    """

    minimum_families: int = 10
    minimum_other_organisations: int = 3
    rounding: int = 5
    midpoint: bool = False
    dominance_within_percent: int = 10
    dominance_largest_percent: int = 50
    round_money_to: int = 100
    public_groups: bool = False
    name_organisations_to_funder: bool = False
    organisations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    instruments: Mapping[str, InstrumentFacts] = field(default_factory=dict)
    time_unit: Literal["months", "weeks", "waves"] = "months"
    unit: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    own_words: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    has_comparison: bool = False
    randomised: bool = False
    secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.minimum_families < 3:
            raise DisclosureError(
                f"minimum_families is {self.minimum_families}; expected 3 or more: with fewer, a reader who "
                "knows one family learns about the other."
            )
        if self.minimum_other_organisations < 1:
            raise DisclosureError("minimum_other_organisations must be 1 or more.")
        if self.rounding < 0 or self.rounding == 1 or (self.midpoint and self.rounding % 3):
            raise DisclosureError(
                f"rounding is {self.rounding}; expected 0, or 2 and more; and with midpoint a multiple of "
                "three."
            )

    def sees_names(self, audience: Audience) -> bool:
        """Whether this audience sees every organisation by its name.

        Parameters
        ----------
        audience : Audience
            Who reads.

        Returns
        -------
        bool
        """
        if self.public_groups or not audience.is_external:
            return True
        return audience.role == "funder" and self.name_organisations_to_funder


class RuledStudy(Protocol):
    """What the policy must know of a study; its tables are not needed."""

    @property
    def config(self) -> "StudyConfig":
        """Its configuration."""

    @property
    def organisations(self) -> tuple[str, ...]:
        """Keys of the organisations that have episodes."""

    @property
    def instruments(self) -> "Mapping[str, Instrument]":
        """The questionnaires by key."""

    @property
    def time_unit(self) -> Literal["months", "weeks", "waves"]:
        """What one unit of the column ``months`` is."""

    def organisation_name(self, key: str, language: str) -> str:
        """The public name of an organisation."""


def policy_of(study: RuledStudy) -> DisclosurePolicy:
    """The policy that ``study.toml`` sets, with the names of the study's organisations and instruments.

    Parameters
    ----------
    study : Study
        A loaded study, or what is known of one without its tables.

    Returns
    -------
    DisclosurePolicy
        From ``[disclosure]``, ``[organisations]``, ``[instruments]``, ``[time]`` and ``[study.unit]``.

    Examples
    --------
    >>> from mpg_research import load_study, policy_of
    >>> from mpg_research.study import shipped_example
    >>> policy_of(load_study(shipped_example())).minimum_families
    10
    """
    rules = study.config.disclosure
    keys = sorted({*study.config.organisations, *study.organisations})
    return DisclosurePolicy(
        minimum_families=rules.minimum_families,
        minimum_other_organisations=rules.minimum_other_organisations,
        rounding=rules.rounding,
        midpoint=rules.midpoint,
        dominance_within_percent=rules.dominance_within_percent,
        dominance_largest_percent=rules.dominance_largest_percent,
        round_money_to=study.config.costs.round_to,
        public_groups=rules.public_groups,
        name_organisations_to_funder=rules.name_organisations_to_funder,
        organisations={
            key: {language: study.organisation_name(key, language) for language in languages()}
            for key in keys
        },
        instruments={
            key: InstrumentFacts(
                name=instrument.abbreviation,
                direction=instrument.direction,
                synthetic_norms=bool(instrument.norms and instrument.norms.synthetic),
                norms_source=instrument.norms.source if instrument.norms else "",
                subject=instrument.subject,
                concepts=instrument.concepts,
            )
            for key, instrument in study.instruments.items()
        },
        time_unit=study.time_unit,
        unit=study.config.study.unit_words,
        own_words=_own_words(study, keys),
        has_comparison=any(each.comparison for each in study.config.organisations.values()),
        randomised=study.config.study.allocation == "randomised",
    )


def _own_words(study: RuledStudy, keys: list[str]) -> dict[str, dict[str, dict[str, str]]]:
    """The wording of ``[vocabularies]``, without what names an organisation: others may read it."""
    names = {study.organisation_name(key, language) for key in keys for language in languages()} | set(keys)
    vocabularies = study.config.vocabularies
    found: dict[str, dict[str, dict[str, str]]] = {}
    kinds = {
        "intervention": vocabularies.interventions, "role": vocabularies.roles,
        "domain": vocabularies.domains, "condition": vocabularies.conditions,
        "cost_item": {**vocabularies.events, **vocabularies.interventions},
    }  # fmt: skip
    for kind, codes in kinds.items():
        for code, text in codes.items():
            words = {language: text.in_language(language) for language in languages()}
            told = " ".join([code, *words.values()]).casefold()
            if not any(name.casefold() in told for name in names):
                found.setdefault(kind, {})[code] = words
    return found
