"""What a PDF or a Word document says, for the search for names: every text in it, shown or not."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

__all__ = ["packed_text"]

#: Bytes of a part of a document that are looked at.
_LONGEST = 50_000_000


def packed_text(content: bytes) -> str | None:
    """The texts of a PDF or a Word document.

    Parameters
    ----------
    content : bytes
        A file.

    Returns
    -------
    str or None
        None for a file of another kind.
    """
    if content.startswith(b"%PDF-"):
        return " ".join(_texts_of_pdf(content))
    if content.startswith(b"PK\x03\x04"):
        return " ".join(_texts_of_zip(content))
    return None


def _texts_of_zip(content: bytes) -> Iterator[str]:
    """The names and texts of all parts; those of a picture are its bytes, as of any picture."""
    from mpg_research.reporting.page.name_search import decoded

    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for part in parts.infolist():
            yield part.filename
            with parts.open(part) as stream:
                yield decoded(stream.read(_LONGEST))


def _texts_of_pdf(content: bytes) -> Iterator[str]:
    """What stands on the pages, and every text beside: descriptions, titles, what the file says of itself."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(content))
    for page in reader.pages:
        yield page.extract_text()
    for number in range(1, int(str(reader.trailer["/Size"]))):
        yield from _texts_in(reader.get_object(number))


def _texts_in(value: Any) -> Iterator[str]:
    """Texts in an object of a PDF, without those in what it refers to (which are looked at by themselves)."""
    from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, StreamObject, TextStringObject

    if isinstance(value, TextStringObject):
        yield str(value)
    elif isinstance(value, ByteStringObject):
        yield bytes(value).decode("utf-8", errors="replace")
    elif isinstance(value, DictionaryObject):
        for name in value:
            yield from _texts_in(value.raw_get(name))
        if isinstance(value, StreamObject) and value.get("/Subtype") == "/XML":
            yield value.get_data().decode("utf-8", errors="replace")
    elif isinstance(value, ArrayObject):
        for place in range(len(value)):
            yield from _texts_in(list.__getitem__(value, place))
