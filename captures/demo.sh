#!/usr/bin/env bash
# Shows what the shipped captures prove. Usage: captures/demo.sh [AURORA-WIRE]
# Exits 0 when each capture got the verdict that captures/README.md promises.
set -euo pipefail
cd "$(dirname "$0")"

aurora_wire=${1:-aurora-wire}
failed=0

# show EXPECTED-EXIT-CODE ARGUMENT...: runs aurora-wire as a user would, and compares its exit code
show() {
    local expected=$1 code=0
    shift
    printf '\n$ aurora-wire %s\n' "$*"
    "$aurora_wire" "$@" || code=$?
    if [ "$code" -ne "$expected" ]; then
        printf 'demo: exit code %s, expected %s\n' "$code" "$expected" >&2
        failed=1
    fi
}

say() { printf '\n\n== %s\n' "$*"; }

say "A client without TLS: anyone on the way can read the INSERT. Exit code 1."
show 1 scan article-1-mysql-client-plaintext.pcap
show 0 packets -X article-1-mysql-client-plaintext.pcap

say "The same through three clients with TLS: nothing but TLS records. Exit code 0."
show 0 packets -X article-[234]-*.pcap
show 0 scan article-[234]-*.pcap

say "All four, from the dumps as text: one in the clear is enough. Exit code 1."
show 1 scan --quiet article-*.txt

exit "$failed"
