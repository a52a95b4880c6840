# unit tests: where logs come from
if(HAMEDIC_HAVE_ZLIB AND HAMEDIC_HAVE_ZSTD AND HAMEDIC_HAVE_LZMA)
    hamedic_unit_test(logs_unpack hamedic_host)
endif()
hamedic_unit_test(logs_period hamedic_agent)
hamedic_unit_test(logs_files hamedic_agent)
hamedic_unit_test(logs_read hamedic_agent)
