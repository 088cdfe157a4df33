"""A rule of disclosure that is looser than its default needs a reason."""

from pathlib import Path

import pytest

from mpg_research.errors import ConfigError
from mpg_research.study import check_study, load_study, read_config
from mpg_research.study.config.looser_rules import looser_rules, reason_is_missing
from mpg_research.study.config.sections import DisclosureConfig
from tests.study.small import STUDY, small_study

PLAIN = STUDY[: STUDY.index("[disclosure]")] + "[disclosure]\n"
LOOSER = {
    "minimum_families": ("minimum_families = 9", ["researcher", "funder", "organisation"]),
    "minimum_other_organisations": (
        "minimum_other_organisations = 2",
        ["researcher", "funder", "organisation"],
    ),
    "rounding": ("rounding = 0", ["researcher", "funder", "organisation"]),
    "public_groups": ("public_groups = true", ["researcher", "funder", "organisation"]),
    "name_organisations_to_funder": ("name_organisations_to_funder = true", ["funder"]),
}
NO_LOOSER = [
    "minimum_families = 10",
    "minimum_families = 25",
    "minimum_other_organisations = 3",
    "minimum_other_organisations = 5",
    "rounding = 5",
    "rounding = 10",
    "rounding = 6\nmidpoint = true",
    "public_groups = false",
    "name_organisations_to_funder = false",
    'reason = "None is needed."',
]


def test_every_setting_but_the_reason_has_a_rule_that_finds_it_looser() -> None:
    known = {rule.setting for rule in looser_rules(DisclosureConfig.model_construct(**_all_looser()))}
    assert known == set(LOOSER) == set(_all_looser())


def _all_looser() -> dict[str, object]:
    return {
        "minimum_families": 3,
        "minimum_other_organisations": 1,
        "rounding": 0,
        "public_groups": True,
        "name_organisations_to_funder": True,
    }


@pytest.mark.parametrize("setting", LOOSER)
def test_a_looser_rule_without_a_reason_is_an_error_of_the_check_and_no_stop(
    tmp_path: Path, setting: str
) -> None:
    line, readers = LOOSER[setting]
    made = small_study(tmp_path / "s", toml=f"{PLAIN}{line}\n")
    report = check_study(made)
    assert [each.code for each in report.errors] == ["looser_without_reason"]
    assert line in report.errors[0].found
    assert report.errors[0].row == PLAIN.count("\n") + 1
    study = load_study(made)  # a run goes on, and says so on its pages
    assert [each.code for each in study.checks.warnings if "looser" in each.code] == ["looser_without_reason"]
    (rule,) = looser_rules(study.config.disclosure)
    assert (rule.setting, list(rule.readers)) == (setting, readers)
    for role in ("researcher", "funder", "organisation"):
        assert bool(looser_rules(study.config.disclosure, role=role)) is (role in readers)


@pytest.mark.parametrize("setting", LOOSER)
def test_with_a_reason_all_is_well(tmp_path: Path, setting: str) -> None:
    toml = f'{PLAIN}{LOOSER[setting][0]}\nreason = {{ nl = "Daarom.", en = "Since." }}\n'
    made = small_study(tmp_path / "s", toml=toml)
    assert check_study(made).ok
    assert "looser_without_reason" not in load_study(made).checks.counts
    assert read_config(made).disclosure.reason.in_language("en") == "Since."


@pytest.mark.parametrize("line", NO_LOOSER)
def test_the_default_and_what_is_stricter_need_none(tmp_path: Path, line: str) -> None:
    made = small_study(tmp_path / "s", toml=f"{PLAIN}{line}\n")
    assert reason_is_missing(read_config(made)) is None
    assert check_study(made).ok


@pytest.mark.parametrize("reason", ['""', '"  "', "{}", "3", '{ xx = "a" }'])
def test_a_reason_is_a_text(tmp_path: Path, reason: str) -> None:
    made = small_study(tmp_path / "s", toml=f"{PLAIN}minimum_families = 5\nreason = {reason}\n")
    with pytest.raises(ConfigError, match=r"disclosure\.reason"):
        read_config(made)
