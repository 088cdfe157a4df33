"""Codes of a study's own are shown as the study words them, and never name an organisation."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from mpg_research.analysis.columns import SHARE, coded
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.present import tabulate
from mpg_research.study import load_study
from tests.disclosure.made_results import result_of
from tests.study.small import STUDY, small_study

OWN = """
[vocabularies.interventions]
walk = { nl = "Samen wandelen", en = "A walk together" }
house = "Way of org_a"
"""


def test_the_study_words_its_own_codes(tmp_path: Path) -> None:
    policy = replace(policy_of(load_study(small_study(tmp_path, toml=STUDY + OWN))), rounding=0)
    assert set(policy.own_words["intervention"]) == {"walk"}
    rows = pd.DataFrame({"intervention": ["walk", "network_meeting"], "n_families": 30, "n_group": 60})
    rows[[column.name for column in SHARE if column.name != "n_group"]] = 0.5
    columns = (coded("intervention", adds_up="families"), *SHARE)
    result = result_of("actions", ResultTable("first_interventions", rows, columns))
    for language, words in (("nl", "Samen wandelen"), ("en", "A walk together")):
        for audience in (Audience("researcher"), Audience("funder")):
            shown = tabulate(
                release(result, audience, policy=policy), "first_interventions", language=language
            )
            assert words in str(shown)
