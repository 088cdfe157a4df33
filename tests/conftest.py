"""One BLAS thread per test worker: with two threads each, several workers are ten times slower.

Results are stored in a folder of the tests alone, which all workers share; the secret and the record of
releases are the tests' own, too.
"""

import atexit
import itertools
import os
import shutil
import tempfile

import pytest

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

if "MPG_CACHE" not in os.environ:
    os.environ["MPG_CACHE"] = tempfile.mkdtemp(prefix="mpg-tests-")
    atexit.register(shutil.rmtree, os.environ["MPG_CACHE"], ignore_errors=True)

# The secret and the record of releases of whoever runs the tests are not touched.
_OWN = tempfile.mkdtemp(prefix="mpg-tests-own-")
atexit.register(shutil.rmtree, _OWN, ignore_errors=True)
os.environ["MPG_SECRET_FILE"] = os.path.join(_OWN, "secret")
os.environ["MPG_RELEASES"] = os.path.join(_OWN, "releases")
_NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def _nothing_was_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins without a secret and with nothing released: many make a study of the same name."""
    own = os.path.join(_OWN, str(next(_NUMBERS)))
    monkeypatch.setenv("MPG_SECRET_FILE", os.path.join(own, "secret"))
    monkeypatch.setenv("MPG_RELEASES", os.path.join(own, "releases"))
