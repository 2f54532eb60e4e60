#!/bin/sh
# with-env.sh COMMAND... : runs a command that finds the built tree (see env.sh).
eval "$(sh "$(dirname "$0")/env.sh")"
exec "$@"
