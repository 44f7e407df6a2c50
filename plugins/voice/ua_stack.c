/*
 * The signalling thread: its loop (sofia's su_root), the transports, and its end.
 *
 * nua has two places for listening addresses, so several stacks of it may be needed; they share the thread.
 * The end has three steps: calls and registration are ended towards the peers; when all have answered, or
 * the time is up, what is left is dropped; then nua shuts down, which is immediate as nothing is left.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_int.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_tag.h>
#include <sofia-sip/tport_tag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "ua_tls.h"

/* A connection that says nothing so long is closed, unless a registration lives by it: strangers must not
 * collect them. And what a burst of calls may bring between two looks, as far as the kernel gives it. */
enum { IDLE_MS = 180000, UDP_BUFFER = 1 << 20 };

static const uint16_t event_texts[] = {
    offsetof(struct ua_told, event.reason),   offsetof(struct ua_told, event.sdp),
    offsetof(struct ua_told, event.from),     offsetof(struct ua_told, event.from_name),
    offsetof(struct ua_told, event.to),       offsetof(struct ua_told, event.asserted),
    offsetof(struct ua_told, event.diverted), offsetof(struct ua_told, event.call_id),
    offsetof(struct ua_told, event.peer),     offsetof(struct ua_told, event.target),
    offsetof(struct ua_told, event.replaces)};

void ua_tell(struct ua *ua, const struct ua_event *e)
{
    struct ua_told t = {.event = *e};

    if (ua_box_put(&ua->events, ua_node(&t, sizeof t, event_texts, sizeof event_texts / sizeof *event_texts)))
        ua->wake(ua->arg);
}

void ua_tell_state(struct ua *ua, enum ua_event_type type, uint32_t status, const char *words)
{
    struct ua_event e = {.type = type, .status = status, .reason = ua_str(words)};

    ua_tell(ua, &e);
}

int64_t ua_now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + 1; /* never 0 */
}

/* ---- listening ------------------------------------------------------------------------------ */

/* One transport of a listen. Sofia could take several at once ("transport=udp,tcp"), but reads that list
 * after it is gone; and with none named it would listen by SCTP too. */
struct entry {
    const struct ua_listen *l;
    const char *via;
};

/* The URL by which sofia binds, and which Contact and Via show: the public host, if there is one. */
static void listen_url(const struct ua *ua, const struct entry *e, char out[UA_URI_MAX])
{
    const struct ua_listen *l = e->l;
    const char *open = l->v6 ? "[" : "", *close = l->v6 ? "]" : "";
    struct hilo_str pub = ua->conf.public_host;
    bool pub6 = pub.n && memchr(pub.p, ':', pub.n) && *pub.p != '[';

    bool tls = e->via[1] == 'l'; /* sofia listens by TLS for a sips: URI only */

    (void)snprintf(out, UA_URI_MAX, "%s:%s%s%s:%s%s%s%s%s%s%s", tls ? "sips" : "sip",
                   pub.n ? (pub6 ? "[" : "") : open, pub.n ? pub.p : l->host,
                   pub.n ? (pub6 ? "]" : "") : close, l->port, pub.n ? ";maddr=" : "", pub.n ? open : "",
                   pub.n ? l->host : "", pub.n ? close : "", tls ? "" : ";transport=", tls ? "" : e->via);
}

/* Whether all addresses can be had. Sofia would say errno, not of which; and what it has begun by then is
 * never freed. */
