import re

import numpy as np
import pytest

from mpg_research.analysis.columns import P_ADJUSTED
from mpg_research.disclosure import Audience, release
from mpg_research.errors import ConfigError, DisclosureError, Note
from mpg_research.languages import languages
from mpg_research.present import say, show, tabulate
from mpg_research.present.language.numbers import (
    format_count,
    format_df,
    format_number,
    format_p,
    format_share,
)
from mpg_research.present.language.phrases import phrases_in, readable
from tests.disclosure.made_results import (
    SIZES,
    Provenance,
    made_policy,
    make_measurement,
    make_organisations,
    make_quality,
    make_trajectory,
)

RESEARCHER, FUNDER = Audience("researcher"), Audience("funder")
LINDE = Audience("organisation", "linde")
MAKERS = [make_trajectory, make_organisations, make_quality, make_measurement]
CAUSAL = re.compile(
    r"\b(thanks to|because of the help|the help (?:made|worked|caused)|dankzij|door de hulp)\b", re.I
)


def spoken(result, audience=FUNDER, language="en", topic=None, **rules) -> str:
    return " ".join(
        say(release(result, audience, policy=made_policy(**rules)), topic, language=language).sentences
    )


# --- the catalogue ------------------------------------------------------------------------------------


def test_both_languages_have_the_same_keys_and_placeholders():
    dutch, english = phrases_in("nl"), phrases_in("en")
    assert set(dutch.entries) == set(english.entries)
    for key in dutch.entries:
        assert dutch.placeholders(key) == english.placeholders(key), key


def test_the_languages_differ_where_there_are_words():
    dutch, english = phrases_in("nl").entries, phrases_in("en").entries
    same = [key for key in dutch if dutch[key] == english[key] and len(dutch[key].split()) > 3]
    assert same == []


@pytest.mark.parametrize("language", languages())
def test_public_groups_are_called_groups(language):
    plain, groups = phrases_in(language), phrases_in(language, groups=True)
    assert set(plain.entries) == set(groups.entries)
    for key, phrase in groups.entries.items():
        if key.startswith("neutral."):  # where groups are no secret they have their names
            continue
        assert not re.search(r"(?<![\w{])[oO]rganisati", phrase)
        assert not re.search(r"\ban group", phrase)
        assert groups.placeholders(key) == plain.placeholders(key), key


def test_every_note_of_an_analysis_has_words_in_both_languages():
    """A note without them would stand in English on a Dutch page."""
    import ast
    from pathlib import Path

    import mpg_research

    root = Path(mpg_research.__file__).parent
    files = [*(root / "analysis").rglob("*.py"), *(root / "study").rglob("*.py")]
    codes = {
        str(call.args[0].value)
        for file in files
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Note"
        and call.args and isinstance(call.args[0], ast.Constant)
    }  # fmt: skip
    assert len(codes) > 30
    missing = {code for code in codes if not phrases_in("nl").has(f"note.{code}")}
    assert missing == set()


def test_a_value_with_braces_stays_a_value():
    phrases = phrases_in("en")
    assert "{level}" in phrases("withheld.missing", table="{level}")


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="'fr'"):
        phrases_in("fr")


@pytest.mark.parametrize(
    ("raw", "shown"), [("a_b", "A b"), ("\x1b[31mred\u202e", "‹U+001B›[31mred‹U+202E›"), ("", "")]
)
def test_unknown_codes_become_readable(raw, shown):
    assert readable(raw) == shown


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (format_number(-4.149, "nl"), "−4,1"),
        (format_number(-0.04, "en"), "0.0"),
        (format_number(float("nan"), "en"), "–"),
        (format_count(12345, "nl"), "12.345"),
        (format_count(12345, "en"), "12,345"),
        (format_p(0.00099, "nl"), "< 0,001"),
        (format_p(0.00099, "en"), "< .001"),
        (format_p(0.04, "en", with_sign=True), "= .040"),
        (format_p(1.0, "nl"), "> 0,999"),
        (format_share(0.997, "nl", digits=1), "99,7%"),
        (format_share(0.999, "en"), ">99%"),
        (format_share(1.0, "en"), "100%"),
        (format_share(0.001, "en"), "<1%"),
        (format_df(29.87, "nl"), "29,9"),
        (format_df(float("inf"), "nl"), "∞"),
        (format_df(22.0, "en"), "22"),
    ],
)
def test_numbers_are_written_as_people_read_them(written, expected):
    assert written == expected


