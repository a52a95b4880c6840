# Denials that explain nothing: of a permissive domain (it was let through), and of another domain whose program is
# called haproxy as well. Clients are served. And booleans: one of HAProxy's that is kept, another's that only runs.
semanage permissive -a haproxy_t
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
systemctl enable --now lab-backend@127.0.0.11:8888 lab-backend@127.0.0.12:8888
sed -i 's/:8080 check/:8888 check/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
mkdir -p /usr/local/lib/other
cp /usr/bin/curl /usr/local/lib/other/haproxy
chcon -t httpd_exec_t /usr/local/lib/other/haproxy
systemd-run -q --wait -p SELinuxContext=system_u:system_r:httpd_t:s0 /usr/local/lib/other/haproxy -s http://127.0.0.11:8888/ || true
sleep 4
ausearch --input-logs -m AVC --raw >/root/denials
grep 'name_connect.*dest=8888.*haproxy_t.*permissive=1' /root/denials | head -n 1
grep 'name_connect.*comm="haproxy" dest=8888.*httpd_t.*permissive=0' /root/denials | head -n 1
grep -q 'name_connect.*dest=8888.*:haproxy_t.*permissive=1' /root/denials
grep -q 'name_connect.*dest=8888.*:httpd_t.*permissive=0' /root/denials
setsebool -P haproxy_connect_any 1
setsebool httpd_can_network_connect 1
semanage boolean -l | grep -E '^haproxy_connect_any +\(on +, +on\)'
semanage boolean -l | grep -E '^httpd_can_network_connect +\(on +, +off\)'
