#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make docs: what is generated from the sources: kims.yaml(5) and the sample file from the
# configuration's table, the netlink reference from the schema (scripts/netlink-gen.py). Ladder diagrams come from
# a real trace: tests/demo/run, then tools/ladder/kims-ladder --text (docs/ladder-*.txt).
set -eu
cd "$(dirname "$0")/.."
mkdir -p docs/fsm
for nf in build/bin/kims-*; do
	"$nf" --fsm 2>/dev/null | csplit -s -z -f build/fsm- -b '%d.dot' - '/^digraph/' '{*}' 2>/dev/null || continue
	for dot in build/fsm-*.dot; do
		[ -s "$dot" ] || continue
		dot -Tsvg "$dot" -o "docs/fsm/$(basename "$nf")-$(sed -n 's/^digraph "\(.*\)" {/\1/p' "$dot").svg"
	done
	rm -f build/fsm-*.dot
done
build/bin/kims-ue --man >docs/man/kims-ue.1
build/bin/kimsctl config man >docs/man/kims.yaml.5
build/bin/kimsctl config sample >docs/kims.yaml.sample
