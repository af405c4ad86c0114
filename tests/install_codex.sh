#!/bin/sh
# Installs the real Codex CLI, in the versions that tests run against, into .cache/codex/<version>/. Needs npm; run from the
# root of the repository. Without npm the tests with the real CLI are skipped, and CI=true makes that a failure.
set -u

VERSIONS="0.169.0 0.145.0 0.140.0 0.98.0"
LIMIT_S=300

binary_of() {
    for file in \
        ".cache/codex/$1"/node_modules/@openai/codex-*/vendor/*-linux-*/bin/codex \
        ".cache/codex/$1"/node_modules/@openai/codex/vendor/*-linux-*/codex/codex; do
        [ -x "$file" ] && { echo "$file"; return 0; }
    done
    return 1
}

give_up() {
    echo "!!! The tests with the real Codex CLI will be SKIPPED: $1 !!!" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
}

limited() {
    if command -v timeout >/dev/null 2>&1; then timeout "$LIMIT_S" "$@"; else "$@"; fi
}

for version in $VERSIONS; do
    binary_of "$version" >/dev/null && continue
    command -v npm >/dev/null 2>&1 || give_up "npm is not installed"
    echo "Installing @openai/codex@$version into .cache/codex/$version ..." >&2
    target=".cache/codex/$version"
    # Into a folder of its own first: an installation that broke off never looks like a finished one.
    fresh="$target.new.$$"
    rm -rf "$fresh"
    mkdir -p "$fresh" || give_up "cannot write to .cache/codex"
    if ! limited npm install --prefix "$fresh" --no-audit --no-fund --no-save --loglevel=error "@openai/codex@$version" >&2; then
        rm -rf "$fresh"
        give_up "npm could not install @openai/codex@$version"
    fi
    rm -rf "$target"
    mv "$fresh" "$target"
    binary_of "$version" >/dev/null || give_up "@openai/codex@$version holds no program for this machine"
done
