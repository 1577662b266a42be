/* Closes its outputs, runs on for the milliseconds that it is given, and ends with 7. */
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    write(1, "early\n", 6);
    close(1);
    close(2);
    usleep(atoi(argv[1]) * 1000);
    return 7;
}
