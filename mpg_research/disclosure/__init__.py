"""The gate: decides what of a result may be shown, and to whom.

``release(result, audience, policy=policy_of(study))`` is the only way to a :class:`Released` result, and
``present`` shows nothing else. The rules, and what they do not promise, are described in
:mod:`mpg_research.disclosure.gate`.
"""

from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.disclosure.audience import Audience as Audience
    from mpg_research.disclosure.audience import DisclosurePolicy as DisclosurePolicy
    from mpg_research.disclosure.audience import InstrumentFacts as InstrumentFacts
    from mpg_research.disclosure.audience import policy_of as policy_of
    from mpg_research.disclosure.gate import release as release
    from mpg_research.disclosure.paths import assert_aggregate as assert_aggregate
    from mpg_research.disclosure.released import Released as Released
    from mpg_research.disclosure.released import ReleasedTable as ReleasedTable
    from mpg_research.disclosure.released import Withheld as Withheld

__getattr__, __dir__, __all__ = public_names(__name__)
