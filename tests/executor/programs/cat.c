/* Copies its input to its output. */
#include <unistd.h>
int main(void) {
    static char block[1 << 16];
    ssize_t n;
    while ((n = read(0, block, sizeof block)) > 0)
        for (ssize_t done = 0; done < n;) {
            ssize_t m = write(1, block + done, n - done);
            if (m < 0) return 1;
            done += m;
        }
    return n < 0;
}
