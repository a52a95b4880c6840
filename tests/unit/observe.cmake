# unit tests
find_package(Threads REQUIRED)
hamedic_unit_test(haproxy_answers hamedic_host)
hamedic_unit_test(haproxy_stat hamedic_host)
hamedic_unit_test(haproxy_api hamedic_host Threads::Threads)
hamedic_unit_test(haproxy_arguments hamedic_host)
hamedic_unit_test(sockets hamedic_host)
hamedic_unit_test(ask hamedic_agent)
hamedic_unit_test(apart hamedic_agent)
hamedic_unit_test(haproxy_program hamedic_host)
# Prints what is found, checked, reloaded and observed, for the integration tests.
add_executable(observe_answer integration/observe_answer.c)
target_link_libraries(observe_answer PRIVATE hamedic_agent)
set_target_properties(observe_answer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/host)
