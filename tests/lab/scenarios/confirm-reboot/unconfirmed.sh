# It was taken back at boot, and that before HAProxy was started.
hamedic history
hamedic history --json | grep '"state"' | tail -n 1 | grep -q '"rolled back"'
hamedic history | grep -q 'not confirmed before the host was restarted'
recovered=$(systemctl show -p ExecMainExitTimestampMonotonic --value hamedic-recover.service)
started=$(systemctl show -p ExecMainStartTimestampMonotonic --value haproxy.service)
echo "recovered at $recovered, HAProxy started at $started"
[ "$recovered" -gt 0 ] && [ "$started" -gt "$recovered" ]
! systemctl is-active hamedic-deadline.timer || exit 1
! semanage port -l -C | grep -q 8888 || exit 1
