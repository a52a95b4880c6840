# unit tests
hamedic_unit_test(log_message hamedic_agent)
hamedic_unit_test(journald hamedic_host)
hamedic_unit_test(diagnose_bind hamedic_agent)
