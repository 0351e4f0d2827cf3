"""python -m ringfloor is ringfloor."""

import sys

from ringfloor.cli import main

sys.exit(main())
