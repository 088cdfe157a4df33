"""What pages say of studies that are not like the example: nothing beyond their months, in their own unit."""

import re

import pytest

from mpg_research.analysis import (
    compare_organisations,
    describe_missing,
    describe_quality,
    fit_trajectory,
)
from mpg_research.analysis.growth.question import reach_of_course
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.present import PresentedTable, draw, say, tabulate
from mpg_research.present.registry import figures
from mpg_research.present.sentences.say import topics
from mpg_research.study.scoring.course_frame import course_frame
from tests.analysis.odd_studies import PLANS, odd_study

#: Each in one language, so that the test stays short; the sentences of both are the same (test_words).
SHORT = (("five_weeks_stray", "nl"), ("weekly", "en"), ("near_the_floor", "nl"), ("small_and_large", "en"))
ANALYSES = (fit_trajectory, compare_organisations, describe_missing, describe_quality)
#: "month 12", "12 months", "maand 12", "in the first 12 weeks".
MOMENT = re.compile(
    r"(?:month|maand|week|wave|meting)[ \xa0](\d+(?:[.,]\d)?)"
    r"|(\d+(?:[.,]\d)?)[ \xa0](?:months|maanden|weeks|weken|waves)"
)
MONTH = re.compile(r"\b(?:months?|maand(?:en)?)\b", re.IGNORECASE)
#: Notes that say which month was asked for, and what simulations found at month 12.
ASKED = re.compile(r"[^.]*(?:was asked for|Gevraagd was|in simulations|in simulaties)[^.]*(?:\d\.\d[^.]*)*\.")


def pages_of(study, language):
    """All sentences, tables and figures' texts of the analyses, for the one inside and one outside."""
    policy = policy_of(study)
    for analysis in ANALYSES:
        result = analysis(study)
        for audience in (Audience("researcher"), Audience("organisation", study.organisations[0])):
            released = release(result, audience, policy=policy)
            parts = [
                " ".join(say(released, topic, language=language).sentences) for topic in (None, *topics())
            ]
            for name in released.tables:
                shown = tabulate(released, name, language=language)
                parts.append(shown.text if isinstance(shown, PresentedTable) else str(shown))
            for name, figure in figures().items():
                if not set(figure.shows) & set(released.tables):
                    continue
                drawn = draw(released, name, language=language)
                parts += [getattr(drawn, "alt", ""), getattr(drawn, "caption", "")]
            yield analysis.__name__, str(audience), "\n".join(parts)


@pytest.mark.parametrize(("name", "language"), SHORT)
def test_no_page_speaks_of_a_moment_beyond_the_data(tmp_path, name, language):
    study = odd_study(tmp_path, PLANS[name])
    reach = reach_of_course(study, course_frame(study))
    said = 0
    for analysis, reader, text in pages_of(study, language):
        if analysis == "describe_quality":
            continue  # it counts what there is, the stray row too
        for found in MOMENT.finditer(ASKED.sub(" ", text)):
            moment = float((found[1] or found[2]).replace(",", "."))
            assert moment <= reach.last + 0.5, (analysis, reader, found[0])
            said += 1
    assert said > 5


@pytest.mark.parametrize("language", ["nl", "en"])
def test_weeks_are_called_weeks(tmp_path, language):
    study = odd_study(tmp_path, PLANS["weekly"])
    week = "week" if language == "en" else "weken"
    for analysis, reader, text in pages_of(study, language):
        text = ASKED.sub(" ", text)
        at = MONTH.search(text)
        assert at is None, (analysis, reader, text[max(0, at.start() - 80) : at.end() + 40])
        if analysis == "fit_trajectory" and "researcher" in reader:
            assert week in text
