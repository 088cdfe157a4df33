"""Which tables of a result the documentation of its verb leaves out."""

import inspect
from typing import Any

from mpg_research import analysis


def undocumented_tables(result: Any) -> set[str]:
    """Names of tables that ``Returns`` of the verb that gives such results does not name."""
    (verb,) = (
        verb
        for verb in (getattr(analysis, name) for name in analysis.__all__)
        if inspect.isfunction(verb) and inspect.signature(verb).return_annotation is type(result)
    )
    returns = str(inspect.getdoc(verb)).split("\nReturns\n")[1].split("\n\n")[0]
    return {name for name in result.tables if f"``{name}``" not in returns}
