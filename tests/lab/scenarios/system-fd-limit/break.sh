# All processes together may have half as many files as they have open. Root is not held to that; HAProxy's worker is.
# It says so where its log reaches the journal: out of its chroot it does not.
sed -i '/^    chroot /d' /etc/haproxy/haproxy.cfg
systemctl restart haproxy
curl -s -o /dev/null --max-time 5 http://127.0.0.1/
open=$(cut -f 1 /proc/sys/fs/file-nr)
echo "fs.file-max = $((open / 2))" >/etc/sysctl.d/60-site.conf
sysctl -q -p /etc/sysctl.d/60-site.conf
curl -s -o /dev/null --max-time 5 http://127.0.0.1/ || true
sleep 3
cat /proc/sys/fs/file-nr
journalctl --no-pager -u haproxy | grep 'reached system FD limit' | tail -n 1 | grep .
