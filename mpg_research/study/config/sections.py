"""The sections of study.toml, one typed and frozen model each."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    Strict,
    StrictBool,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mpg_research.languages import OF_MESSAGES, grammar_of, languages
from mpg_research.study.schemas import END_REASONS, SCHEMAS

__all__ = [
    "DAYS_PER_MONTH",
    "DAYS_PER_YEAR",
    "AnalysisConfig",
    "ChecklistsConfig",
    "ConsentConfig",
    "DisclosureConfig",
    "InstrumentConfig",
    "InterventionsConfig",
    "Language",
    "LocalText",
    "OrganisationConfig",
    "Section",
    "SourceConfig",
    "StudySection",
    "TableConfig",
    "TablesConfig",
    "TimeConfig",
    "VocabularyConfig",
    "is_pattern",
]

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
AXIS_UNITS_PER_UNIT = {
    "days": 1 / DAYS_PER_MONTH,
    "weeks": 1.0,
    "months": 1.0,
    "years": 12.0,
    "waves": 1.0,
}


def _one_of_languages(value: str) -> str:
    if value not in languages():
        expected = " or ".join(f"'{code}'" for code in languages())
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
    return value


#: The code of one of the languages there are.
Language = Annotated[str, AfterValidator(_one_of_languages)]
#: A word or a few, without anything that would mean something in a page.
_UNIT_WORD = r"^[^\W\d_][^\W\d_ '-]{0,29}(?:[ -][^\W\d_]{1,29}){0,2}$"
Parts = Annotated[tuple[str, ...], Field(min_length=2, max_length=5)]
#: Numbers as TOML writes them: a number between quotes is a text, and true is no 1.
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Whole = Annotated[int, Strict(), Field(le=10_000_000)]
Scalar = str | bool | int | float | date


def _no_control_characters(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a file name without control characters")
    return value


def _one_sign(value: str) -> str:
    is_sign = value == "\t" or (value.isascii() and value.isprintable() and not value.isalnum())
    if not is_sign or value in "\"'":
        raise ValueError("one of the signs that separate cells, such as , ; | or a tab (\\t)")
    return value


def _inside_the_folder(value: str) -> str:
    """Patterns stay in the study folder; a file that is named may lie elsewhere."""
    if not is_pattern(value):
        return value
    parts = value.replace("\\", "/").split("/")
    if value.startswith(("/", "\\", "~")) or ":" in parts[0] or ".." in parts or "**" in value:
        raise ValueError(
            'a pattern inside the study folder, such as "exports/*.csv", without .. and without **'
        )
    return value


def _listed_once(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def is_pattern(file: str) -> bool:
    """Whether a name of a file in study.toml stands for all files that fit it.

    Parameters
    ----------
    file : str

    Returns
    -------
    bool
    """
    return "*" in file or "?" in file


#: The name of a file, as the operating system may know it.
File = Annotated[str, Field(min_length=1), AfterValidator(_no_control_characters)]
TableFile = Annotated[File, AfterValidator(_inside_the_folder)]
Separator = Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_one_sign)]


class Section(BaseModel):
    """Base of all sections: nothing unknown is accepted, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LocalText(RootModel[dict[Language, str]]):
    """A text per language; languages may be left out."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _has_text(self) -> "LocalText":
        if not any(text.strip() for text in self.root.values()):
            each = ", ".join(f'{code} = "..."' for code in languages())
            raise ValueError(f"a text, or a text per language: {{ {each} }}")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """The text in every language that has one."""
        return tuple(text for text in self.root.values() if text)

    def in_language(self, language: str) -> str:
        """The text in this language, else in the first that has one."""
        texts = (self.root.get(code, "") for code in (language, *languages()))
        return next((text for text in texts if text), "")


def _every_language(value: object) -> object:
    return dict.fromkeys(languages(), value) if isinstance(value, str) else value


Text = Annotated[LocalText, BeforeValidator(_every_language)]


class UnitWords(Section):
    """What one and more of the study's units are called in one language."""

    one: str = Field(pattern=_UNIT_WORD)
    many: str = Field(pattern=_UNIT_WORD)
    article: str = ""