static bool bind_probe(const struct ua *ua, char why[UA_WHY])
{
    for (uint32_t i = 0; i < ua->n_listens; i++) {
        const struct ua_listen *l = &ua->listens[i];

        for (int stream = 0; stream < 2; stream++) {
            struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                     .ai_socktype = stream ? SOCK_STREAM : SOCK_DGRAM},
                            *ai = NULL;
            int fd, one = 1, failed = 0;

            if (!(stream ? l->tcp || l->tls : l->udp) || getaddrinfo(l->host, l->port, &hints, &ai) != 0)
                continue;
            fd = socket(ai->ai_family, ai->ai_socktype, 0);
            if (fd >= 0) {
                if (stream)
                    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
                if (l->v6)
                    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
                if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0)
                    failed = errno;
                (void)close(fd);
            }
            freeaddrinfo(ai);
            if (failed) {
                (void)snprintf(why, UA_WHY, "can't listen on %s %s port %s: %s; free it or choose another",
                               stream ? "TCP" : "UDP", l->host, l->port, strerror(failed));
                return false;
            }
        }
    }
    return true;
}

static bool stack_new(struct ua *ua, const struct entry *e, uint32_t n, const char *tls_dir)
{
    struct ua_stack *st = &ua->stacks[ua->n_stacks];
    const struct ua_conf *c = &ua->conf;
    char url[2][UA_URI_MAX];
    uint32_t expires = (uint32_t)(c->session_expires_us / 1000000),
             min_se = (uint32_t)(c->min_se_us / 1000000);

    memset(st, 0, sizeof *st);
    st->ua = ua;
    for (uint32_t i = 0; i < n; i++) {
        listen_url(ua, &e[i], url[i]);
        *(e[i].via[0] == 'u' ? &st->udp : e[i].via[1] == 'c' ? &st->tcp : &st->tls) = true;
        *(e[i].l->v6 ? &st->v6 : &st->v4) = true;
    }
    st->nua = nua_create(
        ua->root, ua_on_nua, st, NUTAG_URL(url[0]), TAG_IF(n > 1, NUTAG_SIPS_URL(url[1])),
        TAG_IF(tls_dir[0], NUTAG_CERTIFICATE_DIR(tls_dir)),
        TAG_IF(tls_dir[0], TPTAG_TLS_VERIFY_POLICY(c->tls_ca.n ? TPTLS_VERIFY_IN | TPTLS_VERIFY_OUT |
                                                                     TPTLS_VERIFY_SUBJECTS_OUT
                                                               : TPTLS_VERIFY_NONE)),
        NTATAG_MCLASS(ua->mclass), NTATAG_MAXSIZE(UA_MESSAGE_MAX), NTATAG_SERVER_RPORT(1),
        TPTAG_IDLE(IDLE_MS), TPTAG_PONG2PING(1), TPTAG_STUN_SERVER(0), TPTAG_UDP_RMEM(UDP_BUFFER),
        TPTAG_UDP_WMEM(UDP_BUFFER), NTATAG_CLIENT_RPORT(1), NTATAG_DEFAULT_PROXY(ua->proxy),
        NUTAG_MEDIA_ENABLE(0), NUTAG_AUTOACK(0), NUTAG_AUTOALERT(0), NUTAG_AUTOANSWER(0), NUTAG_AUTO302(0),
        NUTAG_AUTO305(0), NUTAG_EARLY_MEDIA(0), NUTAG_INVITE_TIMER(0), NUTAG_MAX_RETRY_AFTER(0),
        NUTAG_SESSION_TIMER(expires), TAG_IF(min_se, NUTAG_MIN_SE(min_se)),
        NUTAG_SESSION_REFRESHER(nua_any_refresher),
        NUTAG_OUTBOUND("no-outbound no-options-keepalive no-validate natify use-rport"), NUTAG_KEEPALIVE(0),
        NUTAG_ENABLEMESSAGE(0), NUTAG_ACCEPT_MULTIPART(0),
        NUTAG_APPL_METHOD("INVITE, OPTIONS, INFO, UPDATE, REFER"), SIPTAG_ALLOW(SIP_NONE),
        SIPTAG_ALLOW_STR("INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY"),
        SIPTAG_SUPPORTED(SIP_NONE),
        SIPTAG_SUPPORTED_STR(expires ? "timer, 100rel, replaces" : "100rel, replaces"),
        SIPTAG_USER_AGENT_STR(c->user_agent.n ? c->user_agent.p : "Hilo/" HILO_VERSION), TAG_END());
    if (!st->nua)
        return false;
    ua->n_stacks++;
    return true;
}

