/* Sends itself the signal that it is given. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    kill(getpid(), atoi(argv[1]));
    pause();
    return 0;
}
