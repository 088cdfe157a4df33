"""A language is its folder: put beside the others it is spoken on every page, and nothing else is."""

import ast
import re
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.disclosure import Released, release
from mpg_research.errors import ConfigError
from mpg_research.languages import CATALOGUE, EXTRA_FOLDERS, OF_MESSAGES, grammar_of, languages, texts_in
from mpg_research.present import say, tabulate
from mpg_research.present.language.numbers import format_number, format_p, format_share
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.profile import present_profile
from mpg_research.present.sentences.say import topics
from mpg_research.reporting.run.run import run_study
from mpg_research.study import shipped_notebooks
from mpg_research.study.config.sections import DisclosureConfig
from tests.disclosure.made_results import (
    made_policy,
    make_measurement,
    make_organisations,
    make_trajectory,
)
from tests.present.edge_kinds import MAKERS
from tests.present.edge_results import FUNDER, RESEARCHER, Draw, policy_with
from tests.present.edge_words import family_profiles, figures
from tests.present.many_organisations import many_organisations
from tests.reporting.conftest import ORGANISATIONS, write_study
from tests.third_language import CODE, accented, quoted, words_without_accent, write_language

PACKAGE = CATALOGUE.parents[1]
#: Words of made results (a study's own domain among them), of the small study and of its questionnaire.
DATA = {"Kleine studie", "OBVL-K", "A domain of our own", *ORGANISATIONS, *ORGANISATIONS.values()}
#: Months, as the locale of the language writes them and no catalogue does.
DATA |= {"janvier", "décembre"}
#: Texts of the settings, as the study wrote them in a language that it has.
DATA |= {"een bron", "zwak", "weak", "zo"}


@pytest.fixture
def language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(EXTRA_FOLDERS, str(write_language(tmp_path / "languages")))
    return CODE


def test_a_folder_is_a_language(language: str) -> None:
    assert languages() == ("nl", "en", CODE)
    assert set(texts_in(CODE)) == set(texts_in("nl"))
    assert format_number(-1234567.5, CODE) == "−1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567,5"
    assert format_share(0.984, CODE) == "98\N{NO-BREAK SPACE}%"
    assert format_p(0.0312, CODE) == "0,031"
    phrases = phrases_in(CODE, unit=("púpíl", "púpíls", ""))
    assert "púpíls" in phrases("unit.families", number="12")
    assert phrases("unit.families", number="1") == "1 púpíl"


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_of_result_is_spoken_of_in_it_and_in_nothing_else(language: str, kind: str) -> None:
    for audience in (RESEARCHER, FUNDER):
        released = release(MAKERS[kind](Draw(7)), audience, policy=policy_with())
        said = [say(released, topic, language=CODE).html for topic in (None, *topics(), "withheld")]
        assert words_without_accent("\n".join(said), data={*DATA, *names_in(released)}) == []


@pytest.mark.parametrize("maker", [make_trajectory, make_organisations, make_measurement])
def test_tables_are_in_it_and_in_nothing_else(language: str, maker) -> None:
    for audience in (RESEARCHER, FUNDER):
        released = release(maker(), audience, policy=made_policy())
        shown = [tabulate(released, name, language=CODE).html for name in released.tables]
        assert words_without_accent("\n".join(shown), data={*DATA, *names_in(released)}) == []


def names_in(released: Released) -> set[str]:
    names = released.policy.organisations
    return {*names, *(name for by_language in names.values() for name in by_language.values())}


def test_figures_and_profiles_speak_it_and_nothing_else(language: str) -> None:
    parts = list(figures(3, CODE, every=3))
    parts += [present_profile(each, language=CODE).html for each in list(family_profiles())[::4]]
    keys = {*policy_with().organisations, *many_organisations(16, 3)[1].organisations}
    # a reason and a code as the study wrote them
    data = {*DATA, *keys, *(key.capitalize() for key in keys), "because", "ownkind"}
    assert words_without_accent("\n".join(parts), data=data) == []


def test_a_whole_report_and_the_overview_are_in_it(language: str, tmp_path: Path) -> None:
    study = write_study(tmp_path / "study", languages=f'"{CODE}", "nl"')
    summary = run_study(study, reports=tmp_path / "reports", only=["01_data_quality"], language=[CODE])
    assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
    reports = tmp_path / "reports" / "small"
    page = (reports / "researcher" / CODE / "01_data_quality.html").read_text(encoding="utf-8")
    assert f'<html lang="{CODE}">' in page
    for said in ("notebook.01_data_quality.what_there_is", "notebook.shared.remarks", "decisions.end"):
        assert texts_in(CODE)[said].removeprefix("## ") in page
    overview = (reports / "index.html").read_text(encoding="utf-8")
    assert accented("Overview of the reports") in overview
    notebooks = {path.stem for path in shipped_notebooks().glob("*.ipynb")}
    for each in (page, overview):
        assert (
            words_without_accent(each, data={*DATA, *notebooks, *DisclosureConfig.model_fields, "Nederlands"})
            == []
        )


