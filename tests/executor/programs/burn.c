/* Uses the processor until something stops it. */
int main(void) {
    for (volatile unsigned long i = 0;; i++) {}
}
