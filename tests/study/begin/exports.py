"""Random exports made from the example: other names, dialects, orders, codings, long or wide. Synthetic data.

The names here were written without looking at those that the package knows (``words.toml``): they are what a
hundred data managers might call a column, so that what is not recognised can be counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.study import shipped_example

__all__ = ["ITEMS", "Exported", "example_tables", "random_export"]

ITEMS = [f"item_{number:02d}" for number in range(1, 11)]
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "episodes": {
        "family": ("Clientnummer", "client_id", "gezinsnr", "Gezin", "FamilyID", "dossiernummer",
                   "Cliënt nr.", "pseudoniem", "casenr", "Family number", "klantcode"),
        "organisation": ("Aanbieder", "organisatie", "Zorgaanbieder", "instelling", "Provider", "agency",
                         "naam organisatie"),
        "start": ("Startdatum", "begindatum", "datum_start", "Start date", "aanvang hulp", "date of start",
                  "BeginHulp", "ingangsdatum"),
        "end": ("Einddatum", "datum_einde", "End date", "einde hulp", "EindHulp", "date closed",
                "afsluitdatum"),
        "end_reason": ("Reden einde", "reden_beeindiging", "uitstroomreden", "Reason for ending", "EndReason",
                       "reden afsluiting"),
        "child_age": ("Leeftijd kind", "leeftijd", "age_child", "Age of child", "lft_kind"),
        "n_children": ("Aantal kinderen", "n_kinderen", "number of children", "AantKind"),
        "single_parent": ("Eenouder", "eenoudergezin", "Single parent", "one_parent"),
        "worker": ("Hulpverlener", "medewerker", "case worker", "behandelaar"),
    },
    "measurements": {
        "date": ("Datum", "invuldatum", "Meetdatum", "datum afname", "Date completed", "afnamedatum",
                 "date_of_measurement", "ingevuld op"),
        "respondent": ("Invuller", "ingevuld door", "Respondent", "respondenttype", "informant",
                       "Completed by"),
    },
}  # fmt: skip
ITEM_NAMES = (
    "OBVLK vraag {item}", "obvlk_{item:02}", "vraag{item}", "item_{item}", "Q{item}", "obvl_k_v{item}",
    "v_{item:02}", "O{item}",
)  # fmt: skip
WIDE_NAMES = (
    "obvlk_t{wave}_{item:02}", "T{wave}_vraag{item}", "v{item}_m{wave}", "OBVLK_{item}_t{wave}",
    "meting{wave}_item{item}", "ob{wave}.{item}",
)  # fmt: skip
WIDE_DATES = ("datum_t{wave}", "T{wave}_datum", "invuldatum{wave}", "date_{wave}")
RESPONDENTS = (
    {"first_parent": "ouder 1", "second_parent": "ouder 2"},
    {"first_parent": "eerste ouder", "second_parent": "tweede ouder"},
    {"first_parent": "parent", "second_parent": "second_parent"},
    {"first_parent": "moeder", "second_parent": "vader"},
    {"first_parent": "1", "second_parent": "2"},
)
REASONS = (
    {},
    {"as_planned": "01", "early_agreed": "02", "early_client": "03", "early_provider": "04",
     "external": "05"},
    {"as_planned": "volgens plan", "early_agreed": "in overleg gestopt", "early_client": "gezin gestopt",
     "early_provider": "wij zijn gestopt", "external": "externe omstandigheden"},
)  # fmt: skip
DATES = ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%Y%m%d", "%m/%d/%Y", "%d-%m-%y")


@dataclass
class Exported:
    """Files of a study, and how they must be read.

    ``columns``, ``values``, ``settings`` hold per table what study.toml must say.
    """

    files: list[Path]
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    item_pattern: str = ""
    date_pattern: str = ""


def example_tables(families: int = 50) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Episodes and OBVL-K measurements of the first families of the example, as text."""
    folder = shipped_example()
    read = {"dtype": str, "keep_default_na": False}
    episodes = pd.read_csv(folder / "episodes.csv", **read)
    measurements = pd.read_csv(folder / "measurements.csv", **read)
    chosen = list(dict.fromkeys(episodes["family"]))[:families]
    episodes = episodes[episodes["family"].isin(chosen)].reset_index(drop=True)
    kept = measurements["family"].isin(chosen) & (measurements["instrument"] == "obvl_k")
    measurements = measurements[kept].drop(columns=["instrument", "episode"]).reset_index(drop=True)
    back = {code: name for name, code in zip(REASONS[1], REASONS[1].values(), strict=True)}
    episodes["end_reason"] = episodes["end_reason"].map(lambda code: back.get(code, code))
    reasons = {code: name for name, code in REASONS[1].items()}
    episodes["end_reason"] = episodes["end_reason"].map(lambda code: reasons.get(code, code))
    return episodes[["family", *NAMES["episodes"]][1:]], measurements


