#!/bin/sh
# Debian's PostgreSQL 15 for the tests: its programs only, no cluster of its own and nothing started.
set -eu

[ -x /usr/lib/postgresql/15/bin/postgres ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  # The tests say what did not run; on CI they fail instead.
  echo "PostgreSQL 15 is not installed, and this is not root on Debian: its tests will not run." >&2
  exit 0
fi

mkdir -p /etc/postgresql-common
conf=/etc/postgresql-common/createcluster.conf
[ -e "$conf" ] || echo "create_main_cluster = false" >"$conf"
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends postgresql-15 >/tmp/holdfast-apt.log 2>&1; }
if ! install; then
  apt-get update >/tmp/holdfast-apt.log 2>&1 && install || {
    cat /tmp/holdfast-apt.log >&2
    echo "PostgreSQL 15 could not be installed: its tests will not run." >&2
  }
fi
