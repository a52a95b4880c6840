# unit tests
hamedic_unit_test(netlink hamedic_host)
hamedic_unit_test(tls_name hamedic_host)
hamedic_unit_test(firewall hamedic_host)
