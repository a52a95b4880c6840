# unit tests
hamedic_unit_test(log_message hamedic_agent)
if(HAMEDIC_HAVE_SYSTEMD)
    hamedic_unit_test(journald hamedic_host)
endif()
hamedic_unit_test(diagnose_bind hamedic_agent)
