# The servers stand on PostgreSQL's port: a label there would take it away from PostgreSQL.
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
systemctl enable --now lab-backend@127.0.0.11:5432 lab-backend@127.0.0.12:5432
sed -i 's/:8080 check/:5432 check/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
sleep 4
ausearch --input-logs -m AVC -c haproxy --raw | grep -q 'name_connect.*dest=5432'
