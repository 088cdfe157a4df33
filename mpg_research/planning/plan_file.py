"""Read a plan: from a TOML file, from options, and from a study so far."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.planning.inputs import PUBLISHED, Inputs, Origin, change_inputs, read_number
from mpg_research.planning.simulated import Plan
from mpg_research.toml import parse_toml

__all__ = ["make_plan", "read_plan"]

_KEYS = ("question", "inputs", "vary", "smallest", "power", "simulations", "seed", "from")
_GIVEN = Origin("given")
_STUDY = Origin("study")


def read_plan(file: str | Path) -> dict[str, Any]:
    """What stands in a plan's file, by the names of the arguments of :func:`make_plan`.

    Parameters
    ----------
    file : str or Path
        TOML with ``question``, ``from`` (a study), ``power``, ``smallest``, ``simulations``, ``seed`` and the
        tables ``[inputs]`` and ``[vary]``.

    Raises
    ------
    ConfigError
        If it cannot be read, or holds something else.
    """
    path = Path(file)
    try:
        found = parse_toml(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The plan {path} cannot be read: {error}. Give the file of a plan (TOML)."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The plan {path} is no TOML: {error}. Correct that place.") from None
    for key in found:
        if key not in _KEYS:
            raise ConfigError(
                f"The plan {path} has {key!r}; expected {', '.join(_KEYS)}. "
                f"{did_you_mean(key, _KEYS)}".rstrip()
            )
    for key in ("inputs", "vary"):
        if not isinstance(found.get(key, {}), Mapping):
            raise ConfigError(f"The plan {path}: {key} = {found[key]!r}; expected a table, [{key}].")
    for key, kind, expected in (
        ("question", str, "a name in quotes"),
        ("from", str, "a study's folder in quotes"),
        ("smallest", bool, "true or false"),
        ("simulations", int, "a whole number"),
        ("seed", int, "a whole number"),
    ):
        value = found.get(key)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise ConfigError(f"The plan {path}: {key} = {value!r}; expected {expected}.")
    power = found.get("power", 0.8)
    if isinstance(power, bool) or not isinstance(power, int | float):
        raise ConfigError(f"The plan {path}: power = {power!r}; expected a chance such as 0.8.")
    if found.get("from"):
        found["from"] = str((path.parent / found["from"]).resolve()) if found["from"] else ""
    return {("study" if key == "from" else key): value for key, value in found.items()}


def make_plan(
    *,
    question: str = "mean_change",
    inputs: Mapping[str, Any] | None = None,
    vary: Mapping[str, Any] | None = None,
    study: str | Path = "",
    smallest: bool = False,
    power: float = 0.8,
    simulations: int = 1000,
    seed: int = 1,
) -> Plan:
    """A plan from what was given, what a study so far says, and defaults, in that order.

    Parameters
    ----------
    question : str
    inputs : mapping of str to number or text
        What is given (:class:`~mpg_research.planning.inputs.Inputs`).
    vary : mapping of str to sequence or text
        Values of one or two inputs; a text has commas between them.
    study : str or Path
        Folder of a study to take the rest from; empty for none.
    smallest : bool
        Whether the smallest number of families with the power wanted is looked for.
    power : float
    simulations : int
        Per size.
    seed : int
        A whole number from zero.

    Raises
    ------
    ConfigError
        If something given is no such number, or cannot be of a study.
    """
    if seed < 0:
        raise ConfigError(f"Plan: seed = {seed}; expected a whole number from 0.")
    given = {name: read_number(name, value) for name, value in (inputs or {}).items()}
    varied = {name: _values(name, values) for name, values in (vary or {}).items()}
    origins = dict(PUBLISHED)
    about: dict[str, Any] = {}
    base = Inputs()
    if str(study):
        from mpg_research.planning.from_study import estimate_inputs

        so_far = estimate_inputs(study, seed=seed)
        base = change_inputs(base, **so_far.values)
        origins |= dict.fromkeys(so_far.values, _STUDY)
        about = {
            "draws": so_far.draws, "study": so_far.titles, "synthetic": so_far.synthetic,
            "units": so_far.units, "ranges": so_far.ranges,
        }  # fmt: skip
    origins |= dict.fromkeys(given, _GIVEN)
    if "sizes" in given:
        origins |= {"organisations": _GIVEN} | ({} if "families" in given else {"families": _GIVEN})
    return Plan(
        question, change_inputs(base, **given), origins=origins, vary=varied, smallest=smallest,
        power=float(power), simulations=simulations, seed=seed, **about,
    )  # fmt: skip


def _values(name: str, values: Any) -> tuple[Any, ...]:
    if name in ("sizes", "alpha"):
        raise ConfigError(
            f"Plan: {name} cannot vary; vary families or organisations, and give {name} itself."
        )
    listed = values.split(",") if isinstance(values, str) else values
    if not isinstance(listed, Sequence) or not listed:
        raise ConfigError(f"Plan: {name} varies over {values!r}; expected values with commas between them.")
    found = tuple(read_number(name, value) for value in listed)
    if len(set(found)) != len(found):
        raise ConfigError(f"Plan: {name} varies over {values!r}; expected each value once.")
    return tuple(sorted(found))
