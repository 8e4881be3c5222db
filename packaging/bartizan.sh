#!/bin/sh
# Runs the program with the Node beside it, from any folder and through any link.
file=$(readlink -f -- "$0") || exit 1
lib=${file%/bin/*}/lib
# Without the limit, in MiB, V8 takes 128 MB for young objects alone.
exec "$lib/node" --max-semi-space-size=16 "$lib/bartizan.mjs" "$@"
