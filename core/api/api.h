/*
 * The HTTP interface: libmicrohttpd driven by the core's loop, the public listener and
 * the control socket (unix, SO_PEERCRED), the resources of /v1, media links, the
 * providers' hooks, health, metrics and the OpenAPI document. [core]
 *
 * The gather rule: main polls the loop without waiting until nothing is ready, then
 * commits once, then calls api_answer: handlers that decided something gave no answer
 * yet; they are called again by MHD then and find their sequence synced. A read that
 * comes while something is appended and not synced waits likewise, so that nobody
 * sees what a crash could undo.
 */
#ifndef API_API_H
#define API_API_H

#include "api/config.h"
#include "services/gateway.h"

struct api; /* opaque */

struct api_options { /* filled by main from the section http; strings live as long as the api */
    struct gateway *gateway;
    struct media_store *media; /* where uploads go; outlives the api */
    struct hilo_str listen;    /* "127.0.0.1:8080", "[::1]:8080", port 0: any free one */
    struct hilo_str control;   /* path of the control socket; empty: none */
    int64_t body_max_bytes;    /* of a JSON body */
    int64_t hook_max_bytes;    /* of a provider's request */
    int64_t connections_max, connections_per_ip_max;
    int64_t idle_timeout_us;
    int64_t streams_max;      /* of GET /v1/events, at the same time */
    bool metrics_public;      /* /metrics needs no key */
    config_reload_fn *reload; /* NULL: POST /v1/config/reload is refused */
    void *reload_arg;
};

int32_t api_new(const struct api_options *, struct err *, struct api **out);
void api_free(struct api **);
uint16_t api_port(const struct api *); /* where it listens */

/*
 * What main does each turn:
 *     while (loop_run(loop, false) > 0 && api_waiting(api) < API_BATCH)
 *         ;                           gather: no wait, no timer
 *     delivery_claim; if (store_seq > store_synced) store_commit;
 *     api_answer(api);
 *     delivery_dispatch; channel_flush of each channel (hooks went into the links)
 *     if (api_waiting(api) == 0) loop_run(loop, true);    else the next turn at once
 * While something waits the api arms no timer for it: only api_answer goes on.
 */
enum { API_BATCH = 512 };
/* After each commit: answers what waits for it. Takes what came meanwhile, so that
 * requests may wait again afterwards. Cheap when nothing waits. */
void api_answer(struct api *);
/* Requests that decided and wait for the next api_answer (main commits soon if any). */
unsigned api_waiting(const struct api *);
/* Stop accepting new connections; what is under way goes on. /readyz is 503 from here. */
void api_quiesce(struct api *);

/* What may change while it runs, from the next request on: limits of bodies, who may see
 * the metrics. */
void api_change(struct api *, int64_t body_max_bytes, int64_t hook_max_bytes, bool metrics_public);

/* plug_up.answer: the plugin's answer to a hook. */
void api_hook_answer(struct api *, struct gw_channel *, uint64_t request, const struct hilo_http *);
/* The channel's instance ended: its waiting hooks are answered 503. */
void api_hook_gone(struct api *, struct gw_channel *);

/* plug_up.api: a request from within. Decided at once, answered by channel_api_answer. */
void api_inner(struct api *, struct gw_channel *, uint64_t token, const struct hilo_http *);
/* The channel's instance ended: what it had asked from within is answered to nobody. */
void api_inner_gone(struct api *, struct gw_channel *);

/* outbox_options.tested: a test's outcome. */
void api_webhook_tested(struct api *, uint64_t token, int32_t outcome, uint32_t status, const char *words,
                        int64_t us);

#endif
