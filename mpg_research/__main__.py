"""``python -m mpg_research`` is ``mpg``."""

import sys

from mpg_research.cli import main

if __name__ == "__main__":
    sys.exit(main())
