hamedic_unit_test(base hamedic_base)
hamedic_unit_test(json hamedic_base)
hamedic_unit_test(wire hamedic_base)
hamedic_unit_test(plan hamedic_plans)
hamedic_unit_test(codec hamedic_plans)
hamedic_unit_test(minisign hamedic_plans)
hamedic_unit_test(approval hamedic_plans)
hamedic_unit_test(render hamedic_plans)

# For integration/schema.sh: writes and reads what the schemas describe.
add_executable(plan_sample unit/plan_sample.c)
target_link_libraries(plan_sample PRIVATE hamedic_plans)
set_target_properties(plan_sample PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/host)
