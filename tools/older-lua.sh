#!/bin/sh
# Where Debian keeps the Lua files of lua-http and its friends, for the end of a Lua path: as the sandbox
# knows it.
cd "$(dirname "$0")/.." && "${LUA:-lua5.4}" -e '
  io.write(dofile("lua/cloudblue/connect/sandbox/libraries.lua").older, "\n")'