def with_families(said: str) -> str:
    """All texts of the language, with this one in place of "{number} families"."""
    texts = {**texts_in("en"), "unit.families": said}
    return "\n".join(f"{quoted(key)} = {quoted(text)}" for key, text in texts.items())


def write_extra(folder: Path, **files: str) -> Path:
    write_language(folder)
    for name, text in files.items():
        (folder / CODE / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("files", "read", "found"),
    [
        ({"more": '[general]\nabout = "x"'}, CODE, r"key 'general\.about': everything\.toml and more\.toml"),
        ({"more": '[general]\nnew = "x"'}, "nl", r"'nl' .* lacks 1 of the keys that 'xx' has: general\.new"),
        ({"everything": '[general]\nabout = "x"'}, CODE, r"'xx' .* lacks \d+ of the keys that 'nl' has"),
        ({"everything": with_families("{nümber}")}, CODE, r"'unit\.families' .* asks for \{nümber\}"),
        ({"everything": with_families("{number")}, CODE, r"'unit\.families' .* asks for "),
        ({"more": "[general"}, CODE, r"more\.toml cannot be read as TOML"),
        ({"language": 'name = "X"\nlocale = "fr"'}, CODE, r"lacks \[terms\.family\], .*\[terms\.median\]"),
        ({"language": 'name = "X"\nlocal = "fr"'}, CODE, r"is not as expected .*'local'.*Its keys are: name"),
    ],
)
def test_a_language_that_cannot_be_used_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], read: str, found: str
) -> None:
    monkeypatch.setenv(EXTRA_FOLDERS, str(write_extra(tmp_path, **files)))
    with pytest.raises(ConfigError, match=found):
        texts_in(read)


def test_a_locale_that_is_not_known_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_language(tmp_path)
    own = tmp_path / CODE / "language.toml"
    (tmp_path / "odd").mkdir()
    own.write_text(own.read_text(encoding="utf-8").replace('"fr"', '"q1"'), encoding="utf-8")
    own.parent.rename(tmp_path / "odd" / "yy")
    monkeypatch.setenv(EXTRA_FOLDERS, str(tmp_path / "odd"))
    with pytest.raises(ConfigError, match="'yy' has the locale 'q1', which is not known"):
        format_number(1.0, "yy")


def test_places_without_languages_and_two_of_one_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_language(tmp_path / "one")
    monkeypatch.setenv(EXTRA_FOLDERS, str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"MPG_LANGUAGES names .*nowhere"):
        languages()
    assert main(["version"]) == ConfigError.exit_code
    assert capsys.readouterr().err.startswith("mpg: MPG_LANGUAGES names")
    (tmp_path / "one" / CODE).rename(tmp_path / "one" / "nl")
    monkeypatch.setenv(EXTRA_FOLDERS, str(tmp_path / "one"))
    with pytest.raises(ConfigError, match="Language 'nl' has two folders"):
        languages()


def test_the_languages_of_the_package_have_the_same_files_with_the_same_keys() -> None:
    """So that whoever changes a text finds it in the same place in every language."""
    listed = {path.name: sorted(file.name for file in path.glob("*.toml")) for path in CATALOGUE.iterdir()
              if path.is_dir()}  # fmt: skip
    assert set(listed) == set(languages())
    assert len({tuple(files) for files in listed.values()}) == 1
    assert OF_MESSAGES in listed
    for code in listed:
        assert set(texts_in(code)) == set(texts_in(OF_MESSAGES))
        terms, reference = grammar_of(code).terms, grammar_of(OF_MESSAGES).terms
        assert set(terms) == set(reference)


def decided_by_language(tree: ast.AST) -> list[int]:
    """Lines of Python that name a language: comparisons, keys, choices and defaults; docstrings may."""
    codes = set(languages())
    texts = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in codes and id(node) not in texts
    ]


def test_no_python_of_the_package_names_a_language() -> None:
    """What differs between languages stands in their folders; one constant says which one messages are in."""
    found = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := decided_by_language(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert list(found) == ["languages.py"], found
    (line,) = found["languages.py"]
    source = (PACKAGE / "languages.py").read_text(encoding="utf-8").splitlines()
    assert source[line - 1].startswith("OF_MESSAGES = ")


@pytest.mark.parametrize(
    "code",
    [
        'x = 1 if language == "nl" else 2',
        'x = {"nl": 1}',
        'def f(language="en"): ...',
        'x: Literal["nl", "en"]',
        'x = language in ("nl",)',
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert decided_by_language(ast.parse(code)) != []


def test_no_text_of_the_dutch_is_left_in_python() -> None:
    """Dutch words that are no English ones, outside comments and what the readers of data accept."""
    dutch = re.compile(r"\b(?:het|een|niet|wordt|gezin|gezinnen|meting|metingen|maanden|hulp|deze)\b")
    places = ("present", "reporting", "disclosure", "analysis")
    found = [
        (path.name, node.value)
        for place in places
        for path in (PACKAGE / place).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and dutch.search(node.value)
        and "\n" not in node.value
    ]  # fmt: skip
    assert found == []
