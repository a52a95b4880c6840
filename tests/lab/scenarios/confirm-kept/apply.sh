# Applied until somebody confirms it, and confirmed: it stays over the deadline, and nothing armed remains.
hamedic apply --confirm 30 /root/fix.plan
systemctl is-active hamedic-deadline.timer
hamedic diagnose 2>&1 | grep -q 'awaits its confirmation'
hamedic confirm
! systemctl is-active hamedic-deadline.timer || exit 1
sleep 35
hamedic history | grep -q 'kept by'
hamedic history --json | grep '"state"' | tail -n 1 | grep -q '"applied"'
[ "$(sysctl -n net.core.somaxconn)" = 8192 ]
! systemctl is-active hamedic-deadline.timer hamedic-deadline.service || exit 1
