# The servers move to tcp/8888. Somebody labels the port, and the new policy is installed and not loaded, as a commit that is cut
# off at that moment leaves it. A commit that went through before is nothing to be named.
semanage port -a -t http_port_t -p tcp 4712
hamedic diagnose --json >/root/through.json || true
! grep -q selinux-store-damaged /root/through.json || exit 1
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
systemctl enable --now lab-backend@127.0.0.11:8888 lab-backend@127.0.0.12:8888
sed -i 's/:8080 check/:8888 check/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
kernel=$(sha256sum </sys/fs/selinux/policy)
semanage port -a -N -t http_port_t -p tcp 8888
[ "$(sha256sum </sys/fs/selinux/policy)" = "$kernel" ]
semanage port -l -C | grep -q 8888
sleep 4
