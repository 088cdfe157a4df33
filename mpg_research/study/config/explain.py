"""What is wrong with a study.toml, in its author's words: the key, its line, and the nearest name."""

import re
import tomllib
import types
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mpg_research.errors import ConfigError, Problem, closest_name, did_you_mean
from mpg_research.study.config.lines import line_of, line_of_setting
from mpg_research.study.config.parts import episodes_as_said, read_as
from mpg_research.study.schemas import FORMER_NAMES, SCHEMAS

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import StudyConfig, TableConfig

__all__ = [
    "explain_toml_error",
    "explain_validation_error",
    "line_of_setting",
    "names_that_do_not_fit",
    "setting_problem",
]

PLACEHOLDERS = ("wave", "item", "respondent", "episode", "instrument")
KEYS_BY_WAVE = ("item", "total", "date", "respondent", "episode", "instrument")


def explain_toml_error(file: str, text: str, error: tomllib.TOMLDecodeError) -> ConfigError:
    """A ConfigError for a file that is not TOML, with the line as it stands."""
    message = str(error)
    place = re.search(r"at line (\d+), column (\d+)", message)
    row = int(place.group(1)) if place else len(text.splitlines())
    lines = text.splitlines()
    shown = lines[row - 1].strip() if 0 < row <= len(lines) else ""
    reason = re.sub(r"\s*\(at .*\)$", "", message)
    problem = Problem(
        found=f"{reason}: {shown}" if shown else reason,
        expected='TOML, such as: name = "value"',
        remedy="Texts stand between quotes, and a section name between [ and ].",
        file=file,
        row=row,
        code="not_toml",
    )
    return _config_error(file, [problem])


def explain_validation_error(
    file: str, text: str, error: ValidationError, model: type[BaseModel]
) -> ConfigError:
    """A ConfigError with one problem per finding of pydantic."""
    found = [_explain_one(file, text, dict(one), model) for one in error.errors()]
    return _config_error(file, list(dict.fromkeys(found)))


def names_that_do_not_fit(config: "StudyConfig", file: str, text: str) -> tuple[Problem, ...]:
    """Findings about names that only make sense together: canonical columns, patterns, layouts."""
    problems: list[Problem] = []
    for name, whole in config.tables.present().items():
        for table in read_as(whole):
            given = [*_table_findings(name, table, config), *_composite_findings(name, table, config)]
            for key, found, expected, remedy in given:
                loc = [int(part) if part.isdigit() else part for part in table.place_of(name, *key)]
                problems.append(_problem(file, text, loc, found, expected, remedy, "bad_name"))
    return tuple(dict.fromkeys(problems))


Finding = tuple[tuple[str, ...], str, str, str]


def _table_findings(name: str, table: "TableConfig", config: "StudyConfig") -> Iterator[Finding]:
    schema = SCHEMAS[name]
    extra = tuple(config.analysis.case_mix) if name == "episodes" else ()
    known = (*schema.names, *extra)
    parts = {name for joined in table.composite_ids.values() for name in joined}
    if name != "episodes" and schema.column("family") is not None:
        family = episodes_as_said(config).composite_ids.get("family", ())
        parts |= {part for part in family if part != "family"}
        parts |= {"organisation"} if "organisation" in table.constants else set()
    if name == "episodes" and config.consent is not None:
        parts |= {config.consent.column}
    for part in ("columns", "constants", "values", "decimals"):
        for column in getattr(table, part):
            of_items = part in ("values", "decimals") and column == "item" and name == "measurements"
            known_here = schema.column(column) is not None or column in extra or column in parts
            if not known_here and not of_items:
                items = ", item_01, item_02, ..." if name == "measurements" else ""
                remedy = did_you_mean(column, known)
                if column in FORMER_NAMES.get(name, {}):
                    remedy = f"It is called {FORMER_NAMES[name][column]} now; write that instead."
                if name == "episodes" and not remedy:
                    remedy = "To use a column of your own, name it in [analysis] case_mix too."
                yield (part, column), f'"{column}" is no column of {name}', ", ".join(known) + items, remedy
    for column in set(table.columns) & set(table.constants):
        yield ("constants", column), f'"{column}" is also in columns', "one of the two", "Remove one."
    if name != "measurements":
        if table.layout == "wide" or table.patterns or table.times:
            yield ("layout",), "a wide layout", "a wide layout for measurements only", "Remove it."
        return
    yield from _wide_findings(table)


