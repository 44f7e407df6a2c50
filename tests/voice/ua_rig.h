/*
 * An endpoint of plugins/voice/ua.h with nothing of the gateway around it, for tests against real peers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UA_RIG_H
#define UA_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "../../plugins/voice/ua.h"

enum { RIG_WAIT_MS = 10000 };

struct rig {
    struct ua *ua;
    int wake[2];
    int port; /* of UDP and TCP */
    char listen[64];
    struct ua_conf conf;
    int incoming, refused; /* UA_INCOMING answered, UA_REFUSED seen, by rig_serve() */
};

static inline struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, s ? __builtin_strlen(s) : 0};
}
/* A port that nobody has, of UDP and TCP on 127.0.0.1 (v6: ::1). */
int rig_port(bool v6);
/* Defaults: 127.0.0.1 by UDP and TCP, a trunk of 127.0.0.0/8; change r->conf, then rig_start(). */
void rig_init(struct rig *r);
/* Starts, and waits for UA_UP unless no. */
void rig_start(struct rig *r, bool up);
void rig_stop(struct rig *r);
/* The next event, at most so long; false: none. It is valid until the next call. */
bool rig_next(struct rig *r, struct ua_event *e, int ms);
/* The next event of this type, others are passed over; fails the test when none comes. */
struct ua_event rig_await(struct rig *r, enum ua_event_type type);
/* Waits until somebody has this UDP (stream: TCP) port of 127.0.0.1. */
void rig_listening(int port, bool stream);
/* An SDP of one audio stream, to a port. */
const char *rig_sdp(int port);

/* Runs a program with its output in a file of the build folder; rig_end(): its exit status. */
pid_t rig_spawn(const char *log, const char *const argv[]);
int rig_end(pid_t pid);
/* Answers whatever comes until the program has ended; its exit status. answer: each INCOMING is rung and
 * answered. */
int rig_serve(struct rig *r, pid_t pid);

#endif
