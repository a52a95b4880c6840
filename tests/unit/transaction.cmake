hamedic_unit_test(replace hamedic_base)
hamedic_unit_test(stage hamedic_remediations)
hamedic_unit_test(journal hamedic_agent)
hamedic_unit_test(deadline hamedic_agent)
hamedic_unit_test(host hamedic_host)

# Leaves a transaction in a tree that awaits its confirmation.
add_executable(awaiting crash/awaiting.c)
target_link_libraries(awaiting PRIVATE hamedic_agent hamedic_flags)
set_target_properties(awaiting PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/host)
