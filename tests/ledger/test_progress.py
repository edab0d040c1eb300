from mmst.ledger.progress import Silent


def test_silence_takes_every_call():
    with Silent().task("title", 3) as task:
        assert task.advance(3, "note") is None
