# A second frontend on tcp/8404, and a reload. systemd says that it succeeded; the old worker goes on without it.
cat >>/etc/haproxy/haproxy.cfg <<'END'

frontend second
    bind 127.0.0.1:8404
    default_backend app
END
systemctl reload haproxy
sleep 4
ausearch --input-logs -m AVC -c haproxy --raw | grep -q 'name_bind.*src=8404'
