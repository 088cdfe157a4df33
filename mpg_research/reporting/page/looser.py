"""The rules of disclosure that a study loosened, in words, for the pages that they touch."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mpg_research.present.language.names import clean_name, isolated
from mpg_research.present.language.phrases import Phrases, study_phrases
from mpg_research.study.config.looser_rules import looser_rules

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["looser_record", "looser_words"]


def looser_record(config: "StudyConfig", role: str) -> dict[str, Any]:
    """What the manifest holds of the looser rules that touch a reader's pages; empty where there are none.

    Parameters
    ----------
    config : StudyConfig
        The study.
    role : str
        The reader.

    Returns
    -------
    dict
        ``looser`` (setting, value, default) and ``reason`` per language, ``None`` where none is recorded.
    """
    rules, reason = looser_rules(config.disclosure, role=role), config.disclosure.reason
    if not rules:
        return {}
    return {
        "looser": [{"setting": each.setting, "value": each.value, "default": each.default} for each in rules],
        "reason": None if reason is None else dict(reason.root),
    }


def looser_words(records: Iterable[Mapping[str, Any]], config: "StudyConfig", language: str) -> list[str]:
    """Sentences on looser rules: each rule once, then the recorded reason, or that there is none.

    Parameters
    ----------
    records : iterable of mapping
        From :func:`looser_record`; of several pages what they have together.
    config : StudyConfig
        The study, for its terms.
    language : str
        Code of the language.

    Returns
    -------
    list of str
        Plain text; empty where nothing is looser.
    """
    phrases = study_phrases(config, language)
    rules: dict[str, None] = {}
    reasons: dict[str, None] = {}
    for record in (each for each in records if each.get("looser")):
        rules |= {_sentence(rule, phrases): None for rule in record["looser"]}
        reasons[_reason(record.get("reason"), phrases)] = None
    return [*rules, *reasons]


def _sentence(rule: Mapping[str, Any], phrases: Phrases) -> str:
    key = f"page.looser_rule.{rule['setting']}"
    key = key if phrases.has(key) else "page.looser_rule.other"
    return phrases(key, **{name: rule[name] for name in phrases.placeholders(key)})


def _reason(reason: Mapping[str, str] | None, phrases: Phrases) -> str:
    """The reason in the language, else in one that has it: a text of the study, shown as text."""
    if not reason:
        return phrases("page.looser_no_reason")
    text = reason.get(phrases.language) or next(text for text in reason.values() if text)
    return phrases("page.looser_reason", reason=isolated(clean_name(text)))
