# A new client gets an answer, though hundreds of others stay connected.
[ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 http://127.0.0.1/)" = 200 ]