# --- the mean course ----------------------------------------------------------------------------------


def test_a_clear_fall_is_said_with_its_uncertainty():
    result = make_trajectory(change=-4.0, error=0.4)
    text = spoken(result)
    assert text.startswith(
        "On average parenting stress fell by 6.0 points in the first 18 months "
        "(95% interval 4.8 to 7.2; 247 families)."
    )
    assert "a change for the better" in text
    dutch = spoken(result, language="nl")
    assert dutch.startswith("Gemiddeld daalde de opvoedingsbelasting in de eerste 18 maanden met 6,0 punten")
    assert "(95%-betrouwbaarheidsinterval 4,8 tot 7,2; 247 gezinnen)" in dutch


def test_the_primary_month_of_the_analysis_is_the_one_spoken_of():
    provenance = Provenance("made", True, "5d" * 32, "0.1.0", {"primary_month": 12.0}, "obvl_k", "raw")
    assert "fell by 4.1 points in the first 12 months" in spoken(make_trajectory(provenance=provenance))


def test_an_unclear_change_is_not_called_a_change():
    for change in (-0.3, 0.3):
        text = spoken(make_trajectory(change=change, error=0.9))
        assert text.startswith("We cannot say whether parenting stress on average changed")
        assert "Not sure: both a fall and a rise" in text
        assert "for the better" not in text
        assert "standard deviations" not in text


def test_a_rise_is_for_the_worse_unless_the_scale_runs_the_other_way():
    from mpg_research.disclosure import InstrumentFacts

    result = make_trajectory(change=4.1)
    assert "for the worse" in spoken(result)
    policy = made_policy()
    good = {"obvl_k": InstrumentFacts("OBVL-K", "higher_is_better", subject="parenting_stress")}
    from dataclasses import replace

    released = release(result, FUNDER, policy=replace(policy, instruments=good))
    assert "for the better" in " ".join(say(released, language="en").sentences)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"concepts": {"nl": "de somberheid", "en": "low\nmood"}}, ("somberheid", "low mood")),
        ({"concepts": {"nl": "de somberheid"}}, ("somberheid", "the OBVL-K score")),
        ({"subject": "no_such_subject"}, ("de score op de OBVL-K", "the OBVL-K score")),
        ({}, ("de score op de OBVL-K", "the OBVL-K score")),
    ],
)
def test_what_the_scores_are_about_is_what_the_questionnaires_file_says(about, said):
    from dataclasses import replace

    from mpg_research.disclosure import InstrumentFacts

    policy = replace(made_policy(), instruments={"obvl_k": InstrumentFacts("OBVL-K", **about)})
    released = release(make_trajectory(), FUNDER, policy=policy)
    for language, words in zip(("nl", "en"), said, strict=True):
        text = " ".join(say(released, language=language).sentences)
        assert words in text
        assert not {"opvoedingsbelasting", "parenting stress", "when stress is high"} & {
            each
            for each in ("opvoedingsbelasting", "parenting stress", "when stress is high")
            if each in text
        }


def test_too_few_families_are_said_to_be_too_few():
    result = make_trajectory(families=7)
    for language, words in (("en", "fewer than 10 families"), ("nl", "minder dan 10 gezinnen")):
        text = spoken(result, language=language)
        assert words in text
        assert not re.search(r"\d[.,]\d", text)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
@pytest.mark.parametrize("language", languages())
def test_no_sentence_claims_a_cause(maker, language):
    for audience in (RESEARCHER, FUNDER, LINDE):
        text = spoken(maker(), audience, language)
        assert text
        assert not CAUSAL.search(text.replace("does not show that the help caused it", ""))
        assert "nan" not in text.lower().split()
        assert "{" not in text


def test_regression_to_the_mean_is_named_where_stress_fell():
    assert "regression to the mean" in spoken(make_trajectory(change=-4.1))
    assert "regressie naar het gemiddelde" in spoken(make_trajectory(change=-4.1), language="nl")
    assert "regression to the mean" not in spoken(make_trajectory(change=4.1))


