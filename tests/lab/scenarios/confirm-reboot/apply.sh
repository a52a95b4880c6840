# Nobody confirms it before the host restarts.
hamedic apply --confirm 3600 /root/fix.plan
semanage port -l -C | grep -q 8888
systemctl is-active hamedic-deadline.timer
