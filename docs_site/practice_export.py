"""The export to practise on (``docs/tutorial/export/``): ``python docs_site/practice_export.py``.

Two files of invented families as organisations send them: Dutch headings, answers in their own codes, dates
as they are written here, and an answer that cannot be. The same bytes every time.
"""

import csv
import tempfile
from pathlib import Path

from mpg_research.simulate.study import simulate_study

TARGET = Path(__file__).resolve().parents[1] / "docs" / "tutorial" / "export"
ORGANISATIONS = ("linde", "kade", "veld", "molen", "haven")
ENDS = {
    "01": "volgens plan",
    "02": "in overleg gestopt",
    "03": "gezin stopte",
    "04": "wij stopten",
    "05": "verhuisd",
}
FILLED_IN_BY = {"first_parent": "moeder", "second_parent": "vader"}
ITEMS = [f"item_{number:02d}" for number in range(1, 11)]
#: Row (from 0) of the answers, column, and what was typed there by mistake.
MISTAKE = (100, "OBVLK vraag 3", "7")
#: What tells measurements apart; the simulated exports repeat one.
KEYS = ("Clientnr", "Datum", "Ingevuld door")


def write_export(folder: Path) -> None:
    """Write the two files.

    Parameters
    ----------
    folder : Path
        Where they go.
    """
    with tempfile.TemporaryDirectory() as made:
        study = Path(made) / "study"
        simulate_study(study, seed=2211, families=125, organisations=len(ORGANISATIONS), truth_families=0)
        episodes = _read(study / "episodes.csv")
        answers = [row for row in _read(study / "measurements.csv") if row["instrument"] == "obvl_k"]
    keys = dict(zip(dict.fromkeys(row["organisation"] for row in episodes), ORGANISATIONS, strict=True))
    courses = [
        {
            "Clientnr": row["family"],
            "Aanbieder": keys[row["organisation"]],
            "Begindatum": _dutch(row["start"]),
            "Einddatum": _dutch(row["end"]),
            "Reden einde": ENDS.get(row["end_reason"], ""),
            "Leeftijd kind": row["child_age"].replace(".", ","),
            "Aantal kinderen": row["n_children"],
            "Eenoudergezin": {"1": "ja", "0": "nee"}.get(row["single_parent"], ""),
        }
        for row in episodes
    ]
    filled = [
        {
            "Clientnr": row["family"],
            "Datum": _dutch(row["date"]),
            "Ingevuld door": FILLED_IN_BY[row["respondent"]],
            **{f"OBVLK vraag {number}": row[name] for number, name in enumerate(ITEMS, 1)},
        }
        for row in answers
        if row["respondent"] in FILLED_IN_BY
    ]
    filled = list({tuple(row[key] for key in KEYS): row for row in filled}.values())
    at, column, typed = MISTAKE
    filled[at][column] = typed
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "trajecten.csv", courses)
    _write(folder / "vragenlijsten.csv", filled)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _dutch(date: str) -> str:
    return "-".join(reversed(date.split("-"))) if date else ""


if __name__ == "__main__":
    write_export(TARGET)
