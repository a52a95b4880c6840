#!/bin/sh
# Runs in the guest at every boot, started by the image (tests/lab/README.md, the guest contract). It does what the
# runner on the other end of the second serial port says, a line at a time:
#
#   runner:  do ID SECONDS COMMAND        guest:  its output, then "=LAB= done ID STATUS"
#   runner:  bye                          guest:  ends; the image then powers off
#
# A command is one line for sh, in /root. What is still at work after SECONDS is ended: STATUS 124.
exec 3<>/dev/ttyS1 >&3 2>&3
stty -F /dev/ttyS1 raw -echo
cd /root || exit 1
HOME=/root
PATH=/opt/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
TERM=dumb
PAGER='cat'
SYSTEMD_PAGER='cat'
SYSTEMD_COLORS=0
export HOME PATH LC_ALL TERM PAGER SYSTEMD_PAGER SYSTEMD_COLORS
umask 022

echo "=LAB= ready $(cat /proc/sys/kernel/random/boot_id)"
while read -r word id seconds command <&3; do
    case $word in
    do)
        timeout -k 5 "$seconds" sh -c "$command" </dev/null 3<&-
        status=$?
        printf '\n=LAB= done %s %s\n' "$id" "$status"
        ;;
    bye) exit 0 ;;
    esac
done
