/* Prints each argument and a bar. */
#include <stdio.h>
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) { fputs(argv[i], stdout); putchar('|'); }
    return 0;
}
