"""Run a command beside two processes that take 300 MB, touch them, and drop them, again and again: `busy.py COMMAND...`."""

import subprocess
import sys

HOG = "while True: bytearray(300 << 20)"

if __name__ == "__main__":
    hogs = [subprocess.Popen([sys.executable, "-S", "-c", HOG]) for _ in range(2)]
    try:
        code = subprocess.call(sys.argv[1:])
    finally:
        for hog in hogs:
            hog.kill()
    sys.exit(code)
