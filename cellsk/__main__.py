"""``python -m cellsk`` is the command ``cellsk``."""

import sys

from cellsk.cli import main

sys.exit(main())
