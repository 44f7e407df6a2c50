/*
 * A till of the tests' own that keeps what it is told, as a process: what hilo-till --json does with
 * "queue":true, by other code. Lines {"method","params","tag"} on standard input, {"event":"queued","tag"}
 * once it is on disk, {"event":"answer","tag",…} when the gateway has answered. Ends with 0 when its input
 * has ended and all was answered.
 */
#ifndef TESTS_TILL_KEEP_H
#define TESTS_TILL_KEEP_H

#include "till_client.h"

/* Its folder: made with who it is. */
void till_keep_make(const char *folder, const struct till_id *);
/* The process: connects to this port of 127.0.0.1. Returns its exit status. */
int till_keep_run(const char *folder, int port);

#endif