def test_researchers_get_the_test_and_others_do_not():
    assert "t(80) = " in spoken(make_trajectory(), RESEARCHER)
    assert "t(80)" not in spoken(make_trajectory(), FUNDER)


def test_waves_are_not_called_months():
    text = spoken(make_trajectory(), time_unit="waves")
    assert "in the first 18 waves after the start" in text
    assert "month" not in text


# --- organisations ------------------------------------------------------------------------------------


def far_apart():
    changes = {key: (-9.0 if key == "linde" else -2.0) for key in SIZES}
    return make_organisations(dict.fromkeys(SIZES, 200), changes, p_value=0.0004)


def test_the_own_result_comes_first_and_the_joint_test_with_it():
    alike = spoken(make_organisations(p_value=0.31), LINDE)
    assert "at Lindehof is not demonstrably different from average" in alike
    assert "At Lindehof parenting stress fell by 5.0 points" in alike
    assert "The differences between the organisations in how parenting stress changed" in alike
    assert "p = .310" in alike
    assert "does not show that they are the same" in alike
    assert "The organisations differ in how parenting stress changed in the first 12 months" in spoken(
        far_apart(), LINDE
    )
    assert spoken(make_organisations(p_value=0.31), FUNDER).startswith("The differences between the org")


def test_the_own_result_is_set_against_the_average():
    near = spoken(make_organisations(p_value=0.31), LINDE)
    assert "At Lindehof parenting stress fell by 5.0 points" in near
    assert "estimated 0.8 points more favourable" in near
    assert "probably between 2.6 points more favourable and 1.1 points less favourable" in near
    far = spoken(far_apart(), LINDE)
    assert far.startswith("The change in parenting stress in the first 12 months at Lindehof is demonstr")
    assert "demonstrably better than average: estimated 5.8 points more favourable" in far
    dutch = spoken(far_apart(), LINDE, "nl")
    assert "is bij Lindehof aantoonbaar beter dan gemiddeld" in dutch
    assert "naar schatting 5,8 punten gunstiger" in dutch


def test_more_of_a_good_thing_is_more_favourable():
    from dataclasses import replace

    from mpg_research.disclosure import InstrumentFacts

    good = {"obvl_k": InstrumentFacts("OBVL-K", "higher_is_better", subject="parenting_stress")}
    released = release(far_apart(), LINDE, policy=replace(made_policy(), instruments=good))
    text = " ".join(say(released, language="en").sentences)
    assert "demonstrably worse than average: estimated 5.8 points less favourable" in text
    ends = re.search(r"between ([\d.]+) points less favourable and ([\d.]+) points less favourable", text)
    assert float(ends.group(1)) < float(ends.group(2))


def test_an_interval_without_zero_is_explained_where_it_does_not_stand_after_correction():
    from dataclasses import replace

    changes = {key: (-9.0 if key == "linde" else -2.0) for key in SIZES}
    made = make_organisations(dict.fromkeys(SIZES, 200), changes, p_value=0.2)
    table = made.tables["difference_from_mean"]
    corrected = replace(table, data=table.data.assign(p_adjusted=0.2), columns=(*table.columns, P_ADJUSTED))
    text = spoken(replace(made, tables={**made.tables, "difference_from_mean": corrected}), LINDE)
    assert "at Lindehof is not demonstrably different from average" in text
    assert "among so many comparisons chance gives such intervals too" in text
    assert "such intervals too" not in spoken(make_organisations(p_value=0.31), LINDE)


def test_a_joint_difference_without_a_name_is_not_a_contradiction():
    alike = make_organisations(dict.fromkeys(SIZES, 40), dict.fromkeys(SIZES, -4.0), p_value=0.03)
    text = spoken(alike, FUNDER)
    assert "Which organisations those are cannot be said with enough certainty" in text


