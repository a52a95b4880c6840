# The servers move to tcp/8888, and the policy store has lost its active side, as a crash between two renames leaves it.
systemctl disable --now lab-backend@127.0.0.11:8080 lab-backend@127.0.0.12:8080
systemctl enable --now lab-backend@127.0.0.11:8888 lab-backend@127.0.0.12:8888
sed -i 's/:8080 check/:8888 check/' /etc/haproxy/haproxy.cfg
systemctl reload haproxy
sleep 4
mv -T /var/lib/selinux/default/active /var/lib/selinux/default/previous
