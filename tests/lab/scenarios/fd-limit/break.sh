# HAProxy may not raise its own limit, and is told to go on all the same. Clients that stay connected use it up.
mkdir -p /etc/systemd/system/haproxy.service.d
printf '[Service]\nCapabilityBoundingSet=~CAP_SYS_RESOURCE\nLimitNOFILE=300\n' >/etc/systemd/system/haproxy.service.d/10-site.conf
sed -i 's/^    maxconn 2000/    maxconn 2000\n    no strict-limits/' /etc/haproxy/haproxy.cfg
cat >>/etc/haproxy/haproxy.cfg <<'END'

frontend downloads
    bind 127.0.0.1:8443
    default_backend files

backend files
    server file 127.0.0.13:8080
END
dd if=/dev/urandom of=/root/file bs=64k count=450 status=none
cp drip.py /root/drip.py
cat >/etc/systemd/system/lab-files.service <<'END'
[Service]
ExecStart=/usr/bin/python3 /root/drip.py
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --now lab-files
sleep 5
systemctl restart haproxy
# The download of during.sh begins while there is room for it, and goes on until the plan is applied.
systemd-run -q --unit=lab-download curl -sS -o /root/download http://127.0.0.1:8443/file
sleep 3
[ -s /root/download ]
systemd-run -q --unit=lab-load /opt/lab/bin/traffic -a 127.0.0.1:80 -n 600 -p 20000 -m 60000
sleep 8
