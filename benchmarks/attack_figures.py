"""Write the table of attacks into data_protection.nl.md and .en.md, from attacks.toml (docs/reference/).

python benchmarks/attack_figures.py
"""

import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
BEGIN, END = "<!-- attacks: begin -->\n", "<!-- attacks: end -->"
WORDS = {
    "en": ("attack", "succeeded in 0.2.0", "succeeded now", "{worked} of {tried}", "not counted yet"),
    "nl": ("aanval", "gelukt in 0.2.0", "gelukt nu", "{worked} van {tried}", "nog niet geteld"),
}


def table(attacks: list[dict[str, Any]], language: str) -> str:
    """The table in one language."""
    first, before, now, count, unknown = WORDS[language]
    lines = [f"| {first} | {before} | {now} |", "|---|---:|---:|"]
    for attack in attacks:
        cells = [attack[language]]
        for worked, tried in (attack["before"], (attack.get("worked"), attack.get("tried"))):
            cells.append(unknown if tried is None else count.format(worked=worked, tried=tried))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def page(language: str) -> str:
    """The page of a language with its table as it should be."""
    attacks = tomllib.loads((DOCS / "attacks.toml").read_text(encoding="utf-8"))["attack"]
    text = (DOCS / f"data_protection.{language}.md").read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{table(attacks, language)}{END}{after}"


if __name__ == "__main__":
    for code in WORDS:
        (DOCS / f"data_protection.{code}.md").write_text(page(code), encoding="utf-8")
        print(f"docs/reference/data_protection.{code}.md")
