# Somebody widened the ports for HAProxy; a file that is read later takes that back at every boot. The servers need a
# second for an answer: few requests, which an emulated processor serves easily, then keep all connections open at once.
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
sed -i 's/%I=0/%I=1000/' /etc/systemd/system/lab-backend@.service
systemctl daemon-reload
systemctl enable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
echo 'net.ipv4.ip_local_port_range = 20000 60999' >/etc/sysctl.d/60-haproxy.conf
echo 'net.ipv4.ip_local_port_range = 40000 40007' >/etc/sysctl.d/99-zz-site.conf
sysctl -q --system
[ "$(sysctl -n net.ipv4.ip_local_port_range | tr '\t' ' ')" = '40000 40007' ]
systemctl restart haproxy
systemd-run -q --unit=lab-load /opt/lab/bin/traffic -a 127.0.0.1:80 -n 30 -p 500
sleep 5