def _composite_findings(name: str, table: "TableConfig", config: "StudyConfig") -> Iterator[Finding]:
    """Only ids consist of several columns, and the family of as many in every table."""
    for column, parts in table.composite_ids.items():
        known = SCHEMAS[name].column(column)
        if known is not None and known.kind != "id":
            ids = ", ".join(each.name for each in SCHEMAS[name].columns if each.kind == "id")
            yield (
                ("columns", column),
                "several columns",
                f"several columns for an id only ({ids})",
                "Name one.",
            )
        if len(set(parts)) < len(parts):
            yield ("columns", column), f"{', '.join(parts)}", "each column once", "Remove one."
    family, here = episodes_as_said(config).columns.get("family", "family"), table.columns.get("family")
    shown = family if isinstance(family, str) else ", ".join(family)
    here = "family" if here is None and name == "episodes" else here
    if here is not None and _n_parts(here) != _n_parts(family):
        yield (
            ("columns", "family"),
            f"{_n_parts(here)} column{'s' if _n_parts(here) > 1 else ''}",
            f"{_n_parts(family)}, as in [tables.episodes]: {shown}",
            "A family must have one id in all tables.",
        )


def _n_parts(source: str | Sequence[str]) -> int:
    return 1 if isinstance(source, str) else len(source)


def _wide_findings(table: "TableConfig") -> Iterator[Finding]:
    for key, pattern in table.patterns.items():
        if key not in KEYS_BY_WAVE:
            known = ", ".join(KEYS_BY_WAVE)
            yield ("patterns", key), f'"{key}" has a pattern', known, did_you_mean(key, KEYS_BY_WAVE)
        placeholders = re.findall(r"\{([^}]*)\}", pattern)
        for placeholder in placeholders:
            if placeholder not in PLACEHOLDERS:
                yield (
                    ("patterns", key),
                    f'the placeholder "{{{placeholder}}}"',
                    ", ".join(f"{{{known}}}" for known in PLACEHOLDERS),
                    did_you_mean(placeholder, PLACEHOLDERS),
                )
        if len(set(placeholders)) < len(placeholders):
            yield ("patterns", key), f'a placeholder twice in "{pattern}"', "each placeholder once", ""
        if ("item" in placeholders) != (key == "item"):
            yield ("patterns", key), f'"{pattern}"', "{item} in the pattern of item, and there only", ""
        if table.layout == "long" and set(placeholders) - {"item"}:
            found = f'"{pattern}" with layout "long"'
            yield ("patterns", key), found, "{item} only", 'Or set layout = "wide".'
        if table.layout == "wide" and key in ("item", "total") and "wave" not in placeholders:
            yield ("patterns", key), f'"{pattern}" with layout "wide"', "{wave} in the pattern", ""
    if table.layout == "wide" and not {"item", "total"} & set(table.patterns):
        yield (
            ("patterns",),
            'layout "wide" without patterns',
            "a pattern for item or total",
            'For example: patterns = { item = "obvlk_t{wave}_{item}", date = "date_t{wave}" }',
        )
    if table.times and table.layout != "wide":
        yield ("times",), 'times with layout "long"', 'times with layout "wide" only', "Remove it."


def _explain_one(file: str, text: str, error: dict[str, Any], model: type[BaseModel]) -> Problem:
    loc = tuple(part for part in error["loc"] if part != "[key]")
    if "columns" in loc[:-2]:  # which of the two forms of a column pydantic tried
        loc = loc[: loc.index("columns") + 2]
    if loc[-2:-1] == ("file",) and isinstance(loc[-1], int):  # one file may be written without brackets
        loc = loc[:-1]
    kind, given = error["type"], error["input"]
    parent = _model_at(model, loc[:-1])
    known = tuple(parent.model_fields) if parent else ()
    if kind == "extra_forbidden":
        return _problem(
            file, text, loc, "an unknown key", f"one of {', '.join(known)}",
            did_you_mean(str(loc[-1]), known) or "Remove the key.", "unknown_key",
        )  # fmt: skip
    if kind == "missing":
        section = f"[{_dotted(loc)}]" if parent and _is_section(parent, str(loc[-1])) else _dotted(loc)
        remedy = f"Add {section}." + _unknown_neighbour(error, known, str(loc[-1]))
        return _problem(file, text, loc[:-1], f"{section} is missing", "", remedy, "missing_key")
    if kind == "no_file":
        remedy = "Add file = ..." + (
            "." if "sources" in loc else f", or sources ([[{_dotted(loc)}.sources]])."
        )
        expected = "a file, a list of files, or a pattern such as exports/*.csv"
        return _problem(file, text, loc, "file is missing", expected, remedy, "missing_key")
    if kind == "value_error":
        expected = str(error["ctx"]["error"])
        shown = "" if isinstance(given, dict) else f"the value {given!r}"
        shown = shown or "settings that do not go together"
        return _problem(file, text, loc, shown, expected, "", "bad_value")
    return _problem(file, text, loc, f"the value {_shown(given)}", *_expectation(kind, error), "bad_value")


