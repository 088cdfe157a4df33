"""A changed notebook that was allowed to run, and tries to get an id of a family published: in many ways."""

import json
from pathlib import Path

import pytest

from mpg_research.errors import DisclosureError
from mpg_research.reporting.run.run import RunSummary, run_study
from mpg_research.reporting.safeguards.again import SET_ASIDE
from tests.reporting.conftest import write_study
from tests.reporting.notebook_makers import DEFAULTS, make_notebook

#: Ids as a pseudonymised export may have them; one of them is what every way tries to get out.
FAMILY = "qz0007"
BEGIN = """\
from pathlib import Path
import pandas as pd
from mpg_research import begin
session = begin({name!r}, study=study, language=language, output=output)
quality = session.analyse("describe_quality")
ids = sorted(session.study.tables["episodes"]["family"].unique())
rows = session.study.tables["measurements"].head(20).to_csv()
out = Path(session.output);
"""
#: What each way does, and what the reason says that it failed with.
WAYS = {
    "a file of its own": (
        "(out / 'tables').mkdir(exist_ok=True)\n_ = (out / 'tables' / 'families.csv').write_text(rows)",
        "tables/families.csv was not written by its session",
    ),
    "a file in another place": (
        "(out / 'more').mkdir()\n_ = (out / 'more' / 'families.csv').write_text(rows)",
        "more/families.csv was not written by its session",
    ),
    "a file of the session, changed": (
        "_ = session.table(quality, 'overview')\n_ = (out / 'tables' / 'overview.csv').write_text(rows)",
        "tables/overview.csv was changed after its session had written it",
    ),
    "a link in place of a file": (
        "_ = session.table(quality, 'overview')\nfile = out / 'tables' / 'overview.csv'\n"
        "other = out / 'other.csv'\n_ = other.write_text(file.read_text())\n"
        "file.unlink()\nfile.symlink_to(other)",
        "was not written by its session",
    ),
    "a folder that is a link": (
        "(out.parent / 'elsewhere').mkdir()\n"
        "(out / 'tables').symlink_to(out.parent / 'elsewhere')\n_ = session.table(quality, 'overview')",
        "tables was not written by its session",
    ),
    "the session's record": (
        "import json\nrecord = json.loads((out / 'session.json').read_bytes())\n"
        "record['notes'] = [{'code': ids[7]}]\n_ = (out / 'session.json').write_text(json.dumps(record))",
        "session.json was changed",
    ),
    "an output with the mark of the gate": (
        "from IPython.display import display\n"
        "mark = {'mpg_research': {'released_to': 'researcher'}}\n"
        "display({'text/html': f'<p>{ids}</p>'}, raw=True, metadata=mark)",
        "shows something that its session did not make",
    ),
    "an object that says it was released": (
        "from types import SimpleNamespace\n"
        "bundle = {'text/html': f'<p>{ids}</p>', 'text/plain': str(ids)}\n"
        "Shown(SimpleNamespace(_repr_mimebundle_=lambda include, exclude: bundle), 'researcher')",
        "shows something that its session did not make",
    ),
    "an output without the mark": ("ids", "did not go through the disclosure gate"),
    "a print": ("print(ids)", "prints text"),
    "the session's own ways, used on something else": (
        "from mpg_research.present import PresentedTable\n"
        "html = f'<p>{ids[7]}</p>'\n"
        "table = PresentedTable('ids', language, html, ids[7], ids[7])\n"
        "session._save(table, 'tables')\nsession._shown(table)",
        "holds an id of a family",
    ),
    "a name of a table that leads elsewhere": (
        "from mpg_research.present import PresentedTable\n"
        "table = PresentedTable('../../../ids', language, '<p>1</p>', '1', '1')\n"
        "session._save(table, 'tables')",
        "cannot be that of its file",
    ),
    "a file noted as if the session had written it": (
        "from mpg_research.reporting.session.written import note_file\n"
        "(out / 'tables').mkdir()\nfile = out / 'tables' / 'families.csv'\n"
        "_ = file.write_text(rows)\nnote_file(out, file)",
        "families.csv holds an id of a family",
    ),
    "a cell of text": (f"# {FAMILY}\nsession.table(quality, 'overview')", "holds an id of a family"),
    "the manifest": (
        "session._record.content['not_shown'] = [{'name': ids[7]}]\nsession._record.write()",
        "manifest.json holds an id of a family",
    ),
}


