"""The block-wise inverse against a dense one."""

import numpy as np
import pytest
from scipy import sparse

from mpg_research.mixed.inference import block_inverse as blocks
from mpg_research.mixed.inference.block_inverse import BlockInverse

# Both sides are direct solves of well-conditioned matrices.
SAME = 1e-10


@pytest.mark.parametrize("dense_block", [0, 5, 1000])
def test_solves_and_quadratic_forms(dense_block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "DENSE_BLOCK", dense_block)
    rng = np.random.default_rng(4)
    sizes = [1, 7, 3, 12]
    parts = [np.eye(size) + (lambda c: c.T @ c)(rng.normal(size=(4, size))) for size in sizes]
    order = rng.permutation(sum(sizes))
    matrix = sparse.csr_matrix(sparse.block_diag(parts).toarray()[np.ix_(order, order)])
    inverse = np.linalg.inv(matrix.toarray())
    found = BlockInverse(matrix)
    assert sorted(len(members) for members in found.members) == sorted(sizes)
    columns = rng.normal(size=(sum(sizes), 3))
    assert found.solve(columns) == pytest.approx(inverse @ columns, abs=SAME)
    for count in (2, 30):
        some = sparse.random(sum(sizes), count, density=0.2, random_state=1, format="csc")
        wanted = some.T @ inverse @ some.toarray()
        assert found.between(some) == pytest.approx(wanted, abs=SAME)


@pytest.mark.parametrize(("dense_block", "together"), [(150, 2_000_000), (4, 2_000_000), (150, 30), (0, 1)])
def test_blocks_of_one_size_are_solved_together_or_by_turns_alike(
    dense_block: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "DENSE_BLOCK", dense_block)
    monkeypatch.setattr(blocks, "TOGETHER", together)
    rng = np.random.default_rng(dense_block + together)
    for _ in range(25):
        sizes = rng.integers(1, 9, rng.integers(1, 12))
        parts = [2 * np.eye(size) + (lambda c: c.T @ c)(rng.normal(size=(4, size))) for size in sizes]
        order = rng.permutation(sizes.sum())
        matrix = sparse.csr_matrix(sparse.block_diag(parts).toarray()[np.ix_(order, order)])
        columns = rng.normal(size=(sizes.sum(), rng.integers(1, 4)))
        wanted = np.linalg.solve(matrix.toarray(), columns)
        found = BlockInverse(matrix)
        assert found.solve(columns) == pytest.approx(wanted, abs=SAME)
        for block, members in enumerate(found.members):
            assert found.block_solve(block, columns[members]) == pytest.approx(wanted[members], abs=SAME)
