#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What failed in the log of a test run, short, so that it can be said again at the end of a long run:
#
#   scripts/what-failed.sh NAME LOG
#
# KTAP ("not ok" and the diagnosis under it), "FAIL ..." and what is indented under it, verdicts FAILED, the kernel's complaints. Every line has NAME before it;
# at most 30 lines of a failure, 150 in all. Prints nothing when nothing failed.
set -u
[ $# = 2 ] || { echo "usage: what-failed.sh NAME LOG" >&2; exit 2; }
sed 's/\x1b\[[0-9;]*m//g' "$2" 2>/dev/null | awk -v name="$1" '
	/^not ok /               { left = 30; under = "^#"; head = 1 }
	/^FAIL/                  { left = 30; under = "^[ \t]"; head = 1 }
	/the kernel complained/  { left = 12; under = "."; head = 1 }
	!left && /(^| )FAILED( |:|$)/ { left = 1; under = "."; head = 1 }
	left && !head && $0 !~ under  { left = 0 }
	left && total < 150      { print name ": " $0; left--; total++ }
	{ head = 0 }'
