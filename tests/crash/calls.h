/* tests/crash/calls: what a system call does to files, told by its number and arguments.
 * Use:     call_describe(pid, &call) at its entry; call_print(...) at its end.
 * Shapes:  call_print writes one line, parts parted by tabs:
 *              N NUMBER RESULT KIND PATH OTHER DETAIL
 *          KIND: "write" (bytes, size, owner, mode or attributes of one file), "meta" (the same but
 *          for bytes and size), "sync", "syncfs", "make" and "remove" (a name), "rename", "swap" (two
 *          names change places), "child" (a process was started), "sure" (a call that has no error), "-" (nothing of these).
 *          Paths are absolute; DETAIL is the first bytes of what is written, escaped.
 * Errors:  a path that cannot be told is "?".
 */
#ifndef HAMEDIC_TESTS_CRASH_CALLS_H
#define HAMEDIC_TESTS_CRASH_CALLS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct call {
    long number;
    uint64_t args[6];
    const char *kind;
    char path[PATH_MAX * 2];
    char other[PATH_MAX * 2];
    char detail[1024];
};

void call_describe(pid_t pid, struct call *call);
void call_print(FILE *file, long n, const struct call *call, int64_t result);
/* fsync, fdatasync, syncfs */
bool call_syncs(const struct call *call);
/* getpid and the like have no error that could be given. */
bool call_can_fail(long number);

#endif
