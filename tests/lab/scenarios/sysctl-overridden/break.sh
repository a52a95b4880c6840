# Somebody widened the ports for HAProxy; a file that is read later takes that back at every boot. The servers need some
# time for an answer, so that a connection each is open at once.
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
sed -i 's/%I=0/%I=300/' /etc/systemd/system/lab-backend@.service
systemctl daemon-reload
systemctl enable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
echo 'net.ipv4.ip_local_port_range = 20000 60999' >/etc/sysctl.d/60-haproxy.conf
echo 'net.ipv4.ip_local_port_range = 40000 40007' >/etc/sysctl.d/99-zz-site.conf
sysctl -q --system
[ "$(sysctl -n net.ipv4.ip_local_port_range | tr '\t' ' ')" = '40000 40007' ]
systemctl restart haproxy
systemd-run -q --unit=lab-load /opt/lab/bin/traffic -a 127.0.0.1:80 -n 40 -p 200
sleep 5
