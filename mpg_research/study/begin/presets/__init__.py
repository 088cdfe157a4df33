"""Layouts that are documented, one TOML file each: names of columns, codes, and what only the user knows."""

from functools import cache
from importlib.resources import files

from pydantic import Field, ValidationError

from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.study.config.sections import Section
from mpg_research.toml import parse_toml

__all__ = ["Preset", "PresetTable", "known_presets", "preset_of", "recognised"]


class PresetTable(Section):
    """What a layout says of one table.

    Attributes
    ----------
    columns : dict
        Canonical column to the names that it has, in order; ``*`` stands for anything.
    patterns : dict
        As in ``study.toml``.
    values : dict
        Canonical column to {code in the export: our code}.
    doubts : dict
        Canonical column to what has to be looked at.
    identifiers_kept : dict
        Columns of the file that look unsafe by their names and are not, and why.
    """

    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    patterns: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    doubts: dict[str, str] = Field(default_factory=dict)
    identifiers_kept: dict[str, str] = Field(default_factory=dict)


class Preset(Section):
    """A layout: what it is, where it is documented, how it is recognised, and what only the user knows of it.

    Attributes
    ----------
    title, source, not_documented : str
        What it is, where that stands, and what stands nowhere.
    recognise : tuple of tuple of str
        Columns, in small letters, of which all of one group are there.
    questions : tuple of str
        What a user must know, or look at.
    tables : dict
        By name of our table.
    time : dict
        Settings of ``[time]``.
    """

    title: str
    source: str
    not_documented: str
    recognise: tuple[tuple[str, ...], ...] = Field(min_length=1)
    questions: tuple[str, ...] = ()
    tables: dict[str, PresetTable]
    time: dict[str, str] = Field(default_factory=dict)


@cache
def known_presets() -> dict[str, Preset]:
    """Every layout that there is a file of, by its name.

    Returns
    -------
    dict of str to Preset

    Examples
    --------
    >>> sorted(known_presets())
    ['cbs_jeugd', 'fhir', 'limesurvey', 'redcap', 'roqua']
    """
    found = {}
    for file in sorted(files(__package__).iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            try:
                found[file.name[:-5]] = Preset.model_validate(parse_toml(file.read_text(encoding="utf-8")))
            except ValidationError as error:
                raise ConfigError(f"The layout {file.name} cannot be used: {error}") from None
    return found


def preset_of(name: str) -> Preset:
    """The layout of this name.

    Parameters
    ----------
    name : str
        As its file is called, without ``.toml``.

    Returns
    -------
    Preset

    Raises
    ------
    ConfigError
        If there is none.
    """
    presets = known_presets()
    if name not in presets:
        listed = "; ".join(f"{key} ({each.title})" for key, each in presets.items())
        hint = did_you_mean(name, list(presets))
        raise ConfigError(f"There is no preset {name!r}; expected one of: {listed}. {hint}".rstrip())
    return presets[name]


def recognised(columns: list[str]) -> str:
    """The layout that these columns have, by its name; "" for none.

    Examples
    --------
    >>> recognised(["id", "Submitdate", "lastpage", "startlanguage", "Q1"])
    'limesurvey'
    """
    there = {name.strip().lower() for name in columns}
    fitting = (
        (max(len(group) for group in preset.recognise if set(group) <= there), name)
        for name, preset in known_presets().items()
        if any(set(group) <= there for group in preset.recognise)
    )
    return max(fitting, default=(0, ""))[1]
