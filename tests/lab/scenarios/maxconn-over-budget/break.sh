# More connections are allowed than the unit has descriptors for, and HAProxy may not raise its own limit. It shows at
# the next start: `haproxy -c` says that the file is valid.
mkdir -p /etc/systemd/system/haproxy.service.d
printf '[Service]\nCapabilityBoundingSet=~CAP_SYS_RESOURCE\nLimitNOFILE=5000\n' >/etc/systemd/system/haproxy.service.d/10-site.conf
systemctl daemon-reload
systemctl restart haproxy
sleep 3 # the file is newer than the worker, by whole seconds
sed -i 's/^    maxconn 2000/    maxconn 20000/' /etc/haproxy/haproxy.cfg
haproxy -c -q -f /etc/haproxy/haproxy.cfg