def _expectation(kind: str, error: dict[str, Any]) -> tuple[str, str]:
    """What was expected, and a remedy, for the kinds of findings that pydantic has."""
    context = error.get("ctx", {})
    if kind in ("literal_error", "enum"):
        known = re.findall(r"'([^']*)'", str(context["expected"]))
        return str(context["expected"]).replace("'", '"'), did_you_mean(str(error["input"]), known)
    if kind == "string_pattern_mismatch":
        return "small letters, digits, - and _ only (it becomes a folder name)", 'For example: "my-study"'
    if kind.startswith(("date", "datetime")):
        return "a date such as 2025-12-31, without quotes", ""
    bound = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    if kind in bound:
        words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}[bound[kind]]
        return f"{words} {context[bound[kind]]:g}", ""
    plain = {
        "bool": "true or false, without quotes",
        "int": "a whole number, without quotes",
        "float": "a number with a decimal point, without quotes",
        "string": "a text between quotes",
        "tuple": 'a list such as ["a", "b"]',
        "dict": 'a section or { key = "value" }',
        "model": "a section with keys of its own",
    }
    for start, words in plain.items():
        if kind.startswith(start):
            return words, ""
    return str(error["msg"]).lower(), ""


def _unknown_neighbour(error: dict[str, Any], known: Sequence[str], missing: str) -> str:
    given = error["input"] if isinstance(error["input"], dict) else {}
    typed = closest_name(missing, [key for key in given if key not in known])
    return f' Or is it what was meant by "{typed}"?' if typed else ""


def setting_problem(
    file: str, text: str, place: Sequence[str], found: str, expected: str, remedy: str
) -> Problem:
    """A finding about settings that do not go together, with the line of the first of them.

    Parameters
    ----------
    file, text : str
        Name and content of the file.
    place : sequence of str
        The setting.
    found, expected, remedy : str
        What stands there, what was expected, and what to do.

    Returns
    -------
    Problem
    """
    return _problem(file, text, place, found, expected, remedy, "bad_value")


def _problem(
    file: str, text: str, loc: Sequence[Any], found: str, expected: str, remedy: str, code: str
) -> Problem:
    key = _dotted(loc)
    return Problem(
        found=f"{key}: {found}" if key else found,
        expected=expected,
        remedy=remedy,
        file=file,
        row=line_of(text, [str(part) for part in loc]),
        code=code,
    )


def _config_error(file: str, problems: Sequence[Problem]) -> ConfigError:
    error = ConfigError.from_problems(f"{file} cannot be used:", problems)
    assert isinstance(error, ConfigError)
    return error


def _dotted(loc: Sequence[Any]) -> str:
    parts = [f"[{part + 1}]" if isinstance(part, int) else str(part) for part in loc]
    return ".".join(parts).replace(".[", "[")


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _model_at(model: type[BaseModel] | None, loc: Sequence[Any]) -> type[BaseModel] | None:
    """The model behind a place in the configuration."""
    annotation: Any = model
    for part in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if str(part) not in annotation.model_fields:
                return None
            annotation = annotation.model_fields[str(part)].annotation
        elif get_origin(annotation) in (dict, tuple, list):
            inside = [one for one in get_args(annotation) if one is not Ellipsis]
            annotation = inside[-1]
        annotation = _without_optional(annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _without_optional(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [one for one in get_args(annotation) if one is not type(None)]
        return inner[0] if len(inner) == 1 else annotation
    if hasattr(annotation, "__metadata__"):
        return get_args(annotation)[0]
    return annotation


def _is_section(parent: type[BaseModel], field: str) -> bool:
    section = _model_at(parent, [field])
    return section is not None and section.__name__ != "LocalText"
