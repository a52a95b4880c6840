# unit tests. They work on a real policy store in a tree; the first one to run builds it.
hamedic_unit_test(semanage hamedic_host)
target_compile_definitions(test_semanage PRIVATE TREE_DIR="${PROJECT_BINARY_DIR}/selinux-tree")
target_link_options(test_semanage PRIVATE -Wl,--wrap=semanage_commit)

hamedic_unit_test(selinux_rows hamedic_remediations)
target_compile_definitions(test_selinux_rows PRIVATE TREE_DIR="${PROJECT_BINARY_DIR}/selinux-tree")
