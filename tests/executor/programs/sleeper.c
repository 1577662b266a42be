/* Says that it is ready, sleeps, and ends with 3 on SIGTERM. */
#include <signal.h>
#include <unistd.h>
static void stop(int number) { _exit(3); }
int main(void) {
    signal(SIGTERM, stop);
    write(1, "ready\n", 6);
    for (;;) pause();
}
