"""Draw the gallery of samples/: ``python benchmarks/gallery.py`` runs the commands that samples/README.md names."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    for line in re.findall(r"^sketchrnn .*$", (ROOT / "samples" / "README.md").read_text(), re.MULTILINE):
        print(line, flush=True)
        subprocess.run([sys.executable, "-m", *shlex.split(line), "--force"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
