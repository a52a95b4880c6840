# The servers moved, the file follows, and a maxconn that the descriptors do not carry makes the reload fail: systemd says
# that it succeeded, and the old worker goes on sending clients to where nobody is.
mkdir -p /etc/systemd/system/haproxy.service.d
printf '[Service]\nCapabilityBoundingSet=~CAP_SYS_RESOURCE\nLimitNOFILE=5000\n' >/etc/systemd/system/haproxy.service.d/10-site.conf
systemctl daemon-reload
systemctl restart haproxy
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
systemctl enable --now lab-backend@127.0.0.21:8080 lab-backend@127.0.0.22:8080
sed -i 's/^    maxconn 2000/    maxconn 20000/; s/127\.0\.0\.1\([12]\):8080/127.0.0.2\1:8080/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
sleep 4
