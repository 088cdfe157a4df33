"""Read a questionnaire's TOML file and say plainly what is wrong with it."""

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mpg_research.errors import ConfigError, Problem, did_you_mean
from mpg_research.instruments.model import AgeBand, Instrument, MissingRule, Reliability
from mpg_research.languages import OF_MESSAGES, languages
from mpg_research.toml import parse_toml

__all__ = ["SHIPPED_INSTRUMENTS", "load_instrument"]

_SHIPPED = {file.stem: file for file in sorted(Path(__file__).parent.glob("*.toml"))}

SHIPPED_INSTRUMENTS = tuple(_SHIPPED)
"""Keys of the questionnaires that travel with the package: the TOML files beside this module."""

_DEFAULT_MISSING_SOURCE = "not given: the strict rule of this package, no score unless all items are answered"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Items(_Part):
    number: int = Field(ge=1, le=999)
    minimum: int | None = None
    maximum: int | None = None
    reverse: tuple[str, ...] = ()
    total_only: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.minimum is None) != (self.maximum is None):
            raise ValueError("give both minimum and maximum, or neither")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError(f"minimum {self.minimum} must be below maximum {self.maximum}")
        if not self.total_only and self.minimum is None:
            raise ValueError("minimum and maximum of an answer are required (or set total_only = true)")
        if self.total_only and self.reverse:
            raise ValueError("reverse has no meaning where total_only = true")
        unknown = [name for name in self.reverse if name not in _item_names(self.number)]
        if unknown:
            last = _item_names(self.number)[-1]
            raise ValueError(f"reverse names {', '.join(unknown)}; items are item_01 to {last}")
        return self


class _Total(_Part):
    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.minimum >= self.maximum:
            raise ValueError(f"minimum {self.minimum:g} must be below maximum {self.maximum:g}")
        return self


class _Missing(_Part):
    max_missing: int = Field(ge=0)
    decided_by: Literal["package", "publisher", "study"]
    source: str = Field(min_length=1)


class _Ages(_Part):
    from_: int = Field(alias="from", ge=0)
    to: int = Field(ge=0)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.from_ > self.to:
            raise ValueError(f"from {self.from_} must not be above to {self.to}")
        return self


class _Reliability(_Part):
    kind: str = Field(min_length=1)
    value: float = Field(gt=0, lt=1)
    population: str = ""
    source: str = Field(min_length=1)
    sd: float | None = Field(default=None, gt=0)


def _one_of_languages(value: str) -> str:
    if value not in languages():
        raise ValueError(f"expected one of the languages {', '.join(languages())}")
    return value


class _InstrumentFile(_Part):
    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    name: str | dict[Annotated[str, AfterValidator(_one_of_languages)], str]
    abbreviation: str = Field(min_length=1)
    concept: str | dict[Annotated[str, AfterValidator(_one_of_languages)], str] = ""
    direction: Literal["higher_is_worse", "higher_is_better"]
    source: str = Field(min_length=1)
    notes: tuple[str, ...] = ()
    items: _Items
    total: _Total | None = None
    missing: _Missing | None = None
    age_bands: tuple[_Ages, ...] = ()
    reliability: tuple[_Reliability, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.name:
            raise ValueError("name is empty")
        if self.total is not None and not self.items.total_only:
            raise ValueError("total has no meaning where single items are scored (total_only = false)")
        if self.total is None and self.items.minimum is None:
            raise ValueError("total (minimum, maximum) is required where the answers' range is not given")
        if self.missing is not None and self.missing.max_missing >= self.items.number:
            raise ValueError("missing.max_missing must be below the number of items")
        for before, after in pairwise(self.age_bands):
            if after.from_ != before.to + 1:
                bands = f"{before.from_}-{before.to} and {after.from_}-{after.to}"
                raise ValueError(f"age_bands {bands} overlap or leave a gap")
        return self


def load_instrument(key_or_path: str | Path) -> Instrument:
    """Read a questionnaire: one that is shipped, or a study's own file.

    Parameters
    ----------
    key_or_path : str or Path
        A shipped key (one of :data:`SHIPPED_INSTRUMENTS`, such as ``"obvl_k"``) or the path of a TOML file.

    Returns
    -------
    Instrument
        Validated and frozen; without norms, which a study attaches.

    Raises
    ------
    ConfigError
        If the key is unknown, the file is missing or no TOML, or a key in it is not as expected.

    Examples
    --------
    >>> from mpg_research.instruments import load_instrument
    >>> load_instrument("obvl_k").n_items
    10
    """
    if str(key_or_path) in _SHIPPED:
        return _read(_SHIPPED[str(key_or_path)])
    path = Path(key_or_path)
    if path.suffix != ".toml":
        raise ConfigError(
            f"Unknown instrument {str(key_or_path)!r}; expected {' or '.join(SHIPPED_INSTRUMENTS)}, or the "
            "path of a .toml file that describes it. "
            f"{did_you_mean(str(key_or_path), SHIPPED_INSTRUMENTS)}".rstrip()
        )
    return _read(path)


def _read(path: Path) -> Instrument:
    try:
        content = parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"Instrument file {path} does not exist. Correct its name.") from error
    except OSError as error:
        raise ConfigError(f"Instrument file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"Instrument file {path} is not UTF-8 text. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"Instrument file {path} is not valid TOML: {error}.") from error
    try:
        described = _InstrumentFile.model_validate(content)
    except ValidationError as error:
        problems = [_explain(path, detail) for detail in error.errors()]
        raise ConfigError.from_problems(f"Instrument file {path} is not as expected:", problems) from error
    return _freeze(described)