static bool stacks_new(struct ua *ua, char why[UA_WHY])
{
    struct entry single[UA_LISTENS_MAX];
    char dir[UA_TLS_DIR] = "";
    uint32_t singles = 0;
    bool ok = true;

    if (!bind_probe(ua, why))
        return false;
    if (ua->conf.tls.n && !ua_tls_write(&ua->conf, dir, why))
        return false;
    errno = 0;
    for (uint32_t i = 0; ok && i < ua->n_listens; i++) {
        const struct ua_listen *l = &ua->listens[i];
        struct entry both[2] = {{l, "udp"}, {l, "tcp"}};

        if (l->tls)
            both[1].via = "tls";
        if (l->udp && (l->tcp || l->tls))
            ok = stack_new(ua, both, 2, dir);
        else
            single[singles++] = both[!l->udp];
    }
    for (uint32_t i = 0; ok && i < singles; i += 2)
        ok = stack_new(ua, &single[i], singles - i > 1 ? 2 : 1, dir);
    if (!ok)
        (void)snprintf(why, UA_WHY, "can't listen for SIP: %s", strerror(su_errno()));
    ua_tls_remove(dir);
    return ok;
}

struct ua_stack *ua_stack_for(struct ua *ua, const char *uri)
{
    struct ua_stack *best = &ua->stacks[0];
    int most = -1;
    bool tls = strncasecmp(uri, "sips:", 5) == 0 || strcasestr(uri, "transport=tls") != NULL;
    bool tcp = strcasestr(uri, "transport=tcp") != NULL, v6 = strchr(uri, '[') != NULL;

    for (uint32_t i = 0; i < ua->n_stacks; i++) {
        struct ua_stack *st = &ua->stacks[i];
        int fit = 2 * (tls ? st->tls : tcp ? st->tcp : st->udp) + (v6 ? st->v6 : st->v4);

        if (fit > most) {
            most = fit;
            best = st;
        }
    }
    return best;
}

/* The host of our own addresses where the configuration has none: the first that a packet could leave by. */
static void own_host(struct ua *ua)
{
    struct ifaddrs *all = NULL;
    const char *found = "127.0.0.1";
    char name[UA_ADDRESS_MAX], *colon;

    for (uint32_t i = 0; i < ua->n_listens; i++)
        if (strcmp(ua->listens[i].host, "0.0.0.0") != 0 && strcmp(ua->listens[i].host, "::") != 0) {
            (void)snprintf(ua->own_host, sizeof ua->own_host, ua->listens[i].v6 ? "[%s]" : "%s",
                           ua->listens[i].host);
            return;
        }
    if (getifaddrs(&all) == 0)
        for (struct ifaddrs *a = all; a; a = a->ifa_next)
            if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && !(a->ifa_flags & IFF_LOOPBACK)) {
                ua_address(a->ifa_addr, name);
                colon = strrchr(name, ':');
                *colon = '\0';
                found = name;
                break;
            }
    (void)snprintf(ua->own_host, sizeof ua->own_host, "%s", found);
    if (all)
        freeifaddrs(all);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void finish(struct ua *ua)
{
    if (ua->ended)
        return;
    ua->ended = true;
    if (ua->deadline)
        (void)su_timer_reset(ua->deadline);
    while (ua->legs)
        ua_leg_free(ua->legs);
    ua_register_free(ua);
    if (ua->n_stacks == 0)
        su_root_break(ua->root);
    for (uint32_t i = 0; i < ua->n_stacks; i++)
        nua_shutdown(ua->stacks[i].nua);
}

void ua_maybe_done(struct ua *ua)
{
    if (ua->ended) {
        bool down = true;

        for (uint32_t i = 0; i < ua->n_stacks; i++)
            down = down && ua->stacks[i].down;
        if (down)
            su_root_break(ua->root);
    } else if (ua->ending && !ua->legs && !ua->reg.nh)
        finish(ua);
}

