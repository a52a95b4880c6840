/* tests/host/selinux_on: preloaded into a program, its SELinux is on and enforcing, where there is none: so that
 * the audit log is read. All else that libselinux could tell is still missing.
 * Use:     LD_PRELOAD=libselinux_on.so PROGRAM
 */
__attribute__((visibility("default"))) int is_selinux_enabled(void);
__attribute__((visibility("default"))) int security_getenforce(void);

int is_selinux_enabled(void)
{
    return 1;
}

int security_getenforce(void)
{
    return 1;
}
