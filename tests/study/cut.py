"""The example cut by organisation into six exports that are written in six different ways."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat

__all__ = ["ITEMS", "cut", "write_csv", "write_excel", "write_spss"]

ITEMS = [f"item_{number:02d}" for number in range(1, 11)]
WORDS = {"1": "geldt niet", "2": "geldt een beetje", "3": "geldt nogal", "4": "geldt helemaal"}
END_CODES = {"01": "plan", "02": "eerder", "03": "client", "04": "aanbieder", "05": "extern"}


@dataclass(frozen=True)
class Dialect:
    """How one organisation writes its exports."""

    kind: str
    separator: str = ","
    decimal: str = "."
    date: str = "%Y-%m-%d"
    encoding: str = "utf-8"
    title_rows: int = 0
    wide: bool = False


DIALECTS = (
    Dialect("csv", ";", ",", "%d-%m-%Y", "utf-8-sig"),
    Dialect("csv", ",", ".", "%m/%d/%Y", "cp1252"),
    Dialect("csv", "\t", ",", "%Y%m%d", "utf-16"),
    Dialect("sav"),
    Dialect("sav", wide=True),
    Dialect("xlsx", title_rows=3),
)


def cut(example: Path, folder: Path, seed: int) -> Path:
    """Write the study: episodes and measurements in six dialects, given to organisations by chance.

    Every file has names of columns, codes and an order of rows and columns of its own, and none says of which
    organisation it is.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for file in example.iterdir():
        if file.is_file() and file.name not in ("episodes.csv", "measurements.csv", "study.toml"):
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "exports").mkdir()
    episodes = pd.read_csv(example / "episodes.csv", dtype=str, keep_default_na=False)
    measurements = pd.read_csv(example / "measurements.csv", dtype=str, keep_default_na=False)
    organisations = [str(each) for each in rng.permutation(sorted(episodes["organisation"].unique()))]
    of_episodes, of_measurements = [], []
    for organisation, dialect in zip(organisations, DIALECTS, strict=True):
        families = episodes["organisation"] == organisation
        own = (
            episodes[families].drop(columns="organisation").sample(frac=1, random_state=int(rng.integers(99)))
        )
        scores = measurements[measurements["family"].isin(own["family"])]
        of_episodes.append(_episodes(folder, organisation, dialect, own, rng))
        of_measurements += _measurements(folder, organisation, dialect, scores, rng)
    text = (example / "study.toml").read_text(encoding="utf-8")
    text = text.replace(
        '[tables.episodes]\nfile = "episodes.csv"\n', "[tables.episodes]\n" + "".join(of_episodes)
    )
    text = text.replace(
        '[tables.measurements]\nfile = "measurements.csv"\n',
        "[tables.measurements]\n" + "".join(of_measurements),
    )
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def _renamed(frame: pd.DataFrame, rng: np.random.Generator) -> dict[str, str]:
    """A name of its own for every column, some with an accent and capitals."""
    marks = [str(each) for each in rng.permutation(["Cliënt", "veld", "Vraag", "kol"])]
    return {name: f"{marks[number % 4]}_{number}" for number, name in enumerate(frame)}


def _episodes(
    folder: Path, organisation: str, dialect: Dialect, frame: pd.DataFrame, rng: np.random.Generator
) -> str:
    names = _renamed(frame, rng)
    coded = dialect.kind == "csv"
    if coded:
        frame = frame.assign(end_reason=frame["end_reason"].map(END_CODES).fillna(""))
    dates = ["start", "end", "referred"]
    file = f"exports/{organisation}_trajecten.{dialect.kind}"
    _write(folder / file, dialect, frame, names, dates)
    values = ", ".join(f'"{code}" = "{key}"' for key, code in END_CODES.items())
    return _source(
        "episodes", file, dialect, names, f'constants = {{ organisation = "{organisation}" }}',
        f"values = {{ end_reason = {{ {values} }} }}" if coded else "",
    )  # fmt: skip


def _measurements(
    folder: Path, organisation: str, dialect: Dialect, frame: pd.DataFrame, rng: np.random.Generator
) -> list[str]:
    file = f"exports/{organisation}_metingen.{dialect.kind}"
    if dialect.wide:
        return _wide(folder, file, frame)
    names = _renamed(frame, rng)
    codes = {code: str(7 + number) for number, code in enumerate(sorted(frame["respondent"].unique()))}
    frame = frame.assign(respondent=frame["respondent"].map(codes))
    values = "respondent = { " + ", ".join(f'"{new}" = "{old}"' for old, new in codes.items()) + " }"
    if dialect.kind == "csv" and dialect.separator == ";":
        words = {name: frame[name].map(lambda cell: WORDS.get(cell, cell)) for name in ITEMS}
        of_obvl = frame["instrument"] == "obvl_k"
        frame = frame.assign(**{name: words[name].where(of_obvl, frame[name]) for name in ITEMS})
        values += ", item = { " + ", ".join(f'"{word}" = "{code}"' for code, word in WORDS.items()) + " }"
    _write(folder / file, dialect, frame, names, ["date"])
    return [_source("measurements", file, dialect, names, f"values = {{ {values} }}")]


