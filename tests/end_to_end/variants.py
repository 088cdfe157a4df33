"""The example study saved in other forms: the same content, as other people's exports look."""

import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

EXAMPLE = Path(__file__).resolve().parents[2] / "data" / "example"


def example_config() -> dict[str, Any]:
    return tomllib.loads((EXAMPLE / "study.toml").read_text(encoding="utf-8"))


def read_example(table: str) -> pd.DataFrame:
    """A table of the example as text, exactly as written."""
    return pd.read_csv(EXAMPLE / f"{table}.csv", dtype=str, keep_default_na=False)


def write_toml(path: Path, data: dict[str, Any]) -> None:
    """A small TOML writer, enough for study.toml."""
    path.write_text("\n".join(_lines(data, "")) + "\n", encoding="utf-8")


def _lines(data: dict[str, Any], prefix: str) -> list[str]:
    scalars = {key: value for key, value in data.items() if not isinstance(value, dict)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in scalars.items()]
    for key, value in data.items():
        if isinstance(value, dict):
            name = f"{prefix}{_key(key)}"
            lines += ["", f"[{name}]", *_lines(value, name + ".")]
    return lines


def _key(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _key(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(part) for part in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(part)}" for key, part in value.items()) + " }"
    return str(value)


def copy_example(folder: Path, *, tables: dict[str, dict[str, Any]]) -> Path:
    """A study folder like the example, with these sections for its tables and the example's other files."""
    folder.mkdir(parents=True)
    config = example_config()
    config["tables"] = tables
    write_toml(folder / "study.toml", config)
    for section in config.get("instruments", {}).values():
        for key in ("file", "norms"):
            if key in section:
                (folder / section[key]).write_bytes((EXAMPLE / section[key]).read_bytes())
    return folder


def save_as_dutch_csv(folder: Path) -> Path:
    """Semicolons, decimal commas, Dutch dates, Windows encoding."""
    tables = {}
    copy_to = {}
    for name in ("episodes", "measurements"):
        frame = read_example(name)
        for column in frame.columns:
            if column in {"start", "end", "referred", "date"}:
                frame[column] = frame[column].str.replace(
                    r"^(\d{4})-(\d{2})-(\d{2})$", r"\3-\2-\1", regex=True
                )
            elif frame[column].str.fullmatch(r"-?\d+\.\d+").any():
                frame[column] = frame[column].str.replace(".", ",", regex=False)
        tables[name] = {"file": f"{name}.csv"}
        copy_to[name] = frame
    copy_example(folder, tables=tables)
    for name, frame in copy_to.items():
        frame.to_csv(folder / f"{name}.csv", sep=";", index=False, encoding="cp1252")
    return folder


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    typed = frame.copy()
    for column in frame.columns:
        text = frame[column]
        filled = text[text != ""]
        if column in {"start", "end", "referred", "date"}:
            typed[column] = pd.to_datetime(text.where(text != ""), format="%Y-%m-%d")
        elif column not in {"family", "episode", "organisation", "worker"} and len(filled):
            numbers = pd.to_numeric(filled, errors="coerce")
            if numbers.notna().all() and not filled.str.fullmatch(r"0\d+").any():
                typed[column] = pd.to_numeric(text.where(text != ""))
    return typed


def save_as_excel(folder: Path) -> Path:
    """One workbook with a sheet per table, cells typed as Excel does."""
    tables = {
        name: {"file": "study.xlsx", "sheet": name.capitalize()} for name in ("episodes", "measurements")
    }
    copy_example(folder, tables=tables)
    with pd.ExcelWriter(folder / "study.xlsx") as writer:
        for name in tables:
            _typed(read_example(name)).to_excel(writer, sheet_name=name.capitalize(), index=False)
    return folder


def save_as_parquet(folder: Path) -> Path:
    tables = {name: {"file": f"{name}.parquet"} for name in ("episodes", "measurements")}
    copy_example(folder, tables=tables)
    for name in tables:
        _typed(read_example(name)).to_parquet(folder / f"{name}.parquet")
    return folder


def save_as_wide_spss(folder: Path) -> Path:
    """One row per family, episode and respondent; a column per instrument, wave and item; 99: no answer."""
    import pyreadstat

    tables = {
        "episodes": {"file": "episodes.sav"},
        "measurements": {
            "file": "measurements.sav",
            "layout": "wide",
            "patterns": {"item": "{instrument}_t{wave}_{item}", "date": "{instrument}_date_t{wave}"},
        },
    }
    copy_example(folder, tables=tables)
    pyreadstat.write_sav(_typed(read_example("episodes")), str(folder / "episodes.sav"))
    long = _typed(read_example("measurements"))
    keys = ["family", "episode", "respondent"]
    long = long.sort_values([*keys, "date"], kind="stable")
    long["wave"] = long.groupby([*keys, "instrument"]).cumcount()
    items = sorted(column for column in long.columns if column.startswith("item_"))
    long[items] = long[items].astype(float).fillna(99)
    wide = long.pivot(index=keys, columns=["instrument", "wave"], values=["date", *items])
    beyond = [each for each in wide if each[0] > "item_06" and each[1] == "own_strength"]
    wide = wide.drop(columns=beyond)
    wide.columns = [
        f"{key}_date_t{wave}" if name == "date" else f"{key}_t{wave}_{name.removeprefix('item_')}"
        for name, key, wave in wide.columns
    ]
    wide = wide.reset_index()
    missing = {}
    for column in wide.columns:
        if "_date_t" in column:
            wide[column] = pd.to_datetime(wide[column])
        elif column not in keys:
            wide[column] = wide[column].astype(float)
            missing[column] = [99]
    pyreadstat.write_sav(wide, str(folder / "measurements.sav"), missing_ranges=missing)
    return folder


SAVED_AS = {
    "dutch_csv": save_as_dutch_csv,
    "excel": save_as_excel,
    "parquet": save_as_parquet,
    "wide_spss": save_as_wide_spss,
}
