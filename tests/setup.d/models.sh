# shellcheck shell=bash disable=SC2154 # cache and tests are setup's
# The test models, made by tests/tinymodel and created in a server of their own.

test_models=(tiny endless slow)

# A folder for each content of tinymodel, as tests of two branches may run by turns.
models_folder() {
  local files=("$tests"/tinymodel/*) used=() f sum
  for f in "${files[@]}"; do
    [[ $f = *_test.go ]] || used+=("$f")
  done
  sum=$(cat "${used[@]}" | sha256sum)
  echo "$cache/models-${sum:0:12}"
}

find_models() {
  local dir
  dir=$(models_folder)
  [[ -e $dir ]] && echo "$dir"
}

get_models() {
  local bin dir m
  bin=$(need ollama)
  dir=$(models_folder)
  work=$(mktemp -d "$cache/models.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "making the test models ${test_models[*]}"
  (cd "$tests/.." && go run ./tests/tinymodel -o "$work/files") ||
    fail 'the test models could not be made'
  serve_alone "$bin"
  for m in "${test_models[@]}"; do
    (cd "$work/files" && "${alone[@]}" OLLAMA_HOST="$address" "$bin" create "$m" -f "Modelfile.$m") \
      >"$work/create.log" 2>&1 ||
      fail "Ollama did not take the model $m: $(tail -n 3 "$work/create.log")"
  done
  mv "$work/models" "$dir"
}

# serve_alone OLLAMA: a server in the folder $work, on a port that the system
# chooses, at $address. It has nothing of the user's Ollama, no proxy, and ends
# with this process.
serve_alone() {
  local try
  alone=(
    env -u http_proxy -u https_proxy -u all_proxy -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY
    HOME="$work" OLLAMA_MODELS="$work/models" OLLAMA_NO_CLOUD=1
    CUDA_VISIBLE_DEVICES=-1 HIP_VISIBLE_DEVICES=-1 ROCR_VISIBLE_DEVICES=-1 GGML_VK_VISIBLE_DEVICES=-1
  )
  "${alone[@]}" OLLAMA_HOST=127.0.0.1:0 setpriv --pdeathsig TERM "$1" serve \
    >"$work/serve.log" 2>&1 </dev/null &
  server=$!
  trap 'kill "$server" 2>/dev/null || true; wait "$server" || true; rm -rf "$work"' EXIT
  for ((try = 0; try < 300; try++)); do
    address=$(sed -n 's/.*Listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$work/serve.log")
    [[ -z $address ]] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  fail "ollama serve did not start: $(tail -n 3 "$work/serve.log")"
}
