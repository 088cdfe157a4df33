"""A page as PDF: A4, tagged (PDF/UA-1), page numbers, fonts within it; made by Typst.

Typst rather than WeasyPrint: it needs no library of the operating system, brings the same letters on every
machine, refuses to call a file accessible that is not, and is several times as fast.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mpg_research.errors import ReportError
from mpg_research.reporting.documents.blocks import Document
from mpg_research.reporting.documents.typst_source import typst_source

__all__ = ["make_pdf"]


def make_pdf(document: Document) -> bytes:
    """A page as PDF; the same bytes from the same page, without dates in it.

    Parameters
    ----------
    document : Document
        From :func:`mpg_research.reporting.documents.read_page.read_page`.

    Returns
    -------
    bytes

    Raises
    ------
    ReportError
        If it cannot be made.
    """
    import typst

    source = typst_source(document).encode()
    options: dict[str, Any] = {"format": "pdf", "font_paths": [str(_fonts())]}
    # A name in a script that these letters lack: those of the machine, if it has them; else without the
    # promise that every sign can be read aloud.
    tries = (
        {"ignore_system_fonts": True, "pdf_standards": "ua-1"},
        {"ignore_system_fonts": False, "pdf_standards": "ua-1"},
        {"ignore_system_fonts": True},
    )
    error: Exception | None = None
    for more in tries:
        try:
            return bytes(typst.compile(source, **options, **more))
        except typst.TypstError as failed:
            error = error or failed
    raise ReportError(f"The PDF of this page could not be made: {str(error).splitlines()[0][:300]}")


def _fonts() -> Path:
    """The folder of the letters that come with matplotlib, which is not imported for it."""
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
