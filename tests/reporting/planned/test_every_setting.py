"""Every setting of study.toml, changed alone, is listed alone: the settings are walked by machine."""

import copy
import json
from collections.abc import Iterator
from datetime import date
from typing import Any, get_args

import pytest
from pydantic import BaseModel, RootModel, ValidationError

from mpg_research.reporting.files import json_bytes
from mpg_research.reporting.planned.deviations import compare_settings
from mpg_research.reporting.planned.settings import Settings, resolve_settings
from mpg_research.study import shipped_example
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.toml import parse_toml

#: Settings that are written in two ways, by the one that is listed.
ALSO_CALLED = {"analysis.instrument": "analysis.instruments"}
PLAN = {
    "questions": [{"text": "Is it better?", "analyses": ["fit_trajectory"]}],
    "outcome": "obvl_k",
    "margins": {"change": 2},
}
NUMBERS = (0, 1, 2022, 2, 3, 4, 5, 6, 7, 9, 11, 20, 45, 0.25, 0.5, 0.85, 1.5, 13.5, 30.5)
WORDS = {"nl": {"one": "ding", "many": "dingen"}, "en": {"one": "thing", "many": "things"}}


def base_study(**time: Any) -> dict[str, Any]:
    """The example's settings with everything that can be left out beside them."""
    data = parse_toml((shipped_example() / "study.toml").read_text("utf-8"))
    data["plan"] = copy.deepcopy(PLAN)
    data["time"] = time or data["time"]
    data["tables"]["care"] = {"sources": [{"file": "/elsewhere/a.csv"}]}
    data["costs"]["optimism"]["other"] = dict(data["costs"]["optimism"]["before_after"])
    return data


Leaf = tuple[tuple[str, ...], Any, str]


def leaves(section: BaseModel, place: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every setting of a section, what its model says of it, and its name in that model."""
    for name, field in type(section).model_fields.items():
        own = f"{type(section).__name__}.{name}"
        yield from _leaves_of(getattr(section, name), (*place, name), field, own)


def _leaves_of(value: Any, place: tuple[str, ...], field: Any, own: str) -> Iterator[Leaf]:
    if isinstance(value, BaseModel) and not isinstance(value, RootModel):
        yield from leaves(value, place)
    elif isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves_of(each, (*place, key), field, own)
    else:
        yield place, field, own


def literals(annotation: Any) -> Iterator[Any]:
    """The words that an annotation allows, however deep."""
    for each in get_args(annotation):
        if isinstance(each, str | int | bool):
            yield each
        yield from literals(each)


def candidates(value: Any, field: Any) -> Iterator[Any]:
    """Other values that a setting could have; most are none for it."""
    named = list(literals(field.annotation))
    yield from named
    yield from (True, False, *NUMBERS, date(2025, 8, 1), "other", "own_strength", ";", "nl", "renamed.csv")
    if isinstance(value, list) and len(value) > 1:
        yield value[:-1]
        yield value[::-1]
    if isinstance(value, list):
        yield from ([*value, each] for each in ("nl", "other", 30, 40.5))
    yield from (["other"], ["x", "y"], ["child_age"], ["nl"], ["obvl_k"], ["placement"], [1], [0, 12], [1, 3])
    yield from ([each] for each in named)
    yield from ({"x": "y"}, {"x": 1}, {"x": "."}, {"x": {"y": "z"}}, {"x": {"name": "X"}}, {"x": {}}, WORDS)
    yield from ({"nl": "ander", "en": "another"}, {"file": "x.csv"}, {"column": "c", "permits": ["j"]})
    yield from ({"column": "child_age", "label": "x"}, [{"text": "Else?", "analyses": ["other"]}])
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield [*value, value[0]]
    if isinstance(value, dict):
        yield {**value, "source": "another"}
    yield [{"file": "/elsewhere/b.csv"}]


def changed(data: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(data)
    at = made
    for name in place[:-1]:
        at = at.setdefault(name, {})
    at[place[-1]] = value
    return made


def held(data: dict[str, Any], place: tuple[str, ...]) -> Any:
    at: Any = data
    for name in place:
        at = at.get(name) if isinstance(at, dict) else None
    return at


def settings_of(data: dict[str, Any]) -> Settings | None:
    try:
        return resolve_settings(StudyConfig.model_validate(data))
    except ValidationError:
        return None


def sealed(settings: Settings) -> Settings:
    """As the sealed file has them."""
    return Settings(json.loads(json_bytes(settings.values)), settings.at_default)


STUDIES = [
    base_study(),
    base_study(kind="numbers", unit="waves", months_per_unit=2.0),
    base_study(kind="numbers", unit="weeks"),
    base_study() | {"instruments": {"own_strength": {"file": "own_strength.toml"}}, "analysis": {}},
]


def listed_alone(data: dict[str, Any], base: Settings, place: tuple[str, ...], field: Any) -> bool:
    """Whether a setting could be changed; if so, exactly it was listed, and again after the way back."""
    value = base.values.get(".".join(place), held(data, place))
    for candidate in candidates(value, field):
        other = settings_of(changed(data, place, candidate))
        if other is None or other.values == base.values:
            continue
        name = ".".join(place)
        name = ALSO_CALLED.get(name, name)
        for before, after in ((base, other), (other, base)):
            found = set(compare_settings(sealed(before), after))
            several = isinstance(candidate, dict) and not isinstance(held(data, place), str)
            within = {each for each in found if each == name or (several and each.startswith(f"{name}."))}
            assert found == within != set(), (name, candidate, found)
            assert several or len(found) == 1
        return True
    return False


def test_every_setting_is_listed_when_it_changes_and_no_other() -> None:
    done: set[str] = set()
    every: set[str] = set()
    for data in STUDIES:
        base = settings_of(data)
        assert base is not None
        assert compare_settings(sealed(base), base) == {}
        for place, field, name in leaves(StudyConfig.model_validate(data)):
            every.add(name)
            if name not in done and listed_alone(data, base, place, field):
                done.add(name)
    assert sorted(every - done) == []
    assert len(done) > 120


@pytest.mark.parametrize("section", ["care", "afterwards", "talk", "disclosure", "interventions"])
def test_a_default_that_is_written_down_is_no_deviation(section: str) -> None:
    data = base_study()
    base = settings_of(data)
    written = StudyConfig.model_validate(data).model_dump()[section]
    kept = {name: value for name, value in written.items() if value is not None}
    other = settings_of({**data, section: {**kept, **data.get(section, {})}})
    assert base is not None
    assert other is not None
    assert compare_settings(sealed(base), other) == {}


def test_what_a_newer_version_brings_is_told_by_its_version() -> None:
    base = settings_of(base_study())
    assert base is not None
    older = {**base.values, "mpg_research": "0.0.1", "care.severe_from": 2}
    del older["talk.ahead"]
    found = compare_settings(Settings(older, base.at_default), base)
    assert set(found) == {"mpg_research", "care.severe_from"}


def test_no_folder_of_the_machine_is_sealed() -> None:
    base = settings_of(base_study())
    assert base is not None
    assert "/elsewhere" not in json.dumps(base.values)


def test_settings_that_came_and_were_set_or_went_are_listed() -> None:
    data = base_study()
    base, other = settings_of(data), settings_of(changed(data, ("organisations", "new"), {"name": "New"}))
    assert base is not None
    assert other is not None
    assert set(compare_settings(base, other)) == {"organisations.new.name"}
    assert set(compare_settings(other, base)) == {"organisations.new.name"}
    empty = settings_of(changed(data, ("instruments", "new"), {}))
    assert empty is not None
    assert set(compare_settings(base, empty)) == {"instruments.new"}
