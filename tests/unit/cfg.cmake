# unit tests
hamedic_unit_test(haproxy_lex hamedic_host)
hamedic_unit_test(haproxy_cfg hamedic_host)
hamedic_unit_test(haproxy_cfg_edit hamedic_host)
hamedic_unit_test(cfg_oracle hamedic_host)
