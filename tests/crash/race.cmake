# Somebody else writes to a file while it is replaced: thousands in integration/races.sh, 100,000 in tests/crash/run.
add_executable(race crash/race.c)
target_link_libraries(race PRIVATE hamedic_remediations hamedic_flags)
set_target_properties(race PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/host)
