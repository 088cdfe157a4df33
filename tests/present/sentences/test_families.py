"""Change, courses, missing data and signals in words, tables and figures, through the gate."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from mpg_research.analysis import (
    course,
    describe_missing,
    evaluate_signals,
    expected_course,
    reliable_change,
    reliable_trend,
    signals,
    sudden_changes,
)
from mpg_research.disclosure import Audience, release
from mpg_research.disclosure.released import Released
from mpg_research.present import PresentedFigure, draw, say, tabulate
from mpg_research.study import Study, load_study, shipped_example
from tests.analysis.documented_tables import undocumented_tables
from tests.exact_policy import exact_policy

RESEARCHER = Audience("researcher")
#: Drawn here, on the example study, rather than from made results.
FAMILY_FIGURES = {
    "class_shares",
    "answers_by_month",
    "score_bands",
    "swimmer",
    "spaghetti",
    "measured_by_month",
    "delta_adjustment",
    "decision_curve",
}


@pytest.fixture(scope="module")
def results() -> dict[str, object]:
    study = load_study(shipped_example())
    verbs = (reliable_change, reliable_trend, course, describe_missing, sudden_changes)
    found = [verb(study) for verb in verbs]
    found += [verb(study, case_mix=()) for verb in (expected_course, signals)]
    found.append(evaluate_signals(study, case_mix=(), replicates=3))
    return {result.kind: result for result in found} | {"study": study}


def released(results: dict[str, object], kind: str, audience: Audience = RESEARCHER) -> Released:
    return release(results[kind], audience, policy=exact_policy(results["study"], minimum_families=3))


KINDS = (
    "individual_change",
    "reliable_trend",
    "course",
    "missing_data",
    "sudden_changes",
    "expected_course",
    "signals",
    "signal_quality",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_part_can_be_shown(results: dict[str, object], kind: str, language: str) -> None:
    shown = released(results, kind)
    text = str(say(shown, language=language))
    assert "{" not in text
    assert re.search(r"\d", text)
    for name, table in results[kind].tables.items():
        written = str(tabulate(shown, name, language=language))
        assert "{" not in written, name
        if table.unit == "family":
            assert name not in shown.tables
        elif name in shown.tables:
            told = [column.name for column in table.columns if column.is_key and not column.csv_only]
            assert not shown.tables[name].data[told].duplicated().any(), name


@pytest.mark.parametrize(
    ("kind", "figure"),
    [
        ("individual_change", "class_shares"), ("reliable_trend", "class_shares"), ("course", "class_shares"),
        ("course", "answers_by_month"), ("course", "score_bands"), ("course", "swimmer"),
        ("course", "spaghetti"), ("missing_data", "measured_by_month"), ("missing_data", "delta_adjustment"),
        ("signal_quality", "decision_curve"),
    ],
)  # fmt: skip
def test_figures_are_pictures_with_words(results: dict[str, object], kind: str, figure: str) -> None:
    shown = draw(released(results, kind), figure, language="nl")
    assert isinstance(shown, PresentedFigure)
    assert ElementTree.fromstring(shown.svg).tag.endswith("svg")
    assert re.search(r"\d", shown.alt)
    assert shown.svg == draw(released(results, kind), figure, language="nl").svg


def test_no_family_leaves_the_gate(results: dict[str, object]) -> None:
    families = set(results["study"].tables["episodes"]["family"].astype(str))
    for kind in KINDS:
        for audience in (RESEARCHER, Audience("funder")):
            shown = released(results, kind, audience)
            for name in shown.tables:
                text = str(tabulate(shown, name, language="en"))
                assert not any(family in text for family in families)
    steps = {item.code for item in released(results, "course").withheld if item.table == "waves"}
    assert steps == {"family_level"}


def test_small_classes_are_taken_together_rather_than_hidden(results: dict[str, object]) -> None:
    merged = released(results, "course").tables["merged"].data
    assert not merged["suppressed"].any()
    assert merged["n_families"].sum() == results["course"].tables["shares"].data["n_families"].sum()
    assert "not_enough_information_or_rare" in set(merged["class"])


def test_words_do_not_claim_an_effect_or_the_publishers_rule(results: dict[str, object]) -> None:
    change = str(say(released(results, "individual_change"), language="nl"))
    assert "bewijzen geen effect" in change
    answers = str(say(released(results, "course"), language="nl"))
    assert "geen regel van de uitgever" in answers
    assert "metingen nodig" in answers


@pytest.mark.parametrize(("rule", "meaning"), [("chance", "chance of a bad end"), ("band", "nine in ten")])
def test_words_say_which_rule_is_shown_and_judged(
    results: dict[str, object], rule: str, meaning: str
) -> None:
    quality = evaluate_signals(results["study"], rule=rule, case_mix=(), replicates=2)
    shown = release(quality.given, RESEARCHER, policy=exact_policy(results["study"], minimum_families=3))
    assert meaning in str(say(shown, language="en"))
    released_quality = release(quality, RESEARCHER, policy=exact_policy(results["study"], minimum_families=3))
    judged = str(say(released_quality, "answer", language="en"))
    row = quality.tables["rules"].data.set_index(["rule", "target"]).loc[(rule, "no_gain")]
    assert f"{100 * row['sensitivity']:.0f}%" in judged
    assert f"{100 * row['specificity']:.0f}%" in judged


def test_what_signals_give_without_change_stands_beside_them(results: dict[str, object]) -> None:
    found = results["signal_quality"].tables["without_change"].data.set_index(["figure", "rule", "target"])
    for language, calls in (("nl", "geen enkel gezin echt veranderde"), ("en", "if no family truly changed")):
        text = str(say(released(results, "signal_quality"), "answer", language=language))
        assert calls in text
        for figure in ("sensitivity", "specificity"):
            assert f"{100 * found.loc[(figure, 'chance', 'no_gain'), 'without_change']:.0f}%" in text
    beside = str(say(released(results, "signal_quality"), "certainty", language="en"))
    assert beside.index("without any true change") < beside.index("Y-OQ")
    told = str(say(released(results, "signals"), language="nl"))
    assert "Op koers heet een gezin alleen als de scores het laten zien" in told


def test_what_became_of_few_families_is_hidden(results: dict[str, object]) -> None:
    raw = results["signal_quality"].tables["words"].data
    assert raw["n_families"].sum() == raw["n_group"].iloc[0]
    for audience in (RESEARCHER, Audience("funder")):
        policy = exact_policy(results["study"])
        rows = release(results["signal_quality"], audience, policy=policy).tables["words"].data
        shown = rows[rows["n_families"].notna()]
        assert ((shown["n_families"] == 0) | (shown["n_families"] >= 10)).all()
        bad = (shown["share_ended_badly"] * shown["n_families"]).dropna()
        assert ((bad < 0.5) | (bad > 9.5)).all()
        hidden = shown["share_ended_badly"].isna()
        assert shown.loc[hidden, ["ended_badly_low", "ended_badly_high"]].isna().all(axis=None)


def test_waves_are_not_called_months_in_the_lanes(results: dict[str, object]) -> None:
    study = results["study"]
    policy = replace(exact_policy(study), time_unit="waves")
    shown = release(results["course"], RESEARCHER, policy=policy)
    for language, month in (("nl", "maand"), ("en", "month")):
        lanes = draw(shown, "swimmer", language=language)
        assert month not in (lanes.title + lanes.caption + lanes.alt).lower()


def test_the_documentation_of_a_verb_names_every_table(results: dict[str, object]) -> None:
    for result in results.values():
        if not isinstance(result, Study):
            assert undocumented_tables(result) == set(), result.kind
