"""What a questionnaire is, once its file has been read and found sound."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from mpg_research.errors import ConfigError
from mpg_research.languages import OF_MESSAGES

__all__ = [
    "AgeBand",
    "Instrument",
    "MissingRule",
    "NormBand",
    "NormTable",
    "Reliability",
    "adapt_instrument",
]

Direction = Literal["higher_is_worse", "higher_is_better"]


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Ages in completed years, both ends included: 4 to 11 holds a child of 11.9 years."""

    age_from: int
    age_to: int

    def __str__(self) -> str:
        return f"{self.age_from}-{self.age_to}"


@dataclass(frozen=True, slots=True)
class MissingRule:
    """When a questionnaire with unanswered items still gets a score.

    Attributes
    ----------
    max_missing : int
        Most items that may be unanswered. 0: no score unless all items are answered. Above 0 the
        score is prorated: mean of the answered items times the number of items.
    decided_by : {"package", "publisher", "study"}
        Whose rule this is. A report prints it, so that ours is never taken for the publisher's.
    source : str
        Where the rule was found, or why it was chosen.
    """

    max_missing: int
    decided_by: Literal["package", "publisher", "study"]
    source: str

    @property
    def prorates(self) -> bool:
        """Whether a score can be made from part of the items."""
        return self.max_missing > 0


@dataclass(frozen=True, slots=True)
class NormBand:
    """The T-scores of one age band. ``ages`` is None where a table holds for every age.

    Attributes
    ----------
    ages : AgeBand or None
        The ages (completed years) this part of the table is for.
    raw : tuple of int, shape (n_scores,)
        Raw scores, rising by one.
    t_score : tuple of float, shape (n_scores,)
        The T-score of each raw score, never falling.
    """

    ages: AgeBand | None
    raw: tuple[int, ...]
    t_score: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NormTable:
    """Raw scores to T-scores by child age, with the source they come from."""

    bands: tuple[NormBand, ...]
    source: str
    synthetic: bool = False

    @property
    def needs_age(self) -> bool:
        """Whether a T-score depends on the child's age."""
        return self.bands[0].ages is not None


