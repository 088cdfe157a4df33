"""A study that families join and leave."""

from collections.abc import Iterable
from pathlib import Path

from tests.study.small import ITEMS, STUDY

TOML = STUDY.replace("minimum_families = 3\n", "").replace(
    'name = "small"\n', 'name = "grows"\nlanguages = ["nl", "en"]\nsynthetic = true\n'
)


def write_families(folder: Path, numbers: Iterable[int], *, others: Iterable[int] = ()) -> None:
    """A study of these families; of ``others`` one answer is missing."""
    numbers, others = sorted(numbers), set(others)
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(TOML, encoding="utf-8")
    episodes = ["family,episode,organisation,worker,start,end,child_age"]
    episodes += [f"{n:03d},1,org_{n % 2},w1,2024-01-{1 + n % 28:02d},2024-12-31,{4 + n % 8}" for n in numbers]
    measured = [",".join(["family", "episode", "respondent", "date", *ITEMS])]
    for n in numbers:
        for month in (2, 5, 8):
            answers = [str(1 + (n + month + item % 3) % 4) for item in range(10)]
            if n in others:
                answers[0] = ""
            measured.append(f"{n:03d},1,first_parent,2024-{month:02d}-15," + ",".join(answers))
    (folder / "episodes.csv").write_text("\n".join(episodes) + "\n", encoding="utf-8")
    (folder / "measurements.csv").write_text("\n".join(measured) + "\n", encoding="utf-8")
