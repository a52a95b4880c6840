# Every frontend of the configuration answers.
for port in $(sed -n 's/^ *bind 127.0.0.1://p' /etc/haproxy/haproxy.cfg); do
    [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "http://127.0.0.1:$port/")" = 200 ]
done
