/* Prints whether SIGPIPE is ignored, whether any signal is blocked, and its session and pid. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    struct sigaction action;
    sigset_t mask;
    int blocked = 0;
    sigaction(SIGPIPE, 0, &action);
    sigprocmask(SIG_BLOCK, 0, &mask);
    for (int i = 1; i < 65; i++) blocked += sigismember(&mask, i) == 1;
    printf("%d %d %d\n", action.sa_handler == SIG_IGN, blocked, getsid(0) == getpid());
    return 0;
}
