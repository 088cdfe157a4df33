"""The secret of this user: made on the first run, kept in the user's configuration and nowhere else.

The order and the letters of organisations without a name hang on it, and it salts the record of releases. It
is never written to a study, to reports, to a manifest or to the store of results.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path

from mpg_research.errors import ConfigError
from mpg_research.study.pseudonyms import key_from, new_key, refuse_other_readers
from mpg_research.writing import create_private

__all__ = ["SECRET_VARIABLE", "Secret", "keyed", "open_secret", "secret_file"]

#: Environment variable: another file than the one in the user's configuration folder.
SECRET_VARIABLE = "MPG_SECRET_FILE"
_NAME = "secret"


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret, or why there is none.

    Attributes
    ----------
    text : str
        64 hexadecimal digits; empty where there is none.
    problem : str
        Why it could not be read or made, in one sentence; empty where all is well, or none was asked for.
    """

    text: str = field(default="", repr=False)
    problem: str = ""

    @property
    def mark(self) -> str:
        """What tells two secrets apart and gives neither away; empty without one."""
        return keyed(self.text, "mark").hex()[:32] if self.text else ""


def keyed(secret: str, *parts: str | bytes) -> bytes:
    """A digest of something that nobody can repeat, or try guesses with, without the secret.

    Parameters
    ----------
    secret : str
        ``Secret.text``.
    *parts : str or bytes
        What it is of.

    Returns
    -------
    bytes
        32 of them.
    """
    digest = hmac.new(bytes.fromhex(secret), digestmod=hashlib.sha256)
    for part in parts:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.digest()


def secret_file() -> Path:
    """Where the secret of this user lies: ``MPG_SECRET_FILE``, else in the user's configuration folder.

    Returns
    -------
    Path
    """
    named = os.environ.get(SECRET_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_config_path("mpg_research", appauthor=False)) / _NAME


def open_secret(*, make: bool = False, reports: Path | None = None) -> Secret:
    """The secret of this user.

    Parameters
    ----------
    make : bool
        Whether it is made where there is none. Of several processes that try at once, one makes it, and all
        have the same.
    reports : Path, optional
        A folder of reports, in which it may not lie.

    Returns
    -------
    Secret

    Raises
    ------
    ConfigError
        If it lies in a study or among reports, others than its owner may read it, or it is no secret.
    """
    file = secret_file()
    _refuse_place(file, reports)
    try:
        if make and not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_private(file, new_key())
        text = file.read_text(encoding="ascii")
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        return Secret(problem=_about(file, error) if make else "")
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is no key; expected one line of 64 hexadecimal digits.") from None
    except OSError as error:
        return Secret(problem=_about(file, error))
    refuse_other_readers(file, mode)
    return Secret(key_from(text, str(file)).hex())


def _about(file: Path, error: OSError) -> str:
    return (
        f"The secret {file} cannot be read or made ({error.strerror or error}); {SECRET_VARIABLE} names "
        "another file. Until then the letters of organisations without a name change with the data."
    )


def _refuse_place(file: Path, reports: Path | None) -> None:
    """The secret lies where nobody gets it along with data or reports."""
    for folder in file.parents:
        if (folder / "study.toml").exists():
            raise ConfigError(
                f"The secret {file} lies in {folder}, which holds study.toml. Move it elsewhere, where who "
                f"gets the data cannot read it, and name it in {SECRET_VARIABLE}."
            )
    if reports is not None and file.resolve().is_relative_to(reports.resolve()):
        raise ConfigError(
            f"The secret {file} lies among the reports in {reports}, which are handed over. Move it "
            f"elsewhere, and name it in {SECRET_VARIABLE}."
        )
