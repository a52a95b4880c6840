# The frontend moves to tcp/8404, and HAProxy is restarted: it fails five times, and systemd gives up.
sed -i 's/bind 127.0.0.1:80$/bind 127.0.0.1:8404/' /etc/haproxy/haproxy.cfg
systemctl restart haproxy || true
for second in $(seq 60); do
    [ "$(systemctl is-active haproxy)" != failed ] || { echo "failed after $second s"; break; }
    sleep 1
done
[ "$(systemctl is-active haproxy)" = failed ]
ausearch --input-logs -m AVC -c haproxy --raw | grep -q 'name_bind.*src=8404'
