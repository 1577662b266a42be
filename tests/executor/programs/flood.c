/* Writes as many MiB of x as it is told. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    static char block[1 << 20];
    memset(block, 'x', sizeof block);
    for (int i = atoi(argv[1]); i > 0; i--)
        for (size_t done = 0; done < sizeof block;) {
            ssize_t n = write(1, block + done, sizeof block - done);
            if (n < 0) return 1;
            done += n;
        }
    return 0;
}
