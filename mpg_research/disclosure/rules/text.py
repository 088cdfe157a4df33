"""Notes and provenance without names or small numbers."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from mpg_research.analysis.result import Provenance
from mpg_research.disclosure.audience import Audience, DisclosurePolicy
from mpg_research.disclosure.rules.rounding import rounding_step
from mpg_research.errors import Note

__all__ = ["NameFinder", "clean_notes", "clean_provenance", "notes_without_numbers"]

# "3 families", "two of the parents", "1 measurement": a small number before a word for people or records.
SMALL_COUNT = re.compile(
    r"(?<![\w.,])(?:[1-9]|one|two|three|four|five|six|seven|eight|nine)\b(?:\W+\w+){0,3}?\W+"
    r"(?:famil|parent|child|respondent|measurement|episode|row|record|answer|questionnaire|person|client|case)",
    re.IGNORECASE,
)
NOT_PEOPLE = re.compile(
    r"month|week|wave|moment|level|item|organisation|degree|df|minimum|maximum|least|most|needed|iteration|age|knot"
)
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
    notes: Iterable[Note], *, minimum: int, names: NameFinder, outside: bool = False
) -> tuple[Note, ...]:
    """Notes whose values and text hold no small number of families and none of these names.

    For readers ``outside`` numbers of measurements are rounded, as they are in the sample flow.

    A small count among the values becomes the text "<10"; a text that names an organisation, or gives a
    small count, is replaced as a whole. Code and level stay, so that a "stop" remains one.
    """
    return tuple(_clean_note(note, minimum=minimum, names=names, outside=outside) for note in notes)


def _clean_note(note: Note, *, minimum: int, names: NameFinder, outside: bool) -> Note:
    values: dict[str, str | int | float | bool] = {}
    changed = False
    for key, value in note.values.items():
        if isinstance(value, str) and names.found_in(value):
            changed = True
        elif _is_small_count(key, value, minimum):
            values[key] = f"<{minimum}"
            changed = True
        elif outside and key == "n_measurements" and isinstance(value, int) and value > 0:
            step = rounding_step(minimum)
            rounded = max(step, step * ((value + step // 2) // step))
            values[key] = f"\N{ALMOST EQUAL TO}\N{NO-BREAK SPACE}{rounded:d}"
            changed = True
        else:
            values[key] = value
    hide = changed or names.found_in(note.text) or SMALL_COUNT.search(note.text) is not None
    return replace(note, values=values, text=HIDDEN_TEXT if hide else note.text)


def _is_small_count(key: str, value: str | int | float | bool, minimum: int) -> bool:
    if isinstance(value, bool | str) or NOT_PEOPLE.search(key):
        return False
    return 0 < value < minimum and float(value).is_integer()


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