#: What lies in the staging folder did not pass every check yet.
NOTHING_WRONG = """\
import os
assert os.name == "nt" or out.parents[1].stat().st_mode & 0o077 == 0
session.table(quality, 'overview')
"""


def name_of(number: int) -> str:
    return f"{number + 11}_way"


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSummary, Path]:
    """All ways at once, and one notebook that does nothing wrong."""
    place = tmp_path_factory.mktemp("ways")
    study = write_study(place / "study")
    for file in ("episodes.csv", "measurements.csv"):
        text = (study / file).read_text(encoding="utf-8")
        (study / file).write_text(text.replace("\nF", "\nqz00"), encoding="utf-8")
    codes = [code for code, _ in WAYS.values()]
    for number, code in enumerate([*codes, NOTHING_WRONG]):
        declared = {"notebook": name_of(number), "role": "researcher"}
        begin = BEGIN.format(name=name_of(number))
        make_notebook(place / "notebooks", name_of(number), begin, code, defaults=DEFAULTS, declared=declared)
    summary = run_study(
        study, reports=place / "out", notebooks=place / "notebooks", jobs=2, allow_modified=True
    )
    return summary, place


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_out(way: str, tried: tuple[RunSummary, Path]) -> None:
    summary, _ = tried
    number = list(WAYS).index(way)
    (outcome,) = (each for each in summary.outcomes if each.step.notebook == name_of(number))
    assert outcome.status == "failed"
    assert WAYS[way][1] in outcome.reason, outcome.reason
    assert FAMILY not in outcome.reason, "a message can be passed on"


def test_what_did_nothing_wrong_is_published_and_nothing_else(tried: tuple[RunSummary, Path]) -> None:
    summary, place = tried
    assert [each.step.notebook for each in summary.outcomes if each.status == "ok"] == [name_of(len(WAYS))]
    published = [path for path in (place / "out").rglob("*") if path.is_file() and path.name != ".lock"]
    last = name_of(len(WAYS))
    assert {path.relative_to(place / "out" / "small").as_posix() for path in published} == {
        ".last-run.json",
        "index.html",
        "researcher/index.html",
        "researcher/manifest.json",
        "researcher/outputs.json",
        "researcher/ro-crate-metadata.json",
        f"researcher/nl/{last}.html",
        f"researcher/nl/notebooks/{last}.ipynb",
        f"researcher/nl/tables/{last}/overview.csv",
    }
    for path in published:
        assert FAMILY not in path.read_text(encoding="utf-8"), path
    page = (place / "out/small/researcher/nl" / f"{last}.html").read_text(encoding="utf-8")
    assert "Gewijzigd notebook" in page
    assert summary.index is not None
    assert "gewijzigd notebook" in summary.index.read_text(encoding="utf-8")
    manifest = json.loads((place / "out/small/researcher/manifest.json").read_bytes())
    assert manifest["steps"][f"nl/{last}"]["notebook_is"] == "modified"


def test_a_file_put_straight_into_a_recipients_folder_is_taken_out_again(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study")
    folder = tmp_path / "out" / "small"
    (folder / "funder" / "nl").mkdir(parents=True)
    (folder / "funder" / "nl" / "letter.txt").write_text("of our own, from before", encoding="utf-8")
    code = (
        "place = Path(output).parents[2] / 'funder' / 'nl'\n"
        "_ = (place / 'families.csv').write_text('qz0007')\n"
        "_ = (place / 'letter.txt').write_text('qz0007');\nsentence('Niets.')"
    )
    declared = {"notebook": "11_way", "role": "researcher"}
    make_notebook(tmp_path / "notebooks", "11_way", code, defaults=DEFAULTS, declared=declared)
    with pytest.raises(DisclosureError, match=r"funder/nl/families.csv, funder/nl/letter.txt") as caught:
        run_study(study, reports=tmp_path / "out", notebooks=tmp_path / "notebooks", allow_modified=True)
    assert SET_ASIDE in str(caught.value)
    assert not list((folder / "funder").rglob("*.csv"))
    aside = folder / SET_ASIDE / "funder" / "nl"
    assert sorted(path.name for path in aside.iterdir()) == ["families.csv", "letter.txt"]
    assert (folder / SET_ASIDE).stat().st_mode & 0o077 == 0
