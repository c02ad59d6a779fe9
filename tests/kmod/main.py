# SPDX-License-Identifier: GPL-2.0-or-later
"""All tests of kims.ko; see lab.py."""
import sys

import lab
import test_flow  # pylint: disable=unused-import

sys.exit(lab.main(sys.argv[1:]))
