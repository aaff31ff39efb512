# shellcheck shell=bash
# Debian's packages, put into the system itself where nothing less will do.

# apt_install PACKAGE...: as root or by sudo, if that asks for no password.
apt_install() {
  type -P apt-get >/dev/null ||
    fail "needed, and there is no apt-get here to get it with: $*"
  local as=() log
  if ((EUID)); then
    sudo -n true 2>/dev/null || fail "needed, run: sudo apt-get install $*"
    as=(sudo -n)
  fi
  say "installing $* by apt-get"
  log=$(mktemp)
  apt_get() {
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1
  }
  # The lists of a fresh machine are empty or old.
  apt_get install -y --no-install-recommends "$@" ||
    { apt_get update && apt_get install -y --no-install-recommends "$@"; } ||
    fail "apt-get could not install $*: $(tail -n 3 "$log")"
  rm -f "$log"
}
