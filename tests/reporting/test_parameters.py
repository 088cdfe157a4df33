import pytest

from mpg_research.errors import ConfigError
from mpg_research.reporting.notebooks import find_notebooks
from mpg_research.reporting.parameters import validate_parameters


def test_defaults_are_filled_in() -> None:
    values = validate_parameters("03_trajectories", {"language": "en"})
    assert values.model_dump(mode="json") == {"study": "", "language": "en", "output": "", "shape": "spline"}


def test_an_unknown_parameter_stops_and_the_nearest_name_is_offered() -> None:
    with pytest.raises(ConfigError, match=r'langage. is not a parameter.*did you mean "language"'):
        validate_parameters("01_data_quality", {"langage": "nl"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("organisation", 7), ("organisation", None), ("language", "de"), ("study", ["a"]), ("output", b"a")],
)
def test_a_mistyped_parameter_stops(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{name}: found"):
        validate_parameters("report_organisation", {name: value})


def test_every_wrong_parameter_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        validate_parameters("report_organisation", {"organisation": 7, "language": "de", "orgnisation": ""})
    assert str(caught.value).count("\n- ") == 3


def test_an_organisation_code_with_leading_zeros_stays_text() -> None:
    assert validate_parameters("report_organisation", {"organisation": "007"}).organisation == "007"


def test_an_unknown_notebook_is_refused() -> None:
    with pytest.raises(ConfigError, match='did you mean "report_funder"'):
        validate_parameters("report_funders", {})


def test_parameters_cannot_be_changed_afterwards() -> None:
    values = validate_parameters("report_funder", {})
    with pytest.raises(Exception, match="frozen"):
        values.language = "en"


def test_all_notebooks_of_the_main_job_are_there() -> None:
    assert list(find_notebooks()) == [
        "01_data_quality",
        "02_measurement",
        "03_trajectories",
        "04_organisations",
        "05_individual_change",
        "06_missing_data",
        "07_interventions",
        "08_care_over_time",
        "09_afterwards",
        "10_costs_and_benefits",
        "report_costs",
        "report_funder",
        "report_organisation",
    ]
