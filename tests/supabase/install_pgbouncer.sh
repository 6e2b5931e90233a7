#!/bin/sh
# Debian's pgbouncer for the tests: its program only, nothing started.
set -eu

command -v pgbouncer >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  # The tests say what did not run; on CI they fail instead.
  echo "pgbouncer is not installed, and this is not root on Debian: its tests will not run." >&2
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
# A package starts its service when it is installed, unless this file forbids it; it is taken away afterwards.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
install() { apt-get install -y --no-install-recommends pgbouncer >/tmp/holdfast-apt.log 2>&1; }
if ! install; then
  apt-get update >/tmp/holdfast-apt.log 2>&1 && install || {
    cat /tmp/holdfast-apt.log >&2
    echo "pgbouncer could not be installed: its tests will not run." >&2
  }
fi
