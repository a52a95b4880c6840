# unit tests
find_package(Threads REQUIRED)
hamedic_unit_test(haproxy_answers hamedic_host)
hamedic_unit_test(haproxy_api hamedic_host Threads::Threads)
hamedic_unit_test(haproxy_arguments hamedic_host)
