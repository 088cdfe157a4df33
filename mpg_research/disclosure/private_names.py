"""Names of files that are not for release. Nothing heavy is imported here: an overview needs no tables."""

__all__ = ["NOT_FOR_RELEASE", "marked_name"]

#: In the name of every file that stays with the researcher, and of the folder they lie in.
NOT_FOR_RELEASE = "not-for-release"


def marked_name(name: str, *, private: bool) -> str:
    """The name of a file without its ending, which says so where the file is not for release.

    Parameters
    ----------
    name : str
        What it is called otherwise.
    private : bool
        Whether it stays with the researcher.

    Returns
    -------
    str

    Examples
    --------
    >>> marked_name("change", private=True)
    'change.not-for-release'
    """
    return f"{name}.{NOT_FOR_RELEASE}" if private else name
