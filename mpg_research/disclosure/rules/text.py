"""Notes and provenance without names or small numbers."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from mpg_research.analysis.result import Provenance
from mpg_research.disclosure.audience import Audience, DisclosurePolicy
from mpg_research.disclosure.rules.note_values import meaning_of
from mpg_research.disclosure.rules.rounding import RoundingRule, rounding_step
from mpg_research.errors import Note

__all__ = ["NameFinder", "clean_notes", "clean_provenance", "notes_without_numbers"]

# "3 families", "two of the parents", "1 measurement": a small number before a word for people or records.
SMALL_COUNT = re.compile(
    r"(?<![\w.,])(?:[1-9]|one|two|three|four|five|six|seven|eight|nine)\b(?:\W+\w+){0,3}?\W+"
    r"(?:famil|parent|child|respondent|measurement|episode|row|record|answer|questionnaire|person|client|case)",
    re.IGNORECASE,
)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
#: Notes about the study's own choices; all others say something of the families together.
CHOICES = frozenset(
    {"synthetic_data", "baseline_window", "time_in_waves", "synthetic_norms", "norms", "no_norms"}
    | {"prorated_by_choice", "total_only"}
)
HIDDEN_TEXT = "A remark of the analysis is not shown here, since it names organisations or small numbers."


class NameFinder:
    """Finds keys and public names of organisations in text, as whole words, capitals ignored."""

    def __init__(self, names: Iterable[str]) -> None:
        listed = sorted({name.strip() for name in names if name.strip()}, key=len, reverse=True)
        alternatives = "|".join(re.escape(name) for name in listed)
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE) if listed else None

    def found_in(self, text: object) -> bool:
        """Whether a name stands in the text (or in the text form of another value)."""
        return self._pattern is not None and self._pattern.search(str(text)) is not None


def clean_notes(
    notes: Iterable[Note],
    *,
    minimum: int,
    names: NameFinder,
    outside: bool = False,
    rule: RoundingRule | None = None,
) -> tuple[Note, ...]:
    """Notes whose values and text hold no small number of families and none of these names.

    What a value is, is declared (:mod:`~mpg_research.disclosure.rules.note_values`). A small count becomes
    the text "<10", and one that leaves a small rest ">47". With a ``rule`` every
    other count is rounded by it; without, numbers of measurements for readers ``outside``, as they are in the
    sample flow. The analysis's own text is replaced as a whole where it
    names an organisation, gives a small count, or gives any number that is not among the values shown. Code
    and level stay, so that a "stop" remains one.

    Raises
    ------
    DisclosureError
        If a note has a value whose meaning is not declared.
    """
    return tuple(
        _clean_note(note, minimum=minimum, names=names, outside=outside, rule=rule) for note in notes
    )


def _clean_note(
    note: Note, *, minimum: int, names: NameFinder, outside: bool, rule: RoundingRule | None
) -> Note:
    values: dict[str, str | int | float | bool] = {}
    changed = False
    for key, value in note.values.items():
        shown = _shown_value(note, key, minimum=minimum, names=names, outside=outside, rule=rule)
        if shown is not None:
            values[key] = shown
        changed |= shown != value
    told = {number for value in values.values() for number in NUMBER.findall(_in_text(value))}
    hide = (
        changed
        or names.found_in(note.text)
        or SMALL_COUNT.search(note.text) is not None
        or not told.issuperset(NUMBER.findall(note.text))
    )
    return replace(note, values=values, text=HIDDEN_TEXT if hide else note.text)


def _in_text(value: str | int | float | bool) -> str:
    return f"{value:g} {value}" if isinstance(value, int | float) else value


def _shown_value(
    note: Note, key: str, *, minimum: int, names: NameFinder, outside: bool, rule: RoundingRule | None
) -> str | int | float | bool | None:
    """The value as readers may have it; None where they may not."""
    value, declared = note.values[key], meaning_of(note, key)
    if isinstance(value, str) and (declared.meaning != "label" or names.found_in(value)):
        return None
    if declared.meaning == "detail":
        return None
    if declared.meaning != "count" or isinstance(value, bool | str):
        return value
    if not float(value).is_integer():
        return None
    if 0 < value < minimum:
        return f"<{minimum}"
    whole = note.values.get(declared.of)
    if isinstance(whole, int | float) and 0 < whole - value < minimum:
        return f">{whole - minimum:g}"
    if rule is None and outside and key == "n_measurements":
        rule = RoundingRule(rounding_step(minimum))
    if rule is not None and value > 0:
        return _about(float(rule.counts(np.array([value]))[0]))
    return value


def _about(rounded: float) -> str:
    return f"\N{ALMOST EQUAL TO}\N{NO-BREAK SPACE}{rounded:g}"


def notes_without_numbers(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes about choices as they are, and that the analysis says stop; nothing else."""
    stops = (replace(note, values={}, text=HIDDEN_TEXT) for note in notes if note.level == "stop")
    return (*(note for note in notes if note.code in CHOICES and note.level != "stop"), *stops)


def clean_provenance(
    provenance: Provenance, audience: Audience, *, policy: DisclosurePolicy, names: NameFinder
) -> Provenance:
    """Provenance as this audience may see it.

    Without names, the digest is replaced by a one-way derivative: it still tells whether two reports come
    from the same data, but the order of the neutral labels cannot be computed from it. Parameters that
    name an organisation are left out.
    """
    if policy.sees_names(audience):
        return replace(provenance, parameters=dict(provenance.parameters))
    digest = hashlib.sha256(f"shown to {audience.role}\0{provenance.digest}".encode()).hexdigest()
    parameters = {key: value for key, value in provenance.parameters.items() if not _mentions(value, names)}
    return replace(provenance, digest=digest, parameters=parameters)


def _mentions(value: object, names: NameFinder) -> bool:
    if isinstance(value, Mapping):
        return any(_mentions(part, names) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(_mentions(part, names) for part in value)
    return isinstance(value, str) and names.found_in(value)
