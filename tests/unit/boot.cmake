# What the next boot will set: our answer, and systemd's own on the same tree.
add_executable(boot_answer integration/boot_answer.c)
target_link_libraries(boot_answer PRIVATE hamedic_host)
foreach(test "boot_sysctl cat" "boot_sysctl run" "boot_limit")
    separate_arguments(words UNIX_COMMAND ${test})
    list(GET words 0 script)
    list(REMOVE_AT words 0)
    string(REPLACE " " "_" name ${test})
    add_test(NAME integration/${name}
             COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/integration/${script}.sh $<TARGET_FILE:boot_answer> ${words})
    set_tests_properties(integration/${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
endforeach()
