# The accept queue was widened by hand; the file says otherwise.
echo 'net.core.somaxconn = 128' >/etc/sysctl.d/60-site.conf
sysctl -q --system
sysctl -q -w net.core.somaxconn=8192
