"""Notebooks in a kernel of their own, as JupyterLab runs them: what the engine is compared with."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpg_research.reporting.notebooks import FOLDER
from mpg_research.reporting.store.fonts import bring_fonts
from mpg_research.reporting.warm.environment import process_environment

#: A Unix socket's path may be about 104 bytes long (macOS); kernels add "-ipc-5" to the file's name.
_LONGEST_SOCKET = 90


def run_in_kernel(source: Path, *, parameters: Mapping[str, Any], output: Path) -> Any:
    """Execute a notebook with papermill and ipykernel, and return it; a failing cell raises."""
    import papermill

    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mpg-", ignore_cleanup_errors=True) as folder:
        return papermill.execute_notebook(
            source,
            output,
            parameters=dict(parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            kernel_manager_class=_manager(Path(folder), source.absolute().parent),
        )


def _manager(folder: Path, notebooks: Path) -> type:
    """A manager of kernels that run this Python and keep their files and sockets in a folder."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import Unicode

    connection = folder / "kernel.json"
    sockets = os.name == "posix" and len(str(connection).encode()) <= _LONGEST_SOCKET

    class PrivateKernelManager(AsyncKernelManager):
        connection_file = Unicode(str(connection))
        transport = Unicode("ipc" if sockets else "tcp")
        shutdown_wait_time = 2.0

        @property
        def kernel_spec(self) -> Any:
            return KernelSpec(
                argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                display_name="mpg_research",
                language="python",
            )

        async def start_kernel(self, **arguments: Any) -> None:
            bring_fonts(folder / "matplotlib")
            arguments["extra_arguments"] = [
                "--HistoryManager.enabled=False",
                "--InteractiveShell.colors=nocolor",
            ]
            arguments["env"] = process_environment() | {
                FOLDER: str(notebooks),
                "IPYTHONDIR": str(folder / "ipython"),
                "MPLCONFIGDIR": str(folder / "matplotlib"),
            }
            arguments["cwd"] = str(folder)
            arguments["stdout"] = arguments["stderr"] = subprocess.DEVNULL
            await super().start_kernel(**arguments)

    return PrivateKernelManager
