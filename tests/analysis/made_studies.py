"""Made-up tables as a study on disk, loaded as any other: what the builders of test studies share."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from mpg_research.study import load_study
from mpg_research.study.model import Study

#: The day of the export, where a study has dates.
EXPORT = pd.Timestamp("2024-07-01")
DATES = f"export_date = {EXPORT:%Y-%m-%d}"
#: In place of :data:`DATES`: the tables count months.
MONTHS = '[time]\nkind = "numbers"\nunit = "months"'
STUDY = """[study]
name = "made"
title = "Made for the tests"
synthetic = true
{time}
{tables}
{instruments}
[analysis]
instrument = "burden"
months = [0, 6, 12]
primary_month = 12
{more}
"""
QUESTIONNAIRE = """key = "burden"
abbreviation = "BURDEN"
direction = "higher_is_worse"
source = "made for the tests"
[name]
en = "Burden"
[items]
number = 40
total_only = true
minimum = 0
maximum = 3
"""
#: What every row of the measurements has in common.
ONE_PARENT = MappingProxyType({"instrument": "burden", "respondent": "first_parent", "episode": "1"})


def made_study(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    constants: Mapping[str, str] = ONE_PARENT,
    questionnaires: Mapping[str, str] = MappingProxyType({"burden": QUESTIONNAIRE}),
    time: str = DATES,
    more: str = "",
) -> Study:
    """Write the tables and load them; ``constants`` are of the measurements, ``more`` ends study.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
        sections.append(f'[tables.{name}]\nfile = "{name}.csv"')
        if name == "measurements":
            listed = ", ".join(f'{column} = "{value}"' for column, value in constants.items())
            sections.append(f"constants = {{ {listed} }}")
    for key, text in questionnaires.items():
        (folder / f"{key}.toml").write_text(text, encoding="utf-8")
    instruments = [f'[instruments.{key}]\nfile = "{key}.toml"' for key in questionnaires]
    text = STUDY.format(time=time, tables="\n".join(sections), instruments="\n".join(instruments), more=more)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return load_study(folder)
