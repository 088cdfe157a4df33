"""Columns that just miss a pattern: ``score_pre`` beside ``score_{wave}m``. Each is named."""

import re
from collections.abc import Iterable, Mapping

from mpg_research.errors import Problem
from mpg_research.study.config.study_toml import StudyConfig, TableConfig
from mpg_research.study.files.read import RawTable
from mpg_research.study.patterns import compile_pattern, placeholders

__all__ = ["columns_that_miss", "near_patterns"]

SHOWN = 12
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")
_WORD = re.compile(r"[^\W_]{2,}")


def near_patterns(
    raw: RawTable, table: TableConfig, config: StudyConfig, used: Iterable[str]
) -> tuple[Problem, ...]:
    """One finding per pattern about columns that begin as it does and that nothing else uses.

    Parameters
    ----------
    raw : RawTable
        The file.
    table : TableConfig
        Holds the patterns.
    config : StudyConfig
        For the kind of time.
    used : iterable of str
        Columns of the file that are used otherwise.

    Returns
    -------
    tuple of Problem
        Warnings.
    """
    names = [str(name) for name in raw.frame.columns]
    missed = columns_that_miss(names, table.patterns, used)
    return tuple(
        Problem(
            found=f"{_listed(columns)} begin{'s' if len(columns) == 1 else ''} as the pattern "
            f'{key} = "{table.patterns[key]}" does, but {"does" if len(columns) == 1 else "do"} not fit it',
            expected="each such column in a pattern, or named in study.toml",
            remedy=_remedy(key, columns, names, table, config),
            file=raw.name, row=1, column=columns[0], severity="warning", code="column_not_read",
        )
        for key, columns in missed.items()
    )  # fmt: skip


def columns_that_miss(
    names: Iterable[str], patterns: Mapping[str, str], used: Iterable[str]
) -> dict[str, list[str]]:
    """Columns that share the first word of a pattern and fit none, by the key of the pattern.

    Examples
    --------
    >>> columns_that_miss(["score_pre", "score_3m", "sex"], {"total": "score_{wave}m"}, [])
    {'total': ['score_pre']}
    """
    compiled = [compile_pattern(pattern) for pattern in patterns.values()]
    taken = {name.lower() for name in used}
    left = [
        name for name in names
        if name.lower() not in taken and not any(each.fullmatch(name) for each in compiled)
    ]  # fmt: skip
    missed: dict[str, list[str]] = {}
    for key, pattern in patterns.items():
        like = [name for name in left if _shares_stem(name, pattern)]
        if like:
            missed[key] = like
            left = [name for name in left if name not in like]
    return missed


def _shares_stem(name: str, pattern: str) -> bool:
    """Whether a column begins with the first word of the pattern, or holds its longest one."""
    before = _PLACEHOLDER.split(pattern)[0]
    start = _WORD.search(before)
    if start is not None:
        stem = before[: start.end()].lower()
        return name.lower().startswith(stem)
    words = sorted(_WORD.findall(_PLACEHOLDER.sub(" ", pattern)), key=len)
    return bool(words) and re.search(rf"(?<![^\W_]){re.escape(words[-1])}", name, re.IGNORECASE) is not None


def _remedy(key: str, columns: list[str], names: list[str], table: TableConfig, config: StudyConfig) -> str:
    wider = _wider(table.patterns[key], [*columns, *_fitting(names, table.patterns[key])])
    if wider is None:
        return "They are not read. If they hold what the pattern is about, rename them or widen the pattern."
    remedy = f'They are not read. A pattern that fits them all: patterns = {{ {key} = "{wider}" }}'
    if config.time.kind == "numbers" and "{wave}" in wider and "date" not in table.patterns:
        waves = dict.fromkeys(
            match["wave"] for name in names if (match := compile_pattern(wider).fullmatch(name)) is not None
        )
        known = {wave: _time_of(wave, table) for wave in waves}
        times = ", ".join(f'"{wave}" = {time}' for wave, time in known.items())
        remedy += f", with times = {{ {times} }}"
    return remedy + "."


def _time_of(wave: str, table: TableConfig) -> str:
    """The time of a wave as far as it can be told, for a line to be filled in: "3m" is 3."""
    if wave in table.times:
        return f"{table.times[wave]:g}"
    number = re.match(r"\d+", wave)
    return str(int(number[0])) if number else "0" if wave.lower() in ("pre", "voor", "start", "base") else "?"


def _fitting(names: list[str], pattern: str) -> list[str]:
    compiled = compile_pattern(pattern)
    return [name for name in names if compiled.fullmatch(name)]


def _wider(pattern: str, columns: list[str]) -> str | None:
    """A pattern that fits all these columns: the same one with less written round its {wave}."""
    if placeholders(pattern).count("wave") != 1:
        return None
    before, after = pattern.split("{wave}")
    for head in dict.fromkeys([before, re.sub(r"[^\W_]+$", "", before)]):
        for tail in dict.fromkeys([after, re.sub(r"^[^\W_{}]+", "", after)]):
            wider = f"{head}{{wave}}{tail}"
            if wider.startswith("{") and wider == "{wave}":
                continue
            if wider != pattern and all(compile_pattern(wider).fullmatch(name) for name in columns):
                return wider
    return None


def _listed(columns: list[str]) -> str:
    shown = ", ".join(columns[:SHOWN])
    return shown + (f" and {len(columns) - SHOWN} more columns" if len(columns) > SHOWN else "")
