# Clients are served, and whoever looks after HAProxy can ask it.
[ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 http://127.0.0.1/)" = 200 ]
socket=$(sed -n 's/^ *stats socket \([^ ]*\).*/\1/p' /etc/haproxy/haproxy.cfg)
echo 'show info' | socat -t 5 - "UNIX-CONNECT:$socket" | grep -q '^Version:'
