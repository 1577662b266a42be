/* Says why and ends with the exit code that it is given. */
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    puts("partial");
    fputs("went wrong\n", stderr);
    return atoi(argv[1]);
}
