import pytest
import torch
from transformers import DynamicCache

from mmst.samplers.cache import ROOM, RowCache, joined_masks


def states(rows, new, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(rows, 2, new, 4, generator=generator) for _ in range(2))


@pytest.mark.parametrize("steps", [[3], [3, 1, 1], [3, ROOM + 5, 1], [1] * (2 * ROOM + 3)])
def test_it_holds_what_a_dynamic_cache_holds(steps):
    ours, theirs = RowCache(2), DynamicCache()
    for number, new in enumerate(steps):
        for layer in range(2):
            found = ours.update(*states(5, new, 10 * number + layer), layer)
            expected = theirs.update(*states(5, new, 10 * number + layer), layer)
            for a, b in zip(found, expected, strict=True):
                assert torch.equal(a, b)
    assert ours.get_seq_length() == sum(steps)


def test_rows_leave_and_columns_are_forgotten():
    cache = RowCache(1)
    keys, values = states(5, 6)
    cache.update(keys, values, 0)
    cache.keep(torch.tensor([3, 1]))
    cache.trim(2)
    found = cache.update(*states(2, 1, seed=1), 0)
    assert torch.equal(found[0][:, :, :4], keys[[3, 1], :, 2:])
    assert torch.equal(found[1][:, :, 4:], states(2, 1, seed=1)[1])


@pytest.mark.parametrize(("mine", "theirs"), [(6, 2), (2, 6), (4, 4)])
def test_rows_that_enter_are_aligned_at_the_last_token(mine, theirs):
    upper, lower = RowCache(1), RowCache(1)
    first, second = states(3, mine), states(2, theirs, seed=1)
    upper.update(*first, 0)
    lower.update(*second, 0)
    upper.join(lower)
    keys, values = upper.update(*states(5, 1, seed=2), 0)
    width = max(mine, theirs)
    assert keys.shape == (5, 2, width + 1, 4)
    assert torch.equal(keys[:3, :, width - mine : width], first[0])
    assert torch.equal(values[3:, :, width - theirs : width], second[1])
    assert torch.equal(keys[:3, :, : width - mine], torch.zeros(3, 2, width - mine, 4))
    mask = joined_masks(torch.ones(3, mine), torch.ones(2, theirs))
    assert mask.sum(dim=1).tolist() == [mine] * 3 + [theirs] * 2
    assert mask[:, -1].tolist() == [1] * 5
