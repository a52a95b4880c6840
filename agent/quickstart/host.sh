# The host of the quickstart: HAProxy in master-worker mode, its servers, and what someone did to them.
# shellcheck shell=sh

cfg=/etc/haproxy/haproxy.cfg
ports=/proc/sys/net/ipv4/ip_local_port_range
master= # process id of HAProxy's master

host_configure() {
    rm -rf /etc/hamedic /etc/haproxy # copies of the machine's own
    mkdir -p /etc/haproxy /run/haproxy /etc/sysctl.d
    cat >"$cfg" <<'END'
# Written by hand, and kept so: comments, blanks and all.
global
    log stdout format iso local0
    user haproxy
    group haproxy
    maxconn 2000        # enough for everybody
    stats socket /run/haproxy/admin.sock mode 660 level admin

defaults
    mode http
    log global
    option httplog
    timeout connect 1s
    timeout client 30s
    timeout server 10s
    timeout queue 400ms

frontend shop
    bind 127.0.0.1:8001
    default_backend shop

frontend api
    bind 127.0.0.1:8002
    default_backend api

frontend legacy
    bind 127.0.0.1:8003
    default_backend legacy

frontend metrics
    bind 127.0.0.1:40100
    stats enable
    stats uri /

backend shop
    server shop1 127.0.0.11:9001 check inter 1s maxconn 10   # "so that it is not overrun"

backend api
    server api1 127.0.0.21:9002 check inter 1s fall 100

backend legacy
    retries 1
    server legacy1 127.0.0.31:9003 check inter 1s fall 1
END
    echo 'net.ipv4.ip_local_port_range = 40000 40199' >/etc/sysctl.d/60-ports.conf
    echo '40000 40199' >"$ports"
}

# One question to a socket of HAProxy's.
ask() { # SOCKET COMMAND
    echo "$2" | socat -t 5 - "UNIX-CONNECT:$1" 2>/dev/null
}
stat_of() { # PROXY SERVER COLUMN
    ask /run/haproxy/admin.sock 'show stat' | awk -F , -v proxy="$1" -v server="$2" -v column="$3" '
        NR == 1 { sub(/^# /, ""); for (i = 1; i <= NF; i++) if ($i == column) at = i }
        $1 == proxy && $2 == server { print $at }'
}
running_maxconn() {
    ask /run/haproxy/admin.sock 'show info' | sed -n 's/^Maxconn: //p'
}
failed_reloads() {
    count=$(ask /run/haproxy-master.sock 'show proc' | sed -n 's/.* master .*failed: \([0-9]*\).*/\1/p')
    echo "${count:-0}"
}

backends_ready() {
    grep -qs ready /run/backend.said
}
haproxy_ready() {
    [ -n "$(running_maxconn)" ]
}
servers_checked() {
    [ "$(stat_of shop shop1 check_status)" = L4OK ] && [ "$(stat_of api api1 check_status)" = L4OK ]
}
host_start() {
    backend 127.0.0.11:9001=200 127.0.0.21:9002=1000 >/run/backend.said 2>&1 &
    wait_for 10 "the servers to listen" backends_ready
    haproxy -W -f "$cfg" -p /run/haproxy.pid -S /run/haproxy-master.sock >/var/log/haproxy.log 2>&1 &
    master=$!
    wait_for 10 "HAProxy to start (see /var/log/haproxy.log)" haproxy_ready
    # Before its first check a server is one failure away from DOWN.
    wait_for 10 "the servers to be checked" servers_checked
}

reload_failed() {
    [ "$(failed_reloads)" -gt 0 ]
}
host_break_maxconn() {
    run 0 sed -i 's/maxconn 2000 /maxconn 100000 /' "$cfg"
    run 0 haproxy -c -q -f "$cfg"
    run 0 kill -USR2 "$master" # what systemctl reload does
    wait_for 20 "the reload to fail" reload_failed
    [ "$(running_maxconn)" -eq 2000 ] || fail "HAProxy took the new maxconn"
}

# All of /etc but hamedic's own folder, and the kernel's running values: what must be as before after a rollback.
manifest() {
    find /etc -path /etc/hamedic -prune -o -type f -exec sha256sum {} + | sort -k 2
    find /etc -path /etc/hamedic -prune -o -printf '%p %y %m %u %g %l\n' | sort
    head -n 1 "$ports" /proc/sys/net/ipv4/ip_local_reserved_ports
    echo "running: maxconn $(running_maxconn), shop1 $(stat_of shop shop1 slim)"
}
touched() {
    diff /run/before /run/applied | sed -n 's/^[<>] [0-9a-f]\{64\}  //p' | sort -u
}
