#!/bin/sh
# Which value the next boot will set: hamedic's answer against systemd's. In bash, whose seeded RANDOM makes the same
# trees each time. systemd-sysctl itself runs on a throw-away host, whose mounts reach nobody.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
programs=$(CDPATH='' cd -- "$HAMEDIC_TEST_PROGRAMS" && pwd)
bash "$here/boot_sysctl.bash" "$programs/boot_answer" cat
sh "$here/../host/enter.sh" -v "$here" -v "$programs" bash "$here/boot_sysctl.bash" "$programs/boot_answer" run
