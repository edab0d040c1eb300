from mmst.sandbox.result import UNJUDGED, Status


def test_only_our_failures_are_unjudged():
    assert {Status.REFUSED, Status.LOST} == UNJUDGED
