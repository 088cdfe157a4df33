"""A kernel of our own: this Python, a private connection, no history, one thread for linear algebra."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mpg_research.reporting.notebooks import FOLDER

__all__ = ["ENVIRONMENT", "kernel_environment", "private_kernel_manager"]

#: What every kernel gets, so that numbers and bytes do not depend on the machine's cores or settings.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "MPLBACKEND": "agg",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
#: A Unix socket's path may be about 104 bytes long (macOS); kernels add "-ipc-5" to the file's name.
_LONGEST_SOCKET = 90


def kernel_environment(folder: Path, *, notebooks: Path) -> dict[str, str]:
    """The environment of a kernel with its private files in ``folder`` and its notebook in ``notebooks``."""
    package_root = str(Path(__file__).resolve().parents[3])
    inherited = os.environ.get("PYTHONPATH", "")
    return {
        **os.environ,
        **ENVIRONMENT,
        FOLDER: str(notebooks),
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(folder / "matplotlib")),
        "PYTHONPATH": os.pathsep.join(part for part in (package_root, inherited) if part),
    }


def private_kernel_manager(folder: Path, *, notebooks: Path) -> type:
    """A kernel manager class that runs ``sys.executable`` and keeps its files and sockets in ``folder``.

    Where the system has Unix sockets the kernel opens no network port at all.

    Parameters
    ----------
    folder : Path
        An empty folder of this kernel alone; also its working directory.
    notebooks : Path
        Where the notebook lies, so that it can look up what it says of itself.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import Unicode

    connection = folder / "kernel.json"
    sockets = os.name == "posix" and len(str(connection).encode()) <= _LONGEST_SOCKET

    class PrivateKernelManager(AsyncKernelManager):  # type: ignore[misc]
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
            arguments["extra_arguments"] = ["--HistoryManager.enabled=False"]
            arguments["env"] = kernel_environment(folder, notebooks=notebooks)
            arguments["cwd"] = str(folder)
            # What a kernel itself writes (not a notebook's cells) is of no use to a reader.
            arguments["stdout"] = arguments["stderr"] = subprocess.DEVNULL
            await super().start_kernel(**arguments)

    return PrivateKernelManager
