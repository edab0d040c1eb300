"""How long the report of a large sweep takes, as a ratio to merely reading its samples, and what its page weighs.

    python benchmarks/report.py --jobs 20 --samples 200000

The sweep is made up: so many jobs, whose ledger holds so many graded samples. Both are processes of their own. Where a Chromium
is found, the page is opened in it with all its samples, and its slowest filter timed.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
from tests.reporting.made import METHODS, RIGHT, made_run  # noqa: E402

READ = """
import sys
from pathlib import Path
from mmst.ledger.ledger import Stage
from mmst.types import GradedSample
stages = [Stage("grade", folder.name.removeprefix("grade-"), folder, {}) for folder in Path(sys.argv[1]).glob("grade-*")]
print(sum(1 for stage in stages for _ in stage.rows(GradedSample)))
"""
FILTER = """
<script>
addEventListener("load", () => setTimeout(() => {
  const home = document.getElementById("samples");
  home.scrollIntoView();
  const wait = setInterval(() => {
    if (!home.dataset.all) return;
    clearInterval(wait);
    const took = [];
    for (const field of document.querySelectorAll("#filters select")) {
      for (const place of [1, 0]) {
        field.selectedIndex = Math.min(place, field.length - 1);
        field.dispatchEvent(new Event("input", { bubbles: true }));
        took.push(Number(home.dataset.filterMs));
      }
    }
    console.log("slowest filter " + Math.max(...took).toFixed(1) + " ms");
  }, 100);
}, 100));
</script>
"""


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds, and the peak of resident GB over all processes so far: the largest must be last."""
    started = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


def slowest_filter(page: Path) -> str:
    """What Chromium says of the page's filters."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        return "slowest filter not measured: there is no Chromium"
    probed = page.with_name("probed.html")  # beside it lie the same samples
    probed.write_text(page.read_text().replace("</body>", FILTER + "</body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--enable-logging=stderr"]
    profile = f"--user-data-dir={page.with_name('profile')}"
    with subprocess.Popen([browser, *flags, profile, probed.as_uri()], stderr=subprocess.PIPE, text=True) as process:
        watch = threading.Timer(120, process.kill)
        watch.start()
        assert process.stderr is not None
        found = next((match for line in process.stderr if (match := re.search("slowest filter [0-9.]+ ms", line))), None)
        watch.cancel()
        process.kill()
    return found[0] if found else "slowest filter not measured: the page did not come up"


def main() -> None:
    """Make the sweep, its report, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--samples", type=int, default=200_000)
    parser.add_argument("--shown", type=int, default=4_000, help="samples that the page itself holds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # a job: 8 samples and a translation of each problem by each method, and three arms' answers to as many
        problems = options.samples // (options.jobs * len(METHODS) * (8 + 1 + len(RIGHT)))
        for seed in range(options.jobs):
            overrides = (f"seed={seed}", "sweep=made")
            made_run(folder / "sweep" / f"seed={seed}", folder / "ledger", overrides, seed, problems, samples=8)
        reading, _ = timed([sys.executable, "-c", READ, str(folder / "ledger")])
        page = folder / "report.html"
        report, peak = timed(
            [sys.executable, "report.py", str(folder / "sweep"), "--out", str(page), f"--samples={options.shown}"]
        )
        print(f"{options.jobs} jobs, {problems * options.jobs * len(METHODS) * (9 + len(RIGHT)):,} samples")
        print(f"reading them   {reading:6.1f} s   ratio 1.0")
        print(f"the report     {report:6.1f} s   ratio {report / reading:.1f}   peak {peak:.2f} GB")
        print(f"the page       {page.stat().st_size / 1e6:6.1f} MB  {slowest_filter(page)}")


if __name__ == "__main__":
    main()
