-- luacheck reads this: Lua 5.4 everywhere, busted's names in the specs.
std = "lua54"
max_line_length = 120
include_files = { "**/*.lua", "rockspec/*.rockspec", "bin/connect-usage", ".busted", ".luacheckrc" }
exclude_files = { "build", "lua/cloudblue/connect/meta.lua" }
files["spec"].std = "lua54+busted"
files["rockspec"].std = "rockspec"
files[".luacheckrc"].std = "luacheckrc"
