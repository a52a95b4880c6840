# No change of ours would be made over it; once the policy is loaded there is nothing to be named any more.
hamedic plan -o /root/other.plan --set selinux.port:tcp/8889=http_port_t
hamedic approve /root/other.plan -k /root/ops1.key
hamedic approve /root/other.plan -k /root/ops2.key
status=0
hamedic apply /root/other.plan 2>/root/said || status=$?
cat /root/said
[ "$status" = 3 ]
grep -q 'the kernel holds an older SELinux policy' /root/said
hamedic apply /root/fix.plan
