# A long download through HAProxy that began before the repair goes on while it is carried out, and is whole at its end.
journalctl --no-pager -u lab-download | tail -n 5
ls -l /root/file /root/download
[ "$(systemctl is-active lab-download)" = active ]
[ "$(stat -c %s /root/download)" -lt "$(stat -c %s /root/file)" ]
while [ ! -e /root/applied ]; do
    sleep 0.2
done
[ "$(systemctl is-active lab-download)" = active ]
while [ "$(systemctl is-active lab-download)" = active ]; do
    sleep 1
done
journalctl --no-pager -u lab-download | tail -n 5
cmp /root/file /root/download && echo survived
