# shellcheck shell=bash disable=SC2154 # cache and tests are setup's
# Neovim from Debian's packages, in a folder that needs nothing of the system
# around it: no root, and any Debian or Ubuntu with apt-get will do.

find_nvim() {
  local bin version
  if bin=$(type -P nvim); then
    version=$("$bin" --version 2>/dev/null) || version=''
    if [[ $version =~ ^NVIM\ v([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] > 0 || BASH_REMATCH[2] >= 10)); then
      echo "$bin"
      return
    fi
  fi
  find_nvim_0_12
}
get_nvim() { need nvim-0.12 >/dev/null; }

find_nvim_0_10() { find_packaged_nvim 0.10; }
find_nvim_0_12() { find_packaged_nvim 0.12; }
get_nvim_0_10() { get_packaged_nvim 0.10 trixie; }
get_nvim_0_12() { get_packaged_nvim 0.12 sid; }

find_packaged_nvim() {
  # It is bound to the folder it was made for.
  [[ -e $cache/nvim-$1/ready && $(<"$cache/nvim-$1/ready") = "$cache" ]] &&
    echo "$cache/nvim-$1/usr/bin/nvim"
}

get_packaged_nvim() {
  local version=$1 suite=$2 dir=$cache/nvim-$1
  type -P apt-get >/dev/null || fail "Neovim $version is taken from Debian's packages, which needs apt-get"
  say "getting Neovim $version from Debian $suite"
  rm -rf "$dir"
  mkdir -p "$dir/.apt"
  download_packages "$dir/.apt" "$suite" neovim patchelf
  local deb
  for deb in "$dir"/.apt/cache/archives/*.deb; do
    dpkg-deb -x "$deb" "$dir"
  done
  rm -rf "$dir/.apt"
  bind_to_folder "$dir"
  check_nvim "$dir/usr/bin/nvim" "$version"
  echo "$cache" >"$dir/ready"
}

# download_packages FOLDER SUITE PACKAGE...: by an apt that believes nothing is
# installed, so that all they depend on comes with them, libc too.
download_packages() {
  local apt=$1 suite=$2 mirror keys
  shift 2
  mirror=${DEBIAN_MIRROR:-$(debian_mirror)}
  [[ -n $mirror ]] ||
    fail "Neovim is taken from Debian's packages and this system's apt names no Debian mirror: set DEBIAN_MIRROR to the address of one"
  keys=$(debian_keys)
  if [[ -z $keys ]]; then
    apt_install debian-archive-keyring
    keys=$(debian_keys)
  fi
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  : >"$apt/status"
  echo "deb [signed-by=$keys] $mirror $suite main" >"$apt/sources.list"
  local run=(
    apt-get -qq -y
    -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Dir::State="$apt" -o Dir::State::Status="$apt/status" -o Dir::State::Lists="$apt/lists"
    -o Dir::Cache="$apt/cache" -o Dir::Cache::Archives="$apt/cache/archives"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Acquire::Languages=none
    -o APT::Update::Error-Mode=any -o APT::Keep-Downloaded-Packages=true
  )
  { "${run[@]}" update && "${run[@]}" install --no-install-recommends --download-only "$@"; } \
    >"$apt/log" 2>&1 ||
    fail "apt-get could not get $* from $suite of $mirror: $(tail -n 3 "$apt/log")"
}

# debian_mirror: where this system gets Debian's main packages; nothing on another one.
debian_mirror() {
  local ID='' VERSION_CODENAME=''
  [[ ! -e /etc/os-release ]] || . /etc/os-release
  [[ $ID = debian ]] || return 0
  # What an update would fetch is known before the first one, too.
  apt-get update --print-uris | awk -F "'" -v suites="^($VERSION_CODENAME|stable|testing|unstable|sid)\$" '
    !found && split($2, at, "/dists/") == 2 && sub("/InRelease$", "", at[2]) && at[2] ~ suites { print at[1]; found = 1 }'
}

debian_keys() {
  local f
  for f in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    [[ ! -e $f ]] || { echo "$f" && break; }
  done
}

# bind_to_folder DIR: makes nvim use the loader and the libraries of DIR, and no
# others, which works with patchelf's own libraries in DIR as well.
bind_to_folder() {
  local dir=$1 libc loader libs
  libc=$(find "$dir" -name libc.so.6 -print -quit)
  [[ -n $libc ]] || fail "Debian's packages had no libc"
  libs=$(dirname "$libc")
  loader=$(find "$libs" -maxdepth 1 -name 'ld-linux*' -print -quit)
  [[ -n $loader ]] || fail "Debian's libc had no loader"
  # Not a RUNPATH: that would not hold for the libraries that libraries need.
  "$loader" --library-path "$libs" "$dir/usr/bin/patchelf" \
    --set-interpreter "$loader" --force-rpath --set-rpath "$libs" "$dir/usr/bin/nvim"
}

# check_nvim BIN VERSION: it starts, is that version, and uses its own runtime
# and parsers, not those of another Neovim on the system.
check_nvim() {
  local bin=$1 version=$2 said
  # shellcheck disable=SC2016 # Lua's
  said=$(env -u VIM -u VIMRUNTIME "$bin" --headless --clean \
    +'lua vim.treesitter.start(0, "markdown") io.stdout:write(vim.env.VIMRUNTIME, " v", vim.version().major, ".", vim.version().minor)' +qa 2>&1) || true
  [[ $said = "${bin%/bin/nvim}/share/nvim/runtime v$version" ]] ||
    fail "Neovim $version was unpacked and does not work: $said"
}
