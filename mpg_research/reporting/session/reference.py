"""A short id for every table and figure of a page, which leads back to what is behind its numbers.

It follows from the notebook, the kind and the name of its file, so that it is the same in every language and
run, whatever the data. It stands below the table or figure on the page; ``mpg trace`` takes it.
"""

import hashlib

__all__ = ["reference_of"]

#: Digits and letters that are not taken for one another, without vowels, so that no id is a word.
_ALPHABET = "0123456789bcdfghjkmnpqrstvwxz"
_LENGTH = 5


def reference_of(notebook: str, kind: str, name: str) -> str:
    """The id of a table or figure.

    Parameters
    ----------
    notebook : str
        Name of the notebook whose page it stands on.
    kind : {"tables", "figures"}
        What it is.
    name : str
        Name of its file, without the ending.

    Returns
    -------
    str

    Examples
    --------
    >>> reference_of("report_funder", "tables", "adjusted_change")
    'T-0d1rg'
    """
    number = int.from_bytes(hashlib.sha256(f"{notebook}/{kind}/{name}".encode()).digest())
    letters = []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return f"{kind[0].upper()}-{''.join(letters)}"
