/* Endpoints of webhooks: made, changed, looked at. The outbox (outbox.h) serves them. [core] */
#ifndef SERVICES_WEBHOOKS_H
#define SERVICES_WEBHOOKS_H

#include "services/gateway.h"

struct webhook {
    struct hilo_id id;
    struct rec_webhook record; /* in the arena */
};

enum { WEBHOOK_URL = 1, WEBHOOK_TYPES = 2, WEBHOOK_DESCRIPTION = 4 };
struct webhook_change {
    uint64_t set; /* WEBHOOK_x */
    struct hilo_str url, description;
    struct hilo_str types; /* words between commas, as public_types_parse takes them; empty: all */
    uint32_t scopes;       /* of whoever asks: nobody has sent elsewhere what he may not see himself */
};

/* The secret is "whsec_…", shown this once. Those that change are called between store_begin
 * and store_end; after it, outbox_changed. */
int webhook_create(struct gateway *, const struct actor *, const struct webhook_change *, struct arena *,
                   struct hilo_str *secret_out, struct hilo_id *id_out, struct fault *);
int webhook_update(struct gateway *, const struct actor *, const struct webhook *,
                   const struct webhook_change *, struct arena *, struct fault *);
/* The secret before signs, too, for overlap_us; 0: no longer. */
int webhook_rotate(struct gateway *, const struct actor *, const struct webhook *, uint32_t scopes,
                   int64_t overlap_us, struct arena *, struct hilo_str *secret_out, struct fault *);
int webhook_enable(struct gateway *, const struct actor *, struct hilo_id, bool enabled, struct fault *);
int webhook_delete(struct gateway *, const struct actor *, struct hilo_id, struct fault *);

/* 404 unknown_webhook. */
int webhook_get(struct gateway *, struct hilo_id, struct arena *, struct webhook *out, struct fault *);
typedef void webhook_fn(void *arg, const struct webhook *);
int webhook_list(struct gateway *, struct arena *, webhook_fn *, void *arg, struct fault *);

/* Customers whose events wait behind one that failed, by customer, from after one on (none: from the
 * first). next_out: where to go on; none: that was all. */
typedef void webhook_parked_fn(void *arg, struct hilo_id customer, const struct rec_parked *);
int webhook_parked(struct gateway *, struct hilo_id webhook, struct hilo_id after, unsigned limit,
                   struct arena *, webhook_parked_fn *, void *arg, struct hilo_id *next_out, struct fault *);

#endif
