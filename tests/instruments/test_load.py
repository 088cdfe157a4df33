"""Instrument files: what is shipped, a study's own, and what is said of a wrong one."""

from pathlib import Path

import pytest

from mpg_research.errors import ConfigError
from mpg_research.instruments import SHIPPED_INSTRUMENTS, load, load_instrument
from mpg_research.languages import languages
from mpg_research.present.language.phrases import phrases_in

OWN = """
key = "bdi"
name = { nl = "Depressievragenlijst", en = "Depression questionnaire" }
abbreviation = "BDI"
direction = "higher_is_worse"
source = "made for this test"
[items]
number = 21
total_only = true
[total]
minimum = 0
maximum = 63
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_short_form_is_as_published_and_no_more() -> None:
    obvl_k = load_instrument("obvl_k")
    assert (obvl_k.n_items, obvl_k.item_minimum, obvl_k.item_maximum) == (10, 1, 4)
    assert (obvl_k.raw_minimum, obvl_k.raw_maximum) == (10, 40)
    assert obvl_k.items[0] == "item_01"
    assert obvl_k.items[-1] == "item_10"
    assert obvl_k.direction == "higher_is_worse"
    assert [str(band) for band in obvl_k.age_bands] == ["0-3", "4-11", "12-18"]
    assert {each.kind: each.value for each in obvl_k.reliabilities} == {"alpha": 0.77, "omega": 0.78}
    assert obvl_k.reliability is not None
    assert obvl_k.reliability.source


def test_nothing_of_the_publisher_s_is_shipped() -> None:
    for key in SHIPPED_INSTRUMENTS:
        instrument = load_instrument(key)
        assert instrument.norms is None
        assert not instrument.synthetic_norms
        assert instrument.reverse_items == ()
        assert instrument.missing_rule.decided_by == "package"


def test_what_is_shipped_is_what_lies_in_the_folder() -> None:
    folder = Path(load.__file__).parent
    assert set(SHIPPED_INSTRUMENTS) == {file.stem for file in folder.glob("*.toml")}
    for key in SHIPPED_INSTRUMENTS:
        instrument = load_instrument(key)
        assert instrument.key == key, "the file is called after the key in it"
        assert set(instrument.names) == set(languages())
        for language in languages():
            named = phrases_in(language).has(f"concept.{instrument.subject}")
            assert instrument.subject == "" or named, "its concept is among those of the catalogues"


def test_what_the_scores_are_about_may_be_named_or_told(tmp_path: Path) -> None:
    own = write(tmp_path, OWN.replace("[items]", 'concept = "parenting_stress"\n[items]'))
    assert load_instrument(own).subject == "parenting_stress"
    own = write(tmp_path, OWN.replace("[items]", 'concept = { nl = "de somberheid" }\n[items]'))
    assert (load_instrument(own).subject, load_instrument(own).concepts) == ("", {"nl": "de somberheid"})
    own = write(tmp_path, OWN.replace("[items]", 'concpt = "parenting_stress"\n[items]'))
    with pytest.raises(ConfigError, match=r"key 'concpt' is unknown.*Did you mean .concept."):
        load_instrument(own)
    own = write(tmp_path, OWN.replace("[items]", 'concept = { de = "Stress" }\n[items]'))
    with pytest.raises(ConfigError, match=r"key 'concept"):
        load_instrument(own)


def test_the_full_form_is_read_as_a_total() -> None:
    obvl = load_instrument("obvl")
    assert obvl.total_only
    assert (obvl.n_items, obvl.raw_minimum, obvl.raw_maximum) == (34, 34, 136)


def test_a_study_can_describe_its_own_instrument(tmp_path: Path) -> None:
    bdi = load_instrument(write(tmp_path, OWN))
    assert bdi.total_only
    assert (bdi.raw_minimum, bdi.raw_maximum, bdi.n_items) == (0, 63, 21)
    assert bdi.name_in("nl") == "Depressievragenlijst"
    assert bdi.name == "Depression questionnaire"
    assert bdi.reliability is None


def test_an_unknown_key_names_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r'Unknown instrument .obvlk..*Did you mean "obvl_k"\?'):
        load_instrument("obvlk")


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml does not exist"):
        load_instrument(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_instrument(write(tmp_path, "key = "))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_instrument(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("direction =", "directoin =", r'key .directoin. is unknown.*Did you mean "direction"'),
        ('abbreviation = "BDI"', "", r"key 'abbreviation' is missing"),
        ("maximum = 63", "maximum = -1", r"minimum 0 must be below maximum -1"),
        ("total_only = true", "", r"minimum and maximum of an answer are required"),
        ("number = 21", "number = 0", r"key 'items.number'"),
        ('key = "bdi"', 'key = "../bdi"', r"key 'key'"),
        ('"higher_is_worse"', '"worse"', r"key 'direction'.*'higher_is_worse'"),
        ("[total]\nminimum = 0\nmaximum = 63", "", r"total \(minimum, maximum\) is required"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in OWN
    with pytest.raises(ConfigError, match=message):
        load_instrument(write(tmp_path, OWN.replace(before, after)))


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    wrong = (
        OWN.replace("directoin", "direction")
        .replace("source =", "sourec =")
        .replace("number = 21", "number = 0")
    )
    with pytest.raises(ConfigError) as caught:
        load_instrument(write(tmp_path, wrong))
    assert {problem.code for problem in caught.value.problems} == {"unknown_key", "missing_key", "bad_value"}


def test_age_bands_may_not_overlap(tmp_path: Path) -> None:
    bands = "\n[[age_bands]]\nfrom = 0\nto = 4\n[[age_bands]]\nfrom = 4\nto = 11\n"
    with pytest.raises(ConfigError, match="0-4 and 4-11 overlap"):
        load_instrument(write(tmp_path, OWN + bands))
