"""The files of a study stand still while its pages are made, or the run stops.

A page must be made from the files that its record names. Whether they were touched is looked at before
every page is published (size, time and number of each file; where one of these changed, its content), and
at the end of the run the content of all of them.
"""

from mpg_research.errors import DataError
from mpg_research.reporting.store.inputs import Inputs, hash_files, input_files, read_inputs, signature
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["StillFiles"]


class StillFiles:
    """The files of a study as they were when a run began.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Attributes
    ----------
    inputs : Inputs
        Their hashes, and what else pages are made of.

    Raises
    ------
    DataError
        If a file that the study names is not there.
    """

    def __init__(self, config: StudyConfig) -> None:
        self._config = config
        self._files = input_files(config)
        self._seen = signature(self._files)  # before they are read: what changes meanwhile is seen
        self.inputs: Inputs = read_inputs(config)

    def refuse_touched(self) -> None:
        """Stop where a file was touched, and what is in it changed.

        Raises
        ------
        DataError
            With the names of the files.
        """
        now = signature(self._files)
        if now != self._seen:
            self.refuse_changed()
            self._seen = now

    def refuse_changed(self) -> None:
        """Stop where what is in a file changed, however it was touched.

        Raises
        ------
        DataError
            With the names of the files.
        """
        try:
            data, settings = hash_files(self._config)
        except DataError as error:
            raise DataError(f"{_STOPPED} {error}") from None
        before = {**self.inputs.data, **self.inputs.settings}
        after = {**data, **settings}
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        if changed:
            raise DataError(
                f"{_STOPPED} Changed: {', '.join(changed)}. Run again when nobody writes to the study's "
                "folder."
            )


_STOPPED = (
    "The study's files were changed while the run was going on, so it was stopped: pages would not be made "
    "from the files that their record names. What was being made is not published."
)
