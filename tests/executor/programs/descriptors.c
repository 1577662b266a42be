/* Prints the number of its open descriptors and whether its own outputs are non-blocking. */
#include <fcntl.h>
#include <stdio.h>
int main(void) {
    int open = 0;
    for (int fd = 0; fd < 1024; fd++) open += fcntl(fd, F_GETFD) >= 0;
    printf("%d %d\n", open, (fcntl(1, F_GETFL) & O_NONBLOCK) || (fcntl(0, F_GETFL) & O_NONBLOCK));
    return 0;
}
