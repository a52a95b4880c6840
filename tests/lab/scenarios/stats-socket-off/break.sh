# Somebody took the stats socket out.
sed -i '/stats socket/d' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
sleep 3
rm -f /run/haproxy.sock
