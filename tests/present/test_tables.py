import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.columns import EACH_ORGANISATION, Column, coded, observed
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, release
from mpg_research.present import PresentedText, show, tabulate
from tests.disclosure.made_results import (
    NAMES,
    SIZES,
    MadeResult,
    frame,
    made_policy,
    make_measurement,
    make_organisations,
    make_quality,
    make_trajectory,
    result_of,
)
from tests.disclosure.made_tables import made_table

RESEARCHER, FUNDER = Audience("researcher"), Audience("funder")
LINDE, ES = Audience("organisation", "linde"), Audience("organisation", "es")
MAKERS = [make_trajectory, make_organisations, make_quality, make_measurement]
NASTY = "<script>alert(1)</script> & \"quoted\" 'x' $\\alpha$ {0}\x00\u202e\nline"


class Outline(HTMLParser):
    """What a reader with a screen reader gets: tags, scopes and the text of each cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scopes: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if tag == "th":
            self.scopes.append(dict(attrs).get("scope"))

    def handle_data(self, data):
        if self.tags[-1] in ("th", "td") and self.rows:
            self.rows[-1][-1] += data.strip("\n")


def table(result, name, audience=RESEARCHER, language="en", **rules):
    return tabulate(release(result, audience, policy=made_policy(**rules)), name, language=language)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
@pytest.mark.parametrize("audience", [RESEARCHER, FUNDER, LINDE], ids=str)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_table_is_accessible_and_whole(maker, audience, language):
    result = maker()
    released = release(result, audience, policy=made_policy())
    for name in released.tables:
        shown = tabulate(released, name, language=language)
        outline = Outline(shown.html)
        assert outline.tags.count("caption") == 1
        assert set(outline.scopes) == {"col", "row"}
        assert len({len(row) for row in outline.rows}) == 1
        assert len(outline.rows) == len(released.tables[name].data) + 1
        assert f'lang="{language}"' in shown.html
        assert "nan" not in shown.html.lower().replace("financ", "")
        assert ("Synthetische gegevens" if language == "nl" else "Synthetic data") in shown.html
        assert " id=" not in shown.html
        assert "Table " not in shown.html  # every table has a caption of its own
        assert "Tabel " not in shown.html


def test_numbers_are_in_the_language():
    english = table(make_trajectory(), "change").html
    dutch = table(make_trajectory(), "change", language="nl").html
    assert "−4.1" in english
    assert "−4,1" in dutch
    assert "maand\u00a012" in dutch
    assert "95%-interval" in dutch
    assert "&lt; .001" in english
    assert "&lt; 0,001" in dutch


def test_plain_readers_get_fewer_columns():
    full, plain = (
        Outline(table(make_trajectory(), "change", who).html).rows[0] for who in (RESEARCHER, FUNDER)
    )
    assert {"df", "p", "Std. error"} <= set(full)
    assert plain == ["Moment", "Estimate", "95% interval", "Families"]


def test_suppressed_rows_are_visible_and_explained():
    rows = [
        (0.0, 24.0, 5.0, 40, 40, 6),
        (1.0, 23.0, 5.0, 7, 7, 6),
        (2.0, 22.0, 4.0, 3, 3, 6),
        (3.0, 21.0, 4.0, 9, 9, 6),
    ]
    columns = ("months", "mean", "sd", "n_measurements", "n_families", "n_organisations")
    result = result_of(
        "trajectory", made_table("observed_course", frame(rows, *columns), columns[:1], columns[1:4])
    )
    shown = table(result, "observed_course", language="nl")
    outline = Outline(shown.html)
    assert shown.html.count('class="suppressed"') == 3
    assert outline.rows[2][1:] == ["–", "–", "–", "<10"]
    assert "kleine groepen" in shown.html  # what the rule says stands once on the page
    assert "minder dan 10 gezinnen" in shown.rules[0].text
    assert "minimum_families = 10" in shown.rules[0].text
    csv = pd.read_csv(io.StringIO(shown.csv))
    assert list(csv["suppressed"]) == [False, True, True, True]
    assert csv.loc[1, ["mean", "sd", "n_measurements", "n_families"]].isna().all()


def test_the_mark_does_not_call_a_covering_row_small():
    shown = table(make_organisations({**SIZES, "iep": 6}), "by_organisation")
    assert "&lt;10" not in shown.html.split("</table>")[0]
    assert "what would give them away" in shown.html
    assert "could be computed" in shown.rules[0].text


def test_the_csv_is_unrounded_and_parallel():
    result = make_trajectory(change=-4.123456789)
    shown = table(result, "change", language="nl")
    csv = pd.read_csv(io.StringIO(shown.csv))
    np.testing.assert_allclose(csv["estimate"], result.tables["change"].data["estimate"], rtol=1e-12)
    assert csv["synthetic"].all()


def test_rounded_numbers_say_about():
    shown = table(make_organisations(), "by_organisation", LINDE)
    rows = Outline(shown.html).rows
    assert rows[1][0] == "Lindehof (own)"
    assert rows[1][-1] == "40"
    assert all(row[-1].startswith("≈") for row in rows[2:])
    assert "in an order that means nothing" in shown.html


@pytest.mark.parametrize("maker", [make_organisations, make_quality])
def test_nothing_from_data_is_markup(maker):
    names = {**NAMES, "es": NASTY}
    for audience in (RESEARCHER, ES):
        released = release(maker(), audience, policy=made_policy(names=names))
        for name in released.tables:
            shown = tabulate(released, name, language="en")
            tags = set(Outline(shown.html).tags)
            assert tags <= {
                "div",
                "table",
                "caption",
                "small",
                "span",
                "thead",
                "tbody",
                "tr",
                "th",
                "td",
                "p",
            }
            assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", shown.html)
        assert "&lt;script&gt;" in tabulate(released, "by_organisation", language="en").html


def test_a_name_cannot_become_a_spreadsheet_formula():
    names = {**NAMES, "es": "=HYPERLINK(1)", "eik": "@cmd", "iep": "-1+1"}
    csv = table(make_organisations(), "by_organisation", names=names).csv
    listed = pd.read_csv(io.StringIO(csv))["organisation"]
    assert not listed.str.startswith(("=", "@", "-", "+")).any()


def test_withheld_and_missing_tables_say_why(tmp_path):
    few = make_organisations({"linde": 40, "eik": 70, "es": 33})
    shown = table(few, "adjusted_change", FUNDER, "nl")
    assert isinstance(shown, PresentedText)
    assert "minstens 3 andere" in str(shown)
    assert "not computed" in str(table(few, "nonsense<", FUNDER))
    (path,) = shown.save(tmp_path)
    assert path.read_text("utf-8").strip() == str(shown)


def test_an_empty_table_is_a_sentence():
    columns = ("code", "severity", "n_findings", "n_families")
    empty = made_table("problems", frame([], *columns), columns[:2], columns[2:3])
    shown = table(result_of("data_quality", empty), "problems")
    assert str(shown).endswith("There is nothing to list here: Findings of the checks.")


def test_saving_writes_one_whole_file(tmp_path):
    shown = show(make_trajectory(), "table:change", audience=FUNDER, policy=made_policy(), language="nl")
    (path,) = shown.save(tmp_path / "deep" / "tables")
    assert path.name == "change.csv"
    assert path.read_bytes() == shown.csv.encode()
    assert [file.name for file in path.parent.iterdir()] == ["change.csv"]
    assert set(shown._repr_mimebundle_()) == {"text/html", "text/plain"}
    assert str(shown).startswith("Gemiddelde verandering")


def test_importing_present_loads_no_plotting():
    import subprocess
    import sys

    heavy = "('matplotlib', 'pandas', 'numpy')"
    code = f"import sys, mpg_research.present; print([m for m in sys.modules if m in {heavy}])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_own_rows_are_marked_with_more_than_a_colour():
    shown = table(make_organisations(), "adjusted_change", LINDE)
    own = re.findall(r'<tr class="own">\n<th scope="row">([^<]*)</th>', shown.html)
    assert own == ["Lindehof (own)"] * 2
    assert shown.html.count("(own)") == 2
    assert "(own)" in shown.text
    assert 'class="own"' not in table(make_organisations(), "adjusted_change", FUNDER).html
    assert 'class="own"' not in table(make_organisations(), "pairwise", LINDE).html


def test_a_wide_table_is_set_smaller_and_can_be_scrolled_with_the_keyboard():
    wide = table(make_organisations(), "adjusted_change", RESEARCHER).html
    assert re.search(r'class="mpg-table (very-)?wide', wide)
    assert 'role="region" tabindex="0" aria-label="Change since the start' in wide
    narrow = table(make_organisations(), "by_organisation", FUNDER).html
    assert "wide" not in narrow
    assert narrow.count('scope="col"') > 2
    assert "tabindex" in narrow, "on a phone three columns may be too wide"


def test_a_key_that_says_nothing_and_a_count_said_twice_are_left_out():
    from tests.disclosure.test_own import compared, policy_for

    sizes = {"linde": 43, "eik": 74, "es": 50, "iep": 60}
    shown = release(compared(sizes), RESEARCHER, policy=policy_for(sizes))
    headings = Outline(tabulate(shown, "share_indicators", language="en").html).rows[0]
    assert "Families" in headings
    assert "Out of" not in headings


def test_names_from_right_to_left_stay_by_themselves():
    name = "\u202eمنظمة\u202c 🏡"
    released = release(make_organisations(), LINDE, policy=made_policy(names={**NAMES, "linde": name}))
    shown = tabulate(released, "adjusted_change", language="en")
    assert "\u2068‹U+202E›منظمة‹U+202C› 🏡\u2069 (own)" in shown.html
    assert "\u202e" not in shown.html
    assert "\n‹U+202E›منظمة‹U+202C› 🏡," in shown.csv
    assert "\u2068" not in shown.csv


@pytest.mark.parametrize(("meaning", "said"), [("share", False), ("model", True)])
def test_only_an_estimate_of_a_model_is_called_adjusted(meaning: str, said: bool) -> None:
    data = pd.DataFrame({"organisation": list(NAMES), "estimate": 0.4, "n_families": 60})
    column = Column(name="estimate", meaning=meaning, own=True)
    facts = replace(MadeResult("made", {}).provenance, parameters={"case_mix": ["single_parent"]})
    result = result_of("made", ResultTable("made", data, (EACH_ORGANISATION, column)), provenance=facts)
    html = table(result, "made").html
    assert ("Adjusted for" in html) is said
    assert ("lower score" in html) is said


def test_rows_without_any_organisation_are_pooled_over_none() -> None:
    for number, said in ((6, True), (0, False)):
        data = pd.DataFrame({"step": ["x", "y"], "mean": 4.0, "n_families": 60, "n_organisations": number})
        made = ResultTable("made", data, (coded("step"), observed("mean")))
        assert ("Pooled over 6 " in table(result_of("made", made), "made").html) is said
