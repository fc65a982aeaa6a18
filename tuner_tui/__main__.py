"""`python -m tuner_tui` is `tuner`."""

import sys

from tuner_tui.cli import main

sys.exit(main())
