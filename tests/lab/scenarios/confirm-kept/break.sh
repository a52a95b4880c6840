# The accept queue was widened by hand; a file that is older than the last boot says otherwise.
echo 'net.core.somaxconn = 128' >/etc/sysctl.d/60-site.conf
touch -d '2 days ago' /etc/sysctl.d/60-site.conf
sysctl -q --system
sysctl -q -w net.core.somaxconn=8192
[ "$(sysctl -n net.core.somaxconn)" = 8192 ]