def random_export(folder: Path, seed: int, episodes: pd.DataFrame, measurements: pd.DataFrame) -> Exported:
    """The same study as somebody's export."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        table: {ours: str(rng.choice(others)) for ours, others in columns.items()}
        for table, columns in NAMES.items()
    }
    names["measurements"]["family"] = names["episodes"]["family"]
    truth = Exported([], {table: dict(each) for table, each in names.items()})
    written = str(rng.choice(DATES))
    helped = _dated(episodes, ("start", "end"), written)
    filled = _dated(measurements, ("date",), written)
    reasons = REASONS[rng.integers(len(REASONS))]
    if reasons:
        helped = helped.assign(end_reason=helped["end_reason"].map(lambda code: reasons.get(code, code)))
        truth.values["episodes"] = {"end_reason": {code: ours for ours, code in reasons.items()}}
    who = RESPONDENTS[rng.integers(len(RESPONDENTS))]
    filled = filled.assign(respondent=filled["respondent"].map(who))
    truth.values["measurements"] = {"respondent": {code: ours for ours, code in who.items()}}
    if written in ("%m/%d/%Y", "%d-%m-%y"):
        truth.settings = {"episodes": {"date_format": written}, "measurements": {"date_format": written}}
    if rng.random() < 0.3:
        for item in ITEMS:
            filled[item] = filled[item].replace("", "99")
        truth.settings.setdefault("measurements", {})["missing_values"] = [99]
    if rng.random() < 0.35:
        filled = _wide(filled, rng, truth, names)
    else:
        pattern = str(rng.choice(ITEM_NAMES))
        truth.item_pattern = pattern.replace("{item:02}", "{item}")
        renamed = {item: pattern.format(item=number) for number, item in enumerate(ITEMS, start=1)}
        filled = filled.rename(columns={**renamed, **names["measurements"]})
    helped = helped.rename(columns=names["episodes"])
    for name, frame in (("trajecten", helped), ("metingen", filled)):
        extra = rng.random(3) < 0.5
        frame = frame.assign(**{
            column: values for use, column, values in zip(
                extra, ("opmerking", "geslacht", "regelnr"),
                ("", rng.choice(["m", "v"], len(frame)), np.arange(len(frame)) + 1), strict=True,
            ) if use
        })  # fmt: skip
        order = rng.permutation(frame.shape[1])
        truth.files.append(_written(frame.iloc[:, order], folder / name, rng))
    return truth


def _dated(frame: pd.DataFrame, columns: tuple[str, ...], written: str) -> pd.DataFrame:
    return frame.assign(**{
        name: [pd.Timestamp(day).strftime(written) if day else "" for day in frame[name]] for name in columns
    })  # fmt: skip


def _wide(
    filled: pd.DataFrame, rng: np.random.Generator, truth: Exported, names: Mapping[str, Mapping[str, str]]
) -> pd.DataFrame:
    """One row per family and respondent, a block of columns per wave."""
    pattern, dates = str(rng.choice(WIDE_NAMES)), str(rng.choice(WIDE_DATES))
    filled = filled.assign(wave=filled.groupby(["family", "respondent"]).cumcount() + 1)
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for record in filled.to_dict("records"):
        row = rows.setdefault((record["family"], record["respondent"]), {})
        for number, item in enumerate(ITEMS, start=1):
            row[pattern.format(wave=record["wave"], item=number)] = record[item]
        row[dates.format(wave=record["wave"])] = record["date"]
    truth.item_pattern, truth.date_pattern = pattern.replace("{item:02}", "{item}"), dates
    truth.columns["measurements"].pop("date")
    named = names["measurements"]
    table = [
        {named["family"]: family, named["respondent"]: who, **row} for (family, who), row in rows.items()
    ]
    return pd.DataFrame(table).fillna("")


def _written(frame: pd.DataFrame, path: Path, rng: np.random.Generator) -> Path:
    form = rng.choice(["csv", "csv", "csv", "xlsx", "parquet"])
    file = path.with_suffix(f".{form}")
    if form == "csv":
        separator = str(rng.choice([",", ";", "\t"]))
        encoding = str(rng.choice(["utf-8", "utf-8-sig", "cp1252", "utf-16"]))
        title = "Export van de praktijk\n\n" if rng.random() < 0.2 else ""
        with file.open("w", encoding=encoding, newline="") as opened:
            opened.write(title + frame.to_csv(index=False, sep=separator))
    elif form == "xlsx":
        frame.to_excel(file, index=False, sheet_name="Export", startrow=int(rng.choice([0, 0, 3])))
    else:
        frame.to_parquet(file)
    return file
