"""The processes below a process, as Linux tells them."""

from pathlib import Path


def descendants(process):
    """All processes that a process has started, and that these have."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
    found, level = [], {process}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found += sorted(level)
    return found
