"""Importing this makes what lives beside the tests importable: worlds, servers, builders."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
