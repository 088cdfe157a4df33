"""What a notebook displays: only what came through the gate, marked so that publishing can tell."""

from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["MARK", "NOT_FITTED", "NotApplicable", "Shown"]

#: Key in an output's metadata that says it came through the gate. Publishing refuses outputs without it.
MARK = "mpg_research"
#: Code of what could not be computed since its model could not be fitted.
NOT_FITTED = "not_fitted"


@dataclass(frozen=True, slots=True)
class Shown:
    """Something presented, as a notebook displays it.

    Attributes
    ----------
    presented : object
        What :mod:`mpg_research.present` made of a released result.
    role : str
        For whom it was released.
    reference : str
        Id of the table or figure (:func:`mpg_research.reporting.session.reference.reference_of`).
    label : str
        The id with the word before it, as it stands on the page.
    exploratory : str
        That its analysis does not stand in the sealed plan; empty where it does, or nothing was sealed.
    """

    presented: Any
    role: str
    reference: str = ""
    label: str = ""
    exploratory: str = ""

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.presented._repr_mimebundle_(include, exclude)
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle)
        remark = f'<p class="exploratory">{escape(self.exploratory)}</p>\n' if self.exploratory else ""
        if self.reference:
            data["text/html"] = (
                f'<div class="shown" id="{self.reference}">\n{data["text/html"]}\n{remark}'
                f'<p class="reference"><small>{escape(self.label)}</small></p>\n</div>'
            )
        elif remark and "text/html" in data:
            html = data["text/html"].rstrip()
            data["text/html"] = f"{html.removesuffix('</div>').rstrip()}\n{remark}</div>"
        return data, {MARK: {"released_to": self.role}}

    def __str__(self) -> str:
        return str(self.presented)


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """Stands in place of a result where the question does not arise, or no model can be fitted.

    Attributes
    ----------
    code : str
        The reason, from :class:`mpg_research.errors.NotApplicableError`, or :data:`NOT_FITTED`.
    """

    code: str

    def text(self, language: str, policy: Any) -> Any:
        """The reason in words, in those of the study's policy."""
        from mpg_research.present import PresentedText
        from mpg_research.present.language.phrases import phrases_in

        phrases = phrases_in(
            language, groups=policy.public_groups, unit=policy.unit.get(language), time=policy.time_unit
        )
        sentence = phrases(f"not_applicable.{self.code}")
        return PresentedText(self.code, language, ((sentence,),), shows_numbers=False)
