#!/bin/sh
# Runs the program with the Node beside it, from any folder and through any link.
file=$(readlink -f -- "$0") || exit 1
lib=${file%/bin/*}/lib
exec "$lib/node" "$lib/bartizan.mjs" "$@"
