"""Cases made by hand, for the tests of policies."""

from mmst.policies.case import Attempt, Case, Experience
from mmst.types import Verdict

RIGHT, WRONG, NONE, LOST = Verdict.RIGHT, Verdict.WRONG, Verdict.NO_ANSWER, Verdict.UNJUDGED


def attempt(method, answer, verdict=None, logprob=-0.5, tokens=10):
    """Right where the answer is 12, unless it is said otherwise."""
    if verdict is None:
        verdict = NONE if answer is None else RIGHT if answer == "12" else WRONG
    return Attempt(method, answer, verdict, logprob, tokens)


def case(text, code, id="p", question="How many nuts is that?", samples=()):
    """Greedy answers by text and code, and sampled ones as {method: answers}."""
    greedy = {m: a if isinstance(a, Attempt) else attempt(m, a) for m, a in (("text", text), ("code", code))}
    drawn = {method: [attempt(method, answer, tokens=5) for answer in answers] for method, answers in dict(samples).items()}
    return Case(id, question, greedy, drawn)


def lived(text=2, code=3, judged=4, question="How many nuts?", model="m"):
    """Experience with one question."""
    return Experience(model, [question], {"text": [text], "code": [code]}, {"text": [judged], "code": [judged]})
