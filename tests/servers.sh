#!/bin/sh
# The real servers the tests run against. On Debian as root they are installed; elsewhere this says what is missing.
set -eu

missing=""
need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need prometheus prometheus
need promtool prometheus
need victoria-metrics victoria-metrics
need chromium chromium
need npm npm
[ -n "$(find /usr/lib/postgresql -name initdb 2>/dev/null | head -n 1)" ] || command -v initdb >/dev/null 2>&1 ||
    missing="$missing postgresql"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
[ -n "${missing% }" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing: $missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi

echo "The tests need programs that are not here (Debian's package names): $missing" >&2
echo "On Debian or Ubuntu:  sudo apt-get install $missing" >&2
exit 1
