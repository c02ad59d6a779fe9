# SPDX-License-Identifier: GPL-2.0-or-later
#
# What tests/vm/vm and tests/vm/uml share. Sourced by bash.

KIMS_CACHE=${KIMS_CACHE:-$HOME/.cache/kims}

# Exit status of a run beyond the command's own.
VM_COMPLAINED=99   # the command passed, but the kernel complained
VM_TIMEOUT=124     # not finished in time
VM_DIED=125        # no result: panic, hang, or the emulator failed

# The command line as one string of shell: a single argument is shell text, more are one quoted command.
command_text() {
	if [ $# = 1 ]; then
		printf '%s\n' "$1"
	else
		printf '%q ' "$@"
		echo
	fi
}

# Prints what the kernel complained about in a log. A complaint near whose head (6 lines) one of the allowed
# expressions stands is known and left out; KERNEL_ALLOW may add one more.
kernel_complaints() { # LOG [ALLOWED...]
	local log=$1
	shift
	awk -v allowed="$(printf '%s\n' "$@" ${KERNEL_ALLOW:+"$KERNEL_ALLOW"} | paste -sd '|')" '
		function flush_pending() {
			if (pending != "" && !known)
				printf "%s", pending
			pending = ""
			known = 0
		}
		/BUG:|WARNING:|Oops|general protection|KASAN:|UBSAN:|kmemleak: [0-9]+ new|rcu.*(stall|detected)|Kernel panic|ODEBUG:|possible (circular|recursive|irq)|suspicious RCU|refcount_t:|unregister_netdevice: waiting|scheduling while atomic|sleeping function called|Internal error|Slab corruption|list_(add|del) corruption/ {
			if (!left)
				flush_pending()
			left = 6
		}
		left {
			pending = pending $0 "\n"
			if (allowed != "" && $0 ~ allowed)
				known = 1
			if (!--left)
				flush_pending()
		}
		END { flush_pending() }' "$log"
}

# The end of every run: reads what the guest left behind and turns it into the exit status.
#   RUN/rc     status of the command; missing when the guest did not get that far
#   RUN/dmesg  the kernel's log, or RUN/console where there is no result
finish_run() { # NAME RUN EMULATOR_STATUS VERBOSE [ALLOWED...]
	local name=$1 run=$2 status=$3 verbose=$4 rc log bad
	shift 4
	rc=$(cat "$run/rc" 2>/dev/null || true)
	log=$run/dmesg
	[ -n "$rc" ] && [ -s "$log" ] || log=$run/console
	[ -e "$log" ] || : >"$log"
	if [ -z "$rc" ]; then
		{
			echo "$name: no result (emulator status $status); the console, from the first complaint or the last lines:"
			{ grep -a -m1 -B3 -A90 -E 'BUG:|Oops|int3:|general protection|Kernel panic' "$run/console" || tail -n 60 "$run/console"; } | tr -d '\r'
			tail -n 20 "$run/emulator.log" 2>/dev/null || true
		} >&2
		case $status in
		124 | 137) return $VM_TIMEOUT ;;
		*) return $VM_DIED ;;
		esac
	fi
	[ "$verbose" = 0 ] || sed "s/^/kernel: /" "$log" >&2
	bad=$(kernel_complaints "$log" "$@")
	if [ -n "$bad" ]; then
		{
			echo "$name: the kernel complained:"
			echo "$bad" | head -n 60
		} >&2
		cp "$log" "$KIMS_CACHE/last-complaint.log" 2>/dev/null && echo "$name: whole log: $KIMS_CACHE/last-complaint.log" >&2
		[ "$rc" != 0 ] || rc=$VM_COMPLAINED
	fi
	return "$rc"
}
