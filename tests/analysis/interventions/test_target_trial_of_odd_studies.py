"""Target trials of studies that are not like the example: answered, refused or not asked, never broken."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import Audience, policy_of, release
from mpg_research.analysis.interventions.target_trial import TargetTrial, emulate_target_trial
from mpg_research.errors import NotApplicableError
from mpg_research.present.sentences.say import say
from mpg_research.study import Study, load_study
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.schemas import INTERVENTIONS
from tests.analysis.odd_studies import PLANS, write_odd

#: One of each kind: with dates and a stray row, in weeks, yearly, in days, in waves, few, unequal.
KINDS = ("five_weeks_stray", "weekly_long", "yearly", "days", "waves", "very_few", "small_and_large")


def with_interventions(folder: Path, name: str, *, share: float = 0.6) -> Study:
    """An odd study in which some families got something at a random moment between two measurements."""
    write_odd(folder, PLANS[name])
    rng = np.random.default_rng(len(name))
    dates = PLANS[name].unit == "dates"
    measured = pd.read_csv(folder / "measurements.csv")
    rows = []
    for family, mine in measured.groupby("family"):
        if len(mine) < 2 or rng.random() > share:
            continue
        day = mine["date"].iloc[int(rng.integers(0, len(mine) - 1))]
        if dates:
            day = (pd.Timestamp(day) + pd.Timedelta(days=int(rng.integers(0, 20)))).date().isoformat()
        rows.append((family, day, str(rng.choice(list(INTERVENTIONS)))))
    pd.DataFrame(rows, columns=["family", "date", "intervention"]).to_csv(
        folder / "interventions.csv", index=False
    )
    toml = folder / "study.toml"
    text = toml.read_text(encoding="utf-8")
    table = '[tables.interventions]\nfile = "interventions.csv"\n'
    toml.write_text(text.replace("[instruments.burden]", f"{table}[instruments.burden]"), encoding="utf-8")
    return load_study(folder)


def asked(study: Study) -> TargetTrial | NotApplicableError:
    try:
        return emulate_target_trial(study, replicates=5)
    except NotApplicableError as error:
        return error


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", KINDS)
def test_odd_studies_get_a_number_a_reason_or_are_not_asked(tmp_path: Path, name: str) -> None:
    study = with_interventions(tmp_path / name, name)
    found = asked(study)
    if isinstance(found, NotApplicableError):
        known = {"waves_of_unknown_length", "nobody_stands_still", "no_interventions_to_compare"}
        assert found.code in known
        assert (found.code == "waves_of_unknown_length") == (study.time_unit == "waves")
        return
    per_month = DAYS_PER_MONTH / 7 if study.time_unit == "weeks" else 1.0
    verdicts = found.tables["verdicts"].data
    np.testing.assert_allclose(sorted(set(verdicts["months"])), [3 * per_month, 6 * per_month])
    released = release(found, Audience("funder"), policy=policy_of(study))
    for language in ("nl", "en"):
        assert str(say(released, language=language))
