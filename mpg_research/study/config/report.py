"""The section [report] of study.toml: how the reports are published."""

from mpg_research.study.config.formats import Format
from mpg_research.study.config.sections import Section

__all__ = ["ReportConfig"]


class ReportConfig(Section):
    """[report]: how the reports are published.

    Attributes
    ----------
    formats : tuple of {"html", "pdf", "docx"}
        The web page is always made, and what else is asked for from it: every page as PDF; the funder's and
        the organisations' pages as Word, and of every page its tables as Word.
    """

    formats: tuple[Format, ...] = ("html",)
