# SPDX-License-Identifier: GPL-2.0-or-later
"""All tests of kims.ko; see lab.py."""
import sys

import lab
import test_flow  # pylint: disable=unused-import
import test_gm  # pylint: disable=unused-import
import test_gtpu  # pylint: disable=unused-import
import test_hostile  # pylint: disable=unused-import
import test_life  # pylint: disable=unused-import
import test_path  # pylint: disable=unused-import
import test_wire  # pylint: disable=unused-import

sys.exit(lab.main(sys.argv[1:]))
