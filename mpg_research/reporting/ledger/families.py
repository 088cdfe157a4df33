"""The families of a study as salted marks: two releases can be compared by them, nobody can be found by them.

A family has two marks: of its id, and of all that stands about it in the tables of the study. Both are HMACs
with the secret of this user and the name of the project, so that a mark says nothing without the secret and
the same family has another one in another project.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpg_research.reporting.files import json_bytes
from mpg_research.reporting.ledger.secret import keyed
from mpg_research.study.pseudonyms import pseudonyms_with

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mpg_research.study.model import Study

__all__ = ["Families", "families_of", "is_too_close", "read_families"]


@dataclass(frozen=True, slots=True)
class Families:
    """The families that a study had.

    Attributes
    ----------
    marks : mapping of str to str
        By the mark of its id: the mark of all that stood about a family.
    """

    marks: Mapping[str, str]

    def content(self) -> bytes:
        """As it is written down."""
        return json_bytes(dict(self.marks))

    def name(self, secret: str) -> str:
        """Under which it is written down; equal sets have the same.

        Parameters
        ----------
        secret : str
            The secret of this user.

        Returns
        -------
        str
            32 hexadecimal digits.
        """
        return keyed(secret, "families", self.content()).hex()[:32]


def read_families(content: bytes) -> Families:
    """What :meth:`Families.content` wrote.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    Families

    Raises
    ------
    ValueError
        If it is something else.
    """
    marks = json.loads(content)
    if not isinstance(marks, dict):
        raise ValueError("expected an object")
    return Families(marks)


def families_of(study: "Study", secret: str) -> Families:
    """The families of a study.

    Parameters
    ----------
    study : Study
        As its files have it.
    secret : str
        The secret of this user.

    Returns
    -------
    Families
    """
    sums: dict[str, int] = {}
    for name, table in study.tables.items():
        if "family" in table.columns:
            for family, number in _sums(name, table).items():
                sums[family] = (sums.get(family, 0) + number) % 2**64
    key, purpose = bytes.fromhex(secret), f"releases of {study.name}"
    ids = pseudonyms_with(key, sums, purpose=purpose)
    about = pseudonyms_with(
        key, (f"{family}\0{number}" for family, number in sums.items()), purpose=f"data in {purpose}"
    )
    return Families(dict(sorted(zip(ids, about, strict=True))))


def is_too_close(before: Families, now: Families, minimum: int) -> bool:
    """Whether what was released before and what would be now differ in families, but in too few.

    Too few have come or left, or nobody has and too few have other data: subtracting one release from the
    other would tell about them.

    Parameters
    ----------
    before, now : Families
        Those of the earlier release and of the study as it is.
    minimum : int
        Fewest families that a number may be about.

    Returns
    -------
    bool
    """
    moved = len(before.marks.keys() ^ now.marks.keys())
    if moved:
        return moved < minimum
    changed = sum(mark != now.marks[family] for family, mark in before.marks.items())
    return 0 < changed < minimum


def _sums(name: str, table: "pd.DataFrame") -> dict[str, int]:
    """One number per family over its rows: the same for the same values, in whatever order they stand.

    What is missing does not count, so that a column that only some families have changes nobody else's.
    """
    import numpy as np
    import pandas as pd

    rows = np.zeros(len(table), dtype=np.uint64)
    for column in table.columns:
        if column != "family":
            rows += (
                _mixed(_hashes(table[column]) ^ _salt(f"{name}.{column}")) * table[column].notna().to_numpy()
            )
    rows = _mixed(rows ^ _salt(name))
    codes, families = pd.factorize(table["family"].astype(str))
    totals = np.zeros(len(families), dtype=np.uint64)
    np.add.at(totals, codes, rows)
    return dict(zip(map(str, families), map(int, totals), strict=True))


def _hashes(values: "pd.Series") -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """A number per value; the same for equal values, whatever kind their column has become."""
    import numpy as np
    import pandas as pd
    from pandas.api import types

    if types.is_bool_dtype(values.dtype) or types.is_numeric_dtype(values.dtype):
        plain = values.to_numpy(dtype=float, na_value=np.nan) + 0.0
    elif types.is_datetime64_any_dtype(values.dtype):
        plain = values.to_numpy(dtype="datetime64[s]").astype(np.int64)
    else:
        plain = values.astype(str).to_numpy(dtype=object)
    return pd.util.hash_array(plain)


def _salt(text: str) -> "np.uint64":
    import numpy as np

    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


def _mixed(
    values: "np.ndarray[tuple[int], np.dtype[np.uint64]]",
) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Numbers of which sums tell apart what went in (the finaliser of SplitMix64)."""
    import numpy as np

    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
