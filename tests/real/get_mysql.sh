#!/bin/sh
# Gets a real MySQL server and command line into one folder: the newest of Debian's unstable branch, with every
# library they need (libc included), unpacked beside the system. Nothing is installed; root is not needed.
#
#   sh tests/real/get_mysql.sh .cache/mysql     65 MB to fetch, 250 MB on disk, some 15 s; at once when it is there
#   sh tests/real/get_mysql.sh .cache/mariadb11 mariadb     the same for the newest MariaDB, 55 MB to fetch
#
# The mirror is the one that apt uses here; MIRROR=URL names another. The folder then has `bin/` with starters
# (mysqld, mysql, mysqladmin, or mariadbd, mariadb) and `ready`, which names the version.
set -eu

[ $# -eq 1 ] || { [ $# -eq 2 ] && [ "$2" = mariadb ]; } || { echo "usage: get_mysql.sh FOLDER [mariadb]" >&2; exit 2; }
packages="mysql-server-core mysql-client-core" server=mysqld
[ $# -eq 1 ] || packages="mariadb-server-core mariadb-client-core mariadb-server" server=mariadbd
if [ -f "$1/ready" ]; then exit 0; fi
command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
    { echo "get_mysql.sh: apt-get and dpkg are needed: this works on Debian and what derives from it." >&2; exit 1; }

mkdir -p "$1"
folder=$(CDPATH= cd -- "$1" && pwd)
if [ -z "${MIRROR:-}" ]; then
    MIRROR=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *\([^ ]*\).*/\1/p' | grep -v security | head -n 1)
fi
if [ -z "$MIRROR" ]; then
    MIRROR=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^(http|file|mirror)/) { print $i; exit } }')
fi
[ -n "$MIRROR" ] || { echo "get_mysql.sh: apt's sources name no mirror here: set MIRROR=URL to one of Debian." >&2; exit 1; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || { echo "get_mysql.sh: $keyring is missing (package debian-archive-keyring)." >&2; exit 1; }

# An apt of its own, that knows nothing as installed and so fetches every library too.
apt=$folder/apt
rm -rf "$apt" "$folder/root" "$folder/bin"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$folder/root" "$folder/bin"
: > "$apt/status"
echo "deb [signed-by=$keyring] $MIRROR sid main" > "$apt/sources.list"
cat > "$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
Acquire::Retries "3";
Acquire::http::Timeout "30";
CONF
export APT_CONFIG="$apt/apt.conf"
apt-get update -qq
# shellcheck disable=SC2086 # several names
apt-get install -qq -y --download-only $packages >/dev/null
for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$folder/root"; done
rm -rf "$apt" "$folder/root/usr/share/doc" "$folder/root/usr/share/man" "$folder/root/usr/share/perl"
find "$folder/root/usr/bin" "$folder/root/usr/sbin" -mindepth 1 ! -name mysqld ! -name mysql ! -name mysqladmin ! -name mariadbd ! -name mariadb \
    -delete

# The programs want a newer libc than the system's: they are started through the loader that came with them.
loader=$(cd "$folder/root" && find usr/lib -name 'ld-linux*.so.*' | head -n 1)
for program in usr/sbin/mysqld usr/bin/mysql usr/bin/mysqladmin usr/sbin/mariadbd usr/bin/mariadb; do
    [ -f "$folder/root/$program" ] && [ ! -L "$folder/root/$program" ] || continue
    cat > "$folder/bin/${program##*/}" <<RUN
#!/bin/sh
root=\$(CDPATH= cd -- "\$(dirname -- "\$(readlink -f -- "\$0")")/../root" && pwd)
exec "\$root/$loader" --library-path "\$root/${loader%/*}" "\$root/$program" "\$@" --plugin-dir="\$root/usr/lib/mysql/plugin"
RUN
    chmod 755 "$folder/bin/${program##*/}"
done
"$folder/bin/$server" --no-defaults --version > "$folder/version"
mv "$folder/version" "$folder/ready"
