#!/bin/sh
# Where Debian keeps the pure-Lua files of lua-http and its friends: filed under older versions of
# Lua, and fine with 5.4. Printed for the end of a Lua path.
d=/usr/share/lua
echo "$d/5.3/?.lua;$d/5.3/?/init.lua;$d/5.2/?.lua;$d/5.1/?.lua"
