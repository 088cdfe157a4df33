"""Which questionnaire a file holds: by its name, the number of its items, and the range of its answers."""

from mpg_research.study.begin.codes import answer_codes
from mpg_research.study.begin.looking.profile import Profile
from mpg_research.study.begin.looking.words import plain_words
from mpg_research.study.begin.proposal import Said, SourceProposal

__all__ = ["FULL_FORM", "READ_AS_TOTAL", "SHORT_FORM", "UNKNOWN", "what_is_filled_in"]

#: The key of a questionnaire that nobody here knows, until the user names it.
UNKNOWN = "my_questionnaire"
SHORT_FORM, FULL_FORM = 10, 34  # items of the OBVL-K and of the OBVL
LOWEST, HIGHEST = 1, 4
READ_AS_TOTAL = (
    "34 items, as the OBVL has them. Its reverse keys are not public, so it is read as a total: "
    "name the column with the sum (columns: total)"
)
TOTALS = {"obvl_k": (10, 40), "obvl": (34, 136)}


def what_is_filled_in(source: SourceProposal) -> None:
    """Say which questionnaire a source holds, what its answers mean, and which codes mean no answer.

    Parameters
    ----------
    source : SourceProposal
        Of measurements; its constants, values, missing_values and remarks are filled in.
    """
    items = [source.profiles[name] for name in source.items.columns] if source.items else []
    source.missing_values = tuple(sorted({code for profile in items for code in profile.no_answers}))
    codes = answer_codes(items, source.items.n_items if source.items else 0)
    if codes is not None:
        source.values["item"] = codes
    if "instrument" in source.columns:
        return
    key, doubt = _by_items(source, items) if source.items else _by_total(source)
    if key:
        source.constants["instrument"] = Said(key, doubt)


def _named(source: SourceProposal) -> str:
    """Whether file, columns or labels speak of the OBVL-K or the OBVL."""
    names = [source.look.path.stem, source.look.sheet]
    names += list(source.items.columns) if source.items else [source.columns["total"].source]
    names += [profile.label for profile in source.profiles.values()]
    words = {word for name in names for word in plain_words(name)}
    if words & {"obvlk", "obk"} or ("obvl" in words and words & {"k", "kort", "verkort"}):
        return "obvl_k"
    return "obvl" if words & {"obvl", "obvl2"} else ""


def _by_items(source: SourceProposal, items: list[Profile]) -> tuple[str, str]:
    assert source.items is not None
    number, named = source.items.n_items, _named(source)
    answers = {answer for profile in items for answer in profile.answers or ()}
    in_range = all(LOWEST <= answer <= HIGHEST for answer in answers)
    if number == SHORT_FORM and (named == "obvl_k" or in_range or "item" in source.values):
        if named:
            return "obvl_k", ""
        return "obvl_k", "ten questions answered 1 to 4, as the OBVL-K has them: is it the OBVL-K?"
    lowest, highest = (min(answers), max(answers)) if answers else (0, 0)
    source.remarks.append(
        f"{number} items answered {lowest:g} to {highest:g}: no questionnaire that is known here. Which "
        "items are answered the other way round is never guessed"
    )
    return UNKNOWN, f"a questionnaire of {number} items; describe it in {UNKNOWN}.toml"


def _by_total(source: SourceProposal) -> tuple[str, str]:
    if "total" not in source.columns:
        return "", ""
    named = _named(source)
    totals = source.profiles[source.columns["total"].source].numbers
    for key in ("obvl_k", "obvl") if named != "obvl" else ("obvl", "obvl_k"):
        low, high = TOTALS[key]
        if named == key and all(low <= total <= high for total in totals):
            return key, ""
    return "", ""
