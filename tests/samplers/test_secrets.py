import pytest

from mmst.samplers.secrets import masked, masked_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("https://ann:pw@host:1/v1", "https://***@host:1/v1"),
        ("https://host/v1?api_key=pw&version=2", "https://host/v1?api_key=***&version=2"),
        ("localhost", "localhost"),
    ],
)
def test_an_address_without_its_secrets(address, shown):
    assert masked_address(address) == shown


def test_settings_without_their_secrets():
    settings = {"max_tokens": 9, "token": "t", "x_api_key": "k", "headers": [{"Authorization": "b"}], "monkey": "m"}
    assert masked(settings) == {
        "max_tokens": 9,
        "token": "***",
        "x_api_key": "***",
        "headers": [{"Authorization": "***"}],
        "monkey": "m",
    }
