"""From files to a proposal for a whole study: which file is which table, who helps, when help starts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mpg_research.errors import DataError
from mpg_research.study.begin.looking.linking import linking_columns
from mpg_research.study.begin.looking.look import Look, look_at
from mpg_research.study.begin.looking.profile import Profile, profiles_of
from mpg_research.study.begin.looking.words import is_known_name
from mpg_research.study.begin.match_tables import as_source, kind_of
from mpg_research.study.begin.organisations import say_who_helps
from mpg_research.study.begin.presets import Preset, preset_of, recognised
from mpg_research.study.begin.proposal import Begun, Said, SourceProposal, TableProposal
from mpg_research.study.begin.questionnaire import UNKNOWN
from mpg_research.study.schemas import SCHEMAS
from mpg_research.study.tables.values import parse_dates

__all__ = ["gather"]

#: A file that fits a table so much less than another one does is no part of it.
MUCH_LESS = 0.5


def gather(paths: Sequence[Path], preset: str = "") -> Begun:
    """Look at files and propose how a study reads them.

    Parameters
    ----------
    paths : sequence of Path
        The exports; they are only read.
    preset : str
        The layout that they have; "" to see it by the columns.

    Returns
    -------
    Begun

    Raises
    ------
    ConfigError
        If there is no such preset.
    """
    begun = Begun()
    chosen = preset_of(preset) if preset else None
    looked: list[tuple[Look, dict[str, Profile], str, Preset | None]] = []
    for path in paths:
        try:
            looks = look_at(path, is_known_name)
        except DataError as error:
            begun.not_used[path.name] = str(error.problems[0] if error.problems else error)
            continue
        for look in looks:
            profiles = profiles_of(look)
            name = preset or recognised(list(profiles))
            layout = chosen or (preset_of(name) if name else None)
            looked.append((look, profiles, name, layout))
    linking = linking_columns([(look, profiles) for look, profiles, *_ in looked])
    seen = [
        (look, profiles, name, layout, kind_of(look, profiles, layout, link))
        for (look, profiles, name, layout), link in zip(looked, linking, strict=True)
    ]
    best = {
        table: max(kind.score for *_, kind in seen if kind.table == table)
        for table in {kind.table for *_, kind in seen}
    }
    for look, profiles, name, layout, kind in seen:
        if not kind.table:
            begun.not_used[look.name] = "its columns are none of a table that is known"
        elif kind.score < MUCH_LESS * best[kind.table]:
            begun.not_used[look.name] = f"it resembles {kind.table} much less than another file does"
        else:
            source = as_source(kind.table, look, profiles, kind, name, layout)
            _table(begun, kind.table).sources.append(source)
    if "episodes" not in begun.tables:
        for look, profiles, name, layout, kind in seen:
            if kind.also_episodes:
                _table(begun, "episodes").sources.append(
                    as_source("episodes", look, profiles, kind, name, layout)
                )
    begun.tables = {name: begun.tables[name] for name in SCHEMAS if name in begun.tables}
    _time(begun, [layout for *_, layout, _ in seen if layout is not None])
    for table in begun.tables.values():
        for source in table.sources:
            said = source.constants.get("instrument")
            if said is not None and said.value == UNKNOWN:
                begun.instruments[UNKNOWN] = source.look.name
    say_who_helps(begun)
    return begun


def _table(begun: Begun, name: str) -> TableProposal:
    return begun.tables.setdefault(name, TableProposal(name))


def _time(begun: Begun, layouts: Sequence[Preset]) -> None:
    """Dates or numbers, and the latest date there is."""
    kinds: list[str] = []
    latest: list[str] = []
    incomplete = False
    for table in begun.tables.values():
        for source in table.sources:
            for profile in _times(table.name, source):
                kinds.append(profile.kind)
                incomplete |= profile.has_incomplete_dates
                if profile.kind == "date" and table.name in ("episodes", "measurements"):
                    latest.append(_latest(source, profile.name))
    for layout in layouts:
        begun.time |= {name: Said(value) for name, value in layout.time.items()}
    if kinds and not any(kind == "date" for kind in kinds):
        begun.time["kind"] = Said("numbers")
        begun.time["unit"] = Said("months", "days, weeks, months, years or waves: what do the numbers count?")
    elif incomplete and "incomplete_dates" not in begun.time:
        begun.time["incomplete_dates"] = Said(
            "middle",
            "some dates have no day; this takes the middle of the month. Without this line they are errors",
        )
    begun.last_date = max(latest, default="")


def _times(table: str, source: SourceProposal) -> list[Profile]:
    names = [
        source.columns[column.name].source
        for column in SCHEMAS[table].columns
        if column.kind == "time" and column.name in source.columns
    ]
    return [source.profiles[name] for name in names if source.profiles[name].kind != "empty"]


def _latest(source: SourceProposal, column: str) -> str:
    written = source.profiles[column].date_format.replace("day first?", "") or None
    parsed, _ = parse_dates(source.look.frame[column], date_format=written, numbers=source.look.day_numbers)
    days = parsed.values[~np.isnat(parsed.values)]
    return str(days.max().astype("datetime64[D]")) if len(days) else ""
