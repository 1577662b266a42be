/* Reads its input to the end, then prints its limits and its niceness. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
int main(void) {
    struct rlimit cpu, space, files;
    static char input[1 << 16];
    while (read(0, input, sizeof input) > 0) {}
    getrlimit(RLIMIT_CPU, &cpu);
    getrlimit(RLIMIT_AS, &space);
    getrlimit(RLIMIT_NOFILE, &files);
    printf("%lu %lu %lu %d\n", cpu.rlim_cur, space.rlim_cur, files.rlim_cur,
           getpriority(PRIO_PROCESS, 0));
    return 0;
}
