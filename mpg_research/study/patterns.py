"""Patterns of column names: ``obvlk_t{wave}_{item}``."""

import re

__all__ = ["compile_pattern", "placeholders"]

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_MEANS = {"item": r"\d{1,3}", "wave": r"[A-Za-z0-9]+?"}
_ANY = r".+?"


def placeholders(pattern: str) -> tuple[str, ...]:
    """The names between braces, in order."""
    return tuple(_PLACEHOLDER.findall(pattern))


def compile_pattern(pattern: str) -> "re.Pattern[str]":
    """A regular expression with one group per placeholder; capitals do not matter.

    Examples
    --------
    >>> compile_pattern("obvlk_t{wave}_{item}").fullmatch("OBVLK_T12_03").groupdict()
    {'wave': '12', 'item': '03'}
    """
    parts = []
    end = 0
    for match in _PLACEHOLDER.finditer(pattern):
        parts.append(re.escape(pattern[end : match.start()]))
        parts.append(f"(?P<{match[1]}>{_MEANS.get(match[1], _ANY)})")
        end = match.end()
    parts.append(re.escape(pattern[end:]))
    return re.compile("".join(parts), re.IGNORECASE)
