/* Leaves a child behind that holds the pipes for the milliseconds that it is given, then says
 * late; "session" puts it in a session of its own, "quiet" lets it close the pipes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    pid_t child = fork();
    if (child == 0) {
        if (argc > 2 && !strcmp(argv[2], "session")) setsid();
        if (argc > 2 && !strcmp(argv[2], "quiet")) { close(0); close(1); close(2); }
        usleep(atoi(argv[1]) * 1000);
        write(1, "late\n", 5);
        _exit(0);
    }
    printf("%d\n", child);
    return 0;
}
