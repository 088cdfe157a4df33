"""What the codes of a column mean, where they can mean one thing only."""

from collections.abc import Mapping

from mpg_research.study.begin.looking.profile import Profile
from mpg_research.study.begin.looking.words import meaning_of_code
from mpg_research.study.begin.proposal import CodeMap, Mapped
from mpg_research.study.schemas import Column, Schema
from mpg_research.study.tables.values import parse_boolean

__all__ = ["answer_codes", "code_maps", "codes_of"]

#: The ends of the scale of the OBVL-K, as published; what stands between them is not public.
PUBLISHED_ANSWERS = {"geldt niet": "1", "geldt helemaal": "4"}
YES_OR_NO = ("yes", "no")


def code_maps(
    schema: Schema,
    columns: Mapping[str, Mapped],
    profiles: Mapping[str, Profile],
    preset: Mapping[str, Mapping[str, str]],
) -> dict[str, CodeMap]:
    """Columns of codes (and of yes or no) whose codes are not ours.

    Parameters
    ----------
    schema : Schema
        The table.
    columns : mapping
        Canonical column to column of the file.
    profiles : mapping
        The columns of the file.
    preset : mapping
        What a documented layout says, by canonical column.

    Returns
    -------
    dict of str to CodeMap
    """
    found = {}
    for name, mapped in columns.items():
        column, profile = schema.column(name), profiles[mapped.source]
        if column is None or profile.identifier:
            continue
        if column.kind == "code" or name == "instrument":
            codes = codes_of(column, _labels_or_texts(profile), preset.get(name, {}))
        elif column.kind == "boolean" and profile.kind != "boolean":
            labels = dict(profile.value_labels)
            texts = [labels.get(text, text) for text in profile.texts]
            unknown = tuple(text for text in texts if parse_boolean(text) is None)
            codes = CodeMap({}, unknown, YES_OR_NO)
        else:
            continue
        if codes.known or codes.unknown:
            found[name] = codes
    return found


def codes_of(column: Column, texts: list[str], preset: Mapping[str, str]) -> CodeMap:
    """What these codes of one column mean.

    Parameters
    ----------
    column : Column
        Ours.
    texts : list of str
        The codes, or their labels.
    preset : mapping
        What a documented layout says of them.

    Returns
    -------
    CodeMap
    """
    own = {name.lower() for name in column.vocabulary or {}}
    own |= {each.lower() for others in (column.vocabulary or {}).values() for each in others}
    if column.name == "instrument":
        own = {"obvl", "obvl_k"}
    said = {code.lower(): meaning for code, meaning in preset.items()}
    known, unknown = {}, []
    for text in texts:
        plain = text.strip().lower()
        if plain in own and text.strip() == text.strip().lower():
            continue
        meaning = said.get(plain) or meaning_of_code(column.name, text)
        if meaning and meaning.lower() != plain:
            known[text] = meaning
        elif plain not in own:
            unknown.append(text)
    choices = tuple(column.vocabulary or ()) or ("obvl_k", "obvl")
    otherwise = "a code of your own, named under [vocabularies]" if column.open_vocabulary else ""
    if column.name == "instrument":
        otherwise = "a questionnaire that you describe: mpg init --instrument KEY.toml"
    by_words = any(code.strip().lower() not in said for code in known)
    return CodeMap(known, tuple(unknown), choices, otherwise, by_words)


def _labels_or_texts(profile: Profile) -> list[str]:
    labels = dict(profile.value_labels)
    return [labels.get(text, text) for text in profile.texts]


def answer_codes(profiles: list[Profile], n_items: int) -> CodeMap | None:
    """What answers in words mean; None where the answers are numbers as they should be."""
    words = sorted({text for profile in profiles for text in profile.texts if profile.kind == "text"})
    numbers = sorted({number for profile in profiles for number in profile.answers or ()})
    if words:
        known = {
            word: PUBLISHED_ANSWERS[word.strip().lower()]
            for word in words
            if n_items == 10 and word.strip().lower() in PUBLISHED_ANSWERS
        }
        unknown = tuple(word for word in words if word not in known and not word.strip().isdigit())
        return CodeMap(known, unknown, ("1", "2", "3", "4"))
    if n_items == 10 and numbers and numbers[0] == 0 and numbers[-1] <= 3:
        return CodeMap({}, tuple(f"{number:g}" for number in numbers), ("1", "2", "3", "4"))
    return None
