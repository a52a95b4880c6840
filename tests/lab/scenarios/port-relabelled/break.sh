# Somebody gave tcp/8888 to the web cache; now it is wished to be HTTP's. Taken back, it is the web cache's again.
semanage port -a -t http_cache_port_t -p tcp 8888
semanage port -l -C | grep -q 'http_cache_port_t.*8888'
