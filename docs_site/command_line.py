"""The page of the command line, from its parser, with the exit codes, from the errors."""

import argparse
import inspect
import os
from collections.abc import Iterator
from unittest.mock import patch

from mpg_research import cli, errors

__all__ = ["command_line_page", "exit_codes"]

_WIDTH = "100"


def command_line_page() -> str:
    """What ``mpg --help`` and the help of every command say, and the exit codes."""
    with patch.dict(os.environ, {"COLUMNS": _WIDTH, "NO_COLOR": "1"}):
        parser = cli.build_parser()
        parts = [parser.format_help(), *(command.format_help() for _, command in _commands(parser))]
        names = ["mpg", *(f"mpg {name}" for name, _ in _commands(parser))]
    lines = ["# The command line", "", "Made from the command itself: what `mpg COMMAND --help` says.", ""]
    for name, text in zip(names, parts, strict=True):
        lines += [f"## `{name}`", "", "```text", text.rstrip(), "```", ""]
    lines += ["## Exit codes", "", "| code | when |", "|---|---|"]
    lines += [f"| {code} | {said[:1].lower()}{said[1:]} |" for code, said in sorted(exit_codes().items())]
    return "\n".join(lines) + "\n"


def exit_codes() -> dict[int, str]:
    """Each exit code of ``mpg`` with what it means."""
    found = {
        0: "all is well",
        1: "`mpg verify` found that reports are not what was published, or that a number does not come again",
        cli.EXIT_MACHINE: "the machine cannot do it: no memory, no room, no rights, no library",
        cli.EXIT_BUG: "a bug in mpg_research, not in the data; `--debug` shows where",
        cli.EXIT_INTERRUPTED: "interrupted; the same command goes on where it stopped",
    }
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, errors.MpgError) and "exit_code" in vars(kind):
            found.setdefault(kind.exit_code, (inspect.getdoc(kind) or "").partition("\n")[0].rstrip("."))
    return found


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()
