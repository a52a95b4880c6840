# unit tests. They work on a real policy store in a tree; the first one to run builds it.
if(HAMEDIC_HAVE_SEMANAGE)
    hamedic_unit_test(semanage hamedic_host PkgConfig::LIBSEMANAGE)
    target_compile_definitions(test_semanage PRIVATE TREE_DIR="${PROJECT_BINARY_DIR}/selinux-tree"
        ASKS_POLICY=$<BOOL:${HAMEDIC_HAVE_SEPOL}>)
    target_link_options(test_semanage PRIVATE -Wl,--wrap=semanage_commit)

    hamedic_unit_test(selinux_rows hamedic_remediations)
    target_compile_definitions(test_selinux_rows PRIVATE TREE_DIR="${PROJECT_BINARY_DIR}/selinux-tree"
        COUNTS_EXPOSURE=$<BOOL:${HAMEDIC_HAVE_SEPOL}>)
else()
    hamedic_unit_test(semanage_none hamedic_remediations)
endif()

if(HAMEDIC_HAVE_SEPOL)
    find_package(Threads REQUIRED)
    hamedic_unit_test(selinux_policy hamedic_host PkgConfig::LIBSEPOL Threads::Threads)
    target_compile_definitions(test_selinux_policy PRIVATE TREE_DIR="${PROJECT_BINARY_DIR}/selinux-tree")
else()
    hamedic_unit_test(selinux_policy_none hamedic_host)
endif()

# Changes a tree's policy store from a shell: to be measured (bench/semanage.sh), asked and repaired
# (integration/store_windows.sh, crash/run).
add_executable(policy_store bench/policy_store.c)
target_link_libraries(policy_store PRIVATE hamedic_host hamedic_flags)
set_target_properties(policy_store PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/host)

if(HAMEDIC_HAVE_AUDIT)
    hamedic_unit_test(audit hamedic_host)
endif()
