# What the next boot will set. boot_answer prints it for the integration tests, which ask systemd about the same tree.
add_executable(boot_answer integration/boot_answer.c)
target_link_libraries(boot_answer PRIVATE hamedic_host)
set_target_properties(boot_answer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/host)

hamedic_unit_test(sysctl hamedic_remediations)
hamedic_unit_test(sysctl_dropin hamedic_remediations)
hamedic_unit_test(unit_files hamedic_remediations)
hamedic_unit_test(systemd_limit hamedic_remediations)
