/*
 * The endpoint as its plugin sees it (ua.h): orders go into a box that the thread empties, events come out
 * of another.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const uint16_t conf_texts[] = {
    offsetof(struct ua_conf, udp),       offsetof(struct ua_conf, tcp),
    offsetof(struct ua_conf, tls),       offsetof(struct ua_conf, tls_cert),
    offsetof(struct ua_conf, tls_key),   offsetof(struct ua_conf, tls_ca),
    offsetof(struct ua_conf, registrar), offsetof(struct ua_conf, user),
    offsetof(struct ua_conf, auth_user), offsetof(struct ua_conf, secret),
    offsetof(struct ua_conf, domain),    offsetof(struct ua_conf, proxy),
    offsetof(struct ua_conf, trunk),     offsetof(struct ua_conf, public_host),
    offsetof(struct ua_conf, user_agent)};

static const uint16_t order_texts[] = {offsetof(struct ua_order, invite.to),
                                       offsetof(struct ua_order, invite.from_user),
                                       offsetof(struct ua_order, invite.from_name),
                                       offsetof(struct ua_order, invite.sdp),
                                       offsetof(struct ua_order, invite.headers),
                                       offsetof(struct ua_order, invite.replaces),
                                       offsetof(struct ua_order, text)};

static void order(struct ua *ua, const struct ua_order *o)
{
    uint64_t one = 1;

    if (!ua_box_put(&ua->orders,
                    ua_node(o, sizeof *o, order_texts, sizeof order_texts / sizeof *order_texts)))
        return; /* the thread knows already */
    while (write(ua->order_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* "sip:HOST" of what may be a host alone; NULL and why: no URI. */
static char *uri_of(struct hilo_str text, const char *what, char why[UA_WHY])
{
    struct ua_target t;
    char out[UA_URI_MAX] = "";

    if (ua_target(text, &t) && ua_put(out, sizeof out, ua_str(t.secure ? "sips:" : "sip:")) &&
        (t.user.n == 0 || (ua_put(out, sizeof out, t.user) && ua_put(out, sizeof out, ua_str("@")))) &&
        ua_put(out, sizeof out, t.host) && ua_put(out, sizeof out, t.params))
        return strdup(out);
    (void)snprintf(why, UA_WHY, "%s: %.*s is no SIP address; write sip:pbx.example:5060", what,
                   (int)(text.n < 100 ? text.n : 100), text.p);
    return NULL;
}

struct ua *ua_new(const struct ua_conf *conf, void (*wake)(void *arg), void *arg, char why[256])
{
    struct ua *ua = calloc(1, sizeof *ua);
    const char *cut;
    uint32_t size = 64, nets;

    if (!ua)
        abort();
    ua->order_fd = -1;
    ua_box_init(&ua->orders);
    ua_box_init(&ua->events);
    ua->conf_node = ua_node(conf, sizeof *conf, conf_texts, sizeof conf_texts / sizeof *conf_texts);
    memcpy(&ua->conf, ua->conf_node, sizeof ua->conf);
    ua->wake = wake;
    ua->arg = arg;
    ua->gate.per_s = conf->invites_per_s;
    ua->n_listens = ua_listens(&ua->conf, ua->listens, why);
    if (ua->n_listens == 0)
        goto bad;
    nets = ua_nets(ua->conf.trunk, ua->gate.nets, why);
    if (nets == UINT32_MAX)
        goto bad;
    ua->gate.n_nets = nets;
    if (ua->conf.registrar.n && !(ua->registrar = uri_of(ua->conf.registrar, "registrar", why)))
        goto bad;
    if (ua->conf.proxy.n && !(ua->proxy = uri_of(ua->conf.proxy, "proxy", why)))
        goto bad;
    if (ua->conf.registrar.n && ua->conf.user.n == 0) {
        (void)snprintf(why, UA_WHY, "a registrar needs the user to register; give it");
        goto bad;
    }
    if (!ua->registrar && !ua->proxy && ua->gate.n_nets) {
        /* The first address of the trunk that is one, not a network, is where calls of ours go. */
        const char *p = ua->conf.trunk.p, *end = p + strcspn(p, " \t\r\n");
        char uri[UA_URI_MAX];

        cut = memchr(p, '/', (size_t)(end - p));
        if (!cut) {
            bool v6 = memchr(p, ':', (size_t)(end - p)) != NULL;

            (void)snprintf(uri, sizeof uri, v6 ? "sip:[%.*s]" : "sip:%.*s", (int)(end - p), p);
            ua->peer = strdup(uri);
        }
    }
    while (size < conf->calls_max && size < 1 << 20)
        size *= 2;
    ua->table = calloc(size, sizeof *ua->table);
    ua->order_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!ua->table || ua->order_fd < 0) {
        (void)snprintf(why, UA_WHY, "no descriptor or memory for signalling: %s", strerror(errno));
        goto bad;
    }
    ua->table_mask = size - 1;
    return ua;
bad:
    ua_free(ua, 0);
    return NULL;
}

void ua_start(struct ua *ua)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                                 SIGABRT}; /* the handlers of who looks for them */
    sigset_t all, before;

    (void)sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        (void)sigdelset(&all, faults[i]);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    ua->started = pthread_create(&ua->thread, NULL, ua_thread, ua) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ua->started)
        ua_tell_state(ua, UA_CONFIG, 0, "no thread for signalling; raise the limit of tasks");
}

