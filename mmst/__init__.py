"""Multi-Method Self-Training: a language model gets better with its own answers, one method learning from another."""

import os

# Threads that wait for one another spin by default, which starves whatever else runs: two trainings at once on two cores
# then take over four times as long as one. Read when torch loads, hence before anything here imports it; sleeping instead
# of spinning cost about 2% on a quiet machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
