"""A methods section says what was used and nothing else, with the works it is from."""

from dataclasses import replace

import numpy as np
import pytest

from mpg_research.disclosure import Audience, release
from mpg_research.present.language.voice import voice_of
from mpg_research.present.paper.methods import Computed, write_methods
from mpg_research.present.paper.sources import sources
from mpg_research.present.registry import kind_named
from tests.disclosure.made_results import made_policy, make_organisations, make_trajectory
from tests.present.edge_kinds import KINDS
from tests.present.edge_results import Draw

#: What a setting makes a methods section say (nl, en), and the work that goes with it.
SAYS = {
    ("df", "satterthwaite"): ("die van Satterthwaite", "those of Satterthwaite", "satterthwaite1946"),
    ("df", "kenward-roger"): ("Kenward en Roger", "Kenward and Roger", "kenward1997"),
    ("course", "cr(months, knots=root)"): ("kubische spline", "cubic spline", ""),
    ("course", "months"): ("een rechte lijn", "a straight line", ""),
    ("families", "1 + months + bend"): ("niveau, helling en buiging", "level, slope and bend", ""),
    ("families", "1 + months"): ("in niveau en helling (", "in level and slope (", ""),
    ("families", "1"): ("random intercept", "random intercept", ""),
    ("workers", True): ("Hulpverleners hebben random", "Workers have random", ""),
    ("case_mix", True): ("Gecorrigeerd voor", "Adjusted for", ""),
}


def drawn(rng: np.random.Generator) -> dict[str, object]:
    chosen: dict[str, object] = {}
    for name in ("df", "course", "families"):
        chosen[name] = rng.choice([value for key, value in SAYS if key == name])
    return {**chosen, "workers": bool(rng.random() < 0.5), "case_mix": bool(rng.random() < 0.5)}


def made(chosen: dict[str, object], result):
    worker = " + (1 + months || worker)" if chosen["workers"] else ""
    parameters = {
        "formula": f"score ~ {chosen['course']} + ({chosen['families']} | family){worker}",
        "df": str(chosen["df"]), "families": "bend", "residual": "independent", "worker": chosen["workers"],
        "case_mix": ["child_age"] if chosen["case_mix"] else [],
    }  # fmt: skip
    return replace(result, provenance=replace(result.provenance, parameters=parameters))


def computed(result, language: str) -> Computed:
    from mpg_research.present.language.phrases import phrases_in
    from mpg_research.reporting.session.decisions import settings_sentences

    released = release(result, Audience("researcher"), policy=made_policy())
    return Computed(released, settings_sentences(released, phrases_in(language)))


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("place", [0, 1])
def test_each_setting_is_said_where_it_was_used_and_only_there(seed: int, place: int) -> None:
    language = ("nl", "en")[place]
    chosen = drawn(np.random.default_rng(seed))
    found = write_methods([computed(made(chosen, make_trajectory()), language)], (), language=language)
    text = " ".join(str(passage) for passage in found.passages)
    for (name, value), words in SAYS.items():
        assert (words[place] in text) == (chosen[name] == value), (name, value)
        if words[2]:
            assert (words[2] in found.cited) == (chosen[name] == value)
            assert (sources()[words[2]].in_text in text) == (chosen[name] == value)
    assert all(sources()[key].in_text in text for key in found.cited)
    assert all(work.text in str(found) for work in found.works)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_model_is_told_once_and_another_one_as_a_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = drawn(rng), drawn(rng)
    if seed % 2:
        second = {**first, "case_mix": second["case_mix"]}
    results = [made(first, make_trajectory()), made(second, make_organisations())]
    found = write_methods([computed(each, "en") for each in results], (), language="en")
    is_same = {**first, "case_mix": 0} == {**second, "case_mix": 0}
    text = str(found.passages[2])
    assert ("otherwise the same as above" in text) == is_same
    assert ("linear mixed model" in text) != is_same


def test_what_is_not_shown_is_not_told() -> None:
    hidden = replace(computed(made(drawn(np.random.default_rng(1)), make_trajectory()), "en"), is_shown=False)
    found = write_methods([hidden], ("Shared.",), language="en")
    assert len(found.passages) == 1
    assert not found.works


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_kind_of_result_can_be_described(kind: str, language: str) -> None:
    """With edge results, small and large: no placeholder is left, and every work is known."""
    for given in ({}, *KINDS[kind].given[:2]):
        rules = {name: value for name, value in given.items() if name != "rules"}
        released = release(KINDS[kind].make(Draw(1, **rules)), Audience("researcher"), policy=made_policy())
        found = write_methods([Computed(released)], (), language=language)
        assert "{" not in str(found)
        assert set(found.cited) <= set(sources())


#: Of care, trials, afterwards and money: the numbers that must be shown for a method to be said.
FROM = {
    "around_event": [(f"around_{what}", "estimate") for what in ("plan", "change", "worsening", "fewer")],
    "change_rates": [("change_rates", "rate_low")],
    "spells": [("spell_survival", "estimate")],
    "within_between": [("hours_follow_need", "estimate"), ("dose_response", "estimate")],
    "dose_curve": [("dose_shape", "estimate")],
    "drift": [("case_mix_drift", "estimate")],
    "e_values": [("explained_away", "e_value")],
    "first_events": [(f"incidence{by}", "estimate") for by in ("", "_by_end_reason", "_by_thin_line")],
    "gray": [("gray", "p_value")],
    "restricted_mean": [("months_free", "estimate")],
    "cox": [("hazards", "hazard_ratio")],
    "proportional": [("proportional", "p_value")],
    "frailty": [("frailty", "variance")],
    "censored_costs": [("costs", "mean_cost")],
    "adjusted_costs": [("costs_by_organisation", "adjusted_cost")],
    "fieller": [("ratios", "euros_per_unit_low"), ("per_euro", "per_euro_low")],
    "acceptability": [("acceptability", "chance_best")],
    "how_soon": [("how_soon", "share_of_signals")],
}
OF_CARE_AND_MONEY = (
    "actions", "afterwards", "costs", "costs_and_benefits", "costs_and_effects", "dose", "family_flow",
    "fewer_agencies", "helpers", "organisations_costs_and_effects", "target_trial", "worker_spells",
)  # fmt: skip


@pytest.mark.parametrize("kind", OF_CARE_AND_MONEY)
def test_a_method_is_said_where_its_numbers_are_shown_and_only_there(kind: str) -> None:
    """Edge results, and the same without some of their tables."""
    rng = np.random.default_rng(len(kind))
    said: set[str] = set()
    for seed in range(1, 7):
        result = KINDS[kind].make(Draw(seed))
        kept = {name: table for name, table in result.tables.items() if seed < 3 or rng.random() < 0.6}
        released = release(replace(result, tables=kept), Audience("researcher"), policy=made_policy())
        voice = voice_of(released, ("nl", "en")[seed % 2])
        found = {method.key for method in kind_named(kind).methods(voice)}  # type: ignore[union-attr, misc]
        shown = {
            (name, column)
            for name, table in released.tables.items()
            for column in table.data
            if table.data[column].notna().any()
        }
        for key, numbers in FROM.items():
            if key in found:
                assert shown & set(numbers), (key, seed)
            elif {table for table, _ in numbers} & set(result.tables) and key not in ("fieller",):
                assert not shown & set(numbers), (key, seed)
        said |= found
    assert said, "no edge result of this kind says a method"
