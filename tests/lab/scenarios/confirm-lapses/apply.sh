# Not confirmed in time: everything comes back, whatever happened to the terminal, to the agent and to the clock. And where
# nothing would hold the deadline, apply does not begin.
cfg=/etc/haproxy/haproxy.cfg
sum=$(sha256sum <$cfg)
new_plan() { # FILE VALUE
    rm -f "$1"*
    hamedic plan -o "$1" --set "haproxy.maxconn:global=$2" --set sysctl.dropin:net.core.somaxconn=4096 >/dev/null
    hamedic approve "$1" -k /root/ops1.key
    hamedic approve "$1" -k /root/ops2.key
}
is_back() {
    [ "$(sha256sum <$cfg)" = "$sum" ]
    [ "$(sysctl -n net.core.somaxconn)" = 8192 ]
    [ ! -e /etc/sysctl.d/99-hamedic.conf ]
}
is_applied() { # VALUE
    grep -q "maxconn $1" $cfg
    [ "$(sysctl -n net.core.somaxconn)" = 4096 ]
    systemctl is-active hamedic-deadline.timer
}
wait_until_back() { # SECONDS
    rounds=$1
    while systemctl -q is-active hamedic-deadline.timer; do
        [ "$rounds" -gt 0 ]
        rounds=$((rounds - 1))
        sleep 1
    done
    is_back
    hamedic history --json | grep '"state"' | tail -n 1 | grep -q '"rolled back"'
}
seconds() {
    cut -d. -f1 /proc/uptime
}

echo "--- nothing would hold it"
new_plan /root/a.plan 1500
systemctl mask --runtime hamedic-deadline.timer
status=0
hamedic apply --confirm 30 /root/a.plan || status=$?
[ "$status" = 1 ]
systemctl unmask --runtime hamedic-deadline.timer
systemctl disable hamedic-recover.service
status=0
hamedic apply --confirm 30 /root/a.plan || status=$?
[ "$status" = 1 ]
systemctl enable hamedic-recover.service
is_back
hamedic history | grep -q 'No transaction yet'
! systemctl is-active hamedic-deadline.timer || exit 1

echo "--- the agent is killed while it applies"
hamedic apply --confirm 60 /root/a.plan &
agent=$!
until grep -q ' COMMITTED ' /var/lib/hamedic/tx/*/journal 2>/dev/null; do
    kill -0 $agent
    sleep 0.1
done
# It stands still while the host is looked at: unless it has proven itself already, the next look of the timer takes
# everything back at once.
kill -STOP $agent
is_applied 1500
begin=$(seconds)
kill -9 $agent
status=0
wait $agent || status=$?
[ "$status" = 137 ]
wait_until_back 90
echo "it came back $(($(seconds) - begin)) s after the kill"

echo "--- the terminal is closed, the clock is set back by an hour"
new_plan /root/b.plan 1600
script -qec 'hamedic apply --confirm 40 /root/b.plan' /dev/null </dev/null
begin=$(seconds)
is_applied 1600
date -s '-1 hour'
wait_until_back 120
echo "it came back $(($(seconds) - begin)) s after the deadline of 40 s began"
[ $(($(seconds) - begin)) -ge 35 ]
date -s '+1 hour'

echo "--- the clock is set forward by an hour"
new_plan /root/c.plan 1700
hamedic apply --confirm 40 /root/c.plan
begin=$(seconds)
date -s '+1 hour'
sleep 15
is_applied 1700
wait_until_back 120
[ $(($(seconds) - begin)) -ge 35 ]
date -s '-1 hour'
systemctl list-timers --all | grep -q hamedic && exit 9
systemctl status hamedic-deadline.service --no-pager | head -20 || true
exit 4
