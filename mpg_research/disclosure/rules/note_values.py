"""What the values of a note mean: each key declared once, since a note has no table to declare it in.

A key that does not stand here is refused, so that a new note cannot bring a number past the gate.
"""

from dataclasses import dataclass
from typing import Literal

from mpg_research.errors import DisclosureError, Note

__all__ = ["ValueMeaning", "meaning_of"]


@dataclass(frozen=True, slots=True)
class ValueMeaning:
    """What one value of a note says.

    Attributes
    ----------
    meaning : {"count", "organisations", "setting", "estimate", "label", "detail"}
        ``count``: of families, or of what families have (measurements, periods of help, dates); hidden where
        small, and where what is left of ``of`` is small. ``organisations``: how many organisations.
        ``setting``: chosen by somebody or by a rule, or a moment: no number of the data. ``estimate``: about
        all families of the study together, in steps or rounded. ``label``: a text without numbers of people.
        ``detail``: a text that may hold such numbers; shown to nobody.
    of : str
        Key of the number that the count is a part of.
    """

    meaning: Literal["count", "organisations", "setting", "estimate", "label", "detail"]
    of: str = ""


def _count(of: str = "") -> ValueMeaning:
    return ValueMeaning("count", of)


_ORGANISATIONS = ValueMeaning("organisations")
_SETTING = ValueMeaning("setting")
_ESTIMATE = ValueMeaning("estimate")
_LABEL = ValueMeaning("label")

_MEANINGS = {
    "n": _count("n_all"),
    "n_all": _count(),
    "n_bad": _count("n_courses"),
    "n_care_gaps": _count(),
    "n_courses": _count("n_all"),
    "n_dates": _count(),
    "n_dropped": _count("n_rows"),
    "n_families": _count("n_all"),
    "n_measurements": _count(),
    "n_periods": _count("n_all"),
    "n_records": _count(),
    "n_rows": _count("n_all"),
    "n_unknown": _count("n_all"),
    "all_organisations": _ORGANISATIONS,
    "n_organisations": _ORGANISATIONS,
    "asked": _SETTING,
    "days": _SETTING,
    "families_needed": _SETTING,
    "last_month": _SETTING,
    "max_missing": _SETTING,
    "minimum": _SETTING,
    "moments": _SETTING,
    "month": _SETTING,
    "months": _SETTING,
    "n_domains": _SETTING,
    "n_groups": _SETTING,
    "n_workers": _SETTING,
    "n_items": _SETTING,
    "n_levels": _SETTING,
    "n_months": _SETTING,
    "n_prices": _SETTING,
    "needed": _SETTING,
    "rank": _SETTING,
    "size": _SETTING,
    "variances": _SETTING,
    "waves": _SETTING,
    "high": _ESTIMATE,
    "low": _ESTIMATE,
    "p_value": _ESTIMATE,
    "percent": _ESTIMATE,
    "ratio": _ESTIMATE,
    "reliability": _ESTIMATE,
    "statistic": _ESTIMATE,
    "usual_waves": _ESTIMATE,
    "column": _LABEL,
    "columns": _LABEL,
    "group": _LABEL,
    "instrument": _LABEL,
    "level": _LABEL,
    "name": _LABEL,
    "organisation": _LABEL,
    "outcome": _LABEL,
    "reason": _LABEL,
    "smaller_in_r": _LABEL,
    "source": _LABEL,
    "terms": _LABEL,
    "zero_sd": _LABEL,
    "missing_by_column": ValueMeaning("detail"),
}  # fmt: skip


def meaning_of(note: Note, key: str) -> ValueMeaning:
    """What this value of the note means.

    Raises
    ------
    DisclosureError
        If the key is declared nowhere: whether the value may be shown is then not known.
    """
    found = _MEANINGS.get(key)
    if found is None:
        raise DisclosureError(
            f"The note {note.code!r} has a value {key!r} of which nobody said what it means, so it cannot be "
            "judged whether it may be shown. Declare it in disclosure/rules/note_values.py."
        )
    return found
