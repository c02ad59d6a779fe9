# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the UPF with a kernel; see test_upf.py."""
import sys

import lab
import test_upf  # noqa: F401

sys.exit(lab.main(sys.argv[1:]))
