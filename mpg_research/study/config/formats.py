"""The forms in which a report can be published."""

from typing import Literal, get_args

__all__ = ["FORMATS", "Format"]

Format = Literal["html", "pdf", "docx"]
FORMATS: tuple[Format, ...] = get_args(Format)
