"""Columns of the items of a questionnaire, found by how their names are numbered: of one wave or of many."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mpg_research.study.patterns import compile_pattern, placeholders
from mpg_research.study.schemas import item_name

__all__ = ["FEWEST_ITEMS", "Items", "find_items", "wave_pattern"]

FEWEST_ITEMS = 4
MOST_ITEMS = 150
#: What waves are called: t0, w3, m12, 3m, pre, post, meting2, ...
_WAVE = re.compile(
    r"\d+|[twmvx]\d+|\d+(m|mnd|w|wk|j)|(t|wave|meting|meet|moment|maand|month|week|visit|ronde|golf)_?\d+|"
    r"pre|post|voor|na|start|einde?|begin|eind|base|baseline|follow|fu\d*|nul",
    re.IGNORECASE,
)

#: A number after this counts waves and no items.
_AFTER_WAVE = re.compile(
    r"(?:^|[^A-Za-z])(?:[twm]|wave|meting|meet|moment|maand|month|week|ronde)[_ ]?\{item\}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Items:
    """The items of one questionnaire in a file.

    Attributes
    ----------
    pattern : str
        Of their names, with {item}, and {wave} (and {respondent}) in a wide file; "" where none can say it.
    n_items : int
    waves : tuple of str
        As the names say them; empty in a long file.
    columns : dict of str to (str, str)
        Column of the file to its canonical item and its wave.
    respondents : tuple of str
        What stands in the place of {respondent}.
    """

    pattern: str
    n_items: int
    waves: tuple[str, ...]
    columns: dict[str, tuple[str, str]]
    respondents: tuple[str, ...] = ()


def find_items(names: Iterable[str]) -> list[Items]:
    """The sets of items among columns that hold answers, those with most columns first.

    Parameters
    ----------
    names : iterable of str
        Columns whose values can be answers.

    Returns
    -------
    list of Items

    Examples
    --------
    >>> wide = [f"obvlk_t{wave}_{item:02d}" for wave in (0, 3) for item in range(1, 11)]
    >>> [(each.pattern, each.n_items, each.waves) for each in find_items(wide)]
    [('obvlk_t{wave}_{item}', 10, ('0', '3'))]
    """
    left = list(names)
    found: list[Items] = []
    while len(left) >= FEWEST_ITEMS and len(found) < 20:
        best = _best(left)
        if best is None:
            break
        found.append(best)
        left = [name for name in left if name not in best.columns]
    return found


def _best(names: Sequence[str]) -> Items | None:
    candidates: list[Items] = []
    for place in (-1, -2, -3, -4, 0, 1):
        candidates += _with_item_at(names, place)
    if not candidates:
        return None
    return max(
        candidates,
        key=lambda each: (
            len(each.columns), bool(each.pattern), not _AFTER_WAVE.search(each.pattern), each.n_items,
        ),
    )  # fmt: skip


def _with_item_at(names: Sequence[str], place: int) -> list[Items]:
    """Sets of items whose number is this run of digits of the name (-1 is the last one)."""
    groups: dict[tuple[str, str], dict[int, str]] = {}
    for name in names:
        runs = list(re.finditer(r"\d{1,3}", name))
        if not -len(runs) <= place < len(runs):
            continue
        run = runs[place]
        key = (name[: run.start()], name[run.end() :])
        groups.setdefault(key, {}).setdefault(int(run[0]), name)
    whole = {
        key: items for key, items in groups.items()
        if FEWEST_ITEMS <= len(items) <= MOST_ITEMS and sorted(items) == list(range(1, len(items) + 1))
    }  # fmt: skip
    sizes = Counter(len(items) for items in whole.values())
    found = []
    for size in sizes:
        same = {key: items for key, items in whole.items() if len(items) == size}
        found += _sets(same, size)
    return found


def _sets(groups: Mapping[tuple[str, str], Mapping[int, str]], size: int) -> list[Items]:
    """One set per group, or one for all where their names differ by waves only."""
    alone = [_long(key, items, size) for key, items in groups.items()]
    keys = list(groups)
    if len(keys) > 1:
        for varying in (0, 1):
            fixed = {key[1 - varying] for key in keys}
            if len(fixed) != 1:
                continue
            together = _wide(keys, varying, groups, size)
            if together is not None:
                return [together]
    return alone


def _long(key: tuple[str, str], items: Mapping[int, str], size: int) -> Items:
    columns = {name: (item_name(number), "") for number, name in items.items()}
    pattern = _checked(f"{key[0]}{{item}}{key[1]}", columns, ("item",))
    return Items(pattern, size, (), columns)


def _wide(
    keys: list[tuple[str, str]], varying: int, groups: Mapping[tuple[str, str], Mapping[int, str]], size: int
) -> Items | None:
    parts = [key[varying] for key in keys]
    head, tail = _shared(parts)
    rests = [part[len(head) : len(part) - len(tail)] for part in parts]
    split = [re.split(r"([^A-Za-z0-9]+)", rest) for rest in rests]
    if any(len(each) != len(split[0]) or each[1::2] != split[0][1::2] for each in split):
        return None
    signs = split[0][1::2]
    words = [each[::2] for each in split]
    changing = [place for place in range(len(words[0])) if len({each[place] for each in words}) > 1]
    if not changing or len(changing) > 2 or any(not word for each in words for word in each):
        return None
    waves_at = max(changing, key=lambda place: sum(bool(_WAVE.fullmatch(each[place])) for each in words))
    if not all(_WAVE.fullmatch(each[waves_at]) for each in words):
        return None
    names = {waves_at: "{wave}"} | {place: "{respondent}" for place in changing if place != waves_at}
    written = "".join(
        names.get(place, words[0][place]) + (signs[place] if place < len(signs) else "")
        for place in range(len(words[0]))
    )
    other = next((place for place in changing if place != waves_at), None)
    before, after = keys[0]
    pattern = (
        f"{head}{written}{tail}{{item}}{after}" if varying == 0 else f"{before}{{item}}{head}{written}{tail}"
    )
    columns = {
        name: (item_name(number), each[waves_at])
        for key, each in zip(keys, words, strict=True)
        for number, name in groups[key].items()
    }
    wanted = ("item", "wave") if other is None else ("item", "wave", "respondent")
    pattern = _checked(pattern, columns, wanted)
    if not pattern:
        return None
    waves = tuple(dict.fromkeys(each[waves_at] for each in words))
    respondents = () if other is None else tuple(dict.fromkeys(each[other] for each in words))
    return Items(pattern, size, waves, columns, respondents)


def _shared(parts: Sequence[str]) -> tuple[str, str]:
    """What all begin and end with, but never a part of a number or, where it can be, of a word."""
    head = _beginning(parts)
    while head and head[-1].isdigit():
        head = head[:-1]
    rests = [part[len(head) :] for part in parts]
    if any(rest and not rest[0].isdigit() for rest in rests):
        head = re.sub(r"[A-Za-z0-9]+$", "", head)
        rests = [part[len(head) :] for part in parts]
    tail = _beginning([rest[::-1] for rest in rests])[::-1]
    inner = re.search(r"[^A-Za-z0-9]", tail)
    return head, "" if inner is None else tail[inner.start() :]


def _beginning(texts: Sequence[str]) -> str:
    """What all these texts begin with."""
    first, last = min(texts), max(texts)
    same = next((place for place, sign in enumerate(first) if last[place : place + 1] != sign), len(first))
    return first[:same]


def _checked(pattern: str, columns: Mapping[str, tuple[str, str]], wanted: Sequence[str]) -> str:
    """The pattern, if it reads these columns as they are meant; else ""."""
    if sorted(placeholders(pattern)) != sorted(wanted):
        return ""
    compiled = compile_pattern(pattern)
    for name, (item, wave) in columns.items():
        match = compiled.fullmatch(name)
        if match is None or item_name(match["item"]) != item or (wave and match["wave"] != wave):
            return ""
    return pattern


def wave_pattern(names: Iterable[str], waves: Sequence[str]) -> str:
    """The pattern of columns of which there is one per wave, such as dates or totals; else "".

    Examples
    --------
    >>> wave_pattern(["datum_t0", "datum_t3", "geboren"], ["0", "3"])
    'datum_t{wave}'
    """
    counts: Counter[str] = Counter()
    found: dict[str, set[str]] = {}
    for name in names:
        for wave in sorted(waves, key=len, reverse=True):
            for match in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(wave)}(?![A-Za-z0-9])", name):
                _count(f"{name[: match.start()]}{{wave}}{name[match.end() :]}", wave, found)
            for match in re.finditer(rf"(?<![0-9]){re.escape(wave)}(?![0-9])", name):
                _count(f"{name[: match.start()]}{{wave}}{name[match.end() :]}", wave, found)
    for pattern, seen in found.items():
        counts[pattern] = len(seen)
    for pattern, number in counts.most_common():
        if number < max(2, len(waves) - 1) and number < len(waves):
            break
        if placeholders(pattern) == ("wave",):
            return pattern
    return ""


def _count(pattern: str, wave: str, found: dict[str, set[str]]) -> None:
    found.setdefault(pattern, set()).add(wave)
