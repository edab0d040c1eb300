"""How host and zygote speak over their socket. Standard library only; both sides import it."""

from __future__ import annotations

import struct

REQUEST = struct.Struct("=II")
"""A program's number, and how many descriptors come with it: 1 for a program, 2 for one with its tests."""
REPLY = struct.Struct("=II")
"""The program's number, and the length of what follows: a line of JSON, then the child's answer."""
READY = 0xFFFFFFFF
"""The number of the first reply, which says what is confined."""