def test_with_too_few_others_the_own_measured_means_are_said():
    from tests.disclosure.test_own import compared, policy_for

    sizes = {"linde": 43, "eik": 74}
    released = release(compared(sizes), LINDE, policy=policy_for(sizes))
    text = " ".join(say(released, language="en").sentences)
    assert text.startswith("The comparison of organisations is not shown here.")
    assert "at Lindehof the measured mean score was 24.0 (start, about 40 families) and 22.3" in text
    assert "not about the same families" in text


def test_adjustment_is_claimed_only_where_it_was_made():
    for case_mix, words in (
        (["child_age"], ", adjusted for differences"),
        ([], ", not adjusted for differences"),
    ):
        provenance = Provenance("made", True, "5d" * 32, "0.1.0", {"case_mix": case_mix}, "obvl_k", "raw")
        result = make_organisations(provenance=provenance)
        text = spoken(result, LINDE)
        assert f"{words} between the families" in text
        assert ("What was not recorded" in text) == bool(case_mix)
        table = tabulate(release(result, LINDE, policy=made_policy()), "adjusted_change", language="en")
        assert ("Adjusted for what is known" in table.html) == bool(case_mix)


def test_a_single_organisation_is_named_whatever_the_joint_test_says():
    assert "Lindehof demonstrably better than average (5.8 points more favourable" in spoken(
        far_apart(), RESEARCHER
    )
    changes = {key: (-9.0 if key == "linde" else -2.0) for key in SIZES}
    one = make_organisations(dict.fromkeys(SIZES, 200), changes, p_value=0.2)
    text = spoken(one, RESEARCHER)
    assert text.startswith("All organisations taken together, the differences in how parenting stress")
    assert "easily overlooks a single organisation that differs" in text
    assert "Lindehof demonstrably better than average (5.8 points more favourable" in text
    assert "can be chance as well" in text
    assert "at Lindehof is demonstrably better than average" in spoken(one, LINDE)
    dutch = spoken(one, RESEARCHER, "nl")
    assert dutch.startswith("Alle organisaties samengenomen kunnen de verschillen")
    none = spoken(make_organisations(p_value=0.31), RESEARCHER)
    assert "Each of the 6 organisations by itself is not demonstrably different from average" in none


def test_a_withheld_comparison_is_said_to_be_withheld():
    few = make_organisations({"linde": 40, "eik": 70, "es": 33})
    for topic in (None, "withheld"):
        text = spoken(few, LINDE, "nl", topic)
        assert "naast elke organisatie minstens 3 andere staan" in text
    assert "parenting stress fell" not in spoken(few, LINDE)


def test_a_small_own_organisation_gets_an_honest_sentence():
    text = spoken(make_organisations({**SIZES, "linde": 6}), LINDE)
    assert "About Lindehof alone nothing can be said" in text
    assert "Synthetic" not in text  # the mark is not a sentence


# --- refusals, marks, notes ---------------------------------------------------------------------------


def stopped(maker):
    yield maker(converged=False)
    yield maker(notes=(Note("odd", "The likelihood went the wrong way.", {}, "stop"),))


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_failed_fit_is_never_shown_as_a_result(maker):
    for result in stopped(maker):
        table = next(iter(result.tables))
        figure = {"trajectory": "mean_course", "organisations": "adjusted_change"}.get(result.kind, "items")
        for part in ("sentences", f"table:{table}", f"figure:{figure}"):
            shown = show(result, part, audience=FUNDER, policy=made_policy(), language="en")
            assert not shown.shows_numbers
            assert shown.sentences[0].startswith("No numbers are shown")
            assert not re.search(r"\d", " ".join(shown.sentences))


def test_only_released_results_are_presented():
    for wrong in (make_trajectory(), None, {"tables": {}}):
        with pytest.raises(DisclosureError):
            say(wrong, language="en")
        with pytest.raises(DisclosureError):
            tabulate(wrong, "change", language="en")


def test_synthetic_studies_say_so_and_real_ones_do_not():
    for synthetic, mark in ((True, "Synthetische gegevens"), (False, None)):
        provenance = Provenance("made", synthetic, "5d" * 32, "0.1.0", {}, "obvl_k", "raw")
        released = release(make_trajectory(provenance=provenance), FUNDER, policy=made_policy())
        text = say(released, language="nl")
        assert (mark in text.html) if mark else ("ynthetisch" not in text.html)


