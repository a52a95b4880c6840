#!/bin/sh
# Which LimitNOFILE the next start will have: hamedic's answer against systemd's. In bash, whose seeded RANDOM makes the
# same trees each time.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bash "$here/boot_limit.bash" "$HAMEDIC_TEST_PROGRAMS/boot_answer"
