"""What every process that makes pages is started with."""

import os
from pathlib import Path

__all__ = ["ENVIRONMENT", "process_environment"]

#: What every process gets, so that numbers and bytes do not depend on the machine's cores or settings.
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
    # A thread of the memory allocator: a process that forks may have none.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


def process_environment() -> dict[str, str]:
    """The environment of a fresh interpreter that makes pages with this very package."""
    package_root = str(Path(__file__).resolve().parents[3])
    inherited = os.environ.get("PYTHONPATH", "")
    return {
        **os.environ,
        **ENVIRONMENT,
        "PYTHONPATH": os.pathsep.join(part for part in (package_root, inherited) if part),
    }
