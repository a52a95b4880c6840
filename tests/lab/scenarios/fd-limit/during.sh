# A long download through HAProxy, begun before the repair, is whole at its end.
curl -s --limit-rate 250k -o /root/download http://127.0.0.1:8443/file
cmp /root/file /root/download && echo survived
