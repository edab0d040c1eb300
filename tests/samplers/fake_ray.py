"""As much of Ray as the sampler and the sandbox use, in one process, with actors that die when a test says so."""

from types import SimpleNamespace

WORK = {"complete": 1, "execute": 0}
"""What actors do piece by piece -> which argument is the piece."""


class RayError(Exception):
    """An actor died."""


class RayTaskError(RayError):
    """What an actor was asked raised `cause`."""

    def __init__(self, cause):
        super().__init__(str(cause))
        self.cause = cause


class FakeRay:
    """A cluster whose actors die at the pieces that `deaths` names: (actor, how many pieces it was given).

    `afterwards`: what becomes of one that is made after a death: it is `there`, `waits` without end, or is `gone`.
    """

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
    util = SimpleNamespace(scheduling_strategies=SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node))

    def __init__(self, deaths=(), afterwards="there"):
        self.deaths, self.afterwards = set(deaths), afterwards
        self.actors = []
        self.given = []
        """(number of the actor, number of prompts or programs) of each piece."""
        self.machines = ["a"]
        self.cpus = 99
        self.state = "there"

    def is_initialized(self):
        return True

    def cluster_resources(self):
        return {"CPU": self.cpus}

    def nodes(self):
        return [
            {"NodeID": name, "NodeName": name, "Alive": not name.startswith("dead"), "Resources": {"CPU": 2.0}}
            for name in self.machines
        ]

    def remote(self, cls):
        ray = self

        class Maker:
            def options(self, **options):
                return self

            def remote(self, *arguments):
                ray.actors.append(FakeActor(ray, len(ray.actors), cls(*arguments), ray.state))
                return ray.actors[-1]

        return Maker()

    def wait(self, asked, num_returns, timeout=None):
        ready = [one for one in asked if one.actor.state != "waits"]
        assert ready, "hangs"
        return ready[:1], [one for one in asked if one is not ready[0]]

    def get(self, asked):
        return asked.answer()

    def kill(self, actor):
        actor.state = "gone"


class FakeActor:
    def __init__(self, ray, number, inner, state):
        self.ray, self.number, self.inner, self.state = ray, number, inner, state
        self.pieces = 0

    def __getattr__(self, name):
        return FakeMethod(self, name)


class FakeMethod:
    def __init__(self, actor, name):
        self.actor, self.name = actor, name

    def options(self, **options):
        return self

    def remote(self, *arguments):
        return Asked(self.actor, self.name, arguments)


class Asked:
    """What an actor was asked; it is done when the answer is wanted."""

    def __init__(self, actor, name, arguments):
        self.actor, self.name, self.arguments = actor, name, arguments
        self.dies = False
        if name in WORK:
            actor.pieces += 1
            actor.ray.given.append((actor.number, len(arguments[WORK[name]])))
            self.dies = (actor.number, actor.pieces) in actor.ray.deaths

    def answer(self):
        if self.dies:
            self.actor.state, self.actor.ray.state = "gone", self.actor.ray.afterwards
        if self.dies or self.actor.state == "gone":
            raise RayError("the actor died")
        try:
            return getattr(self.actor.inner, self.name)(*self.arguments)
        except Exception as error:
            raise RayTaskError(error) from error
