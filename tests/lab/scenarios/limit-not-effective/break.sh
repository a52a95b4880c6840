# A higher limit was written for the unit, and nobody restarted HAProxy.
mkdir -p /etc/systemd/system/haproxy.service.d
printf '[Service]\nCapabilityBoundingSet=~CAP_SYS_RESOURCE\nLimitNOFILE=5000\n' >/etc/systemd/system/haproxy.service.d/10-site.conf
systemctl daemon-reload
systemctl restart haproxy
printf '[Service]\nLimitNOFILE=20000\n' >/etc/systemd/system/haproxy.service.d/20-more.conf
systemctl daemon-reload
