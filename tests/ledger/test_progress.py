from mmst.ledger.progress import Silent


def test_silence_takes_every_call():
    with Silent().task("title", 3) as task:
        task.found(1)
        task.advance(2, 40)
        task.note("anything")
        assert task.done == 3
