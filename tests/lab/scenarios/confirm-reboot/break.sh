# The servers move to tcp/8888. They answer there; HAProxy may not connect to a port of that type.
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
systemctl enable --now lab-backend@127.0.0.11:8888 lab-backend@127.0.0.12:8888
sed -i 's/:8080 check/:8888 check/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
sleep 4
ausearch --input-logs -m AVC -c haproxy --raw | grep -q 'name_connect.*dest=8888'
