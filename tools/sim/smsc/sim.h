/* The program around the centre (smsc.h): its sockets, and the HTTP API that controls it.
 *
 * One lock guards it all and is never held during a wait. One thread has the SMPP sockets (net.c); HTTP
 * requests run on a thread for each connection, change what they want to and wake it. */
#ifndef SIM_SMSC_SIM_H
#define SIM_SMSC_SIM_H

#include "smsc.h"

#include <microhttpd.h>
#include <pthread.h>

struct net {
    int listener[2], wake; /* without TLS, with it; -1 */
    unsigned port[2];
    bool listening, stopping;
    void *tls; /* SSL_CTX; NULL: no TLS */
    pthread_t thread;
};
struct sim {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct smsc smsc;
    struct net net;
    struct MHD_Daemon *http;
    unsigned http_port;
    bool stopping;
};

int64_t now_us(void);
void clock_set(struct smsc *);
/* Waits for changed, to a monotonic instant. False: it has passed, or the program ends. */
bool wait_locked(struct sim *, int64_t until_us);

/* tls_dir: a folder for the certificate of the TLS port (smsc.pem, for tls_name), or NULL for none. */
bool net_start(struct sim *, unsigned port, const char *tls_dir, const char *tls_name);
void net_stop(struct sim *);
void net_wake(struct sim *);
bool net_listen(struct sim *, bool on); /* locked */

void *tls_new(const char *dir, const char *name); /* tls.c; NULL and words on stderr */
void tls_free(void *);

bool control_start(struct sim *, unsigned port);
void control_stop(struct sim *);

#endif
