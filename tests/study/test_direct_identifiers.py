"""What tells who a person is does not get into a study: by what stands in the cells, not by chance."""

import random
from pathlib import Path

import pandas as pd
import pytest

from mpg_research.study import check_study
from mpg_research.study.tables.direct_identifiers import direct_identifier, looks_like_free_text
from tests.study.small import EPISODES, STUDY, edited, small_study


def bsn(rng: random.Random) -> str:
    """A number that passes the eleven test."""
    while True:
        digits = [rng.randrange(10) for _ in range(8)]
        last = sum(weight * digit for weight, digit in zip(range(9, 1, -1), digits, strict=True)) % 11
        if last < 10 and any(digits):
            return "".join(map(str, [*digits, last]))


RNG = random.Random(7)
HELD = {
    "bsn": ("nummer", [bsn(RNG) for _ in range(20)]),
    "email": ("opmerking", ["", "geen", "j.jansen@voorbeeld.nl"]),
    "phone": ("contact", ["06-12345678", "0612345679", "+31 6 12345670", "020 1234567"]),
    "iban": ("rekening", ["NL91ABNA0417164300", "NL20 INGB 0001 2345 67"]),
    "postcode": ("pc", ["1234 AB", "4321CD", ""]),
    "birth_date": ("geboortedatum_kind", ["2015-03-04", "12-05-2016", ""]),
    "name": ("Achternaam", ["Jansen", "de Vries", "Yılmaz"]),
    "address": ("woonadres", ["Kerkstraat 1", "Dorpsweg 12"]),
}
HARMLESS = {
    "an item": ("item_01", ["1", "2", "3", "4"]),
    "an intake date": ("start", ["2015-03-04", "2016-05-12"]),
    "years of birth": ("birth_year", ["2015", "2016"]),
    "four digits of a postcode": ("postcode", ["1234", "4321"]),
    "organisations": ("organisatie_naam", ["Noord", "Zuid"]),
    "names of questionnaires": ("instrument_name", ["obvl_k", "other"]),
    "pseudonyms": ("family", ["k3mzq5c7d2a4b6xy", "w7n2q5c7d2a4b6xz"]),
    "long case numbers": ("case", ["20240000001", "20240000002"]),
    "amounts": ("bedrag", ["12,50", "100,00"]),
    "nothing": ("naam", ["", ""]),
}


@pytest.mark.parametrize("kind", HELD)
def test_each_kind_is_recognised(kind: str) -> None:
    heading, cells = HELD[kind]
    assert direct_identifier(heading, pd.Series(cells)) == kind


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_none_is_left_alone(what: str) -> None:
    heading, cells = HARMLESS[what]
    assert direct_identifier(heading, pd.Series(cells)) == ""


@pytest.mark.parametrize("size", [1, 5, 6, 12, 50, 400])
def test_random_numbers_are_no_citizen_service_numbers(size: int) -> None:
    rng = random.Random(size)
    columns = [pd.Series([f"{rng.randrange(10**9):09d}" for _ in range(size)]) for _ in range(300)]
    assert sum(direct_identifier("case", column) == "bsn" for column in columns) <= 3


def test_a_tenth_of_real_numbers_among_others_is_noticed() -> None:
    """One in eleven passes by chance; with another tenth the share is twice that."""
    rng = random.Random(3)
    cells = [f"{rng.randrange(10**9):09d}" for _ in range(900)] + [bsn(rng) for _ in range(150)]
    assert direct_identifier("case", pd.Series(cells)) == "bsn"


def test_numbers_stored_as_numbers_count_too() -> None:
    rng = random.Random(4)
    assert direct_identifier("x", pd.Series([float(bsn(rng)) for _ in range(30)])) == "bsn"


def test_sentences_are_free_text_and_codes_are_not() -> None:
    assert looks_like_free_text(pd.Series(["moeder belde over de ruzie van gisteren", "n.v.t."]))
    assert not looks_like_free_text(pd.Series(["planned", "drop out", "moved away"]))


def with_mail(column: str) -> str:
    rows = EPISODES.splitlines()
    return "\n".join([f"{rows[0]},{column}", *(f"{row},a{n}@b.nl" for n, row in enumerate(rows[1:]))]) + "\n"


def test_an_unused_column_stops_the_study_and_is_not_repeated(tmp_path: Path) -> None:
    report = check_study(small_study(tmp_path, episodes=with_mail("contact")))
    (problem,) = report.errors
    assert (problem.code, problem.column, problem.file) == ("direct_identifier", "contact", "episodes.csv")
    assert "@b.nl" not in report.as_text()
    assert "mpg pseudonymise" in str(problem)


def test_a_reason_makes_it_a_warning_that_is_shown(tmp_path: Path) -> None:
    kept = 'file = "episodes.csv"\nidentifiers_kept = { contact = "addresses of the office, not of people" }'
    toml = edited(STUDY, ('file = "episodes.csv"', kept))
    report = check_study(small_study(tmp_path, toml=toml, episodes=with_mail("contact")))
    assert report.ok
    assert "addresses of the office" in report.as_text()
    for reason in ('""', '" "'):
        empty = toml.replace('"addresses of the office, not of people"', reason)
        assert not check_study(small_study(tmp_path, toml=empty, episodes=with_mail("contact"))).ok


def test_of_a_file_that_serves_two_tables_either_may_give_the_reason(tmp_path: Path) -> None:
    second = '[tables.events]\nfile = "episodes.csv"\ncolumns = { date = "start" }\n'
    second += 'constants = { event = "other" }\n'
    second += 'identifiers_kept = { contact = "of the office" }\n'
    toml = edited(STUDY, ("[analysis]", second + "[analysis]"))
    report = check_study(small_study(tmp_path, toml=toml, episodes=with_mail("contact")))
    assert [problem.code for problem in report.problems].count("identifiers_kept") == 1
    assert "direct_identifier" not in report.counts
