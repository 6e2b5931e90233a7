#!/bin/sh
# Debian's RabbitMQ for the tests: its programs only; the tests start nodes of their own, and no service runs.
set -eu

[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  # The tests say what did not run; on CI they fail instead.
  echo "RabbitMQ is not installed, and this is not root on Debian: its tests will not run." >&2
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
# The package starts a service of its own; this policy keeps it from that, where there is none already.
policy=/usr/sbin/policy-rc.d
made=0
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  made=1
fi
install() { apt-get install -y --no-install-recommends rabbitmq-server >/tmp/holdfast-rabbitmq.log 2>&1; }
if ! install; then
  apt-get update >/tmp/holdfast-rabbitmq.log 2>&1 && install || {
    cat /tmp/holdfast-rabbitmq.log >&2
    echo "RabbitMQ could not be installed: its tests will not run." >&2
  }
fi
[ "$made" = 0 ] || rm -f "$policy"
