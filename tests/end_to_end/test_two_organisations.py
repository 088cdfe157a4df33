"""With one other organisation a report shows the own observed numbers, and nothing of the other's."""

from pathlib import Path

from mpg_research import compare_organisations, load_study
from mpg_research.disclosure import Audience, Released, policy_of, release
from tests.end_to_end.variants import copy_example, read_example

OWN, OTHER = "vlierdonk", "hazelgaard"


def released_to_own(folder: Path, *, other_kept: float, other_shift: int) -> Released:
    copy_example(folder, tables={name: {"file": f"{name}.csv"} for name in ("episodes", "measurements")})
    episodes = read_example("episodes")
    only = episodes.groupby("family")["organisation"].agg(
        lambda keys: keys.iloc[0] if keys.nunique() == 1 else ""
    )
    families = {key: list(only.index[only == key]) for key in (OWN, OTHER)}
    kept = families[OWN] + families[OTHER][: int(len(families[OTHER]) * other_kept)]
    measurements = read_example("measurements")
    items = [column for column in measurements.columns if column.startswith("item_")]
    theirs = measurements["family"].isin(families[OTHER])
    for item in items:
        answers = measurements.loc[theirs, item]
        moved = [str(min(4, int(float(a)) + other_shift)) if a in "1234" and a else a for a in answers]
        measurements.loc[theirs, item] = moved
    for name, table in (("episodes", episodes), ("measurements", measurements)):
        table[table["family"].isin(kept)].to_csv(folder / f"{name}.csv", index=False)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    start, end = text.index('["organisations"'), text.index('["instruments"')
    (folder / "study.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    study = load_study(folder)
    return release(compare_organisations(study), Audience("organisation", OWN), policy=policy_of(study))


def test_the_own_page_is_the_same_whatever_the_other_did(tmp_path: Path) -> None:
    one = released_to_own(tmp_path / "one", other_kept=1.0, other_shift=0)
    two = released_to_own(tmp_path / "two", other_kept=0.7, other_shift=1)
    assert set(one.tables) >= {"observed_course", "by_organisation"}
    for name in one.tables:
        assert one.tables[name].data.equals(two.tables[name].data), name
        assert one.tables[name].marks.equals(two.tables[name].marks), name
    assert set(one.tables) == set(two.tables)
    assert one.notes == two.notes
    assert one.tables["observed_course"].data["mean"].notna().sum() >= 6
