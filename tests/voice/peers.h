/* Programs that we did not write, as tests start them: Kamailio, and sipp with scenarios of ours. */
#ifndef TESTS_VOICE_PEERS_H
#define TESTS_VOICE_PEERS_H

#include "harness.h"

enum { KAMAILIO_MEMORY_MB = 32 };
#define KAMAILIO_PASSWORD "secreto-1234"

/* A registrar and proxy with digest on a free port of 127.0.0.1, UDP and TCP (kamailio.cfg). */
struct kamailio {
    struct process *process;
    int port;
};
void kamailio_up(struct kamailio *, struct scratch *);
void kamailio_down(struct kamailio *);

/* sipp with tests/voice/sipp/NAME.xml; its messages are traced to a file. */
struct sipp {
    struct process *process;
    int port, media; /* where it takes SIP and RTP */
    char trace[256];
};
/* Waits for calls on a port of its own. more: further arguments, NULL-ended, or NULL. */
void sipp_serve(struct sipp *, struct scratch *, const char *scenario, const char *const *more);
/* Makes one call to user at 127.0.0.1:port. */
void sipp_call(struct sipp *, struct scratch *, const char *scenario, const char *user, int port,
               const char *const *more);
/* Waits for its end: every call was as its scenario says. */
void sipp_done(struct sipp *);
/* Waits until its trace has this text. */
void sipp_saw(struct sipp *, const char *text);
void sipp_kill(struct sipp *);

#endif
