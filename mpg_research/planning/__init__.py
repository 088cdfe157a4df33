"""Before the study: how many families, how sure, and how often wrong, by simulating what is planned.

A plan goes in, tables of power, margins and wrong flags come out: ``plan_study(plan)``. Nothing here knows of
real families; what ``--from STUDY`` takes from a study passes the gate first.
"""

from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.planning.inputs import Inputs as Inputs
    from mpg_research.planning.plan_file import read_plan as read_plan
    from mpg_research.planning.simulated import Plan as Plan
    from mpg_research.planning.simulated import StudyPlan as StudyPlan
    from mpg_research.planning.simulated import plan_study as plan_study

__getattr__, __dir__, __all__ = public_names(__name__)
