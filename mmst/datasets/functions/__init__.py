"""Functions to write from a plan, with unit tests: an embedded world."""
