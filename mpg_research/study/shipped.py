"""Where the example study and the notebooks lie: in a clone, or inside an installed wheel."""

from pathlib import Path

from mpg_research.errors import ConfigError

__all__ = ["shipped_example", "shipped_notebooks"]

PACKAGE = Path(__file__).resolve().parents[1]


def shipped_example() -> Path:
    """Folder of the synthetic example study.

    Returns
    -------
    Path
        ``data/example`` of the clone, or the copy inside the installed package.

    Raises
    ------
    ConfigError
        If neither exists.
    """
    return _first_folder(
        PACKAGE.parent / "data" / "example", PACKAGE / "_shipped" / "example", "study.toml", "example study"
    )


def shipped_notebooks() -> Path:
    """Folder of the notebooks, in the clone or inside the installed package.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        If neither exists.
    """
    return _first_folder(
        PACKAGE.parent / "notebooks", PACKAGE / "_shipped" / "notebooks", "01_data_quality.ipynb", "notebooks"
    )


def _first_folder(clone: Path, wheel: Path, landmark: str, name: str) -> Path:
    for folder in (clone, wheel):
        if (folder / landmark).is_file():
            return folder
    raise ConfigError(
        f"The {name} cannot be found: {landmark} is neither in {clone} nor in {wheel}. "
        "Install the package again, or name a study folder of your own."
    )