bool ua_next(struct ua *ua, struct ua_event *e)
{
    free(ua->taken);
    ua->taken = (struct ua_told *)(void *)ua_box_take(&ua->events);
    if (ua->taken)
        *e = ua->taken->event;
    return ua->taken != NULL;
}

void ua_call(struct ua *ua, uint64_t call, const struct ua_invite *invite)
{
    order(ua, &(struct ua_order){.type = UA_DO_CALL, .call = call, .invite = *invite});
}

void ua_ring(struct ua *ua, uint64_t call, struct hilo_str sdp)
{
    order(ua, &(struct ua_order){.type = UA_DO_RING, .call = call, .invite.sdp = sdp});
}

void ua_answer(struct ua *ua, uint64_t call, struct hilo_str sdp)
{
    order(ua, &(struct ua_order){.type = UA_DO_ANSWER, .call = call, .invite.sdp = sdp});
}

void ua_reject(struct ua *ua, uint64_t call, uint32_t status, struct hilo_str contact, uint32_t retry_after_s)
{
    order(ua, &(struct ua_order){.type = UA_DO_REJECT,
                                 .call = call,
                                 .status = status,
                                 .text = contact,
                                 .retry_after_s = retry_after_s});
}

void ua_hangup(struct ua *ua, uint64_t call, struct hilo_str reason)
{
    order(ua, &(struct ua_order){.type = UA_DO_HANGUP, .call = call, .text = reason});
}

void ua_reoffer(struct ua *ua, uint64_t call, struct hilo_str sdp)
{
    order(ua, &(struct ua_order){.type = UA_DO_REOFFER, .call = call, .invite.sdp = sdp});
}

void ua_refer(struct ua *ua, uint64_t call, struct hilo_str target, uint64_t with)
{
    order(ua, &(struct ua_order){.type = UA_DO_REFER, .call = call, .text = target, .with = with});
}

void ua_refer_answer(struct ua *ua, uint64_t call, uint32_t status)
{
    order(ua, &(struct ua_order){.type = UA_DO_REFER_ANSWER, .call = call, .status = status});
}

void ua_free(struct ua *ua, int64_t wait_us)
{
    if (!ua)
        return;
    if (ua->started) {
        order(ua, &(struct ua_order){.type = UA_DO_FREE, .wait_us = wait_us});
        (void)pthread_join(ua->thread, NULL);
    }
    ua_box_done(&ua->orders);
    ua_box_done(&ua->events);
    free(ua->taken);
    if (ua->order_fd >= 0)
        (void)close(ua->order_fd);
    free(ua->table);
    free(ua->registrar);
    free(ua->proxy);
    free(ua->peer);
    free(ua->conf_node);
    free(ua);
}
