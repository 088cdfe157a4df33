"""How a released result is spoken about: its units, its names, its numbers in one language."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from mpg_research.disclosure.applied_rules import SETTING_OF
from mpg_research.disclosure.released import Released, ReleasedTable
from mpg_research.errors import DisclosureError
from mpg_research.frames import quantity
from mpg_research.present.language.names import clean_name, isolated
from mpg_research.present.language.numbers import (
    format_count,
    format_nonzero,
    format_number,
    format_p,
    format_time,
)
from mpg_research.present.language.phrases import Phrases, phrases_in, readable
from mpg_research.present.presented import PresentedText, SaidRule

__all__ = ["Voice", "refuse", "voice_of", "withheld_text"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A released result with the language it is presented in.

    Attributes
    ----------
    released : Released
        What may be shown.
    phrases : Phrases
        The catalogue of the language.
    """

    released: Released
    phrases: Phrases

    @property
    def language(self) -> str:
        """The code of the language."""
        return self.phrases.language

    @property
    def is_plain(self) -> bool:
        """Whether the reader gets plain language: everyone but the researcher."""
        return self.released.audience.is_external

    @property
    def level(self) -> str:
        """The confidence level as a percentage without its sign, "95"."""
        level = 100 * self.released.level
        return format_number(level, self.language, digits=0 if abs(level - round(level)) < 1e-9 else 1)

    @property
    def alpha(self) -> float:
        """The p-value below which something is said to differ: 0.05 at a level of 0.95."""
        return round(1 - self.released.level, 12)

    @property
    def scale(self) -> tuple[float, float] | None:
        """Lowest and highest possible score; None for T-scores and where it is not known."""
        facts = self.released.provenance.parameters
        low, high = facts.get("raw_minimum"), facts.get("raw_maximum")
        if self.released.provenance.outcome != "raw" or not isinstance(low, int | float):
            return None
        return (float(low), float(high)) if isinstance(high, int | float) and high > low else None

    @property
    def widest(self) -> float:
        """The largest change that the scale allows; infinite where the scale is not known."""
        return math.inf if self.scale is None else self.scale[1] - self.scale[0]

    def can_be_a_score(self, value: float) -> bool:
        """Whether a mean score is known and lies on the scale."""
        return math.isfinite(value) and (self.scale is None or self.scale[0] <= value <= self.scale[1])

    def can_be_a_change(self, value: float) -> bool:
        """Whether a change or a difference is known and no larger than the scale allows."""
        return math.isfinite(value) and abs(value) <= self.widest

    def within_scale(self, value: float) -> float:
        """The end of an interval of changes, no further than the scale goes: no change can lie beyond it."""
        return min(max(value, -self.widest), self.widest)

    @property
    def minimum(self) -> int:
        """Fewest families behind a number."""
        return self.released.policy.minimum_families

    @property
    def instrument(self) -> str:
        """What people call the questionnaire."""
        facts = self.released.instrument
        return readable(facts.name) if facts else readable(self.released.provenance.instrument)

    @property
    def compared_with(self) -> str:
        """What there is to compare the help with: "randomised" groups, a group that was "compared" without a
        lot, "groups" that are no secret, or "" (organisations that all give the help).
        """
        policy = self.released.policy
        if policy.randomised:
            return "randomised"
        return "compared" if policy.has_comparison else "groups" if policy.public_groups else ""

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower score is better for the family."""
        facts = self.released.instrument
        return facts is None or facts.direction == "higher_is_worse"

    @property
    def is_about_stress(self) -> bool:
        """Whether the questionnaire is about parenting stress, as its file says."""
        facts = self.released.instrument
        return facts is not None and facts.subject == "parenting_stress"

    @property
    def concept(self) -> str:
        """What the scores are about, in a sentence: "parenting stress"."""
        facts = self.released.instrument
        if facts is not None and facts.subject and self.phrases.has(f"concept.{facts.subject}"):
            return self.phrases(f"concept.{facts.subject}")
        if facts is not None and facts.concepts.get(self.language):
            return clean_name(facts.concepts[self.language])
        return self.phrases("concept.other", instrument=self.instrument)

    @property
    def score(self) -> str:
        """The score by name: "score op de OBVL-K"."""
        outcome = "t_score" if self.released.provenance.outcome == "t_score" else "raw"
        return self.phrases(f"unit.score_{outcome}", instrument=self.instrument)

    @property
    def unit(self) -> str:
        """Unit of scores and changes."""
        return self.phrases(
            "unit.t_points" if self.released.provenance.outcome == "t_score" else "unit.points"
        )

    @property
    def direction(self) -> str:
        """A sentence on which scores are better; empty where the result is about no questionnaire."""
        facts = self.released.instrument
        if facts is None:
            return ""
        return self.phrases(f"footnote.direction_{facts.direction}", instrument=self.instrument)

    @property
    def adjustment(self) -> str:
        """Whether the analysis was adjusted for case mix: "adjusted", "unadjusted", or "" if unknown."""
        parameters = self.released.provenance.parameters
        if "case_mix" not in parameters:
            return ""
        return "adjusted" if parameters["case_mix"] else "unadjusted"

    @property
    def reference_sentence(self) -> list[str]:
        """What organisations are compared with: their plain mean or their median; empty if it is unknown."""
        reference = self.released.provenance.parameters.get("reference")
        known = isinstance(reference, str) and self.phrases.has(f"reference.{reference}")
        return [self.phrases(f"reference.{reference}")] if known else []

    @property
    def adjusted(self) -> str:
        """A sentence on the adjustment for case mix, or ""."""
        return self.phrases(f"footnote.{self.adjustment}") if self.adjustment else ""

    @property
    def mark(self) -> str:
        """The marks of what is not for release and of made-up data, or ""."""
        private, synthetic = self.released.audience.private, self.released.synthetic
        marks = [name for name, holds in (("private", private), ("synthetic", synthetic)) if holds]
        return "; ".join(self.phrases(f"general.{name}") for name in marks)

    def number(self, value: float, digits: int = 1) -> str:
        """A number in the language."""
        return format_number(value, self.language, digits=digits)

    def nonzero(self, value: float, digits: int = 1) -> str:
        """A number in the language that is not shown as zero where it is not."""
        return format_nonzero(value, self.language, digits=digits)

    def shows(self, value: float, digits: int = 1) -> bool:
        """Whether a number is not shown as zero."""
        return self.number(value, digits) != self.number(0.0, digits)

    def p_value(self, value: float) -> str:
        """A p-value with its sign ("= .031"), never on the other side of the level than it is."""
        return format_p(value, self.language, with_sign=True, alpha=self.alpha)

    def count(self, value: float) -> str:
        """A count in the language."""
        return format_count(value, self.language)

    def rounded(self, value: float) -> str:
        """A number of people or measurements of the whole study, with a sign where such are rounded."""
        is_rounded = bool(self.released.policy.rounding) and value != 0  # nothing else is rounded to zero
        return self.about_cell(self.count(value), "rounded" if is_rounded else "")

    def families(self, number: float) -> str:
        """A number of families in words; that it is not shown where it is withheld, for whatever reason."""
        if not math.isfinite(number):
            return self.phrases("unit.families_hidden")
        return self.phrases("unit.families", number=self.count(number))

    def about(self, text: str, mark: str) -> str:
        """A number with "about" before it where it was rounded by the gate."""
        return self.phrases("general.about", value=text) if mark == "rounded" else text

    def about_cell(self, text: str, mark: str) -> str:
        """The same in a table: a sign in place of the word."""
        return self.phrases("general.about_cell", value=text) if mark == "rounded" else text

    def label(self, kind: str, name: object) -> str:
        """The label of a code; a placeholder for the moment, the time up to it or the unit is filled in."""
        key = f"{kind}.{name}"
        if not self.phrases.has(key):
            return self.phrases.label(kind, name)
        return self._filled(key)

    def setting(self, name: str) -> float:
        """What the analysis computed with, from the released table of it; NaN where it may not be shown."""
        return quantity(self.frame("settings"), name)

    def _filled(self, key: str) -> str:
        """A phrase with the moment asked about, the time up to it and the unit of scores filled in."""
        known: dict[str, Callable[[], object]] = {
            "moment": lambda: self.moment(self.main_month),
            "period": lambda: self.period(self.main_month),
            "horizon": self._horizon,
            "unit": lambda: self.unit,
            "minimum": lambda: self.minimum,
        }
        return self.phrases(key, **{each: known[each]() for each in self.phrases.placeholders(key)})

    def _horizon(self) -> str:
        horizon = self.setting("duration_horizon")
        return self.period(horizon) if math.isfinite(horizon) else ""

    def caption(self, table: str) -> str:
        """What a table is about, in a line."""
        key = f"caption.{table}"
        if not self.phrases.has(key):
            return self.phrases("caption.other", table=clean_name(table))
        return self._filled(key)

    def why_withheld(self, table: str) -> str:
        """That a table is not shown here, and why."""
        reason = self.released.reason_for(table)
        if reason is None:
            absent = f"absent.{table}"
            if self.phrases.has(absent):
                return self.phrases(absent)
            return self.phrases("withheld.missing", table=self.caption(table))
        why = self.phrases(f"withheld.{reason.code}", **reason.values)
        return self.phrases("withheld.table", table=self.caption(table), why=why)

    def rule(self, code: str, values: Mapping[str, object] | None = None) -> SaidRule:
        """A rule of disclosure in words: its name, what it does, and which setting governs it."""
        named = f"decisions.rule.{code}"
        name = self.phrases(named) if self.phrases.has(named) else readable(code)
        key = f"decisions.rule_says.{code}"
        key = key if self.phrases.has(key) else f"withheld.{code}"
        given = {"minimum": self.minimum, "missing": self.phrases("general.missing"), **(values or {})}
        says = self.phrases(key, **{each: given[each] for each in self.phrases.placeholders(key)})
        setting = SETTING_OF.get(code)
        if setting:
            value = getattr(self.released.policy, setting)
            says += " " + self.phrases("decisions.rule_setting", setting=setting, value=value)
        elif setting is not None:
            says += " " + self.phrases("decisions.rule_fixed")
        return SaidRule(code, name, says)

    @property
    def main_month(self) -> float:
        """The moment the analysis was asked about."""
        wanted = self.released.provenance.parameters.get("primary_month")
        return float(wanted) if isinstance(wanted, int | float) else 12.0

    def n_of(self, row: pd.Series) -> str:
        """The number of families behind a row of a frame: "n = 71", "n ≈ 30"."""
        number = float(row["n_families"])
        if not math.isfinite(number):
            return self.phrases("general.n_hidden")
        key = "general.n_about" if row.get("n_mark") == "rounded" else "general.n"
        return self.phrases(key, number=self.count(number))

    def quarter(self, period: object) -> str:
        """A quarter of a year: "2024-Q1" as people write it."""
        year, _, number = str(period).partition("-Q")
        return self.phrases("general.quarter", year=year, number=number) if number else clean_name(year)

    def moment(self, months: float) -> str:
        """A moment: "start", "month 6", "wave 3"."""
        if months == 0:
            return self.phrases("general.month_start")
        unit = "wave" if self.released.policy.time_unit == "waves" else "month"
        return self.phrases(f"general.{unit}", number=format_time(months, self.language))

    def period(self, months: float) -> str:
        """A stretch of time since the start: "12 months"."""
        unit = "wave" if self.released.policy.time_unit == "waves" else "month"
        plural = "" if months == 1 else "s"
        return self.phrases(f"unit.period_{unit}{plural}", number=format_time(months, self.language))

    def organisation(self, code: str) -> str:
        """The name or neutral label behind a label code."""
        wording: Mapping[str, str] = self.released.organisation_labels.get(code, {})
        return isolated(clean_name(wording.get(self.language, code)))

    def table(self, name: str) -> ReleasedTable | None:
        """A released table, or None."""
        return self.released.tables.get(name)

    def frame(self, name: str) -> pd.DataFrame:
        """The rows of a released table that are not withheld, with what was done to their number of
        families ("", "rounded") in ``n_mark``; empty without such a table.
        """
        table = self.table(name)
        if table is None:
            return pd.DataFrame()
        data = table.data.assign(n_mark=table.marks["n_families"])
        return data[~data["suppressed"].astype(bool)].reset_index(drop=True)

    def primary_month(self, months: pd.Series) -> float:
        """The moment a one-sentence answer is about: the analysis's own, else the last."""
        wanted = self.released.provenance.parameters.get("primary_month")
        listed = [float(month) for month in months]
        if isinstance(wanted, int | float) and float(wanted) in listed:
            return float(wanted)
        return max(listed)