class UnitConfig(RootModel[dict[Language, UnitWords]]):
    """[study.unit]: whom the study is about, where that is not families."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _articles_of_the_language(self) -> "UnitConfig":
        for code, unit in self.root.items():
            articles = grammar_of(code).articles
            if unit.article and unit.article not in articles:
                known = " or ".join(f'"{article}"' for article in articles)
                raise ValueError(f"for {code} the article {known}, or none")
        return self


class StudySection(Section):
    """[study]: what the study is called, and in which languages its reports come.

    ``shared_families`` says that one id at several organisations is one family that they help together, and
    not two clients with one number.
    ``allocation`` says how families came to an organisation or an arm: as it went, or by lot.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")
    title: Text
    languages: tuple[Language, ...] = Field(default_factory=languages, min_length=1)
    synthetic: StrictBool = False
    export_date: date | None = None
    shared_families: StrictBool = False
    unit: UnitConfig | None = None
    allocation: Literal["observed", "randomised"] = "observed"

    @property
    def unit_words(self) -> dict[str, tuple[str, str, str]]:
        """Per language one, more and the article; empty where the study is about families."""
        words = {} if self.unit is None else self.unit.root
        return {language: (unit.one, unit.many, unit.article) for language, unit in words.items()}

    @property
    def english_unit(self) -> tuple[str, str] | None:
        """One and more of whom the study is about, in English, as messages say it; None for families."""
        words = None if self.unit is None else self.unit.root[OF_MESSAGES]
        return None if words is None else (words.one, words.many)

    @model_validator(mode="after")
    def _unit_in_every_language(self) -> "StudySection":
        wanted = dict.fromkeys((*self.languages, OF_MESSAGES))
        lacking = [code for code in wanted if self.unit is not None and code not in self.unit.root]
        if lacking:
            raise ValueError(
                f"unit in {' and '.join(lacking)} too: in every language of the study, and in "
                f"{OF_MESSAGES} for messages"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _title_from_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and "title" not in data and isinstance(data.get("name"), str):
            return {**data, "title": data["name"]}
        return data


class TimeConfig(Section):
    """[time]: dates or numbers, and the rule for time zero.

    ``months_per_unit`` is needed to speak of months when the unit is a wave; without it the axis
    counts waves, and reports say "waves". With weeks the axis counts weeks; days and years become months.
    """

    kind: Literal["dates", "numbers"] = "dates"
    unit: Literal["days", "weeks", "months", "years", "waves"] = "months"
    months_per_unit: Number | None = Field(None, gt=0)
    origin: Number = 0.0
    baseline_window_days: Whole = Field(30, ge=0, le=366)
    incomplete_dates: Literal["error", "middle"] = "error"

    @model_validator(mode="after")
    def _only_where_it_applies(self) -> "TimeConfig":
        numbers_only = {"unit", "months_per_unit", "origin"} & self.model_fields_set
        if self.kind == "dates" and numbers_only:
            raise ValueError(
                f'no {", ".join(sorted(numbers_only))} with kind = "dates" (or kind = "numbers" with them)'
            )
        if self.months_per_unit is not None and self.unit != "waves":
            raise ValueError('months_per_unit only with unit = "waves"; the other units are fixed')
        return self

    @property
    def unit_in_months(self) -> float:
        """Length of one unit of the study's time numbers in units of the axis (months, weeks, or waves)."""
        return self.months_per_unit or AXIS_UNITS_PER_UNIT[self.unit]

    @property
    def axis_unit(self) -> Literal["months", "weeks", "waves"]:
        """What the time axis of every analysis counts."""
        if self.kind == "numbers" and self.unit == "weeks":
            return "weeks"
        waves = self.kind == "numbers" and self.unit == "waves" and self.months_per_unit is None
        return "waves" if waves else "months"

    @property
    def days_per_axis_unit(self) -> float | None:
        """Days in a month or a week of the axis; None for waves of unknown length."""
        return {"months": DAYS_PER_MONTH, "weeks": 7.0, "waves": None}[self.axis_unit]


class SourceConfig(Section):
    """[[tables.NAME.sources]]: some files of a table and how their columns map to the canonical ones.

    Attributes
    ----------
    file : tuple of str
        Paths relative to the study folder, or absolute; or patterns with * and ? inside that folder. One is
        written without brackets.
    sheet : str or int
        Excel sheet, by name or number from 1; the first by default.
    separator, decimal, encoding, date_format :
        How a CSV is written; detected where left out. ``date_format`` is a strptime pattern such as
        ``"%d-%m-%Y"`` and serves every format of file.
    header_row : int
        The row of a CSV or Excel sheet that holds the names of the columns, as a spreadsheet counts.
    decimals : dict
        Canonical column = its decimal sign, where that differs from the rest of the file; the other sign
        then separates thousands.
    columns : dict
        Canonical column = column in the export. An id may consist of several:
        ``family = ["organisation", "client"]`` where numbers start again at each organisation.
    constants : dict
        Canonical column = one value, where the export has no such column.
    values : dict
        Canonical column = { code in the export = canonical code }.
    missing_values : tuple
        Codes that mean "no answer" in the columns of this table (identifiers excepted), such as 99.
    layout : {"long", "wide"}
        Of ``measurements`` only. Wide: one column per wave and item, found with ``patterns``.
    patterns : dict
        Canonical column = pattern with {wave}, {item}, {respondent}, {episode}, {instrument}; the key
        ``item`` stands for all items: ``item = "obvlk_t{wave}_{item}"``, ``date = "date_t{wave}"``.
    identifiers_kept : dict
        Column of the file = why it stays, although it looks like something that tells who a person is.
    times : dict
        Wave = time, in a wide file without times and with ``[time] kind = "numbers"``.
    """

    file: Annotated[tuple[TableFile, ...], BeforeValidator(_listed_once)] = ()
    sheet: str | Whole | None = None
    separator: Separator | None = None
    decimal: Literal[".", ","] | None = None
    encoding: Literal["utf-8", "utf-8-sig", "cp1252", "utf-16"] | None = None
    date_format: str | None = None
    header_row: Whole | None = Field(None, ge=1)
    decimals: dict[str, Literal[".", ","]] = Field(default_factory=dict)
    columns: dict[str, str | Parts] = Field(default_factory=dict)
    constants: dict[str, Scalar] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    missing_values: tuple[str | Whole | Number, ...] = ()
    layout: Literal["long", "wide"] = "long"
    patterns: dict[str, str] = Field(default_factory=dict)
    times: dict[str, Number] = Field(default_factory=dict)
    identifiers_kept: dict[str, str] = Field(default_factory=dict)

    @property
    def single_columns(self) -> dict[str, str]:
        """Canonical columns that are one column of the export."""
        return {name: source for name, source in self.columns.items() if isinstance(source, str)}

    @property
    def composite_ids(self) -> dict[str, tuple[str, ...]]:
        """Ids that consist of several columns of the export."""
        return {name: parts for name, parts in self.columns.items() if not isinstance(parts, str)}

    def source_of(self, name: str) -> str:
        """The column of the export behind a canonical one, in small letters, as far as study.toml says."""
        source = self.columns.get(name, name)
        return source.strip().lower() if isinstance(source, str) else name

    @model_validator(mode="after")
    def _has_files(self) -> "SourceConfig":
        if not self.file and not getattr(self, "sources", ()):
            raise PydanticCustomError("no_file", "no file")
        return self


class TableConfig(SourceConfig):
    """[tables.NAME]: the files of a table and how their columns map to the canonical ones.

    Attributes
    ----------
    sources : tuple of SourceConfig
        In place of ``file``: files that are written in different ways. What the table says holds for each
        source that does not say otherwise (:func:`mpg_research.study.config.parts.table_of_source`).
    """

    sources: tuple[SourceConfig, ...] = ()
    _source: int | None = PrivateAttr(default=None)
    _own: frozenset[tuple[str, str]] = PrivateAttr(default=frozenset())

    @model_validator(mode="after")
    def _file_or_sources(self) -> "TableConfig":
        if self.file and self.sources:
            raise ValueError(
                "file or sources, not both: each of the sources names its own file, and the table says what "
                "they have in common"
            )
        return self

    def section_of(self, name: str) -> str:
        """Where study.toml says how this file is read, for messages.

        Parameters
        ----------
        name : str
            Name of the table.

        Returns
        -------
        str
            "[tables.NAME]", or which of its sources.
        """
        if self._source is None:
            return f"[tables.{name}]"
        return f"[[tables.{name}.sources]] number {self._source + 1}"

    def place_of(self, name: str, *keys: str) -> tuple[str, ...]:
        """The place of a setting in study.toml: in the source where that has it, else in the table.

        Parameters
        ----------
        name : str
            Name of the table.
        *keys : str
            Setting, and perhaps a key in it.

        Returns
        -------
        tuple of str
        """
        own = self._source is not None and (keys[0], keys[1] if len(keys) > 1 else "") in self._own
        return ("tables", name, *(("sources", str(self._source)) if own else ()), *keys)


class OrganisationConfig(Section):
    """[organisations.KEY]: the public name of an organisation.

    ``comparison`` marks an arm that did not get the help: a placebo, a waiting list, care as usual.
    """

    name: Text
    comparison: StrictBool = False


class InstrumentConfig(Section):
    """[instruments.KEY]: a study's own questionnaire, or settings for a shipped one.

    ``norms`` is a CSV with columns age_from, age_to, raw, t_score and needs ``norms_source``.
    ``maximum_missing_items`` is the study's own choice to prorate; ``reverse_items`` lists items that
    the export holds as they were answered and that must be turned round.
    """

    file: File | None = None
    norms: File | None = None
    norms_source: str | None = None
    norms_synthetic: StrictBool = False
    maximum_missing_items: Whole | None = Field(None, ge=0)
    reverse_items: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _norms_have_a_source(self) -> "InstrumentConfig":
        if self.norms and not (self.norms_source or "").strip():
            raise ValueError("norms_source beside norms: the source of the norm table, as reports print it")
        if self.norms_source and not self.norms:
            raise ValueError("norms beside norms_source: the file with the norm table")
        return self


class AnalysisConfig(Section):
    """[analysis]: the defaults of every analysis. Times are in months (or weeks, or waves) since the start.

    ``reference`` is what organisations are compared with: their plain mean, or their median.
    ``minimum_measured`` is how many families must be measured at a month for anything to be said of it. It is
    about statistics, not about privacy: ``[disclosure]`` does not change it.
    ``instruments`` are the questionnaires looked at side by side. The first is primary: what every analysis
    of one questionnaire is about, as ``instrument`` alone says too.
    """

    instrument: str | None = None
    instruments: tuple[str, ...] = ()
    outcome: Literal["raw", "t_score"] = "raw"
    respondents: Literal["declared", "both"] = "declared"
    episodes: Literal["first", "all"] = "first"
    case_mix: tuple[str, ...] = ()
    months: tuple[Number, ...] = Field((0.0, 6.0, 12.0), min_length=2)
    primary_month: Number = 12.0
    minimum_measured: Whole = Field(10, ge=1)
    reference: Literal["mean", "median"] = "mean"
    change_method: Literal["JT", "GLN", "HLL", "EN", "NK", "HA"] = "JT"

    @model_validator(mode="before")
    @classmethod
    def _first_is_primary(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        one, several = data.get("instrument"), data.get("instruments")
        if isinstance(several, list | tuple) and several and "instrument" not in data:
            return {**data, "instrument": several[0]} if isinstance(several[0], str) else data
        if isinstance(one, str) and not several:
            return {**data, "instruments": (one,)}
        return data

    @model_validator(mode="after")
    def _one_primary(self) -> "AnalysisConfig":
        if self.instruments and self.instruments[0] != self.instrument:
            listed = ", ".join(f'"{key}"' for key in self.instruments)
            raise ValueError(
                f'instrument = "{self.instrument}" first among instruments, which begins with another '
                f"([{listed}]); or no instrument beside them"
            )
        twice = sorted({key for key in self.instruments if self.instruments.count(key) > 1})
        if twice:
            raise ValueError(f"each of the instruments once ({', '.join(twice)} stands there twice)")
        return self

    @model_validator(mode="after")
    def _increasing(self) -> "AnalysisConfig":
        if list(self.months) != sorted(set(self.months)) or self.months[0] < 0:
            raise ValueError("months that increase, from 0 or later")
        if self.primary_month not in self.months:
            listed = ", ".join(f"{month:g}" for month in self.months)
            raise ValueError(f"primary_month to be one of months ({listed})")
        if len(set(self.case_mix)) != len(self.case_mix):
            raise ValueError("each case_mix column once")
        return self


class InterventionsConfig(Section):
    """[interventions]: how long after a signal is looked. The defaults are ours, not the toolkit's.

    ``grace_weeks``: within so many weeks an intervention counts as an answer to the signal. ``later_months``:
    how the family stands so long after it; ``later_window_months``: how far from then a measurement may lie.
    """

    grace_weeks: Number = Field(8.0, gt=0, le=104)
    later_months: Number = Field(6.0, gt=0, le=60)
    later_window_months: Number = Field(1.5, gt=0, le=12)

    @model_validator(mode="after")
    def _later_is_later(self) -> "InterventionsConfig":
        if self.later_window_months >= self.later_months:
            raise ValueError("later_window_months smaller than later_months")
        return self


class CareConfig(Section):
    """[care]: moments and limits for care as a time line. The defaults are ours, not the practice's.

    ``agencies_at_most``, ``agencies_within_months``: what "fewer agencies" means, and within how many months.
    ``months_around_change``: how far is looked before and after another worker takes over, or a plan stands.
    ``weeks_until_more_hours``: within so many weeks after a reliable worsening hours should have been raised;
    ``more_hours_at_least``: hours a month more than in the months before it that count as raised.
    ``hours_model_months``: asks for a marginal structural model of the score on the hours of so many months
    before it; 0 makes none.
    ``severe_from``: from this severity on (0 to 4) a problem counts as severe. ``goal_reached``: the
    attainment from which a goal counts as reached, on the study's own scale; without it no share of goals
    reached is given. ``satisfaction_bands``: the marks (0 to 10) from which the second and the third band of
    satisfaction begin.
    ``minimum_raters``: of fewer workers who score nothing is told. ``parent_score_days``: how far from a
    worker's score the parent's may lie; ``second_rater_days``: and that of a second worker.
    ``minimum_years_apart``: spread of the years in the job (standard deviation) that drift takes.
    ``tenure_years``: where bands of years in the job begin. ``condition_organisations``: from so many on
    conditions are set beside the course.
    """

    severe_from: Whole = Field(3, ge=1, le=4)
    goal_reached: Number | None = None
    satisfaction_bands: tuple[Number, Number] = (5.5, 7.5)

    agencies_at_most: Whole = Field(2, ge=0, le=50)
    agencies_within_months: Number = Field(3.0, gt=0, le=24)
    months_around_change: Whole = Field(3, ge=1, le=12)
    weeks_until_more_hours: Number = Field(8.0, gt=0, le=104)
    more_hours_at_least: Number = Field(1.0, gt=0, le=200)
    hours_model_months: Whole = Field(0, ge=0, le=12)

    # Fidelity and drift of raters (docs/explanation/practice.md).
    minimum_raters: Whole = Field(10, ge=5)
    parent_score_days: Number = Field(45.0, gt=0, le=366)
    second_rater_days: Number = Field(7.0, ge=0, le=92)
    minimum_years_apart: Number = Field(0.5, gt=0, le=20)
    tenure_years: tuple[Number, ...] = (2.0, 5.0)
    condition_organisations: Whole = Field(10, ge=10)

    @model_validator(mode="after")
    def _tenure_increases(self) -> "CareConfig":
        if (
            list(self.tenure_years) != sorted(set(self.tenure_years))
            or min(self.tenure_years, default=1) <= 0
        ):
            raise ValueError("tenure_years that increase, above 0")
        return self


class ChecklistsConfig(Section):
    """[checklists]: what the people of the study write for reporting checklists, by item and language.

    ``strobe`` and ``target``: texts by key of the item (``docs/how_to/for_a_paper.md`` lists them), such as
    ``strobe = { funding = "..." }``.
    """

    strobe: dict[str, Text] = Field(default_factory=dict)
    target: dict[str, Text] = Field(default_factory=dict)


class AfterwardsConfig(Section):
    """[afterwards]: what counts after the end of the help. The defaults are ours, not the practice's.

    ``good_ends``: reasons of ends from which is looked. ``horizon_months``: how long. ``step_months``: at
    which steps shares and mean scores are given. ``same_help_days``: a next period that starts within so many
    days is the same help going on. ``last_score_months``: how long before the end the last score in help may
    lie. ``events``: which codes of the table ``events`` count, beside a renewed start. ``minimum_events``:
    with fewer per coefficient there is no model of hazards. ``minimum_groups``: fewer workers (or
    organisations) say nothing of how much they differ, and errors are then over families.
    ``months_without_progress``: when a family without clear progress is asked after. ``decision_months``:
    how long after that a decision counts as one about it. ``later_months``: how the family stands so long
    after.
    """

    good_ends: tuple[str, ...] = Field(("as_planned", "early_agreed"), min_length=1)
    horizon_months: Number = Field(24.0, gt=0, le=120)
    step_months: Number = Field(3.0, gt=0, le=24)
    same_help_days: Whole = Field(30, ge=0, le=366)
    last_score_months: Number = Field(3.0, gt=0, le=24)
    events: tuple[str, ...] = ("placement", "eviction")
    minimum_events: Whole = Field(5, ge=2)
    minimum_groups: Whole = Field(10, ge=2)
    months_without_progress: Number = Field(6.0, gt=0, le=60)
    decision_months: Number = Field(3.0, gt=0, le=24)
    later_months: Number = Field(6.0, gt=0, le=60)

    @model_validator(mode="after")
    def _known_and_in_order(self) -> "AfterwardsConfig":
        unknown = [name for name in self.good_ends if name not in END_REASONS]
        if unknown:
            raise ValueError(f"good_ends from {', '.join(END_REASONS)}; not {', '.join(unknown)}")
        if "renewed_referral" in self.events:
            raise ValueError("events without renewed_referral: it counts as a renewed start")
        if len(set(self.events)) != len(self.events):
            raise ValueError("each of the events once")
        if self.step_months > self.horizon_months:
            raise ValueError("step_months no longer than horizon_months")
        return self


class DisclosureConfig(Section):
    """[disclosure]: what may be shown to whom.

    ``dominance_within_percent``, ``dominance_largest_percent``: a sum of money is not shown where the family
    with the second largest part of it could tell the largest part to within so many per cent, or where the
    largest is more than so many per cent of it. Both numbers are ours.

    ``reason`` says why a rule is looser than its default (:mod:`~mpg_research.study.config.looser_rules`).
    """

    minimum_families: Whole = Field(10, ge=3)
    minimum_other_organisations: Whole = Field(3, ge=1)
    rounding: Whole = Field(5, ge=0)
    midpoint: StrictBool = False
    dominance_within_percent: Whole = Field(10, ge=1, le=100)
    dominance_largest_percent: Whole = Field(50, ge=10, le=100)
    public_groups: StrictBool = False
    name_organisations_to_funder: StrictBool = False
    reason: Text | None = None


class ConsentConfig(Section):
    """[consent]: whose data may be used. Without this section everybody's in the files.

    Attributes
    ----------
    column : str
        Column of the file with the episodes that says whether there is consent, or another legal ground.
    permits : tuple
        Its values (or labels) that permit; with any other value, or none, a family is left out.
    """

    column: str = Field(min_length=1)
    permits: tuple[str | StrictBool | Whole | Number, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _says_something(self) -> "ConsentConfig":
        if not self.column.strip():
            raise ValueError("the name of a column of the file with the episodes")
        if any(not str(value).strip() for value in self.permits):
            raise ValueError("values that permit: an empty cell never does")
        return self


class VocabularyConfig(Section):
    """[vocabularies]: the study's own codes beside the fixed ones, each with its wording."""

    interventions: dict[str, Text] = Field(default_factory=dict)
    roles: dict[str, Text] = Field(default_factory=dict)
    events: dict[str, Text] = Field(default_factory=dict)
    respondents: dict[str, Text] = Field(default_factory=dict)
    domains: dict[str, Text] = Field(default_factory=dict)
    conditions: dict[str, Text] = Field(default_factory=dict)


class TablesConfig(Section):
    """[tables]: the tables of a study; two are required."""

    episodes: TableConfig
    measurements: TableConfig
    interventions: TableConfig | None = None
    care: TableConfig | None = None
    practice: TableConfig | None = None
    events: TableConfig | None = None
    decisions: TableConfig | None = None
    workers: TableConfig | None = None
    domains: TableConfig | None = None
    goals: TableConfig | None = None
    conditions: TableConfig | None = None
    prices: TableConfig | None = None
    price_index: TableConfig | None = None

    def present(self) -> dict[str, TableConfig]:
        """The configured tables by name, in the order of the schemas."""
        tables = {name: getattr(self, name) for name in SCHEMAS}
        return {name: table for name, table in tables.items() if table is not None}
