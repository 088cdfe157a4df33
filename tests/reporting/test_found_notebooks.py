"""A notebook says of itself for whom it is and what it takes; a run finds it by looking in the folder."""

import json
import random
import string
from pathlib import Path

import pytest

from mpg_research.errors import ConfigError
from mpg_research.reporting.notebooks import FOLDER, find_notebooks, notebook_spec, read_notebook
from mpg_research.reporting.parameters import validate_parameters
from mpg_research.reporting.run.run import run_study
from tests.reporting.notebook_makers import DEFAULTS, make_all_notebooks, make_notebook


def own(folder: Path, name: str = "07_mine", *code: str, defaults: str = DEFAULTS, **said: object) -> Path:
    declared = {"notebook": name, "role": "researcher", **said}
    return make_notebook(folder, name, *code, defaults=defaults, declared=declared)


def test_a_new_notebook_takes_its_file_and_nothing_else(study: Path, tmp_path: Path) -> None:
    folder = make_all_notebooks(tmp_path / "notebooks")
    own(
        folder,
        "07_mine",
        'sentence("Iets nieuws.")',
        defaults=f"{DEFAULTS}\nwaves = 3",
        choices={"waves": [3, 6]},
    )
    own(folder, "report_funder_short", 'sentence("Kort.")', role="funder")
    summary = run_study(
        study,
        reports=tmp_path / "out",
        notebooks=folder,
        only=["07_mine", "report_funder_short"],
        language=["nl"],
        allow_modified=True,
    )
    assert [outcome.reason for outcome in summary.outcomes] == ["", ""]
    assert [outcome.step.name for outcome in summary.outcomes] == [
        "researcher/nl/07_mine", "funder/nl/report_funder_short",
    ]  # fmt: skip
    assert "Iets nieuws." in (summary.folder / "researcher/nl/07_mine.html").read_text(encoding="utf-8")
    assert summary.index is not None
    overview = summary.index.read_text(encoding="utf-8")
    assert "researcher/nl/07_mine.html" in overview
    assert "06_missing_data" in overview, "also those that were not asked for"
    options = {"only": ["07_mine"], "language": ["nl"], "allow_modified": True}
    again = run_study(study, reports=tmp_path / "out", notebooks=folder, **options)
    assert again.count("up to date") == 1


def test_what_is_no_notebook_of_a_run_is_left_alone(tmp_path: Path) -> None:
    mine = own(tmp_path)
    (tmp_path / "07_mine-Copy1.ipynb").write_bytes(mine.read_bytes())
    own(tmp_path, "about_a_family", role="family")
    plain = json.loads(mine.read_text(encoding="utf-8"))
    del plain["metadata"]["mpg_research"]
    (tmp_path / "Untitled.ipynb").write_text(json.dumps(plain), encoding="utf-8")
    assert list(find_notebooks(tmp_path)) == ["07_mine"]
    with pytest.raises(ConfigError, match=r"Is it a copy\?"):
        read_notebook(tmp_path / "07_mine-Copy1.ipynb")
    with pytest.raises(
        ConfigError, match=r"Untitled.ipynb does not say for whom it is.*\"notebook\": \"Untitled\""
    ):
        read_notebook(tmp_path / "Untitled.ipynb")
    with pytest.raises(ConfigError, match=r"no notebook 'about_a_family'.*are: 07_mine"):
        notebook_spec("about_a_family", tmp_path)


def test_a_notebook_of_the_package_without_its_metadata_is_still_known(tmp_path: Path) -> None:
    """Copies that people made before notebooks said anything of themselves."""
    path = make_notebook(tmp_path, "report_organisation")
    plain = json.loads(path.read_text(encoding="utf-8"))
    del plain["metadata"]["mpg_research"]
    path.write_text(json.dumps(plain), encoding="utf-8")
    assert find_notebooks(tmp_path)["report_organisation"].role == "organisation"


def test_types_of_parameters_are_those_of_their_defaults(tmp_path: Path) -> None:
    cell = f"{DEFAULTS}\nnumber = 3\nshare = 0.5\nwanted: bool = True\nnames = ['a']\nkind = 'x'"
    path = own(tmp_path, defaults=cell, choices={"kind": ["x", "y"]})
    right = {"number": 4, "share": 0.25, "wanted": False, "names": [], "kind": "y"}
    values = validate_parameters("07_mine", right, folder=path.parent)
    assert values.model_dump() == {"study": "", "language": "nl", "output": "", **right}
    wrong = {"number": "4", "share": "a", "wanted": 1, "names": "a", "kind": "z", "nubmer": 1}
    with pytest.raises(ConfigError) as caught:
        validate_parameters("07_mine", wrong, folder=path.parent)
    assert str(caught.value).count("\n- ") == len(wrong)
    assert 'did you mean "number"' in str(caught.value)