def voice_of(released: Released, language: str) -> Voice:
    """The voice for a released result.

    Raises
    ------
    DisclosureError
        If it did not come from the gate.
    ConfigError
        If the language is unknown.
    """
    if type(released) is not Released:
        raise DisclosureError(
            "Only what went through release(result, audience, policy=...) can be presented; "
            f"this is a {type(released).__name__}."
        )
    policy = released.policy
    phrases = phrases_in(
        language,
        groups=policy.public_groups,
        unit=policy.unit.get(language),
        median=released.provenance.parameters.get("reference") == "median",
        time=policy.time_unit,
    )
    return Voice(released, phrases)


def refuse(voice: Voice, name: str) -> PresentedText | None:
    """The verdict in place of numbers, if the analysis says they must not be shown; else None."""
    released = voice.released
    stops = [note for note in released.notes if note.level == "stop"]
    if released.converged and not stops:
        return None
    verdict = "verdict.not_converged" if not released.converged else "verdict.stop"
    told = [note for note in stops if note.code != "not_converged" and not voice.is_plain]
    reasons = [_in_words(voice.phrases, f"note.{note.code}", note.text) for note in told]
    sentences = (voice.phrases(verdict), *reasons, voice.phrases("verdict.advice"))
    return PresentedText(name, voice.language, (sentences,), voice.mark, shows_numbers=False)


def _in_words(phrases: Phrases, key: str, text: str) -> str:
    """The phrase, if there is one that needs no numbers, else the text as the analysis wrote it."""
    return phrases(key) if phrases.has(key) and not phrases.placeholders(key) else text


def withheld_text(voice: Voice, name: str, table: str) -> PresentedText:
    """Why a table cannot be shown, in place of it; to a researcher by which rule, said once elsewhere."""
    sentence = voice.why_withheld(table)
    reason = voice.released.reason_for(table)
    rules: tuple[SaidRule, ...] = ()
    why = voice.phrases(f"withheld.{reason.code}", **reason.values) if reason is not None else ""
    if reason is not None and not voice.is_plain:
        rule = voice.rule(reason.code, reason.values)
        why, rules = rule.text, (rule,)
        sentence = voice.phrases("withheld.by_rule", table=voice.caption(table), rule=rule.name)
    return PresentedText(
        name,
        voice.language,
        ((sentence,),),
        voice.mark,
        shows_numbers=False,
        caption=voice.caption(table),
        rules=rules,
        why=why,
    )
