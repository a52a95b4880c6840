# Once, before the machine's snapshot: what every scenario finds. hamedic as its package would install it, an agent's
# key and an operator's, HAProxy with one frontend (tcp/80) and two servers (127.0.0.11 and 127.0.0.12, tcp/8080), all
# of it to be there after a reboot too.
set -eu

tell() {
    status=$?
    [ "$status" = 0 ] || {
        journalctl -u haproxy --no-pager | tail -n 20
        ausearch --input-logs -m AVC --raw | tail -n 20
    }
    exit "$status"
}
trap tell EXIT
step() {
    echo "--- $*"
}

step "hamedic"
tar -C / -xf /opt/lab/package.tar
# An image that lacks one of its libraries gets the one it was built with; a package would depend on it.
if missing=$(ldd /usr/sbin/hamedic | awk '/not found/ { print $1 }') && [ -n "$missing" ]; then
    for library in $missing; do
        echo "this image lacks $library"
        cp "/opt/lab/libraries/$library" /usr/local/lib/
    done
    ldconfig
fi
restorecon -RF /usr/sbin/hamedic /usr/local/lib 2>/dev/null || true
hamedic version
systemctl daemon-reload
systemctl enable hamedic-recover.service
install -m 755 /opt/lab/bin/backend /usr/local/sbin/lab-backend
restorecon -F /usr/local/sbin/lab-backend 2>/dev/null || true

step "keys"
hamedic keygen
for number in 1 2; do
    hamedic keygen -W -o "/root/ops$number"
    install -D -m 644 "/root/ops$number.pub" "/etc/hamedic/operators/ops$number.pub"
done

# The first commit to a policy store that was built elsewhere gives all of its files the SELinux user of who commits,
# leaves an empty list of ports behind, and writes the policy in another byte order. So that this is not taken for a
# change of the repair, it is done here.
step "policy store"
if command -v semanage; then
    semanage port -a -t http_port_t -p tcp 4711
    semanage port -d -t http_port_t -p tcp 4711
fi

step "servers"
cat >/etc/systemd/system/lab-backend@.service <<'END'
[Unit]
Description=Server of the lab at %I
Before=haproxy.service
[Service]
ExecStart=/usr/local/sbin/lab-backend %I=0
Restart=always
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080

step "HAProxy"
cp /opt/lab/haproxy.cfg /etc/haproxy/haproxy.cfg
chmod 644 /etc/haproxy/haproxy.cfg
restorecon -RF /etc/haproxy 2>/dev/null || true
systemctl restart haproxy
systemctl is-active haproxy
systemctl is-active auditd || true
getenforce
ps -o label,pid,args -C haproxy
for try in $(seq 60); do
    [ "$try" -lt 60 ] || exit 1
    [ "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/ || true)" != 200 ] || break
    sleep 1
done
hamedic diagnose
sync
