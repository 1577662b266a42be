/* Prints its limits and its niceness. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
int main(void) {
    struct rlimit cpu, space, files;
    usleep(50000); /* the limits are put on from outside, a moment after the start */
    getrlimit(RLIMIT_CPU, &cpu);
    getrlimit(RLIMIT_AS, &space);
    getrlimit(RLIMIT_NOFILE, &files);
    printf("%lu %lu %lu %d\n", cpu.rlim_cur, space.rlim_cur, files.rlim_cur,
           getpriority(PRIO_PROCESS, 0));
    return 0;
}
