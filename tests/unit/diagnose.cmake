# unit tests
hamedic_unit_test(diagnose hamedic_agent)
hamedic_unit_test(diagnose_wishes hamedic_agent)
hamedic_unit_test(diagnose_selinux hamedic_agent)
hamedic_unit_test(diagnose_limits hamedic_agent)
hamedic_unit_test(diagnose_fuzz hamedic_agent)
hamedic_unit_test(diagnose_explain hamedic_agent)
# The confusion table on made-up facts; tests/diagnosis/run makes the causes for real.
add_executable(test_confusion diagnosis/confusion.c)
target_link_libraries(test_confusion PRIVATE hamedic_agent hamedic_flags)
add_test(NAME unit/confusion COMMAND test_confusion)
set_tests_properties(unit/confusion PROPERTIES TIMEOUT 120)
