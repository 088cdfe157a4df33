"""What the trial would be, and what stands for it here; where what the TARGET statement asks for is found."""

import pandas as pd

from mpg_research.analysis.columns import Column, coded
from mpg_research.analysis.interventions.emulation import Emulation
from mpg_research.analysis.interventions.protocol import TrialProtocol
from mpg_research.analysis.result import ResultTable

__all__ = ["ELEMENTS", "ITEMS", "checklist_table", "protocol_table"]

#: Elements of the protocol, in the order of the TARGET statement's items 6 and 7.
ELEMENTS = (
    "eligibility", "strategies", "assignment", "follow_up", "outcome", "contrast", "assumptions", "analysis",
)  # fmt: skip
#: The TARGET statement's items (Cashin et al. 2025, https://doi.org/10.1001/jama.2025.13350) by number, and
#: where what each asks for is found: a table, the page's text, or with the people of the study.
ITEMS = {
    "target_1a": "page", "target_1b": "page", "target_1c": "people", "target_2": "people",
    "target_3": "page", "target_4": "page", "target_5": "people", "target_6": "protocol",
    "target_7": "protocol", "target_8": "sample_flow", "target_9": "balance", "target_10": "verdicts",
    "target_11": "missing_data", "target_12": "differences", "target_13": "differences",
    "target_14": "doubts", "target_15": "page", "target_16": "page", "target_17": "people",
    "target_18": "people", "target_19": "people", "target_20": "people", "target_21": "people",
}  # fmt: skip
#: Tables that are empty where there is no answer.
_ONLY_ANSWERED = ("differences", "balance", "doubts")


def protocol_table(protocol: TrialProtocol, emulation: Emulation) -> ResultTable:
    """The protocol of the target trial beside its emulation: element, target_element, emulation.

    Parameters
    ----------
    protocol : TrialProtocol
    emulation : Emulation
        For the families it is about.
    """
    choice = {
        "eligibility": f"eligibility_{protocol.stagnation}",
        "strategies": f"strategies_{protocol.later}",
    }
    rows = [
        (element, f"target_{element}", f"emulation_{choice.get(element, element)}") for element in ELEMENTS
    ]
    data = pd.DataFrame(rows, columns=["element", "target_element", "emulation"])
    columns = (
        coded("element"),
        Column(name="target_element", meaning="label"),
        Column(name="emulation", meaning="label"),
    )
    return ResultTable("protocol", _about(data, emulation), columns=columns)


def checklist_table(emulation: Emulation) -> ResultTable:
    """The TARGET statement's items: asked, place.

    Parameters
    ----------
    emulation : Emulation
    """
    answered = any(answer.verdict.fine for answer in emulation.answers)
    rows = [
        (item, "no_answer" if place in _ONLY_ANSWERED and not answered else place)
        for item, place in ITEMS.items()
    ]
    data = pd.DataFrame(rows, columns=["asked", "place"])
    return ResultTable(
        "checklist", _about(data, emulation), columns=(coded("asked"), Column(name="place", meaning="label"))
    )


def _about(data: pd.DataFrame, emulation: Emulation) -> pd.DataFrame:
    waves = emulation.time.waves
    course = waves.loc[waves["eligible"], "course"].unique()
    return data.assign(
        n_families=len(set(emulation.data.family[course])),
        n_organisations=len(set(emulation.data.organisation[course])),
    )
