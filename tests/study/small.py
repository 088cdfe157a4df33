"""A small study to spoil in tests: two organisations, twelve families, three measurements each."""

from pathlib import Path

ITEMS = [f"item_{number:02d}" for number in range(1, 11)]
EPISODES = "family,episode,organisation,worker,start,end,child_age\n" + "".join(
    f"{number:03d},1,{'org_a' if number % 2 else 'org_b'},w{number % 3},"
    f"2024-01-{number:02d},2024-12-31,{4 + number / 8}\n"
    for number in range(1, 13)
)
MEASUREMENTS = (
    ",".join(["family", "episode", "respondent", "date", *ITEMS])
    + "\n"
    + "".join(
        f"{number:03d},1,first_parent,2024-{month:02d}-15,"
        + ",".join(str(1 + (number + month + (item % 3 == 1)) % 4) for item in range(10))
        + "\n"
        for number in range(1, 13)
        for month in (1, 4, 7)
    )
)
STUDY = """\
[study]
name = "small"
export_date = 2025-12-31
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = { instrument = "obvl_k" }
[analysis]
months = [0, 6]
primary_month = 6
[disclosure]
minimum_families = 3
reason = "A made-up study: nobody is in it."
"""


def small_study(
    folder: Path,
    *,
    toml: str = STUDY,
    episodes: str | bytes = EPISODES,
    measurements: str | bytes = MEASUREMENTS,
    **others: str | bytes,
) -> Path:
    """Write the study; other files by name, with ``__`` for the dot (``events__csv``)."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"study.toml": toml, "episodes.csv": episodes, "measurements.csv": measurements}
    contents |= {name.replace("__", "."): content for name, content in others.items()}
    for name, content in contents.items():
        data = content.encode("utf-8") if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    return folder


def edited(text: str, *changes: tuple[str, str]) -> str:
    """The text with each (old, new) replaced once; the old must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text
