# HAProxy moves to tcp/8404 and its servers to tcp/8888: two denials, to be cured by one rebuild of the policy.
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
systemctl enable --now lab-backend@127.0.0.11:8888 lab-backend@127.0.0.12:8888
sed -i 's/:8080 check/:8888 check/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
sleep 4
cat >>/etc/haproxy/haproxy.cfg <<'END'

frontend second
    bind 127.0.0.1:8404
    default_backend app
END
systemctl reload haproxy
sleep 4
ausearch --input-logs -m AVC -c haproxy --raw >/root/denials
grep -q 'name_connect.*dest=8888' /root/denials
grep -q 'name_bind.*src=8404' /root/denials