static void on_deadline(su_root_magic_t *ua, su_timer_t *t, su_timer_arg_t *arg)
{
    (void)t, (void)arg;
    finish(ua);
}

static void begin_end(struct ua *ua, int64_t wait_us)
{
    struct ua_leg *leg, *next;

    if (ua->ending)
        return;
    ua->ending = true;
    for (leg = ua->legs; leg; leg = next) {
        next = leg->next;
        ua_leg_drop(leg, "the gateway is going down");
    }
    ua_register_end(ua);
    if (wait_us > 0 && (ua->legs || ua->reg.nh)) {
        ua->deadline = su_timer_create(su_root_task(ua->root), 0);
        if (ua->deadline &&
            su_timer_set_interval(ua->deadline, on_deadline, NULL, (su_duration_t)(wait_us / 1000 + 1)) == 0)
            return;
    }
    finish(ua);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static int on_orders(su_root_magic_t *ua, su_wait_t *w, su_wakeup_arg_t *arg)
{
    struct ua_link *link;
    uint64_t n;

    (void)w, (void)arg;
    if (read(ua->order_fd, &n, sizeof n) < 0 && errno != EAGAIN && errno != EINTR)
        return 0;
    while ((link = ua_box_take(&ua->orders))) {
        struct ua_order *o = (struct ua_order *)(void *)link;

        if (o->type == UA_DO_FREE) {
            begin_end(ua, o->wait_us);
            free(o);
        } else if (ua->ending || ua->n_stacks == 0) {
            struct ua_event e = {
                .type = UA_ENDED, .call = o->call, .status = 503, .reason = ua_str("there is no signalling")};

            if (o->type == UA_DO_CALL)
                ua_tell(ua, &e);
            free(o);
        } else
            ua_order_run(ua, o);
    }
    return 0;
}

static void silent(void *stream, char const *fmt, va_list ap)
{
    (void)stream, (void)fmt, (void)ap;
}

/* The library's own globals: once in a process, however many endpoints. It would log to stderr, texts of
 * strangers and numbers of customers; with HILO_SOFIA_LOG set (and TPORT_DEBUG=9, NTA_DEBUG=9, NUA_DEBUG=9)
 * it does, for who looks for a fault. */
static void library(void)
{
    (void)su_init();
    if (getenv("HILO_SOFIA_LOG"))
        return;
    su_log_redirect(NULL, silent, NULL);
    su_log_set_level(NULL, 0);
}

void *ua_thread(void *arg)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ua *ua = arg;
    char why[UA_WHY] = "";
    su_wait_t wait[1] = {SU_WAIT_INIT};
    int index = -1;

    (void)pthread_once(&once, library);
    (void)su_home_init(ua->home);
    ua->root = su_root_create(ua);
    if (!ua->root)
        abort(); /* no memory, or no descriptor for a poll: nothing can be told either */
    (void)su_root_threading(ua->root, 0);
    ua->mclass = ua_mclass_new();
    own_host(ua);
    if (!stacks_new(ua, why))
        ua_tell_state(ua, UA_CONFIG, 0, why);
    else
        ua_register_begin(ua);
    /* Only now: nua looks for events while it begins, and an order needs its stack. */
    if (su_wait_create(wait, ua->order_fd, SU_WAIT_IN) != 0 ||
        (index = su_root_register(ua->root, wait, on_orders, NULL, 0)) < 0)
        abort();
    su_root_run(ua->root);

    for (uint32_t i = 0; i < ua->n_stacks; i++)
        nua_destroy(ua->stacks[i].nua);
    if (ua->deadline)
        su_timer_destroy(ua->deadline);
    (void)su_root_deregister(ua->root, index);
    su_root_destroy(ua->root);
    su_home_deinit(ua->home);
    free(ua->mclass);
    return NULL;
}
