"""How families came to an arm, and which arm did not get the help, go from study.toml to the page."""

from itertools import product
from pathlib import Path

import pytest

from mpg_research.disclosure import policy_of
from mpg_research.errors import ConfigError
from mpg_research.study import load_study, read_config
from tests.reporting.conftest import write_study


@pytest.mark.parametrize(("by_lot", "placebo"), list(product((True, False), (True, False))))
def test_the_policy_knows_the_arms(tmp_path: Path, by_lot: bool, placebo: bool) -> None:
    folder = write_study(tmp_path / "study")
    file = folder / "study.toml"
    text = file.read_text(encoding="utf-8")
    text = text.replace("[study]", f'[study]\nallocation = "{"randomised" if by_lot else "observed"}"')
    text = text.replace("name = 'Linde'", f"name = 'Linde'\ncomparison = {str(placebo).lower()}")
    file.write_text(text, encoding="utf-8")
    policy = policy_of(load_study(folder))
    assert (policy.randomised, policy.has_comparison) == (by_lot, placebo)


def test_another_allocation_is_refused_with_what_is_possible(tmp_path: Path) -> None:
    file = write_study(tmp_path / "study") / "study.toml"
    text = file.read_text(encoding="utf-8").replace("[study]", '[study]\nallocation = "random"')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="randomised"):
        read_config(file.parent)
