"""What is said beside the results themselves: figures, remarks, profiles, and why something is not shown."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from itertools import islice

from mpg_research.analysis.family_profile import FamilyProfile
from mpg_research.disclosure import Audience, Released, release
from mpg_research.disclosure import released as sealed
from mpg_research.disclosure.released import Withheld
from mpg_research.errors import NotApplicableError, Note
from mpg_research.present import registry, say, tabulate
from mpg_research.present.figures import draw
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.language.voice import refuse, voice_of
from mpg_research.present.profile import READERS, present_profile
from mpg_research.reporting.session.shown import NotApplicable
from tests.disclosure.made_results import result_of
from tests.present.edge_first_page import pictures
from tests.present.edge_kinds import MAKERS
from tests.present.edge_organisations import NUMBERS
from tests.present.edge_results import (
    FUNDER,
    LINDE,
    RESEARCHER,
    Draw,
    policy_with,
    pooled,
    provenance,
)
from tests.present.edge_signals import noted, profile
from tests.present.many_organisations import many_organisations

#: Reasons that a table is withheld for, as the gate gives them.
REASONS = (
    "family_level", "too_few_organisations", "too_few_other_organisations", "pooled_with_too_few",
    "names_in_text", "gives_away_a_small_group", "few_degrees_of_freedom", "all_suppressed",
    "dominated", "not_in_earlier_release",
)  # fmt: skip
#: Tables of which the catalogue says why a study may not have them, and one of which it does not.
ABSENT = (
    "nowhere",
    *(key.removeprefix("absent.") for key in phrases_in("en").entries if key.startswith("absent.")),
)
SIGNALS = ("off_track", "may_stand_still", "on_track", "cannot_tell", "intake")
#: The answers that a profile can give.
ANSWERS = (
    "improving", "improving_less_than_delta", "stagnating", "deteriorating_less_than_delta", "deteriorating",
    "not_enough_information",
)  # fmt: skip
#: Why a question does not arise, as the catalogue says it.
NOT_APPLICABLE = tuple(
    key.removeprefix("not_applicable.")
    for key in phrases_in("en").entries
    if key.startswith("not_applicable.")
)
PLAIN = {
    "absent": [],
    **{
        f"share_satisfaction_bands_{band}": 0.25
        for band in ("low_mark", "middle_mark", "high_mark", "not_recorded")
    },
    "response": (0.7, 0.3, 0.5),
    "gaps": False,
    "rank_known": True,
    "sizes": NUMBERS,
    "own": (-4.1, -5.0, -3.2),
}


def figures(seed: int, language: str, *, every: int = 1, start: int = 0) -> Iterator[str]:
    """Titles, captions and descriptions of figures, all or each second one; nothing is exported."""
    for kind, maker in MAKERS.items():
        shares = {f"{name}_{each}": value for each in ("dropped_out", "measured", "reliably_improved",
                  "reliably_worsened") for name, value in (("share", 0.4), ("n", 247))}  # fmt: skip
        known = {"change": (-4.1, -5.0, -3.2), "n": 247, "start": 24.3, "wide": True, **PLAIN, **shares}
        result = maker(Draw(seed, **known))
        for audience in (RESEARCHER, LINDE) if kind == "organisations" else (FUNDER,):
            released = release(result, audience, policy=policy_with(public_groups=kind == "organisations"))
            for figure in islice(registry.figures().values(), start, None, every):
                if not any(released.tables.get(each) is not None for each in figure.shows):
                    continue
                drawn = figure.draw(voice_of(released, language))
                if drawn is not None:
                    yield from (drawn.title, drawn.caption, drawn.alt)
    yield from _own_figures(seed, language)
    yield from _own_figures_with_gaps(seed, language)
    yield from _figures_of_many(seed, language)
    for dot, n_dot in ((5.0, 247), (5.0, 84), (-5.0, 84)):
        given = {"change": (-4.1, -5.0, -3.2), "n": 247, "start": 24.3, "dot": dot, "n_dot": n_dot}
        released = released_of(MAKERS["trajectory"](Draw(seed, **given)))
        for name in ("mean_course", "course_in_short"):
            yield str(draw(released, name, language=language))
    yield from pictures(language)
    yield from _side_by_side(language)


def _side_by_side(language: str) -> Iterator[str]:
    """Tables with a column for each organisation."""
    sizes = {"linde": 60, "eik": 74, "wilg": 66}
    for seed in range(3):
        result = MAKERS["intake"](Draw(seed, sizes=sizes))
        released = release(result, RESEARCHER, policy=policy_with(public_groups=True))
        for name in registry.kinds()["intake"].beside_organisations:
            if released.tables.get(name) is not None:
                yield tabulate(released, name, language=language).html.partition("table-note")[2]


def _figures_of_many(seed: int, language: str) -> Iterator[str]:
    """Figures of more organisations than have a row each, for one of them and for the researcher."""
    some, policy = many_organisations(16, seed)
    ranked, _ = many_organisations(16, seed, rankability=74.6)
    for result, audience in ((some, LINDE), (some, RESEARCHER), (ranked, LINDE), (ranked, RESEARCHER)):
        released = release(result, audience, policy=policy)
        for figure in registry.kinds()["organisations"].figures:
            drawn = figure.draw(voice_of(released, language))
            if drawn is not None:
                yield from (drawn.title, drawn.caption, drawn.alt)


def _own_figures(seed: int, language: str) -> Iterator[str]:
    """Figures of an organisation that sees nobody beside it."""
    sizes = {"linde": 60, "eik": 74}
    names = {key: key.capitalize() for key in sizes}
    shares = {"share_measured": 0.4, "n_measured": 247, "share_dropped_out": 0.3, "n_dropped_out": 247}
    result = MAKERS["organisations"](Draw(seed, **{**PLAIN, "sizes": sizes, **shares}))
    voice = voice_of(release(result, LINDE, policy=policy_with(names=names)), language)
    for name in ("observed_course", "share_indicators", "own_tiles", "own_course"):
        drawn = registry.figures()[name].draw(voice)
        assert drawn is not None
        yield from (drawn.title, drawn.caption, drawn.alt)


def _own_figures_with_gaps(seed: int, language: str) -> Iterator[str]:
    """The own course, where at some month too few were measured."""
    result = MAKERS["organisations"](Draw(seed, **{**PLAIN, "measured_at": (0, 3, 12)}))
    drawn = draw(released_of(result, LINDE, public_groups=True), "own_course", language=language)
    yield str(drawn)


def family_profiles() -> Iterator[FamilyProfile]:
    """One for each answer and each standing."""
    ends = (
        ("improved", "better"),
        ("unchanged", "within"),
        ("deteriorated", "worse"),
        ("not_computable", ""),
    )
    for place, answer in enumerate((*ANSWERS, "stagnating")):
        category, standing = ends[place % len(ends)]
        given = {"answer_first_parent": answer, "category": category, "standing": standing}
        at_limit = "best" if place == len(ANSWERS) else ""
        two = {"respondents": 2, "answer_second_parent": "improving"} if "deteriorating" in answer else {}
        told = {
            f"signal_{one}": SIGNALS[(place + n) % 5]
            for n, one in enumerate(("first_parent", "second_parent"))
        }
        told |= {"chance": (0.61, math.nan)[place == 3], "waves": (4, 1)[place == 5], "moments": place != 4}
        told |= {"moved": ("better", "same", "worse")[place % 3], "earlier_end": (-3.0, math.nan)[place % 2]}
        told |= {"signal_now": "off_track", "signal_before": ("off_track", "on_track")[place % 2]}
        yield profile(Draw(place, **given, at_limit=at_limit, direction=bool(place % 2), **two, **told))


def profiles(language: str) -> Iterator[str]:
    """The pages of one family without their markup and pictures."""
    for one in family_profiles():
        for reader in READERS:
            knows = {"network_meeting": phrases_in(language)("talk.happened_none")}
            html = present_profile(one, language=language, reader=reader, study_knows=knows).html
            alt = re.findall(r'aria-label="([^"]*)"', html)
            text = re.sub(r"<(style|svg|table).*?</\1>", " ", html, flags=re.DOTALL)
            yield from map(unescape, (*alt, re.sub(r"<[^>]+>", "\n", text)))


def remarks(seed: int, language: str) -> Iterator[str]:
    """Every note of the catalogue."""
    for outcome in ("raw", "t_score"):
        result = noted(Draw(seed, outcome=outcome))
        yield from say(released_of(result), "notes", language=language).sentences


def released_of(result: object, audience: Audience = RESEARCHER, **rules: object) -> Released:
    return release(result, audience, policy=policy_with(**rules))  # type: ignore[arg-type]


def refusals(language: str) -> Iterator[str]:
    """Why a result, a table, a figure or a question is not shown."""
    trajectory = MAKERS["trajectory"]
    stop = (Note("odd", "The likelihood went the wrong way.", {}, "stop"),)
    for given in ({"converged": False}, {"notes": stop}):
        refused = refuse(voice_of(released_of(trajectory(Draw(0, n=247, **given))), language), "trajectory")
        assert refused is not None
        yield from refused.sentences
    comparison = released_of(MAKERS["organisations"](Draw(0, **PLAIN)))
    reasons = [Withheld("pairwise", code, {"minimum": 10}) for code in REASONS]
    for reason in reasons:
        withheld = replace(comparison, withheld=(reason,), tables=dict(comparison.tables), seal=sealed._SEAL)
        yield from say(withheld, "withheld", language=language).sentences
        yield from tabulate(withheld, "pairwise", language=language).sentences  # type: ignore[union-attr]
    bare = released_of(trajectory(Draw(0, n=247)))
    for name in ABSENT:
        yield from tabulate(bare, name, language=language).sentences  # type: ignore[union-attr]
    yield from say(released_of(result_of("trajectory")), language=language).sentences
    quality = released_of(MAKERS["data_quality"](Draw(0, problems=[])))
    yield str(tabulate(quality, "problems", language=language))
    few = MAKERS["organisations"](Draw(0, **{**PLAIN, "rank_known": False}))
    yield str(draw(released_of(few), "rank_sets", language=language))
    for code in NOT_APPLICABLE:
        error = NotApplicableError("It does not arise.", code=code)
        yield from NotApplicable(error.code).text(language, policy_with()).sentences


def footnotes(language: str) -> Iterator[str]:
    """Tables with every kind of note below them."""
    for case_mix, direction in (([], "higher_is_worse"), (["child_age"], "higher_is_better")):
        result = MAKERS["organisations"](Draw(1, **{**PLAIN, "case_mix": case_mix}))
        for audience in (RESEARCHER, FUNDER):
            released = release(result, audience, policy=policy_with(direction))
            for name in ("adjusted_change", "share_indicators", "observed_course"):
                yield str(tabulate(released, name, language=language))
    for kind, name, given in (
        ("trajectory", "change", {"n": 247}),
        ("individual_change", "shares", {"split": (3, 240, 4)}),
        ("data_quality", "problems", {"families": 250, "problems": [("after_end", 38), ("before_start", 3)]}),
        ("data_quality", "measurements_by_month", {"families": 250, "counts": (240, 200, 4)}),
        ("data_quality", "item_completeness", {"families": 250, "item_1": 0.999}),
        ("measurement", "reliability", {"n": 14, "items": True}),
    ):
        for audience in (RESEARCHER, FUNDER):
            released = released_of(MAKERS[kind](Draw(0, **given)), audience)
            yield str(tabulate(released, name, language=language))
    months = [
        {"months": month, "mean": 24.0, "sd": 5.0, "n_measurements": n, "n_families": 12}
        for month, n in ((0.0, 12), (3.0, 8))
    ]
    few = result_of("trajectory", pooled("observed_course", months, "months"), provenance=provenance())
    for audience in (RESEARCHER, FUNDER):
        yield str(tabulate(released_of(few, audience), "observed_course", language=language))
