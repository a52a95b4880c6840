# unit tests
hamedic_unit_test(log_message hamedic_agent)
