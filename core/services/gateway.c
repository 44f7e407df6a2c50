/* What the services share. */
#include "services/gateway.h"
#include "base/str.h"
#include "services/pace.h"
#include "services/templates.h"
#include <stdarg.h>
#include <stdio.h>

void gateway_channel_done(struct gw_channel *c)
{
    pace_free(&c->pace);
    templates_drop(c);
}

struct gw_channel *gateway_channel(struct gateway *gw, struct hilo_str name)
{
    for (struct gw_channel *c = gw->channels; c; c = c->next)
        if (str_eq(c->name, name) && !c->leaving)
            return c;
    return NULL;
}

int fault_set(struct fault *f, uint32_t status, const char *code, const char *pointer, const char *fmt, ...)
{
    va_list ap;

    f->status = status;
    f->retry_after_s = status == 429 || status == 503 ? 1 : 0;
    f->code = code;
    (void)snprintf(f->pointer, sizeof f->pointer, "%s", pointer ? pointer : "");
    va_start(ap, fmt);
    (void)vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    return -1;
}

int fault_store(struct fault *f, int32_t code, const struct err *e)
{
    if (code == HILO_FULL) {
        /* Which disk, and what to do, is in the log and in /readyz. */
        (void)fault_set(f, 503, "disk_full", NULL,
                        "the gateway's disk is full: it takes no new work until there is room; try again "
                        "later with the same Idempotency-Key");
        f->retry_after_s = 30;
        return -1;
    }
    if (code == HILO_AGAIN) {
        (void)fault_set(f, 503, "overloaded", NULL, "%.380s", e->text);
        f->retry_after_s = 1;
        return -1;
    }
    if (code == HILO_NOTFOUND)
        return fault_set(f, 410, "expired", NULL, "what this names is beyond the retention time");
    return fault_set(f, 500, "store_error", NULL, "the store answered: %s; see the gateway's log",
                     err_name(code));
}
