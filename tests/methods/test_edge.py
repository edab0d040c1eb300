import pytest

from mmst.errors import ConfigError
from mmst.methods.edge import Edge, Recipe

METHODS = ("text", "code")


def test_an_edge_is_read_and_written_alike():
    assert str(Edge.parse("code->text", METHODS)) == "code -> text"
    assert Edge.parse(" code -> text ", METHODS).crosses
    assert not Edge.parse("code -> code", METHODS).crosses


@pytest.mark.parametrize("text", ["code", "code -> equation", "code -> text -> code", "", "-> text"])
def test_what_is_no_edge_is_refused_with_the_methods(text):
    with pytest.raises(ConfigError, match="text, code"):
        Edge.parse(text, METHODS)


def test_a_recipe_names_an_edge_once_and_is_not_called_the_base():
    assert Recipe.parse("r", ["text -> text", "text -> code"], METHODS).edges == (Edge("text", "text"), Edge("text", "code"))
    with pytest.raises(ConfigError, match="twice"):
        Recipe.parse("r", ["text -> text", "text->text"], METHODS)
    with pytest.raises(ConfigError, match="untrained model"):
        Recipe.parse("base", [], METHODS)


def test_all_edges_need_two_methods():
    with pytest.raises(ConfigError, match="needs two solvers or more, and there is text"):
        Recipe.parse("multi", "all", ["text"])
