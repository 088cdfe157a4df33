"""IPython in this very process, with outputs as a kernel gives them."""

import builtins
import getpass
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from ipykernel.jsonutil import encode_images, json_clean
from IPython.core import page
from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from mpg_research.reporting.warm.outputs import CellOutputs

__all__ = ["NotebookShell", "notebook_shell"]


class _Results(DisplayHook):  # type: ignore[misc]
    """The value of a cell's last line, as ``execute_result``."""

    def start_displayhook(self) -> None:
        self._data: Mapping[str, Any] = {}
        self._metadata: Mapping[str, Any] = {}
        self.is_formatting = True

    def write_output_prompt(self) -> None:
        """Notebooks number their outputs by themselves."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self._data = json_clean(encode_images(format_dict))
        self._metadata = md_dict or {}

    def finish_displayhook(self) -> None:
        if self._data:
            self.shell.outputs.display(
                "execute_result", self._data, self._metadata, execution_count=self.prompt_count
            )
        self.is_formatting = False


class _Displays(DisplayPublisher):  # type: ignore[misc]
    """What is displayed, as ``display_data``."""

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        *,
        transient: Any = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        metadata = metadata or {}
        self._validate_data(data, metadata)
        clean = json_clean({"data": encode_images(data), "metadata": metadata})
        display_id = (transient or {}).get("display_id")
        outputs: CellOutputs = self.shell.outputs
        if update:
            outputs.update(display_id, clean["data"], clean["metadata"])
        else:
            outputs.display("display_data", clean["data"], clean["metadata"], display_id=display_id)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear(wait=wait)


class NotebookShell(InteractiveShell):  # type: ignore[misc]
    """A shell that runs the cells of one notebook.

    Made by :func:`notebook_shell`, which gives it the outputs.
    """

    outputs: CellOutputs

    def init_hooks(self) -> None:
        """What would go to a pager goes nowhere, as in a notebook that nobody looks at."""
        super().init_hooks()
        self.set_hook("show_in_pager", page.as_hook(lambda *_, **__: None), 99)

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window to open."""
        if gui is not None:
            raise UsageError(f"Invalid GUI request {gui!r}: a report opens no windows.")

    def ask_exit(self) -> None:
        """``exit`` and ``quit`` end a cell as ``sys.exit()`` does; what follows is then not run."""
        raise SystemExit

    def run(self, source: str) -> bool:
        """Run a cell.

        Parameters
        ----------
        source : str
            Its code.

        Returns
        -------
        bool
            Whether it came to its end without an error.
        """
        self.displayhook.is_formatting = False
        self._failed_to_display = False
        result = self.run_cell(source, store_history=True)
        return bool(result.success) and not self._failed_to_display

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self._failed_to_display = bool(getattr(self.displayhook, "is_formatting", False))
        self.outputs.error(str(etype.__name__), str(evalue), json_clean(stb))


@contextmanager
def notebook_shell(outputs: CellOutputs) -> Iterator[NotebookShell]:
    """A fresh shell that is the IPython of this process; afterwards there is none.

    Parameters
    ----------
    outputs : CellOutputs
        Where its outputs go.

    Yields
    ------
    NotebookShell
    """
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    main = sys.modules["__main__"]
    hook, excepthook = sys.displayhook, sys.excepthook
    kept = {name: getattr(builtins, name, None) for name in ("_", "display", "get_ipython", "exit", "quit")}
    InteractiveShell.clear_instance()
    NotebookShell.clear_instance()
    shell = NotebookShell.instance(
        config=config, displayhook_class=_Results, display_pub_class=_Displays, user_module=None
    )
    shell.outputs = outputs
    shell.exiter = ExitAutocall(shell)
    before = builtins.input, getpass.getpass
    builtins.input, getpass.getpass = partial(_no_input, "raw_input"), partial(_no_input, "getpass")
    try:
        yield shell
    finally:
        builtins.input, getpass.getpass = before
        shell.reset(new_session=False)
        NotebookShell.clear_instance()
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
        sys.displayhook, sys.excepthook = hook, excepthook
        for name, value in kept.items():
            if value is None:
                vars(builtins).pop(name, None)
            else:
                setattr(builtins, name, value)


def _no_input(name: str, *_: Any, **__: Any) -> str:
    raise StdinNotImplementedError(f"{name} was called, but this frontend does not support input requests.")
