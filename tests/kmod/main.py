# SPDX-License-Identifier: GPL-2.0-or-later
"""All tests of kims.ko, which are those of every test_*.py here; see lab.py."""
import importlib
import pathlib
import sys

import lab

for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")):
    importlib.import_module(path.stem)
sys.exit(lab.main(sys.argv[1:]))
