"""What stands at the top of a page: counts, months, dates, and who made it; and the contents below."""

import datetime
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpg_research.disclosure.study_months import study_months
from mpg_research.errors import ConfigError
from mpg_research.reporting.page.contents import PLACE, with_contents
from mpg_research.reporting.page.masthead import masthead_of
from mpg_research.study.config.study_toml import StudyConfig, read_config
from tests.reporting.conftest import write_study


def config_with(folder: Path, report: str) -> StudyConfig:
    study = write_study(folder / "study", languages='"nl", "en"')
    file = study / "study.toml"
    file.write_text(f"{file.read_text('utf-8')}\n[report]\n{report}\n", "utf-8")
    return read_config(study)


def test_a_masthead_says_what_the_study_says_in_the_language_of_the_page(tmp_path: Path) -> None:
    config = config_with(
        tmp_path,
        'date = 2026-02-01\nauthor = { nl = "Bureau Noordwest", en = "Northwest Ltd" }\n'
        'contact = "info@noordwest.example"\nedition = 2',
    )
    months = ("2024-01", "2025-11", "2025-12")
    dutch = masthead_of(config, "nl", n_organisations=4, months=months)
    assert dutch.about == (
        "4 organisaties", "hulp gestart van januari 2024 tot en met november 2025",
        "gegevens tot en met 31 december 2025", "gedateerd 1 februari 2026", "door Bureau Noordwest",
        "editie 2",
    )  # fmt: skip
    assert dutch.contact is not None
    assert dutch.contact.address == "mailto:info@noordwest.example"
    english = masthead_of(config, "en", n_organisations=1, months=("2024-01", "2024-01", "2025-12"))
    assert english.about[0] == "1 organisation"
    assert "January 2024" in english.about[1]
    assert "by Northwest Ltd" in english.about
    hidden = masthead_of(config, "en", n_organisations=4, months=months, shows_period=False)
    assert not any("January 2024" in part for part in hidden.about)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("date = 2025-12-30", "before the data were exported"),
        ('date = "1 februari"', "date"),
        ('author = "Linde en partners"', "the name of the organisation org_a"),
        ('contact = "info@"', "an e-mail address"),
        ('edition = ""', "one line"),
        ('author = "a\\nb"', "one line"),
        ('writer = "a"', "writer"),
    ],
)
def test_what_cannot_stand_there_is_one_message(tmp_path: Path, report: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_with(tmp_path, report)
    assert said in str(caught.value)
    assert len(caught.value.problems) == 1


def tables_of(days: Mapping[str, tuple[int, int, int]]) -> dict[str, pd.DataFrame]:
    """Start, end and last measurement of families, in days since 2024."""
    origin = pd.Timestamp("2024-01-01")
    rows = [
        (name, *(origin + pd.Timedelta(days=day) for day in (start, end, measured)))
        for name, (start, end, measured) in days.items()
    ]
    frame = pd.DataFrame(rows, columns=["family", "start", "end", "date"])
    return {"episodes": frame[["family", "start", "end"]], "measurements": frame[["family", "date"]]}


@given(
    st.lists(st.tuples(*[st.integers(0, 900)] * 3), min_size=1, max_size=30), st.integers(1, 12),
    st.integers(0, 29), st.tuples(*[st.integers(0, 900)] * 3),
)  # fmt: skip
def test_no_family_fewer_than_the_minimum_decides_a_month(
    days: list[tuple[int, int, int]], minimum: int, place: int, other: tuple[int, int, int]
) -> None:
    named = {f"F{number}": each for number, each in enumerate(days)}
    found = study_months(tables_of(named), minimum)
    if len(named) < minimum:
        assert found == ()
        return
    frame = tables_of(named)["episodes"]
    by_month = frame["start"].dt.strftime("%Y-%m")
    assert (by_month <= found[0]).sum() >= minimum
    assert (by_month >= found[1]).sum() >= minimum
    if minimum > 1 and len(named) >= 2 * minimum:  # one family more extreme than all changes nothing
        extreme = study_months(tables_of({**named, "X": (-4000, 4000, 4000)}), minimum)
        assert extreme[0] <= found[0]
        assert extreme[0] >= by_month.min()
        assert extreme[2] <= max(f"{day:%Y-%m}" for day in _last_days(named))


def _last_days(days: Mapping[str, tuple[int, int, int]]) -> list[datetime.date]:
    return [(pd.Timestamp("2024-01-01") + pd.Timedelta(days=max(each))).date() for each in days.values()]


def test_contents_lead_to_the_headings_and_no_two_anchors_are_the_same() -> None:
    headings = ["Het antwoord", "A &amp; B", "Het antwoord", "<em>Wie</em>?", "!!!"]
    body = "\n".join(f"<h2>{heading}</h2><p>x</p>" for heading in headings)
    page = with_contents(f'<header>{PLACE}</header><main id="content">{body}</main>', "Inhoud")
    links = re.findall(r'<a href="#([^"]+)">', page)
    assert links == re.findall(r'<h2 id="([^"]+)"', page)
    assert len(set(links)) == len(headings)
    assert links[:2] == ["het-antwoord", "a-b"]
    few = with_contents(f'<header>{PLACE}</header><main id="content"><h2>Een</h2></main>', "Inhoud")
    assert "<nav" not in few
