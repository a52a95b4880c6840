# The boolean was turned on without -P: the servers on PostgreSQL's port are reached, until the next boot.
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
systemctl enable --now lab-backend@127.0.0.11:5432 lab-backend@127.0.0.12:5432
setsebool haproxy_connect_any 1
sed -i 's/:8080 check/:5432 check/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
sleep 3
