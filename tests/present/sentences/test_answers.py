"""The words of the pages and the numerics agree on which answers say which way a course goes."""

from mpg_research.present.sentences import families
from mpg_research.statistics.courses import course_answer


def test_better_and_worse_are_the_same_answers_everywhere() -> None:
    assert families.BETTER == course_answer.BETTER
    assert families.WORSE == course_answer.WORSE
    assert set(course_answer.ANSWERS) - {*families.BETTER, *families.WORSE} == {
        "stagnating",
        "not_enough_information",
    }
