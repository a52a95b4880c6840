#!/bin/sh
# `haproxy -c` as the running one was started: its files, directories, arguments and variables, with files replaced.
set -eu
. "$HAMEDIC_SOURCE/tests/integration/observe_common.inc"

mkdir "$dir/conf.d"
write_config "$dir/main.cfg" '127.43.0.2:"${OBSERVE_PORT}"' </dev/null
printf 'frontend a\n    bind 127.43.0.2:18081\n' >"$dir/conf.d/10-a.cfg"
printf '    mode tcp\n    timeout client 1s\n    default_backend back\n' >>"$dir/conf.d/10-a.cfg"
sed -e 's/frontend a/frontend b/' -e s/18081/18082/ "$dir/conf.d/10-a.cfg" >"$dir/conf.d/20-b.cfg"
echo 'this is no configuration' >"$dir/conf.d/.hidden.cfg"
echo 'this is none either' >"$dir/conf.d/note.txt"
ln -s main.cfg "$dir/link.cfg"
OBSERVE_PORT=18080 begin "$haproxy" -W -f link.cfg -f conf.d
until_true is_found

# ---- as it is
ask check
said "exit 0"

# ---- a replaced file that is wrong is refused, and named as what it stands for
sed 's/mode tcp/mode nonsense/' "$dir/conf.d/20-b.cfg" >"$dir/conf.d/.20-b.cfg.staged"
ask check "$dir/conf.d/20-b.cfg" "$dir/conf.d/.20-b.cfg.staged"
said "exit 1"
said_part "[$dir/conf.d/20-b.cfg:3]"
not_said staged

# ---- the others in its directory are still read: a name that stands twice is seen
sed 's/frontend b/frontend a/' "$dir/conf.d/20-b.cfg" >"$dir/conf.d/.20-b.cfg.staged"
ask check "$dir/conf.d/20-b.cfg" "$dir/conf.d/.20-b.cfg.staged"
said_part "$dir/conf.d/10-a.cfg:1"

# ---- one that is right replaces one that is wrong
cp "$dir/conf.d/10-a.cfg" "$dir/conf.d/.10-a.cfg.staged"
echo bogus >>"$dir/conf.d/10-a.cfg"
ask check
said "exit 1"
ask check "$dir/conf.d/10-a.cfg" "$dir/conf.d/.10-a.cfg.staged"
said "exit 0"
cp "$dir/conf.d/.10-a.cfg.staged" "$dir/conf.d/10-a.cfg"

# ---- a file that was given by a link is replaced by its real name
echo bogus >"$dir/.main.staged"
ask check "$dir/main.cfg" "$dir/.main.staged"
said "exit 1"
said_part "[$dir/main.cfg:1]"

# ---- what is no part of the configuration is not passed over in silence
ask check "$dir/elsewhere.cfg" "$dir/.main.staged"
[ "$status" = 1 ] || fail "a staged file that nobody reads was accepted"
said_part "no part of HAProxy's configuration"
