# unit tests: what a log says
hamedic_unit_test(logs_line hamedic_agent)
hamedic_unit_test(logs_tally hamedic_agent)
hamedic_unit_test(logs_ways hamedic_agent)
hamedic_unit_test(logs_oracle hamedic_agent)
# A busy host's log, for the oracle test and the bench.
add_executable(make_log bench/make_log.c)
target_link_libraries(make_log PRIVATE hamedic_flags)
set_target_properties(make_log PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/host)
add_dependencies(test_logs_oracle make_log)
target_compile_definitions(test_logs_oracle PRIVATE MAKE_LOG="$<TARGET_FILE:make_log>")
