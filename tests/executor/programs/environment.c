/* Prints its environment, a variable a line. */
#include <stdio.h>
extern char **environ;
int main(void) {
    for (char **v = environ; *v; v++) puts(*v);
    return 0;
}
