# shellcheck shell=bash disable=SC2154 # cache and tests are setup's
# Ollama, built as a Go module where there is none.

ollama_version=v0.17.4

# With these instructions models run several times as fast. Not -march=native:
# a cache folder may move to a machine that has less.
ollama_march() {
  [[ $(uname -m) = x86_64 ]] || return 0
  local flags has
  flags=$(grep -m1 '^flags' /proc/cpuinfo) || return 0
  for has in avx2 bmi2 f16c fma movbe; do
    [[ " $flags " = *" $has "* ]] || return 0
  done
  echo -march=x86-64-v3
}

find_ollama() {
  type -P ollama && return
  local bin=$cache/ollama/ollama
  [[ -x $bin && $(cat "$bin.built") = "$ollama_version $(ollama_march)" ]] && echo "$bin"
}

get_ollama() {
  type -P go >/dev/null || fail 'there is no ollama on PATH and no Go to build one with: install either'
  ollama_packages
  local dir=$cache/ollama flags
  flags="-O2 $(ollama_march)"
  mkdir -p "$dir"
  say "building Ollama $ollama_version once, which takes some minutes"
  if ! (
    cd "$dir"
    unset GOOS GOARCH
    export GOFLAGS='' GOBIN=$dir/new CGO_ENABLED=1 CGO_CFLAGS=$flags
    export CGO_CXXFLAGS="$flags '-I$tests/setup.d/include'"
    go install -trimpath -ldflags "-s -w -X=github.com/ollama/ollama/version.Version=${ollama_version#v}" \
      "github.com/ollama/ollama@$ollama_version"
  ) >"$dir/log" 2>&1; then
    tail -n 15 "$dir/log" >&2
    fail "Ollama could not be built; all that was said is in $dir/log"
  fi
  mv -f "$dir/new/ollama" "$dir/ollama"
  rm -rf "$dir/new" "$dir/log"
  echo "$ollama_version $(ollama_march)" >"$dir/ollama.built"
}

# What the Go module leaves out: a compiler and two libraries of headers. The
# third one, miniaudio, is in no Debian package, so there is a stand-in.
ollama_packages() {
  local missing=()
  type -P g++ >/dev/null || missing+=(g++ libc6-dev) # which brings gcc
  [[ -e /usr/include/nlohmann/json.hpp ]] || missing+=(nlohmann-json3-dev)
  [[ -e /usr/include/stb/stb_image.h ]] || missing+=(libstb-dev)
  ((${#missing[@]} == 0)) || apt_install "${missing[@]}"
}
