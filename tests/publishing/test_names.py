import string

from huggingface_hub.utils import validate_repo_id
from hypothesis import given
from hypothesis import strategies as st

from mmst.publishing.names import repository_name


@given(st.lists(st.text(string.printable, max_size=60), max_size=4))
def test_any_words_make_a_name_that_the_hub_takes(words):
    assert validate_repo_id(repository_name("mmst", *words)) is None  # it raises at a wrong one
