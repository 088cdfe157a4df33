"""The course profile of one family: what it says, and where it never goes."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from html import unescape
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import course, describe_family, signals
from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.analysis.monitoring.signals import Signals
from mpg_research.cli import main
from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.profile import INTERVENTIONS, present_profile
from mpg_research.reporting.notebooks import find_notebooks, notebook_spec, read_notebook
from mpg_research.reporting.profile import (
    CourseProfileParameters,
    check_profile_folder,
    profile_by_hand,
    write_profile,
)
from mpg_research.study import load_study, shipped_example
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "course_profile.ipynb"


def standing(rng: np.random.Generator, slope: float = 0.0) -> pd.DataFrame:
    """Thirty families, the first of which follows the slope for two years."""
    family, month = np.repeat(np.arange(30), 25), np.tile(np.arange(25.0), 30)
    score = 30 + np.repeat(rng.normal(0, 5, 30), 25) - 0.4 * month + rng.normal(0, 2, 750)
    data = pd.DataFrame({"family": [f"f{n:02d}" for n in family], "months": month, "score": score.round()})
    data["organisation"] = np.where(family % 2 == 0, "even", "odd")
    own = data["family"] == "f00"
    wave = np.where(np.arange(25) % 2 == 0, 1, -1)
    data.loc[own, "score"] = np.round(28 + wave + slope * np.arange(25))
    return data.assign(score=data["score"].clip(0, 60))


@cache
def known_in(folder: Path) -> Signals:
    """The signals of a study, computed once for all tests here."""
    return signals(load_study(folder))


def described(study: Study, family: str, **options: str) -> FamilyProfile:
    return describe_family(study, family, known=known_in(study.folder), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    data = standing(np.random.default_rng(31))
    other = data[data["family"] == "f00"].assign(respondent="second_parent")
    other["score"] = np.round(20 + 1.0 * other["months"])
    both = pd.concat([data.assign(respondent="first_parent"), other])
    return make_study(tmp_path_factory.mktemp("study"), both)


@pytest.fixture(scope="module")
def page(study: Study) -> str:
    return present_profile(described(study, "f00"), language="en").html


def test_the_page_is_marked_self_contained_and_readable(page: str) -> None:
    assert "Sensitive" in page
    assert page.count("<h1>") == 1
    assert '<html lang="en">' in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="https?:', page)
    picture = page[page.index("<svg") : page.index("</svg>") + 6]
    assert ElementTree.fromstring(picture).get("aria-label", "").count("scores, from") == 2


def test_two_parents_stand_side_by_side_and_may_disagree(study: Study) -> None:
    profile = described(study, "f00")
    summary = profile.tables["summary"].data.set_index("respondent")
    assert summary.loc["first_parent", "answer"] == "stagnating"
    assert summary.loc["second_parent", "answer"] == "deteriorating"
    english = present_profile(profile, language="en").html
    assert "Filled in by: first parent" in english
    assert "Filled in by: second parent" in english
    # Side by side: the answers, what changed, and the numbers.
    assert english.count('class="pair"') == 3
    assert 'class="pair"' not in present_profile(described(study, "f02"), language="en").html


def test_a_call_brings_the_menu_and_going_well_does_not(study: Study, page: str) -> None:
    menu = page[page.index('class="menu"') :]
    assert menu[: menu.index("</ul>")].count("<li>") == len(INTERVENTIONS) == 8
    profile = described(study, "f02")
    assert profile.tables["summary"].data["signal"].tolist() == ["on_track"]
    assert 'class="menu"' not in present_profile(profile, language="nl").html


def test_deterioration_brings_a_question_and_the_menu(tmp_path: Path) -> None:
    worse = standing(np.random.default_rng(33), slope=1.2)
    shown = describe_family(make_study(tmp_path, worse), "f00")
    assert shown.tables["summary"].data["answer"].tolist() == ["deteriorating"]
    html = present_profile(shown, language="nl").html
    assert 'class="menu"' in html
    assert "zwaarder" in html


def test_the_profile_says_what_the_course_and_the_signals_say(study: Study) -> None:
    shown = described(study, "f00").tables["waves"].data
    own = shown[shown["respondent"] == "first_parent"]
    for result, names in ((course(study), ["answer"]), (signals(study), ["answer", "signal", "chance"])):
        waves = result.tables["waves"].data
        mine = waves[waves["family"] == "f00"]
        for name in names:
            assert own[name].tolist() == mine[name].tolist()


def test_a_family_off_track_at_every_wave_gets_signal_and_menu() -> None:
    found = described(load_study(shipped_example()), "F5780")
    summary = found.tables["summary"].data.set_index("respondent")
    assert summary.loc["first_parent", "signal"] == "off_track"
    html = present_profile(found, language="nl").html
    assert "Van koers" in html
    assert "Eerder gebruikt bij dit gezin: maand 6,5, maand 12,5" in html
    menu = html[html.index('class="menu"') :]
    assert menu.count("niet bekend uit deze studie") == 8
    told = present_profile(found, language="nl", study_knows={"network_meeting": "<i>iets</i>."}).html
    assert "&lt;i&gt;iets&lt;/i&gt;." in told
    assert told.count("niet bekend uit deze studie") == 7


def test_the_menu_says_what_the_study_knows_as_its_organisation_may_see_it(tmp_path: Path) -> None:
    """The number of "any" of the example, for whoever helps; nothing of what cannot be estimated."""
    file = write_profile(shipped_example(), family="F5780", output=tmp_path, language="en")
    page = unescape(file.read_text(encoding="utf-8"))
    assert re.search(r"What this study knows of it: Any intervention: 3 months after", page)
    assert "no proof that the intervention brought it about" in page
    assert page.count("not known from this study") == 8
    for_family = write_profile(
        shipped_example(), family="F5780", output=tmp_path, language="en", reader="family"
    )
    assert "no proof" not in for_family.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_page_for_the_family_itself_is_plain(study: Study, language: str) -> None:
    html = present_profile(described(study, "f00"), language=language, reader="family").html
    assert html.count("<h1>") == 1
    assert f'<html lang="{language}">' in html
    assert "%" not in re.sub(r"<(style|svg).*?</\1>", "", html, flags=re.DOTALL)
    assert html.count('class="try"') == 1
    with pytest.raises(ConfigError, match="worker or family"):
        present_profile(described(study, "f00"), language=language, reader="funder")  # type: ignore[arg-type]


def test_expected_scores_stay_on_the_scale() -> None:
    # this family scores low: the model's band reaches below the lowest possible score
    found = described(load_study(shipped_example()), "F4161")
    low, high = found.score_range or (np.nan, np.nan)
    for name in ("waves", "bands", "forecasts"):
        data = found.tables[name].data
        assert data["band_low"].min() == low, name
        assert data["band_high"].max() <= high, name


def test_everything_in_a_profile_is_declared_to_be_about_one_family(study: Study) -> None:
    tables = described(study, "f00").tables
    assert {table.unit for table in tables.values()} == {"family"}


def test_we_cannot_tell_yet_is_an_answer() -> None:
    study = load_study(shipped_example())
    waves = study.scores.groupby("family").size()
    family = str(waves[waves.between(2, 4)].index[0])
    assert "nog niet te zeggen" in present_profile(described(study, family), language="nl").html


@pytest.mark.parametrize(
    "place", ["reports", "reports/mine", "a/Reports/b", "run/study", "run/study/researcher/x"]
)
def test_no_profile_is_written_among_reports(tmp_path: Path, place: str) -> None:
    recipient = tmp_path / "run" / "study" / "researcher"
    recipient.mkdir(parents=True)
    (recipient / "manifest.json").write_text("{}", encoding="utf-8")
    (tmp_path / "run" / "study" / "index.html").write_text("", encoding="utf-8")
    with pytest.raises(DisclosureError, match="reports folder"):
        check_profile_folder(tmp_path / place)


def test_a_link_into_reports_is_seen_through(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "innocent").symlink_to(tmp_path / "reports", target_is_directory=True)
    with pytest.raises(DisclosureError):
        check_profile_folder(tmp_path / "innocent")
    with pytest.raises(ConfigError, match="folder you name"):
        check_profile_folder("")


def test_the_command_writes_one_page(
    tmp_path: Path, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "own"
    assert main(["profile", str(study.folder), "--family", "f00", "--output", str(folder)]) == 0
    assert [file.suffix for file in folder.iterdir()] == [".html"]
    assert "sensitive" in capsys.readouterr().out
    assert main(["profile", str(study.folder), "--family", "nobody", "--output", str(folder)]) == 2
    shown = capsys.readouterr().err
    assert "nobody" in shown
    assert "f00" not in shown


def test_names_from_data_are_only_names(tmp_path: Path) -> None:
    data = standing(np.random.default_rng(32)).replace({"family": {"f00": "<b>x</b>"}})
    file = write_profile(make_study(tmp_path / "s", data).folder, family="<b>x</b>", output=tmp_path / "o")
    assert "<b>x</b>" not in file.read_text(encoding="utf-8")
    assert file.parent == tmp_path / "o"


def test_parameters_are_typed_and_the_notebook_has_them_all(study: Study, tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    (given,) = ["".join(c["source"]) for c in cells if c["metadata"].get("tags") == ["parameters"]]
    values: dict[str, object] = {}
    exec(compile(given, str(NOTEBOOK), "exec"), {}, values)
    assert set(values) == set(CourseProfileParameters.model_fields)
    assert (
        read_notebook(NOTEBOOK).model.model_validate(values).model_dump()
        == CourseProfileParameters().model_dump()
    )
    with pytest.raises(ConfigError, match="family: found 7"):
        write_profile(study.folder, family=7, output=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="language: found 'de'"):
        write_profile(study.folder, family="f00", output=tmp_path, language="de")
    with pytest.raises(ConfigError, match="Name the family"):
        write_profile(study.folder, family="", output=tmp_path)
    with pytest.raises(ConfigError, match="period of help '9'"):
        write_profile(study.folder, family="f00", output=tmp_path, episode="9")
    assert not list(tmp_path.iterdir())


def test_no_run_knows_the_profile() -> None:
    assert "course_profile" not in find_notebooks()
    with pytest.raises(ConfigError, match="There is no notebook"):
        notebook_spec("course_profile")


def test_the_notebook_writes_one_page_to_the_folder_named(study: Study, tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    last = "".join([c for c in cells if c["cell_type"] == "code"][-1]["source"])
    chosen = {
        "study": str(study.folder),
        "family": "f00",
        "episode": "1",
        "language": "en",
        "reader": "worker",
    }
    exec(compile(last, str(NOTEBOOK), "exec"), {**chosen, "output": str(tmp_path / "talk")})
    assert [file.name for file in (tmp_path / "talk").iterdir()] == ["course_profile_f00_en.html"]


def test_the_notebook_asks_for_a_family_and_a_folder() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")
    exec(compile(code, str(NOTEBOOK), "exec"), {})  # its defaults: no traceback


@pytest.mark.parametrize("language", ["nl", "en"])
def test_by_hand_a_sentence_says_what_is_missing_or_wrong(
    study: Study, tmp_path: Path, language: str
) -> None:
    """Whatever is left empty or mistyped, one sentence and no traceback."""
    folder = str(study.folder)
    families, outputs = ("", " ", "f00", "nobody"), ("", str(tmp_path / "talk"), str(tmp_path / "reports"))
    for family, output, episode, where in product(families, outputs, ("", "9"), (folder, "no such study")):
        found = profile_by_hand(where, family=family, output=output, episode=episode, language=language)
        made = family == "f00" and output.endswith("talk") and not episode and where == folder
        assert (found.file is not None) == made
        assert ("family (" in found.text) == (not family.strip())
        assert ("output (" in found.text) == (not output)
        assert "<p>" in found._repr_html_()
    assert [file.name for file in (tmp_path / "talk").iterdir()] == [f"course_profile_f00_{language}.html"]


def test_a_profile_speaks_of_whom_the_study_is_about(study: Study) -> None:
    profile = replace(
        described(study, "f00"),
        unit={"nl": ("cliënt", "cliënten", "de"), "en": ("client", "clients", "")},
    )
    for language, word, other in (("nl", "cliënt", "gezin"), ("en", "client", "famil")):
        html = present_profile(profile, language=language).html
        text = re.sub(r"<[^>]+>", " ", html[: html.index('class="menu"')] if 'class="menu"' in html else html)
        assert word in text
        assert other not in text.lower()


@pytest.mark.skipif(os.name != "posix", reason="rights of files are another thing there")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_a_profile_is_for_its_maker_only(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        page = write_profile(
            "",
            family=load_study(shipped_example()).tables["episodes"]["family"].iloc[0],
            output=tmp_path / "own",
            language="en",
        )
    finally:
        os.umask(before)
    assert page.stat().st_mode & 0o777 == 0o600
    assert page.parent.stat().st_mode & 0o777 == 0o700


def test_what_an_intervention_is_for_has_a_source_and_the_rest_only_a_name() -> None:
    for language in ("nl", "en"):
        purposes, sources, names = (
            phrases_in(language).under(room) for room in ("purpose", "source", "intervention")
        )
        assert set(purposes) == set(sources) < set(INTERVENTIONS) < set(names)
        assert all(re.search(r"\([\w.]+\.nl[\w/]*\)$", source) for source in sources.values())
        assert not any(":" in name or "." in name for name in names.values())


def test_earlier_help_and_decisions_stand_on_the_page() -> None:
    example = load_study(shipped_example())
    episodes = example.tables["episodes"]
    family = str(episodes.loc[episodes["family"].duplicated(), "family"].iloc[0])
    second = episodes[(episodes["family"] == family)].sort_values("start").iloc[-1]
    decided = pd.DataFrame(
        {"family": [family], "date": [second["start"]], "decision": ["hand_over"], "reason": ["<b>why</b>"]}
    )
    study = replace(example, tables={**example.tables, "decisions": decided})
    html = present_profile(described(study, family, episode=second["episode"]), language="en").html
    assert "Earlier help (1)" in html
    assert "Decision: hand over: &lt;b&gt;why&lt;/b&gt;" in html


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium to print")
@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_page_for_the_family_is_one_sheet_of_paper(study: Study, tmp_path: Path, language: str) -> None:
    """At its fullest: two parents who are both called, and interventions of the study's own."""
    profile = described(study, "f00")
    summary = profile.tables["summary"]
    called = summary.data.assign(signal=["off_track", "may_stand_still"], chance=0.61)
    own = {f"intervention.own_{n}": dict.fromkeys(("nl", "en"), f"Iets van ons zelf, {n}") for n in range(5)}
    tables = {**profile.tables, "summary": replace(summary, data=called)}
    provenance = replace(profile.provenance, synthetic=True)
    full = replace(profile, tables=tables, own_codes=own, provenance=provenance)
    page, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(present_profile(full, language=language, reader="family").html, encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--no-pdf-header-footer", f"--print-to-pdf={pdf}"]
    subprocess.run([*command, page.as_uri()], check=True, capture_output=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", pdf.read_bytes())) == 1