def test_notes_are_said_in_the_language_and_unknown_ones_as_written():
    notes = (
        Note("baseline_window", "Measurements up to 30 days ...", {"days": 30}),
        Note("after_end", "3 measurements lie after the end.", {"n_measurements": 3}),
        Note("brand_new", "Something <b>new</b> happened.", {}),
    )
    released = release(make_trajectory(notes=notes), FUNDER, policy=made_policy())
    text = say(released, "notes", language="nl")
    assert text.sentences == (
        "Metingen tot 30 dagen voor de start van de hulp tellen als de start.",
        "<10 metingen liggen na het einde van de hulp: nameting, geen deel van het verloop.",
        "Something <b>new</b> happened.",
    )
    assert "<b>" not in text.html


def test_unknown_topics_and_parts_are_refused():
    released = release(make_trajectory(), FUNDER, policy=made_policy())
    with pytest.raises(ConfigError, match="topic"):
        say(released, "gossip", language="en")
    for part in ("pictures", "table:", "figure"):
        with pytest.raises(ConfigError):
            show(released, part, language="en")
    with pytest.raises(ConfigError, match="audience"):
        show(make_trajectory(), language="en")


def test_the_rule_that_leaves_organisations_out_is_told_in_full():
    from mpg_research.analysis.growth.model_frame import prepare_frame
    from tests.analysis.frames import course_of, simulated

    data = simulated(np.random.default_rng(3), sizes={"a": 12, "b": 12, "c": 1})
    notes = prepare_frame(course_of(data), by_organisation=True).notes
    text = spoken(make_organisations(notes=notes), FUNDER, "nl", "notes")
    assert "minder dan 2 gezinnen met 2 metingen" in text
    assert "1 van de organisaties" in text


def test_an_organisation_that_was_left_out_is_not_called_small():
    text = spoken(make_organisations({key: n for key, n in SIZES.items() if key != "linde"}), LINDE)
    assert "Lindehof is not part of the comparison" in text
    assert "too few families" not in text


def test_nothing_is_said_of_lines_that_are_withheld():
    note = Note("curves_end", "Lines end earlier.", {"n_organisations": 1, "needed": 10})
    shown = make_organisations(notes=(note,))
    few = {"linde": 40, "eik": 74}
    hidden = make_organisations(few, dict.fromkeys(few, -4.0), notes=(note,))
    assert "the line ends earlier" in spoken(shown)
    assert "the line ends earlier" not in spoken(hidden, names={key: key for key in few})


@pytest.mark.parametrize(("language", "signs"), [("nl", ".,"), ("en", ",.")])
def test_numbers_of_every_size_have_the_digits_that_python_gives_them(language: str, signs: str) -> None:
    """Also where they are beyond all reason: an odds ratio of a separated model, the smallest and largest."""
    rng = np.random.default_rng(5)
    drawn = rng.choice([-1, 1], 400) * 10 ** rng.uniform(-310, 308, 400)
    halves = np.array(
        [0.125, 0.375, 2.675, 1.005, 0.5, 1.5, 2.5, -0.05, -0.049, 999.95, 1e22, 5e-324, 1.79e308]
    )
    for value in (*drawn, *halves, *rng.normal(0, 300, 400)):
        for digits in range(5):
            plain = f"{abs(value):,.{digits}f}".translate(str.maketrans(",.", signs))
            minus = "−" if value < 0 and plain.strip("0.,") else ""
            assert format_number(float(value), language, digits=digits) == f"{minus}{plain}"


def test_no_dutch_sentence_has_the_article_of_the_word_for_whom_it_is_about() -> None:
    """A study can be about patients or clients: their article is the word's own ({family.het})."""
    hard = re.compile(r"\b(?:het|elk|ieder|dit|dat|welk|hetzelfde|geen enkel) \{family\.one\}", re.IGNORECASE)
    assert not [key for key, text in phrases_in("nl").entries.items() if hard.search(text)]


def test_an_english_article_stands_before_its_word() -> None:
    alone = re.compile(r"\{(\w+)\.[aA]\}(?! \{\1\.one\})")
    assert not [key for key, text in phrases_in("en").entries.items() if alone.search(text)]
