# Somebody widened the ports for HAProxy; a file that is read later takes that back at every boot. A neighbour then keeps
# the few that are left. The servers need a second for an answer, so that forty clients need more even without it.
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
sed -i 's/%I=0/%I=1000/' /etc/systemd/system/lab-backend@.service
systemctl daemon-reload
systemctl enable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
echo 'net.ipv4.ip_local_port_range = 20000 60999' >/etc/sysctl.d/60-haproxy.conf
echo 'net.ipv4.ip_local_port_range = 40000 40007' >/etc/sysctl.d/99-zz-site.conf
sysctl -q --system
[ "$(sysctl -n net.ipv4.ip_local_port_range | tr '\t' ' ')" = '40000 40007' ]
systemctl restart haproxy
cp hold.py /root/hold.py
systemd-run -q --unit=lab-hold /usr/bin/python3 /root/hold.py
out_of_ports() { # SERVER ADDRESS
    [ "$(ss -Htan state established dst "$2:8080" | wc -l)" = 8 ] &&
        echo 'show stat' | socat -t 5 - UNIX-CONNECT:/run/haproxy.sock | grep "^app,$1,.*Out of local source ports"
}
for _ in 1 2 3 4 5 6 7 8 9 10; do
    out_of_ports app1 127.0.0.11 && out_of_ports app2 127.0.0.12 && exit 0
    sleep 3
done
exit 1
