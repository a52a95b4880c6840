#!/bin/sh
# Which value the next boot will set: hamedic's answer against systemd's. In bash, whose seeded RANDOM makes the same
# trees each time.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bash "$here/boot_sysctl.bash" "$HAMEDIC_TEST_PROGRAMS/boot_answer" cat
bash "$here/boot_sysctl.bash" "$HAMEDIC_TEST_PROGRAMS/boot_answer" run
