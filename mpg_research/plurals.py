"""One of a thing and more of it, in Dutch and English: "1 error", "2 errors".

Texts are written for more than one. Where a number in them turns out to be one, the noun that follows it
becomes singular, and so does a verb right behind the noun. What is not so simple (a verb in front of the
number) a text spells out itself: ``{number:lies|lie}``.
"""

import re
from collections.abc import Mapping
from functools import cache

__all__ = ["NOUNS", "VERBS", "counted", "is_one", "singular_after_one", "words_counted"]

NOUNS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "aandelen": "aandeel", "afwijkingen": "afwijking", "antwoorden": "antwoord",
        "beginjaren": "beginjaar", "bevindingen": "bevinding", "controles": "controle", "dagen": "dag",
        "datums": "datum", "families": "familie", "fouten": "fout", "gevallen": "geval", "gezinnen": "gezin",
        "groepen": "groep", "hulpperioden": "hulpperiode", "hulpverleners": "hulpverlener",
        "intervallen": "interval", "invullers": "invuller", "jaren": "jaar", "kenmerken": "kenmerk",
        "keren": "keer", "kwartalen": "kwartaal", "lijnen": "lijn", "maanden": "maand", "manieren": "manier",
        "meetrondes": "meetronde", "metingen": "meting", "momenten": "moment", "niveaus": "niveau",
        "organisaties": "organisatie", "periodes": "periode", "plaatsen": "plaats", "punten": "punt",
        "rijen": "rij", "scores": "score", "stippen": "stip", "trechterplots": "trechterplot",
        "verlopen": "verloop", "vragen": "vraag", "waarschuwingen": "waarschuwing", "weken": "week",
    },
    "en": {
        "answers": "answer", "bars": "bar", "cases": "case", "characteristics": "characteristic",
        "charts": "chart", "checks": "check", "columns": "column", "courses": "course", "dates": "date",
        "days": "day", "definitions": "definition", "dots": "dot", "draws": "draw", "duplicates": "duplicate",
        "episodes": "episode", "errors": "error", "families": "family", "files": "file",
        "findings": "finding", "groups": "group", "intervals": "interval", "levels": "level",
        "lines": "line", "measurements": "measurement", "moments": "moment", "months": "month",
        "organisations": "organisation", "others": "other", "parents": "parent", "periods": "period",
        "places": "place", "plots": "plot", "points": "point", "problems": "problem", "quarters": "quarter",
        "questions": "question", "respondents": "respondent", "rows": "row", "scores": "score",
        "shares": "share", "studies": "study", "times": "time", "values": "value", "warnings": "warning",
        "waves": "wave", "ways": "way", "weeks": "week", "workers": "worker", "years": "year",
    },
}  # fmt: skip
VERBS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "beginnen": "begint", "eindigen": "eindigt", "hadden": "had", "hebben": "heeft", "komen": "komt",
        "liggen": "ligt", "lopen": "loopt", "noemden": "noemde", "tellen": "telt", "waren": "was",
        "zijn": "is",
    },
    "en": {
        "are": "is", "count": "counts", "differ": "differs", "end": "ends", "have": "has",
        "include": "includes", "lie": "lies", "show": "shows", "start": "starts", "were": "was",
    },
}  # fmt: skip
#: Words that may stand between a number and its noun.
_BETWEEN = (
    r"(?:(?:other|different|published|unanswered|sudden|dot|single|funnel|duplicate|impossible|andere|vergeleken|"
    r"verschillende|gepubliceerde|onbeantwoorde)\s+)?"
)


def is_one(value: object) -> bool:
    """Whether a number, or a number as it is written, is one."""
    return str(value).strip() in ("1", "1.0") if not isinstance(value, bool) else False


def singular_after_one(text: str, language: str, unit: tuple[str, str] | None = None) -> str:
    """What follows the number one, with its first noun and the verb right behind it in the singular.

    Parameters
    ----------
    text : str
        What follows, the space included: ``" organisations lie beyond"``.
    language : {"nl", "en"}
    unit : tuple of str, optional
        One and more of whom the study is about.

    Examples
    --------
    >>> singular_after_one(" organisations lie beyond", "en")
    ' organisation lies beyond'
    """
    pattern, one, verbs = _rule(language, unit)
    found = pattern.match(text)
    if found is None:
        return text
    before, noun, gap, verb = found["before"], found["noun"], found["gap"] or "", found["verb"] or ""
    return f"{before}{one[noun]}{gap}{verbs.get(verb, verb)}{text[found.end() :]}"


def counted(number: int, words: str) -> str:
    """A number and what it counts, in English: "1 error", "2 errors".

    Examples
    --------
    >>> counted(1, "values out of range"), counted(0, "errors")
    ('1 value out of range', '0 errors')
    """
    follows = f" {words}"
    return f"{number}{singular_after_one(follows, 'en') if number == 1 else follows}"


def words_counted(number: int, unit: tuple[str, str] | None) -> str:
    """So many families, or whatever the study is about.

    Examples
    --------
    >>> words_counted(1, None), words_counted(3, ("patient", "patients"))
    ('1 family', '3 patients')
    """
    one, many = unit or ("family", "families")
    return f"{number} {one if number == 1 else many}"


@cache
def _rule(
    language: str, unit: tuple[str, str] | None
) -> tuple[re.Pattern[str], Mapping[str, str], Mapping[str, str]]:
    one = dict(NOUNS[language]) | ({unit[1]: unit[0]} if unit else {})
    verbs = VERBS[language]
    nouns = "|".join(map(re.escape, sorted(one, key=len, reverse=True)))
    pattern = re.compile(
        rf"(?P<before>\s+{_BETWEEN})(?P<noun>{nouns})\b(?:(?P<gap>\s+)(?P<verb>{'|'.join(verbs)})\b)?"
    )
    return pattern, one, verbs
