"""Files of the kind, drawn at random: how much is changed by hand, and are the numbers equal?"""

import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mpg_research.study import begin_study, load_study
from mpg_research.study.begin.write import toml_key, toml_value
from tests.study.begin.exports import Exported, example_tables, random_export

SEEDS = range(12)
#: What the issue asks for: from init --from to the first report, lines of study.toml changed by hand.
FEWER_LINES_THAN = 20


def corrected(text: str, truth: Exported) -> tuple[dict[str, Any], list[str]]:
    """study.toml as it must be, and each setting that somebody has to change."""
    config, changes = tomllib.loads(text), []
    for table, columns in truth.columns.items():
        section = config["tables"][table]
        said = section.setdefault("columns", {})
        for ours, theirs in columns.items():
            if said.get(ours, ours).lower() != theirs.lower():
                changes.append(f"{table}.{ours} = {theirs} (was {said.get(ours)})")
                said[ours] = theirs
        for ours in [name for name in said if name not in columns]:
            changes.append(f"{table}.{ours} is not there (was {said[ours]})")
            del said[ours]
        values = section.setdefault("values", {})
        for column, codes in truth.values.get(table, {}).items():
            known = values.setdefault(column, {})
            for code, ours in codes.items():
                if known.get(code) != ours and not _is_read_as(code, ours):
                    changes.append(f"{table}.values.{column} {code} = {ours}")
                    known[code] = ours
        for key in ("date_format", "missing_values"):
            wanted = truth.settings.get(table, {}).get(key)
            if section.get(key) != wanted:
                changes.append(f"{table}.{key} = {wanted} (was {section.get(key)})")
                section.pop(key, None)
                if wanted is not None:
                    section[key] = wanted
    section = config["tables"]["measurements"]
    patterns = section.setdefault("patterns", {})
    for key, wanted in (("item", truth.item_pattern), ("date", truth.date_pattern)):
        if wanted and patterns.get(key, "item_{item}" if key == "item" else "") != wanted:
            changes.append(f"pattern {key} = {wanted} (was {patterns.get(key)})")
            patterns[key] = wanted
    section["layout"] = "wide" if truth.date_pattern else "long"
    if section.get("constants", {}).get("instrument") != "obvl_k":
        changes.append("instrument = obvl_k")
        section.setdefault("constants", {})["instrument"] = "obvl_k"
    return config, changes


def _is_read_as(code: str, ours: str) -> bool:
    from mpg_research.study.schemas import END_REASONS, RESPONDENTS

    return code in {**END_REASONS, **RESPONDENTS}.get(ours, ()) or code == ours


def written(config: dict[str, Any], at: str = "") -> str:
    """A nested dict as TOML."""
    plain = {key: value for key, value in config.items() if not isinstance(value, dict)}
    lines = [f"[{at}]"] if at and (plain or not config) else []
    lines += [f"{toml_key(key)} = {toml_value(value)}" for key, value in plain.items()]
    deeper = [
        written(value, f"{at}.{toml_key(key)}" if at else toml_key(key))
        for key, value in config.items() if isinstance(value, dict)
    ]  # fmt: skip
    return "\n".join([*lines, *deeper])


def scores_of(folder: Path) -> pd.DataFrame:
    scores = load_study(folder).scores
    columns = ["family", "respondent", "date", "raw"]
    return scores[columns].sort_values(columns[:3]).reset_index(drop=True)


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    return example_tables()


@pytest.fixture(scope="module")
def wanted(
    tables: tuple[pd.DataFrame, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("plain")
    tables[0].to_csv(folder / "episodes.csv", index=False)
    tables[1].to_csv(folder / "measurements.csv", index=False)
    (folder / "study.toml").write_text(
        '[study]\nname = "plain"\n[tables.episodes]\nfile = "episodes.csv"\n[tables.measurements]\n'
        'file = "measurements.csv"\nconstants = { instrument = "obvl_k" }\n'
    )
    return scores_of(folder)


def test_random_exports_take_few_changes_and_give_the_same_numbers(
    tables: tuple[pd.DataFrame, pd.DataFrame], wanted: pd.DataFrame, tmp_path: Path
) -> None:
    numbers: list[int] = []
    for seed in SEEDS:
        truth = random_export(tmp_path / f"files{seed}", seed, *tables)
        begun = begin_study(tmp_path / f"study{seed}", truth.files)
        file = begun.folder / "study.toml"
        config, changes = corrected(file.read_text(encoding="utf-8"), truth)
        numbers.append(len(changes))
        assert len(changes) < FEWER_LINES_THAN, (seed, changes)
        file.write_text(written(config), encoding="utf-8")
        pd.testing.assert_frame_equal(scores_of(begun.folder), wanted)
    assert sum(numbers) / len(numbers) < 4
    assert numbers.count(0) >= len(numbers) / 4
