/* Ignores SIGTERM, says that it is ready and sleeps; with an argument it has a child like itself. */
#include <signal.h>
#include <unistd.h>
int main(int argc, char **argv) {
    signal(SIGTERM, SIG_IGN);
    if (argc > 1) fork();
    write(1, "ready\n", 6);
    for (;;) pause();
}
