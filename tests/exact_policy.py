"""The rules of a study without the rounding: for tests of words about numbers that are known exactly."""

from dataclasses import replace

from mpg_research.disclosure import DisclosurePolicy, policy_of


def exact_policy(study) -> DisclosurePolicy:
    return replace(policy_of(study), rounding=0)
