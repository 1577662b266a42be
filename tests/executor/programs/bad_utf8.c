/* Writes a byte that is no UTF-8, then a euro sign whose bytes come in two writes. */
#include <unistd.h>
int main(void) {
    write(1, "a\xff" "b\xe2\x82", 5);
    usleep(60000);
    write(1, "\xac" "c", 2);
    return 0;
}
