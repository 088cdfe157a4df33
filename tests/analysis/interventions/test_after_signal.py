"""What was done after signals, beside a recount in plain Python; and what a reader can find out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from mpg_research.analysis.growth.help_periods import help_periods
from mpg_research.analysis.interventions.action_tables import (
    answer_tables,
    flow_tables,
    time_tables,
    unprompted_tables,
)
from mpg_research.analysis.interventions.after_signal import (
    ActionsAfterSignals,
    describe_actions,
    windows_of,
)
from mpg_research.analysis.interventions.moments import moments_of, placed_actions
from mpg_research.analysis.interventions.records import read_interventions
from mpg_research.analysis.result import Provenance, ResultTable, collect_tables
from mpg_research.disclosure import Audience, DisclosurePolicy, policy_of, release
from mpg_research.disclosure.reconstruction import hidden_counts, open_counts
from mpg_research.disclosure.released import SUPPRESSED, Released
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.present import draw, say, tabulate
from mpg_research.study import Study, load_study, read_config, shipped_example
from mpg_research.study.model import SampleFlow
from tests.analysis.documented_tables import undocumented_tables
from tests.analysis.interventions.random_signals import (
    DAY,
    WINDOWS,
    Made,
    by_hand,
    incidence_by_hand,
    made_study,
    prompted_by_hand,
)
from tests.study.small import STUDY, small_study

PER_WEEK = 7 * DAY
FIELDS = ["family", "episode", "signal", "action", "state", "code", "could_act", "could_be_seen", "first",
          "measured_after", "organisation"]  # fmt: skip


def tables_of(made: Made, minimum: int = 10) -> dict[str, ResultTable]:
    """The tables of the analysis, from waves that need no model."""
    moments = moments_of(made.waves, made.interventions, made.periods, WINDOWS)
    prompted = placed_actions(made.waves, made.interventions, WINDOWS)
    return collect_tables(
        [
            *answer_tables(moments, level=0.95, minimum=minimum),
            *time_tables(moments, (4.0, 8.0, 13.0, 26.0), per_week=PER_WEEK),
            *unprompted_tables(made.interventions, made.interventions["family"], prompted, level=0.95),
            *flow_tables(moments, level=0.95),
        ]
    )


def counted(table: ResultTable, *keys: str) -> dict[object, tuple[int, int]]:
    """Signals and families of each row that has any."""
    data = table.data
    rows = zip(*(data[key] for key in keys), strict=True)
    numbers = zip((data["estimate"] * data["n_group"]).round(6), data["n_families"], strict=True)
    return {
        row if len(keys) > 1 else row[0]: (int(n), int(f))
        for row, (n, f) in zip(rows, numbers, strict=True) if n
    }  # fmt: skip


def recounted(rows: Iterable[dict], *keys: str) -> dict[object, tuple[int, int]]:
    """The same from plain rows."""
    number: Counter = Counter()
    families: dict[object, set] = {}
    for row in rows:
        key = tuple(row[name] for name in keys) if len(keys) > 1 else row[keys[0]]
        number[key] += 1
        families.setdefault(key, set()).add(row["family"])
    return {key: (n, len(families[key])) for key, n in number.items()}


@pytest.mark.parametrize("seed", range(8))
def test_moments_and_tables_are_what_a_recount_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = made_study(rng, int(rng.integers(5, 60)))
    moments = moments_of(made.waves, made.interventions, made.periods, WINDOWS)
    hand = by_hand(made)
    expected = sorted((*(row[name] for name in FIELDS), row["day"]) for row in hand)
    days = (moments["months"] / DAY).round().astype(int)
    assert sorted(zip(*(moments[name].tolist() for name in FIELDS), days, strict=True)) == expected
    waits = sorted(round(wait / DAY) for wait in moments["wait"] if np.isfinite(wait))
    assert waits == sorted(row["wait"] for row in hand if row["wait"] is not None)

    tables = tables_of(made, minimum=1)
    followed = [row for row in hand if row["could_act"]]
    assert counted(tables["answered"], "class") == recounted(followed, "action")
    by_organisation = recounted(followed, "organisation", "action")
    assert counted(tables["answered_by_organisation"], "organisation", "class") == by_organisation
    acted = [row for row in followed if row["action"] == "acted"]
    assert counted(tables["first_interventions"], "intervention") == recounted(acted, "code")
    first = [
        {**row, "answer": "discussed" if row["wait"] is not None
         else "measured_again" if row["measured_after"] else "never_discussed"}
        for row in followed if row["first"]
    ]  # fmt: skip
    assert counted(tables["after_first_signal"], "class") == recounted(first, "answer")
    prompted = [
        {"family": family, "prompted": what}
        for family, what in zip(made.interventions["family"], prompted_by_hand(made, hand), strict=True)
    ]
    assert counted(tables["prompted"], "class") == recounted(prompted, "prompted")
    joined = {"on_track": "no_signal", "cannot_tell": "no_signal", "help_ended": "not_seen",
              "not_measured": "not_seen", "signal": "signal"}  # fmt: skip
    seen = [
        {**row, "action": "acted" if row["action"] == "acted" else "not_acted", "state": joined[row["state"]]}
        for row in followed if row["could_be_seen"]
    ]  # fmt: skip
    assert counted(tables["signal_to_action"], "signal", "action") == recounted(seen, "signal", "action")
    assert counted(tables["action_to_state"], "action", "state") == recounted(seen, "action", "state")


@pytest.mark.parametrize("seed", range(100, 105))
def test_how_soon_is_aalen_johansen_day_by_day(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = made_study(rng, int(rng.integers(10, 60)))
    hand = by_hand(made)
    moments = moments_of(made.waves, made.interventions, made.periods, WINDOWS)
    soon, quartiles = time_tables(moments, (4.0, 8.0, 13.0, 26.0), per_week=PER_WEEK)
    shares = soon.data.set_index("stretch")["share_of_signals"]
    before = 0.0
    for week in (4, 8, 13, 26):
        if f"until_{week}" in shares.index:
            total = incidence_by_hand(hand, 7 * week)
            assert shares[f"until_{week}"] == pytest.approx(total - before, abs=1e-9)
            before = total
    assert shares.sum() == pytest.approx(1.0)
    for name, share in (("weeks_first_quarter", 0.25), ("weeks_half", 0.5), ("weeks_third_quarter", 0.75)):
        reached = [week for week in range(101) if incidence_by_hand(hand, 7 * week) >= share - 1e-12]
        found = quartiles.data[name].iloc[0]
        assert (reached[0] if reached else None) == (None if np.isnan(found) else found)


def result_of(tables: dict[str, ResultTable]) -> ActionsAfterSignals:
    """A result around these tables."""
    return ActionsAfterSignals(
        moments=pd.DataFrame(), given=None, tables=tables, flow=SampleFlow(), notes=(),  # type: ignore[arg-type]
        provenance=Provenance("made", True, "0" * 64, "0"), level=0.95,
    )  # fmt: skip


AUDIENCES = (Audience("researcher"), Audience("funder"), Audience("organisation", "o0"))


@pytest.mark.parametrize("rounding", [0, 5])
@pytest.mark.parametrize("seed", range(200, 203))
def test_no_small_number_can_be_found_by_any_reader(seed: int, rounding: int) -> None:
    rng = np.random.default_rng(seed)
    made = made_study(rng, int(rng.integers(20, 160)), int(rng.integers(2, 7)), again=0.0)
    keys = sorted(set(made.waves["organisation"]))
    policy = DisclosurePolicy(rounding=rounding, organisations={key: {"nl": key, "en": key} for key in keys})
    result = result_of(tables_of(made))
    for audience in AUDIENCES:
        if audience.organisation not in (None, *keys):
            continue
        shown = release(result, audience, policy=policy)
        assert open_counts(hidden_counts([shown]), 10) == []
        if not rounding:
            assert open_by_both_flows(shown, result) == []


def open_by_both_flows(shown: Released, result: ActionsAfterSignals) -> list[tuple]:
    """Hidden flows of few families whose number of signals follows from the two tables together.

    An attacker of its own: what leaves an action goes into it, and both tables add up to the same signals.
    """
    names = ("signal_to_action", "action_to_state")
    if any(name not in shown.tables for name in names):
        return []
    cells: list[tuple] = []
    known: list[float] = []
    small = []
    total = np.nan
    for name in names:
        table, truth = shown.tables[name], result.tables[name].data
        if not len(truth):
            return []
        total = float(truth["n_group"].iloc[0])
        for row, mark in enumerate(table._marks["estimate"]):
            cell = (name, *(str(truth[key].iloc[row]) for key in table.keys))
            cells.append(cell)
            exact = truth["estimate"].iloc[row] * total
            known.append(np.nan if mark == SUPPRESSED and truth["n_families"].iloc[row] else exact)
            if np.isnan(known[-1]) and 0 < truth["n_families"].iloc[row] < 10 and exact < 10:
                small.append(len(cells) - 1)
    equations = [[float(cell[0] == name) for cell in cells] for name in names]
    right = [total, total]
    for action in ("acted", "not_acted"):
        into = [float(cell[0] == names[0] and cell[2] == action) for cell in cells]
        out = [float(cell[0] == names[1] and cell[1] == action) for cell in cells]
        equations.append([one - other for one, other in zip(into, out, strict=True)])
        right.append(0.0)
    bounds = [(0.0, total) if np.isnan(value) else (value, value) for value in known]
    found = []
    for place in small:
        aim = np.zeros(len(cells))
        aim[place] = 1.0
        low = linprog(aim, A_eq=equations, b_eq=right, bounds=bounds, method="highs")
        high = linprog(-aim, A_eq=equations, b_eq=right, bounds=bounds, method="highs")
        if low.status or high.status or low.fun > 1 + 1e-6 or -high.fun < 9 - 1e-6:
            found.append((cells[place], low.fun, high.fun))
    return found


def without_model(tmp_path: Path, toml: str, records: str) -> Study:
    return load_study(small_study(tmp_path, toml=toml, interventions__csv=records))


RECORDS = "family,episode,date,intervention\n001,1,2024-05-01,network_meeting\n"
TABLE = '[tables.interventions]\nfile = "interventions.csv"\n'


def test_without_records_it_does_not_arise(tmp_path: Path) -> None:
    with pytest.raises(NotApplicableError) as caught:
        describe_actions(without_model(tmp_path, STUDY, RECORDS))
    assert caught.value.code == "no_interventions"
    assert "[tables.interventions]" in str(caught.value)


@pytest.mark.parametrize(
    "chosen", [{"grace_weeks": 0.0}, {"later_months": 1.0}, {"grace_weeks": float("nan")}]
)
def test_impossible_times_are_refused(chosen: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        describe_actions(without_model(tmp_path, STUDY + TABLE, RECORDS), **chosen)


@pytest.fixture(scope="module")
def with_a_silent_one() -> tuple[Study, ActionsAfterSignals]:
    """The example, of which one organisation never recorded an intervention."""
    study = load_study(shipped_example())
    episodes = study.tables["episodes"]
    theirs = set(episodes.loc[episodes["organisation"] == "vlierdonk", "family"])
    records = study.tables["interventions"]
    kept = records[~records["family"].isin(theirs)].reset_index(drop=True)
    study = replace(study, tables={**study.tables, "interventions": kept})
    return study, describe_actions(study)


def test_an_organisation_that_never_records_is_left_out_and_counted(
    with_a_silent_one: tuple[Study, ActionsAfterSignals],
) -> None:
    _, result = with_a_silent_one
    (note,) = (each for each in result.notes if each.code == "organisations_without_interventions")
    assert note.values == {"n_organisations": 1}
    for name in (
        "answered_by_organisation",
        "after_first_signal_by_organisation",
        "prompted_by_organisation",
    ):
        assert "vlierdonk" not in set(result.tables[name].data["organisation"])
    assert "vlierdonk" not in set(result.moments["organisation"])
    assert undocumented_tables(result) == set()


def test_the_example_is_what_a_recount_gives(with_a_silent_one: tuple[Study, ActionsAfterSignals]) -> None:
    study, result = with_a_silent_one
    records = read_interventions(study, result.given.courses).frame
    waves = result.given.tables["waves"].data
    periods = help_periods(study, month=6.0, scores=result.given.courses.frame.scores)
    made = Made(waves[waves["organisation"] != "vlierdonk"], records, periods)
    hand = by_hand(made)
    assert len(hand) > 50
    followed = [row for row in hand if row["could_act"]]
    assert counted(result.tables["answered"], "class") == recounted(followed, "action")
    prompted = [
        {"family": family, "prompted": what}
        for family, what in zip(records["family"], prompted_by_hand(made, hand), strict=True)
    ]
    assert counted(result.tables["prompted"], "class") == recounted(prompted, "prompted")
    for audience in (Audience("researcher"), Audience("funder"), Audience("organisation", "hazelgaard")):
        shown = release(result, audience, policy=policy_of(study))
        assert open_counts(hidden_counts([shown]), 10) == []


def test_windows_are_in_the_unit_of_the_time_axis(tmp_path: Path) -> None:
    toml = STUDY.replace("export_date = 2025-12-31\n", "")
    for unit, grace, later in (("weeks", 8.0, 6 * 365.25 / 12 / 7), ("months", 56 * DAY, 6.0)):
        time = f'[time]\nkind = "numbers"\nunit = "{unit}"\n'
        config = read_config(small_study(tmp_path / unit, toml=toml + time))
        windows, weeks = windows_of(config, None, None)
        assert (windows.grace, windows.later, weeks) == pytest.approx((grace, later, 8.0))
    waves = read_config(small_study(tmp_path / "w", toml=toml + '[time]\nkind = "numbers"\nunit = "waves"\n'))
    with pytest.raises(NotApplicableError) as caught:
        windows_of(waves, None, None)
    assert caught.value.code == "waves_of_unknown_length"


@pytest.mark.parametrize("case", ["no export late enough", "not seen to the later moment", "no signal"])
@pytest.mark.filterwarnings("error")
def test_where_nobody_is_left_everything_is_shown_as_absent(case: str) -> None:
    made = made_study(np.random.default_rng(3), 30)
    moments = moments_of(made.waves, made.interventions, made.periods, WINDOWS)
    if case == "no signal":
        moments = moments.iloc[:0]
    else:
        name = "could_act" if case == "no export late enough" else "could_be_seen"
        moments = moments.assign(**{name: False})
    nobody = made.interventions.iloc[:0]
    tables = [
        *answer_tables(moments, level=0.95, minimum=10),
        *time_tables(moments, (4.0, 8.0), per_week=PER_WEEK),
        *flow_tables(moments, level=0.95),
        *unprompted_tables(nobody, nobody["family"], pd.Series(dtype=str), level=0.95),
    ]
    facts = {"grace_weeks": 8.0, "later_on_axis": 6.0, "primary_month": 12.0}
    result = replace(
        result_of(collect_tables(tables)), provenance=Provenance("made", True, "0" * 64, "0", facts)
    )
    policy = DisclosurePolicy(organisations={key: {"nl": key, "en": key} for key in ("o0", "o1", "o2")})
    for audience in AUDIENCES:
        shown = release(result, audience, policy=policy)
        assert str(say(shown, language="en"))
        assert not draw(shown, "signal_flows", language="nl").shows_numbers
        for name in shown.tables:
            assert str(tabulate(shown, name, language="nl"))
