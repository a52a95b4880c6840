# The way of a runbook: the same changes as hamedic's plan "store" (make_trees.sh), one command after the other.
#
# Where a command cannot work without systemd or without an SELinux kernel its nearest form stands here, which writes
# the same files:
#     setsebool -P NAME 1             semanage boolean -N -m --on NAME (-N: the kernel loads nothing)
#     semanage port -a ...            semanage port -N -a ...
#     systemctl daemon-reload,
#     systemctl restart haproxy       nothing: they change no file
# shellcheck shell=sh
set -eu

# haproxy.cfg
sed -i 's/^    maxconn 2000/    maxconn 4000/' /etc/haproxy/haproxy.cfg
sed -i 's/^\(    server shop1 .* maxconn\) 10$/\1 100/' /etc/haproxy/haproxy.cfg
sed -i '/^    maxconn 4000/a\    stats socket /run/haproxy/admin.sock mode 600 level admin' /etc/haproxy/haproxy.cfg

# kernel settings
mkdir -p /etc/sysctl.d
echo 'net.core.somaxconn = 4096' >/etc/sysctl.d/99-haproxy.conf
sysctl -q -p /etc/sysctl.d/99-haproxy.conf

# the limit of the unit goes back to the unit's own
rm /etc/systemd/system/haproxy.service.d/99-hamedic.conf
rmdir /etc/systemd/system/haproxy.service.d

# SELinux
semanage boolean -N -m --on haproxy_connect_any
semanage port -N -a -t http_port_t -p tcp 8888
