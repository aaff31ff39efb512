# shellcheck shell=bash disable=SC2034 # some are for those who source it
# What demo and try share, to be sourced: an Ollama with a model that can write,
# and a Neovim with the plugin and nothing of the user's.
#
#   begin              must be called first
#   take_server KIND   the server that runs, if it has a model; else one of our
#                      own with a small real model (KIND small) or the test
#                      model. Sets model and tiny; exports OLLAMA_HOST.
#   editor ARGS...     Neovim
#   headless ARGS...   tests/headless.lua in a Neovim without a screen
#
# Whatever was started has ended when the script ends, however it ends.

small_model=qwen3:0.6b
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=${tests%/*}
cache=${CAREER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/career.nvim}
name=$(basename "$0")
work='' server='' pulling='' model='' tiny=''

say() { printf '%s: %s\n' "$name" "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

begin() {
  [[ -x $root/bin/career ]] || fail "the program is not built: run make in $root"
  mkdir -p "$cache"
  cache=$(cd "$cache" && pwd -P)
  work=$(mktemp -d "$cache/$name.XXXXXX")
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  nvim=$("$tests/setup" nvim)
}

finish() {
  trap '' HUP INT TERM
  end "$pulling"
  end "$server"
  rm -rf "$work"
}

# end PID: a process of ours, and what is left of its group.
end() {
  [[ -n $1 ]] || return 0
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  kill -9 -- "-$1" 2>/dev/null || true
}

# alone PROGRAM...: in a session of its own, so that Ctrl-C is ours to handle,
# and ended with this script also when this one is killed.
alone() { exec setsid setpriv --pdeathsig TERM "$@"; }

editor() {
  env -u NVIM -u NVIM_APPNAME -u VIM -u VIMRUNTIME \
    XDG_CONFIG_HOME="$work/config" XDG_DATA_HOME="$work/data" XDG_STATE_HOME="$work/state" \
    XDG_CACHE_HOME="$work/cache" CAREER_ROOT="$root" "$nvim" --clean -n "$@"
}

headless() { editor --headless -l "$tests/headless.lua" "$@"; }

# find_model: the model that a command would use, in $model, or why there is
# none, in $why.
find_model() {
  if model=$(headless models 2>"$work/why"); then
    model=${model%%$'\n'*}
    return
  fi
  why=$(head -n 1 "$work/why")
  return 1
}

take_server() {
  if find_model; then
    say "using the Ollama that runs, with $model"
    return
  fi
  say "no Ollama to use: ${why%%. *}."
  ollama=$("$tests/setup" ollama)
  if [[ $1 = small ]]; then
    serve "$cache/server"
    find_model || { pull && find_model; } && {
      say "using an Ollama of its own, with $model"
      return
    }
    end "$server"
    server=''
    say "$small_model can't be downloaded here, so the tiny test model is used"
  fi
  tiny=yes
  local models
  models=$("$tests/setup" models)
  mkdir "$work/server"
  cp -R "$models" "$work/server/models"
  # The other two are made for what should take long.
  find "$work/server/models/manifests" -type f ! -path '*/tiny/*' -delete
  serve "$work/server"
  find_model || fail "$why"
  say "using an Ollama of its own, with $model, which was made for tests: what it writes makes no sense"
}

# serve FOLDER: a server that keeps everything in FOLDER, on a port that the
# system chooses.
serve() {
  local log=$work/serve.log port='' try
  mkdir -p "$1/models"
  HOME=$1 OLLAMA_MODELS=$1/models OLLAMA_HOST=127.0.0.1:0 OLLAMA_NO_CLOUD=1 \
    alone "$ollama" serve >"$log" 2>&1 </dev/null &
  server=$!
  for ((try = 0; try < 300; try++)); do
    port=$(sed -n 's/.*Listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$log")
    [[ -z $port ]] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  [[ -n $port ]] || fail "ollama serve did not start: $(tail -n 1 "$log")"
  export OLLAMA_HOST=http://127.0.0.1:$port
}

# pull: the small model, with progress. What has not begun after 20 seconds is
# given up; so is what breaks off.
pull() {
  local said=$SECONDS begun=$((SECONDS + 20)) folder=$cache/server/models/blobs to=$work/pull.log
  [[ ! -t 2 ]] || to=/dev/stderr # Ollama draws a bar there
  say "downloading $small_model, about 500 MB, once"
  alone "$ollama" pull "$small_model" >"$to" 2>&1 </dev/null &
  pulling=$!
  while kill -0 "$pulling" 2>/dev/null; do
    if ((SECONDS > begun)) && ! compgen -G "$folder/sha256-*" >/dev/null; then
      end "$pulling"
      break
    fi
    if [[ ! -t 2 ]] && ((SECONDS - said >= 5)); then
      said=$SECONDS
      say "$(du -sm "$folder" 2>/dev/null | cut -f 1) MB so far"
    fi
    sleep 0.2
  done
  local status=0
  wait "$pulling" || status=$?
  pulling=''
  return "$status"
}
