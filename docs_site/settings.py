"""Pages of study.toml and of the tables of a study, from the models and schemas that read them."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

from docs_site.docstrings import as_markdown
from mpg_research.study import init
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["settings_page", "study_tables_page"]


def settings_page() -> str:
    """Every section of study.toml with its settings, and the file that mpg init writes."""
    lines = [
        "# Every setting of study.toml",
        "",
        "Made from the models that read the file. [The study folder](study_folder.md) explains the "
        "choices; the "
        "file that `mpg init` writes, with a comment at every setting, stands at the end of this page.",
    ]
    for name, field in StudyConfig.model_fields.items():
        lines += ["", *_section(name, field)]
    lines += ["", "## The file that mpg init writes", "", "```toml", init._study_toml("my-study").rstrip()]
    return "\n".join([*lines, "```"]) + "\n"


def study_tables_page() -> str:
    """The codebook of a new study: every table and column, its kind and codes."""
    text = init.codebook().replace("# Codebook\n", "# The tables of a study\n", 1)
    return text.replace("| column | kind | meaning |", "| column | kind | what it means |")


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    kept, keyed = _model_of(field.annotation)
    yield from (f"## `[{name}{'.KEY' if keyed else ''}]`", "")
    if kept is None:
        return
    said = as_markdown(re.sub(r"^\[[^\]]*\]: ", "", inspect.getdoc(kept) or ""))
    yield said[:1].upper() + said[1:]
    if issubclass(kept, RootModel):
        return
    yield from ("", "| setting | kind | default |", "|---|---|---|")
    for setting, about in kept.model_fields.items():
        yield f"| `{setting}` | {_kind(about.annotation)} | {_default(about)} |"


def _model_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model of a section, and whether there is one for every key."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation, False
    models = [each for each in get_args(annotation) if inspect.isclass(each) and issubclass(each, BaseModel)]
    return (models[0] if models else None), get_origin(annotation) is dict


def _kind(annotation: Any) -> str:
    """A type as whoever writes the file knows it."""
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{_toml(each)}`" for each in get_args(annotation))
    if get_origin(annotation) in (tuple, list):
        inner = [each for each in get_args(annotation) if each is not Ellipsis]
        return f"list of {_plural(_kind(inner[0]))}" if inner else "list"
    if get_origin(annotation) is dict:
        return "table: key = value"
    if hasattr(annotation, "__metadata__"):
        return _kind(get_args(annotation)[0])
    options = [each for each in get_args(annotation) if each is not type(None)]
    if options and not inspect.isclass(annotation):
        return " or ".join(dict.fromkeys(_kind(each) for each in options))
    names = {"str": "text", "bool": "true or false", "int": "whole number", "float": "number", "date": "date"}
    name = getattr(annotation, "__name__", str(annotation))
    if name == "LocalText":
        return "text, or one per language"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "table"
    return names.get(name, name)


def _plural(kind: str) -> str:
    return {"text": "texts", "number": "numbers", "whole number": "whole numbers", "table": "tables"}.get(
        kind, kind
    )


def _default(about: FieldInfo) -> str:
    if about.is_required():
        return "must be given"
    value = about.get_default(call_default_factory=True)
    if value is None or value in ({}, ()):
        return ""
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:g}" if isinstance(value, float) else str(value)
