import random

import pytest

from mmst.ledger.hashes import Lookup, Seen, text_hash


def test_what_came_before_is_known_however_it_was_cut_into_parts():
    rng = random.Random(0)
    texts = [str(rng.randrange(700)) for _ in range(3000)]
    first = {text: n for n, text in reversed(list(enumerate(texts)))}
    for size in (1, 7, 1000, 3000):
        seen, found = Seen(), []
        for start in range(0, len(texts), size):
            found += seen.new([text_hash(text) for text in texts[start : start + size]])
        assert found == [first[text] == n for n, text in enumerate(texts)]
    assert Seen().new([]) == []


def test_values_are_found_by_name_and_the_last_of_equal_names_counts():
    found = Lookup([(f"p{n}", str(n % 7)) for n in range(500)] + [("p3", "new"), ("none", None)])
    assert [found[f"p{n}"] for n in (0, 3, 499)] == ["0", "new", "2"]
    assert found["none"] is None
    with pytest.raises(KeyError):
        found["p500"]
    with pytest.raises(KeyError):
        Lookup([])["p0"]
