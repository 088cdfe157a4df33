"""The rules of a study without the rounding: for tests of words about numbers that are known exactly."""

from dataclasses import replace

from mpg_research.disclosure import DisclosurePolicy, policy_of


def exact_policy(study, *, minimum_families: int | None = None) -> DisclosurePolicy:
    """``minimum_families`` where the numbers are of few: their shares are hidden without rounding too."""
    policy = replace(policy_of(study), rounding=0)
    return policy if minimum_families is None else replace(policy, minimum_families=minimum_families)
