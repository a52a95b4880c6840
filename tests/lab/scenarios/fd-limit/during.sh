# A long download through HAProxy that began before the repair goes on while it is carried out, and is whole at its end.
journalctl --no-pager -u lab-download | tail -n 5
ls -l /root/file /root/download
[ "$(systemctl is-active lab-download)" = active ]
[ "$(stat -c %s /root/download)" -lt "$(stat -c %s /root/file)" ]
while [ ! -e /root/applied ] || [ "$(systemctl is-active lab-download)" = active ]; do
    sleep 1
done
journalctl --no-pager -u lab-download | tail -n 5
# Its last bytes came when the reload was done: the journal says when that was.
committed=$(awk '$5 == "COMMITTED" { print $3 }' /var/lib/hamedic/tx/*/journal)
[ "$(stat -c %Y /root/download)" -gt "$committed" ]
cmp /root/file /root/download && echo survived