@pytest.mark.parametrize(
    ("defaults", "said", "message"),
    [
        ("study = ''\nlanguage = 'nl'", {}, "'output' is missing"),
        (DEFAULTS, {"role": "organisation"}, "'organisation' is missing"),
        ("# none", {}, "'study' is missing; 'language' is missing; 'output' is missing"),
        (DEFAULTS.replace('"nl"', '"de"'), {}, "'language' is 'de'"),
        (DEFAULTS.replace('""', "7", 1), {}, "'study' is 7"),
        (f"{DEFAULTS}\nmonths = range(3)", {}, "more than names with a plain value"),
        (f"{DEFAULTS}\nmonths", {}, "more than names with a plain value"),
        (f"{DEFAULTS}\nfor", {}, "more than names with a plain value"),
        (f"{DEFAULTS}\nmonths = None", {}, "'months' to None"),
        (f"{DEFAULTS}\nshape = 'line'", {"choices": {"shpae": ["line"]}}, 'did you mean "shape"'),
        (f"{DEFAULTS}\nshape = 'line'", {"choices": {"shape": ["bend"]}}, "'shape' is 'line'"),
        (DEFAULTS, {"role": "reseacher"}, 'did you mean "researcher"'),
        (DEFAULTS, {"role": None}, "role None"),
        (DEFAULTS, {"chioces": {}}, 'did you mean "choices"'),
    ],
)
def test_what_is_not_right_is_said(
    tmp_path: Path, defaults: str, said: dict[str, object], message: str
) -> None:
    path = own(tmp_path, defaults=defaults, **said)
    with pytest.raises(ConfigError, match=message) as caught:
        read_notebook(path)
    assert "07_mine.ipynb" in str(caught.value)
    with pytest.raises(ConfigError, match=message):
        find_notebooks(tmp_path)


def test_only_one_cell_holds_the_parameters(tmp_path: Path) -> None:
    path = own(tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cells"][3]["metadata"] = {"tags": ["parameters"]}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match="has 2 cells tagged 'parameters'"):
        read_notebook(path)


def test_any_file_is_read_or_refused_in_words(tmp_path: Path) -> None:
    draw = random.Random(11)
    whole = own(tmp_path / "a").read_text(encoding="utf-8")
    refused = 0
    for number in range(60):
        at = draw.randrange(len(whole))
        put = draw.choice(["", "\x00", draw.choice(string.printable)])
        path = tmp_path / str(number) / "07_mine.ipynb"
        path.parent.mkdir()
        text = whole[:at] + put + whole[at + draw.randrange(3) :]
        path.write_text(text if number else "[]", encoding="utf-8")
        refused += not _is_read(path)
    assert 10 < refused < 60


def _is_read(path: Path) -> bool:
    """Whether it is read; if not, a message of the package names it, and no other error comes out."""
    try:
        return read_notebook(path).name == "07_mine"
    except ConfigError as error:
        return "07_mine" not in str(error)


def test_a_notebook_is_looked_for_where_the_run_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(tmp_path / "theirs")
    own(tmp_path / "here", role="funder")
    monkeypatch.chdir(tmp_path / "here")
    assert notebook_spec("07_mine").role == "funder"
    monkeypatch.setenv(FOLDER, str(tmp_path / "theirs"))
    assert notebook_spec("07_mine").role == "researcher"
    assert notebook_spec("report_funder").role == "funder"


def test_a_page_for_one_reader_shows_nothing_released_to_another(study: Path, tmp_path: Path) -> None:
    bundle = "_repr_mimebundle_=lambda include, exclude: {'text/html': '<p>x</p>'}"
    noted = "note_shown(Path(output), {'text/html': '<p>x</p>'})"
    code = f"{noted}\nShown(SimpleNamespace({bundle}), 'researcher')"
    own(tmp_path / "notebooks", "report_funder_short", code, role="funder")
    options = {"language": ["nl"], "allow_modified": True}
    summary = run_study(study, reports=tmp_path / "out", notebooks=tmp_path / "notebooks", **options)
    (outcome,) = summary.outcomes
    assert outcome.status == "failed"
    assert "is for the funder, and shows something that was released to the researcher" in outcome.reason


def test_an_empty_folder_is_no_folder_of_notebooks(study: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no notebook that says for whom it is"):
        run_study(study, reports=tmp_path / "out", notebooks=tmp_path)
