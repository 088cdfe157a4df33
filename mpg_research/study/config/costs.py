"""The section [costs] of study.toml: what analyses of costs and benefits take for granted."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mpg_research.study.config.sections import Number, Section, Text, Whole
from mpg_research.study.schemas import NOT_GIVEN, PAYERS

__all__ = ["CostsConfig", "FewerAgencies", "Optimism"]

_Rate = Annotated[Number, Field(ge=0, lt=1)]
_Share = Annotated[Number, Field(ge=0, le=1)]


class Optimism(Section):
    """[costs.optimism.KEY]: by which share benefits are made smaller, at a strength of evidence.

    Attributes
    ----------
    share : float
        Share of the benefit that is taken off, 0 to 1.
    source : LocalText
        Where the share comes from, as reports print it.
    label : LocalText or None
        The strength of evidence in words; without it the key is printed.
    """

    share: _Share
    source: Text
    label: Text | None = None


class FewerAgencies(Section):
    """[[costs.fewer_agencies]]: one assumption about a family with fewer agencies.

    Attributes
    ----------
    label : LocalText
        The assumption in a few words.
    agencies_at_most : int
        So many agencies a month are left at most.
    coordination_hours : float
        Hours of contact a month that this takes besides.
    share_saved : float
        Share of the price of an agency's month that is no longer spent, 0 to 1.
    source : LocalText
        Where the assumption comes from, as reports print it.
    """

    label: Text
    agencies_at_most: Whole = Field(ge=0, le=100)
    coordination_hours: Number = Field(0.0, ge=0, le=744)
    share_saved: _Share = 1.0
    source: Text


class CostsConfig(Section):
    """[costs]: what analyses of costs and benefits take for granted.

    No default is a norm: those without a source named here are this package's own choice.

    Attributes
    ----------
    year : int or None
        Amounts are in prices of this year; by default the latest year of the table ``prices``.
    perspective : str
        Whose costs count: "societal" (everybody's), "municipal" (the municipality's), or one payer.
    discount_costs, discount_effects : float
        Rates per year. By default those of the Dutch guideline for economic evaluations in health care
        (:data:`mpg_research.statistics.economics.discounting.DUTCH_RATE_COSTS`, with its source).
    horizon_months : float
        How long after the start costs and effects are counted.
    round_to : int
        Every amount of money that is shown is rounded to a multiple of this.
    thresholds : tuple of float
        What one unit of effect may cost, increasing; none by default, since there is no norm for it.
    effect : {"points", "reliably_improved", "months_without_placement"}
        What counts as effect.
    before_help_months : float
        The tables hold costs of so many months before the start too; 0: none are recorded.
    otherwise : {"none", "stated", "comparison_group", "model", "published"}
        How it is known what would have happened anyway.
    otherwise_share : float or None
        Share of the benefit that would have come anyway, where it is stated, published or from a model.
    otherwise_source : LocalText or None
        Where that share comes from.
    optimism : dict of str to Optimism
        Correction for optimism by strength of evidence.
    evidence : str or None
        The strength of evidence of this study: a key of ``optimism``.
    fewer_agencies : tuple of FewerAgencies
        The three assumptions of the scenario with fewer agencies, or none.
    cheers : dict of str to LocalText
        Texts of the CHEERS 2022 checklist that no data can give.
    without_events : {"not_recorded", "none_happened"}
        What it means that an organisation has no event on record at all: that it writes none down, so that
        months without placement are not known there, or that there were none.
    otherwise_column : str or None
        With a comparison group: the column of ``episodes`` with two values, the first of which (in order: no,
        yes) is of the families without the help.
    """

    year: Whole | None = Field(None, ge=1990, le=2100)
    perspective: Literal[
        "societal", "municipal", "municipality", "health_insurer", "housing_corporation", "state", "school",
        "family", "other",
    ] = "societal"  # fmt: skip
    discount_costs: _Rate = 0.03
    discount_effects: _Rate = 0.015
    horizon_months: Number = Field(12.0, gt=0, le=240)
    round_to: Whole = Field(100, ge=1)
    thresholds: tuple[Number, ...] = ()
    effect: Literal["points", "reliably_improved", "months_without_placement"] = "points"
    before_help_months: Number = Field(0.0, ge=0, le=120)
    otherwise: Literal["none", "stated", "comparison_group", "model", "published"] = "none"
    otherwise_share: _Share | None = None
    otherwise_source: Text | None = None
    optimism: dict[str, Optimism] = Field(default_factory=dict)
    evidence: str | None = None
    fewer_agencies: tuple[FewerAgencies, ...] = ()
    cheers: dict[str, Text] = Field(default_factory=dict)
    otherwise_column: str | None = None
    without_events: Literal["not_recorded", "none_happened"] = "not_recorded"

    @property
    def payers(self) -> tuple[str, ...]:
        """The payers whose costs count: all of them from the societal perspective."""
        if self.perspective == "societal":
            return (*PAYERS, NOT_GIVEN)
        return ("municipality" if self.perspective == "municipal" else self.perspective,)

    @model_validator(mode="after")
    def _fit_together(self) -> "CostsConfig":
        if list(self.thresholds) != sorted(set(self.thresholds)) or min(self.thresholds, default=1) <= 0:
            raise ValueError("thresholds that increase, above 0")
        if self.otherwise in ("stated", "model", "published"):
            if self.otherwise_share is None or self.otherwise_source is None:
                raise ValueError(
                    f'otherwise_share and otherwise_source beside otherwise = "{self.otherwise}": the share '
                    "of the benefit that would have come anyway, and where it comes from"
                )
        elif self.otherwise_share is not None or self.otherwise_source is not None:
            raise ValueError(
                'otherwise = "stated", "model" or "published" beside otherwise_share and otherwise_source'
            )
        if self.otherwise == "comparison_group" and self.otherwise_column is None:
            raise ValueError(
                'otherwise_column beside otherwise = "comparison_group": a column of the table episodes with '
                "two values, the first of which are the families to compare with"
            )
        if self.evidence is not None and self.evidence not in self.optimism:
            known = ", ".join(self.optimism) or "none is there"
            raise ValueError(f'evidence to be a key of [costs.optimism] ({known}), not "{self.evidence}"')
        if len(self.fewer_agencies) not in (0, 3):
            raise ValueError(f"three assumptions of fewer_agencies, or none; not {len(self.fewer_agencies)}")
        return self
