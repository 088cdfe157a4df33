from pathlib import Path

import pytest

from mpg_research.errors import DataError
from mpg_research.reporting.run import fingerprint
from mpg_research.reporting.run.plan import plan_steps
from mpg_research.reporting.store import inputs as made_of
from mpg_research.study import read_config

_hash_package = made_of._hash_package


def prints(study: Path) -> dict[str, str]:
    config = read_config(study)
    inputs = fingerprint.read_inputs(config)
    return {
        step.name: fingerprint.step_fingerprint(step, inputs=inputs, notebook_sha256="0" * 64)
        for step in plan_steps(config)
    }


def test_every_step_has_its_own_and_the_same_input_gives_the_same(study: Path) -> None:
    first = prints(study)
    assert len(set(first.values())) == len(first)
    assert prints(study) == first


def test_moving_the_study_changes_nothing(study: Path, tmp_path: Path) -> None:
    before = prints(study)
    study.rename(tmp_path / "elsewhere")
    assert prints(tmp_path / "elsewhere") == before


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("analysis/growth/fit.py", "analysis"),
        ("errors.py", "analysis"),
        ("instruments/new.toml", "analysis"),
        ("a_new_room/a.py", "analysis"),
        ("disclosure/gate.py", "showing"),
        ("present/figures/rows.py", "showing"),
        ("reporting/page/html.py", "pages"),
        ("reporting/templates/page.j2", "pages"),
        ("cli.py", "pages"),
        ("present/catalogue/nl/growth.toml", "words of nl"),
        ("present/catalogue/nl/language.toml", "words of "),
        ("present/catalogue/conditions.toml", "words of "),
    ],
)
def test_any_file_of_the_package_counts_in_its_part_alone(
    file: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_of, "_hash_package", _hash_package)
    monkeypatch.setattr(made_of, "_PACKAGE", tmp_path)
    for folder in ("nl", "en"):
        (tmp_path / "present/catalogue" / folder).mkdir(parents=True)
        (tmp_path / "present/catalogue" / folder / "words.toml").write_text("1")
    before = _flat()
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("2")
    after = _flat()
    assert {name for name in after if after[name] != before.get(name)} == {part}


def _flat() -> dict[str, str]:
    code, words = made_of.hash_package()
    return code | {f"words of {language}": value for language, value in words.items()}


def test_a_changed_word_makes_the_pages_of_its_language_due_and_no_result(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = read_config(study)
    steps = plan_steps(config)
    code = dict.fromkeys(made_of.CODE, "0")
    found = []
    for words in ({"": "1", "nl": "1", "en": "1"}, {"": "1", "nl": "2", "en": "1"}, {"": "1", "nl": "1"}):
        monkeypatch.setattr(made_of, "_hash_package", lambda *files, words=words: (code, words))
        inputs = made_of.read_inputs(config)
        print_of = {s.name: fingerprint.step_fingerprint(s, inputs=inputs, notebook_sha256="") for s in steps}
        found.append((print_of, inputs.of_results))
    assert {step.language for step in steps} == {"nl"}
    assert all(found[0][0][name] != found[1][0][name] for name in found[0][0])
    assert found[0][0] == found[2][0], "the texts of English are none of a Dutch page's"
    assert len({of_results for _, of_results in found}) == 1


@pytest.mark.parametrize(("library", "counts"), [("numpy", True), ("matplotlib", False)])
def test_a_library_of_another_version_counts(
    library: str, counts: bool, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, result = prints(study), made_of.read_inputs(read_config(study)).of_results
    others = {**made_of.library_versions(), library: "0"}
    monkeypatch.setattr(made_of, "library_versions", lambda: others)
    assert prints(study) != before
    assert (made_of.read_inputs(read_config(study)).of_results != result) is counts


def test_a_file_that_is_not_there_is_named(study: Path) -> None:
    (study / "episodes.csv").unlink()
    with pytest.raises(DataError, match=r"episodes\.csv cannot be read"):
        prints(study)
