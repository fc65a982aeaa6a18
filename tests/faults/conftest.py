"""A home of its own, and nothing left running in it."""

import sys
from pathlib import Path

from tests.homes import home as home

sys.path.insert(0, str(Path(__file__).parent))
