# shellcheck shell=bash disable=SC2154 # cache and tests are setup's
# What reads and formats Lua.

stylua_version=2.5.2

find_luacheck() { type -P luacheck; }
get_luacheck() { apt_install lua-check; }

find_stylua() {
  [[ -x $cache/stylua-$stylua_version ]] && echo "$cache/stylua-$stylua_version"
}

get_stylua() {
  type -P npm >/dev/null || apt_install npm
  local work package=@johnnymorganz/stylua-bin
  work=$(mktemp -d)
  say "getting stylua $stylua_version from npm"
  npm install --prefix "$work" --no-save --no-audit --no-fund --ignore-scripts \
    "$package@$stylua_version" >"$work/log" 2>&1 ||
    fail "npm could not get stylua: $(tail -n 3 "$work/log")"
  # The program itself is in the one package that is for this system.
  install -m 755 "$work/node_modules/$package"-*/stylua "$cache/stylua-$stylua_version.new"
  mv "$cache/stylua-$stylua_version.new" "$cache/stylua-$stylua_version"
  rm -rf "$work"
}
