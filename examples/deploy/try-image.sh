#!/bin/sh
# Builds the image with buildah, also without root's rights, and tries it: `make image`. Nothing is pulled: its base is
# made of Debian's packages. Needs buildah and mmdebstrap; without root also uidmap.
#   examples/deploy/try-image.sh [--build-arg AURORA_WIRE_PURE=1 ...]
set -eu
cd "$(dirname "$0")/../.."
export STORAGE_DRIVER="${STORAGE_DRIVER:-vfs}"
work=$(mktemp -d)
trap 'rm -rf "$work"; for each in ${base:-} ${try:-}; do buildah rm "$each" >/dev/null; done' EXIT

mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar"
base=$(buildah from scratch)
buildah add --quiet "$base" "$work/base.tar" /
# The machine's own authorities, for a registry behind a proxy.
buildah copy --quiet "$base" /etc/ssl/certs/ca-certificates.crt /etc/pip-authorities.pem
printf '[global]\ncert = /etc/pip-authorities.pem\n' > "$work/pip.conf"
buildah copy --quiet "$base" "$work/pip.conf" /etc/pip.conf
buildah commit --quiet "$base" localhost/aurora-wire-base
buildah build --isolation chroot --network host --build-arg BASE=localhost/aurora-wire-base "$@" \
    -t localhost/aurora-wire -f examples/deploy/Dockerfile .

try=$(buildah from localhost/aurora-wire)
buildah add --quiet "$try" captures/mariadb/pymysql-off.pcapng /data/
run() { buildah run --isolation chroot "$try" -- "$@"; }
[ "$(run id -u)" = 10001 ] || { echo "it does not run as its own account"; exit 1; }
run /opt/aurora-wire/bin/entrypoint --version
code=0
run /opt/aurora-wire/bin/entrypoint scan --quiet /data/pymysql-off.pcapng || code=$?
[ "$code" = 1 ] || { echo "scan of a capture in the clear ended with $code"; exit 1; }
! run sh -c 'command -v gcc || command -v pip' || { echo "what builds it is left in the image"; exit 1; }
buildah images localhost/aurora-wire