def _explain(path: Path, detail: Any) -> Problem:
    """One pydantic finding as a sentence; a mistyped key gets the key it resembles."""
    places = [place for place in detail["loc"] if place not in ("str", "[key]") and "dict[" not in str(place)]
    key = ".".join(str(place) for place in places)
    if detail["type"] == "extra_forbidden":
        remedy = did_you_mean(str(places[-1]), _known_keys()) or "Remove it or correct its name."
        return Problem(found=f"key {key!r} is unknown", remedy=remedy, file=path.name, code="unknown_key")
    if detail["type"] == "missing":
        return Problem(found=f"key {key!r} is missing", remedy="Add it.", file=path.name, code="missing_key")
    message = str(detail["msg"]).removeprefix("Value error, ")
    place = f"key {key!r}: " if key else ""
    return Problem(found=place + message, file=path.name, code="bad_value")


def _known_keys() -> list[str]:
    models = (_InstrumentFile, _Items, _Total, _Missing, _Ages, _Reliability)
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _item_names(number: int) -> tuple[str, ...]:
    return tuple(f"item_{position:02d}" for position in range(1, number + 1))


def _names(name: str | dict[str, str]) -> dict[str, str]:
    return {OF_MESSAGES: name} if isinstance(name, str) else dict(name)


def _freeze(described: _InstrumentFile) -> Instrument:
    items, total, missing = described.items, described.total, described.missing
    if total is not None:
        lowest, highest = total.minimum, total.maximum
    else:
        assert items.minimum is not None  # the file's validator saw to it
        assert items.maximum is not None
        lowest, highest = float(items.number * items.minimum), float(items.number * items.maximum)
    return Instrument(
        key=described.key,
        names=_names(described.name),
        abbreviation=described.abbreviation,
        subject=described.concept if isinstance(described.concept, str) else "",
        concepts={} if isinstance(described.concept, str) else _names(described.concept),
        n_items=items.number,
        items=() if items.total_only else _item_names(items.number),
        item_minimum=items.minimum,
        item_maximum=items.maximum,
        reverse_items=items.reverse,
        raw_minimum=lowest,
        raw_maximum=highest,
        direction=described.direction,
        missing_rule=MissingRule(
            max_missing=missing.max_missing if missing else 0,
            decided_by=missing.decided_by if missing else "package",
            source=missing.source if missing else _DEFAULT_MISSING_SOURCE,
        ),
        source=described.source,
        age_bands=tuple(AgeBand(band.from_, band.to) for band in described.age_bands),
        reliabilities=tuple(
            Reliability(each.kind, each.value, each.population, each.source, each.sd)
            for each in described.reliability
        ),
        notes=described.notes,
    )
