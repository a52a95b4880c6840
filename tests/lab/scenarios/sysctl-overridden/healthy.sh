# Forty clients at once, and none is turned away.
traffic -a 127.0.0.1:80 -n 40 -p 500 -w 3 -t 3 >/tmp/traffic
tail -n 1 /tmp/traffic
tail -n 1 /tmp/traffic | grep -qE 'ok=[1-9][0-9]* 503=0 other=0 refused=0 hung=0'
