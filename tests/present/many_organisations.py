"""A comparison of as many organisations as one likes, made up in the form of the analysis."""

from mpg_research.disclosure import DisclosurePolicy
from tests.disclosure.made_results import MadeResult
from tests.present.edge_organisations import organisations
from tests.present.edge_results import Draw, policy_with

SHARES = ("dropped_out", "measured", "reliably_improved", "reliably_worsened")


def many_organisations(number: int, seed: int = 0, **given: object) -> tuple[MadeResult, DisclosurePolicy]:
    """The result and the rules of a study of so many organisations, of which one is called Lindehof."""
    keys = ["linde", *(f"place_{place:03d}" for place in range(1, number))]
    sizes = {key: 40 + 7 * place % 30 for place, key in enumerate(keys)}
    names = {key: f"Huis {place}" for place, key in enumerate(keys)} | {"linde": "Lindehof"}
    shares = {f"{name}_{each}": value for each in SHARES for name, value in (("share", 0.4), ("n", 900))}
    known = {"gaps": False, "rank_known": True, "own": (-4.1, -5.0, -3.2), "wide": True, "statistic": 1.2,
             "df": 80.0, "joint_p": 0.2, "other": (-3.0, -4.0, -2.0), "case_mix": ["child_age"]}  # fmt: skip
    result = organisations(Draw(seed, **{**known, **shares, "sizes": sizes, **given}))
    return result, policy_with(names=names)
