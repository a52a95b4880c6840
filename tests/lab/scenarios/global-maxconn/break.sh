# Thirty connections are all that HAProxy may have, and sixty clients stay connected: whoever comes next waits.
sed -i 's/^    maxconn 2000/    maxconn 30/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
systemd-run -q --unit=lab-load /opt/lab/bin/traffic -a 127.0.0.1:80 -n 60 -p 5000 -m 60000
sleep 6
[ "$(echo 'show info' | socat -t 5 - UNIX-CONNECT:/run/haproxy.sock | sed -n 's/^CurrConns: //p')" -ge 30 ]
