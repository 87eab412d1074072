#!/bin/sh
# Only `watch` gets the capability: started without it in the container's bounding set, that file cannot be run at all.
set -eu
case "${1:-}" in
    watch | doctor)
        if /opt/aurora-wire/bin/python-capture -c '' 2>/dev/null; then
            exec /opt/aurora-wire/bin/python-capture -m aurora_wire "$@"
        fi
        ;;
esac
exec /opt/aurora-wire/bin/aurora-wire "$@"
