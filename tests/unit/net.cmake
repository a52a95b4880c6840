# unit tests
hamedic_unit_test(netlink hamedic_host)
