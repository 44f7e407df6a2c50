/*
 * hilo-worker: one channel's plugin in a process of its own, started by hilod alone. It has
 * of the core what runs a plugin and nothing of the store (tests/behave/test_worker.c looks).
 */
#include "plug/serve.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("hilo-worker " HILO_VERSION);
        return 0;
    }
    return serve();
}