def _wide(folder: Path, file: str, frame: pd.DataFrame) -> list[str]:
    """One row per family, episode, respondent and questionnaire; one source for each questionnaire."""
    keys = ["family", "episode", "respondent", "instrument"]
    wave = frame.groupby(keys, sort=False).cumcount()
    columns: dict[str, pd.Series] = {}
    rows = frame[keys].drop_duplicates().set_index(keys)
    for number in range(int(wave.max()) + 1):
        of_wave = frame[wave == number].set_index(keys)
        columns[f"meetdatum{number}"] = pd.to_datetime(of_wave["date"]).reindex(rows.index)
        for item in ITEMS:
            columns[f"ob_{number}_v{int(item[-2:])}"] = of_wave[item].reindex(rows.index)
    wide = pd.DataFrame(columns, index=rows.index).reset_index()
    write_spss(folder / file, wide, numbers=[name for name in wide if str(name).startswith("ob_")])
    return [
        f'[[tables.measurements.sources]]\nfile = "{file}"\nlayout = "wide"\n'
        'patterns = { item = "ob_{wave}_v{item}", date = "meetdatum{wave}" }\n'
    ]


def _source(name: str, file: str, dialect: Dialect, names: dict[str, str], *more: str) -> str:
    columns = ", ".join(f'{ours} = "{theirs}"' for ours, theirs in names.items())
    lines = [f"[[tables.{name}.sources]]", f'file = "{file}"', f"columns = {{ {columns} }}", *more]
    if dialect.date == "%m/%d/%Y":
        lines.append(f'date_format = "{dialect.date}"')
    if dialect.title_rows:
        lines.append(f"header_row = {dialect.title_rows + 1}")
    return "\n".join(line for line in lines if line) + "\n"


def _write(
    path: Path, dialect: Dialect, frame: pd.DataFrame, names: dict[str, str], dates: list[str]
) -> None:
    if dialect.kind == "csv":
        write_csv(path, dialect, frame, names, dates)
        return
    frame = frame.assign(**{name: pd.to_datetime(frame[name], errors="coerce") for name in dates})
    numbers = [name for name in frame if _all_numbers(frame[name]) and name not in ("family", *dates)]
    numbers = [name for name in numbers if name not in ("end_reason", "respondent", "worker")]
    (write_spss if dialect.kind == "sav" else write_excel)(
        path, frame.rename(columns=names), numbers=[names[str(name)] for name in numbers]
    )


def _all_numbers(cells: pd.Series) -> bool:
    filled = cells[cells != ""]
    return len(filled) > 0 and bool(pd.to_numeric(filled, errors="coerce").notna().all())


def write_csv(
    path: Path, dialect: Dialect, frame: pd.DataFrame, names: dict[str, str], dates: list[str]
) -> None:
    """A CSV with the separator, decimal sign, dates and encoding of the dialect; numbers come as texts."""
    out = frame.copy()
    for name in dates:
        out[name] = pd.to_datetime(out[name], errors="coerce").dt.strftime(dialect.date).fillna("")
    for name in ("child_age", "satisfaction"):
        if name in out:
            out[name] = out[name].str.replace(".", dialect.decimal, regex=False)
    text = out.rename(columns=names).to_csv(sep=dialect.separator, index=False)
    path.write_bytes(text.encode(dialect.encoding))


def write_spss(path: Path, frame: pd.DataFrame, *, numbers: list[Any]) -> None:
    """An SPSS file."""
    out = frame.assign(**{name: pd.to_numeric(frame[name].replace("", np.nan)) for name in numbers})
    pyreadstat.write_sav(out, str(path))


def write_excel(path: Path, frame: pd.DataFrame, *, numbers: list[Any]) -> None:
    """A workbook with a title above the names of the columns."""
    out = frame.assign(**{name: pd.to_numeric(frame[name].replace("", np.nan)) for name in numbers})
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Overzicht trajecten en metingen"])
    sheet.append(["gemaakt op", "2025-06-30"])
    sheet.append([])
    sheet.append([str(name) for name in out])
    for row in out.astype(object).where(out.notna(), None).itertuples(index=False):
        sheet.append([cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell for cell in row])
    book.save(path)
