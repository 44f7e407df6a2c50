/*
 * Descriptors over a unix socket (SOCK_SEQPACKET, SCM_RIGHTS): one packet for each frame
 * that has any, in the order of the frames. Never waits. [own] thread of the link's end.
 */
#ifndef PLUG_FDPASS_H
#define PLUG_FDPASS_H

#include <stdbool.h>

enum {
    FDPASS_MAX = 2 /* descriptors of one frame */
};

/* A connected pair. 0, or -1 and errno. */
int fdpass_pair(int out[2]);
/* 1: sent, ours are still open. 0: the socket takes no more now. -1: it takes none at all,
 * errno says why. */
int fdpass_send(int socket, const int *fds, int n);
/* Exactly n come with the next packet: true and they are ours. Else they are closed. */
bool fdpass_take(int socket, int *out, int n);
bool fdpass_writable(int socket);

#endif