@dataclass(frozen=True, slots=True)
class Reliability:
    """One published reliability coefficient and where it was published.

    Attributes
    ----------
    kind : str
        Such as "alpha".
    value : float
    population, source : str
    sd : float or None
        Standard deviation of the raw scores in that publication, in points. A coefficient says how large the
        error is only beside the spread it was found with; None where that was not published.
    """

    kind: str
    value: float
    population: str
    source: str
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire: what a valid answer is and how answers become a score.

    Attributes
    ----------
    key : str
        Short name in tables and file names, such as ``"obvl_k"``.
    names : mapping of str to str
        Full name per language (``"nl"``, ``"en"``).
    abbreviation : str
        What people call it ("OBVL-K").
    n_items : int
        Number of items on the form.
    items : tuple of str
        Column names ``item_01`` ...; empty where only a total is read (`total_only`).
    item_minimum, item_maximum : int or None
        Lowest and highest answer; None where only a total is read and the answers are not known.
    reverse_items : tuple of str
        Items that are turned round (minimum + maximum - answer) before they are added up.
    raw_minimum, raw_maximum : float
        Lowest and highest possible raw score.
    direction : {"higher_is_worse", "higher_is_better"}
        What a high score means for the family.
    missing_rule : MissingRule
        What happens to a questionnaire with unanswered items.
    age_bands : tuple of AgeBand
        Child ages for which the publisher gives separate norms; empty if age plays no part.
    reliabilities : tuple of Reliability
        Published coefficients, the preferred one first.
    source : str
        Where the facts in the file were found.
    notes : tuple of str
        What a user must know (such as keys that are not public).
    subject : str
        What the scores are about, by a name that the catalogue of each language has words for
        (``"parenting_stress"``); empty where the file has none.
    concepts : mapping of str to str
        Or the words themselves per language, as they stand in a sentence ("parenting stress").
    norms : NormTable or None
        Attached by the study; never shipped for a published questionnaire.
    """

    key: str
    names: Mapping[str, str]
    abbreviation: str
    n_items: int
    items: tuple[str, ...]
    item_minimum: int | None
    item_maximum: int | None
    reverse_items: tuple[str, ...]
    raw_minimum: float
    raw_maximum: float
    direction: Direction
    missing_rule: MissingRule
    source: str
    age_bands: tuple[AgeBand, ...] = ()
    reliabilities: tuple[Reliability, ...] = ()
    notes: tuple[str, ...] = field(default=())
    subject: str = ""
    concepts: Mapping[str, str] = field(default_factory=dict)
    norms: NormTable | None = None

    @property
    def total_only(self) -> bool:
        """Whether only a total score is read, never single items."""
        return not self.items

    @property
    def reliability(self) -> Reliability | None:
        """The preferred published coefficient, if there is one."""
        return self.reliabilities[0] if self.reliabilities else None

    @property
    def synthetic_norms(self) -> bool:
        """Whether the T-scores come from simulated, not real, families."""
        return self.norms is not None and self.norms.synthetic

    @property
    def name(self) -> str:
        """The full name in English, or in the only language there is."""
        return self.name_in(OF_MESSAGES)

    def name_in(self, language: str) -> str:
        """The full name in one language, falling back on the one that exists.

        Parameters
        ----------
        language : {"nl", "en"}
            Of the words.

        Returns
        -------
        str
        """
        return self.names.get(language) or next(iter(self.names.values()))


def adapt_instrument(
    instrument: Instrument,
    *,
    norms: NormTable | None = None,
    max_missing: int | None = None,
    reverse_items: Iterable[str] | None = None,
) -> Instrument:
    """A study's own choices on top of a questionnaire's file.

    Parameters
    ----------
    instrument : Instrument
        The questionnaire as its file says.
    norms : NormTable, optional
        The study's norm table. It must hold every raw score and every age the instrument has.
    max_missing : int, optional
        The study's missing-item rule: up to so many unanswered items a score is prorated. It is
        recorded and printed as the study's choice.
    reverse_items : iterable of str, optional
        Items that the export holds unturned (``item_03``) and that are turned round here.

    Returns
    -------
    Instrument
        A new instrument; the given one is unchanged.

    Raises
    ------
    ConfigError
        If an item is unknown, the rule is impossible, or the norm table does not fit.

    Examples
    --------
    >>> from mpg_research.instruments import adapt_instrument, load_instrument
    >>> lenient = adapt_instrument(load_instrument("obvl_k"), max_missing=1)
    >>> lenient.missing_rule.decided_by
    'study'
    """
    changed = instrument
    if max_missing is not None:
        changed = replace(changed, missing_rule=_study_rule(instrument, max_missing))
    if reverse_items is not None:
        changed = replace(changed, reverse_items=_known_items(instrument, reverse_items))
    if norms is not None:
        _check_fit(instrument, norms)
        changed = replace(changed, norms=norms)
    return changed


def _study_rule(instrument: Instrument, max_missing: int) -> MissingRule:
    if instrument.total_only:
        raise ConfigError(
            f"{instrument.abbreviation} is read as a total score, so a rule for unanswered items "
            "(max_missing) has nothing to work on. Leave it out."
        )
    if not 0 <= max_missing < instrument.n_items:
        raise ConfigError(
            f"max_missing = {max_missing} for {instrument.abbreviation}; expected a whole number from "
            f"0 to {instrument.n_items - 1} (the questionnaire has {instrument.n_items} items)."
        )
    return MissingRule(max_missing=max_missing, decided_by="study", source="chosen in study.toml")


def _known_items(instrument: Instrument, names: Iterable[str]) -> tuple[str, ...]:
    listed = tuple(names)
    unknown = [name for name in listed if name not in instrument.items]
    if unknown:
        raise ConfigError(
            f"reverse_items of {instrument.abbreviation} names {', '.join(unknown)}; expected names "
            f"from {instrument.items[0]} to {instrument.items[-1]}."
            if instrument.items
            else f"{instrument.abbreviation} is read as a total score and has no items to reverse."
        )
    return tuple(item for item in instrument.items if item in listed)


def _check_fit(instrument: Instrument, norms: NormTable) -> None:
    """The norm table must hold each raw score and each age of the instrument."""
    lowest, highest = instrument.raw_minimum, instrument.raw_maximum
    for band in norms.bands:
        if band.raw[0] > lowest or band.raw[-1] < highest:
            ages = f" for ages {band.ages}" if band.ages else ""
            raise ConfigError(
                f"The norm table of {instrument.abbreviation} runs from raw score {band.raw[0]} to "
                f"{band.raw[-1]}{ages}; expected every whole score from {lowest:g} to {highest:g}. "
                "Complete the table."
            )
    if not (instrument.age_bands and norms.needs_age):
        return
    table_from = min(band.ages.age_from for band in norms.bands if band.ages)
    table_to = max(band.ages.age_to for band in norms.bands if band.ages)
    age_from = min(band.age_from for band in instrument.age_bands)
    age_to = max(band.age_to for band in instrument.age_bands)
    if table_from > age_from or table_to < age_to:
        raise ConfigError(
            f"The norm table of {instrument.abbreviation} is for ages {table_from} to {table_to}; "
            f"expected {age_from} to {age_to}. Complete the table."
        )
