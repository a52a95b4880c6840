/* tests/host/clock_jumps: preloaded into a program, its clock of the day jumps at every look: ten
 * years ahead, ten years back, as it is, and so on. The clocks that cannot be set stay as they are.
 * Use:     LD_PRELOAD=libclock_jumps.so PROGRAM; CLOCK_JUMPS_MARK=FILE: made at the first jump.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TEN_YEARS ((int64_t)10 * 365 * 24 * 3600)

static int64_t jump(void)
{
    static atomic_uint looks;
    unsigned look = atomic_fetch_add(&looks, 1);
    const char *mark = look == 0 ? getenv("CLOCK_JUMPS_MARK") : NULL;

    if (mark != NULL) {
        int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd >= 0)
            close(fd);
    }
    return look % 3 == 0 ? TEN_YEARS : look % 3 == 1 ? -TEN_YEARS : 0;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *out_time)
{
    int status = (int)syscall(SYS_clock_gettime, clock, out_time);

    if (status == 0 && clock == CLOCK_REALTIME)
        out_time->tv_sec += (time_t)jump();
    return status;
}

__attribute__((visibility("default"))) time_t time(time_t *out_time)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out_time != NULL)
        *out_time = now.tv_sec;
    return now.tv_sec;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict out_time,
                                                        void *restrict zone)
{
    struct timespec now = {0};

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    out_time->tv_sec = now.tv_sec;
    out_time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
