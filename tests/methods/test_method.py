from mmst.methods.method import Method, Reading


def test_the_shipped_methods_keep_the_contract(methods):
    assert all(isinstance(method, Method) for method in methods.values())
    assert {method.name for method in methods.values()} == set(methods)


def test_a_reading_is_judged_unless_said_otherwise():
    assert Reading("3", "marked").judged
