/*
 * The core's end of what plugins ask. Each request is decided and appended at once; the
 * answers written here are seen by the plugin only after channel_flush, which main calls
 * after the commit: so "committed" is never told before it is true.
 */
#include "services/hosting.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/delivery.h"
#include "services/files.h"
#include "services/follow.h"
#include "services/media.h"
#include "services/messages.h"
#include "services/templates.h"
#include "store/keys.h"

enum { PLUGIN_VALUE_MAX = 64 << 10 }; /* said in hilo/plugin.h */

static struct gateway *gateway_of(void *arg)
{
    return ((struct hosting *)arg)->gateway;
}

static void up_submit(void *arg, struct channel *plug, uint64_t token, struct hilo_str message)
{
    struct gateway *gw = gateway_of(arg);
    struct gw_channel *c = channel_user(plug);
    char quoted[200];
    struct err e = {0};

    store_begin(gw->store);
    int32_t rc = message_submitted(gw, c, message, gw->arena, &e);
    store_end(gw->store);
    if (rc == HILO_INVALID)
        log_event(gw->log, HILO_LOG_WARN, "message.refused", "channel=%.*s error=%s", STR_FMT(c->name),
                  log_quote(str(e.text), quoted, sizeof quoted));
    else if (rc == HILO_AGAIN)
        rc = HILO_FULL; /* to the peer it's the same: it comes back */
    else if (rc != HILO_OK && rc != HILO_DUPLICATE && rc != HILO_FULL) {
        log_event(gw->log, HILO_LOG_ERROR, "message.not_stored", "channel=%.*s error=%s", STR_FMT(c->name),
                  log_quote(str(e.text), quoted, sizeof quoted));
        rc = HILO_FULL; /* the peer comes back */
    }
    channel_committed(plug, token, rc);
}

static void up_report(void *arg, struct channel *plug, const struct hilo_report *r)
{
    struct gateway *gw = gateway_of(arg);
    struct gw_channel *c = channel_user(plug);
    struct err e = {0};

    store_begin(gw->store);
    int32_t rc = delivery_report(gw->delivery, c, r, &e);
    store_end(gw->store);
    if (rc != HILO_OK)
        log_event(gw->log, HILO_LOG_ERROR, "delivery.report_lost",
                  "channel=%.*s error=%s note=\"in doubt after the next start\"", STR_FMT(c->name),
                  LOG_VALUE(str(e.text)));
}

static void up_credit(void *arg, struct channel *plug, uint32_t n)
{
    struct gw_channel *c = channel_user(plug);

    c->credit += n;
    delivery_kick(gateway_of(arg)->delivery, c);
}

static void up_context_get(void *arg, struct channel *plug, uint64_t token, struct hilo_str subject,
                           struct hilo_str key)
{
    struct gateway *gw = gateway_of(arg);
    struct gw_channel *c = channel_user(plug);
    struct key k = key_plugin(c->type, subject, key);
    struct rec_plugin_value v = {0};
    struct err e = {0};
    int32_t rc =
        store_record(gw->store, TABLE_PLUGIN, key_str(&k), &rec_desc_plugin_value, gw->arena, &v, &e);

    channel_context(plug, token, rc, v.value, v.version);
}

static void up_context_put(void *arg, struct channel *plug, uint64_t token, struct hilo_str subject,
                           struct hilo_str key, struct hilo_str val, uint64_t if_version)
{
    struct gateway *gw = gateway_of(arg);
    struct gw_channel *c = channel_user(plug);
    struct key k = key_plugin(c->type, subject, key);
    struct rec_plugin_value v = {0};
    uint64_t version = 0;
    struct err e = {0};
    int32_t rc;

    if (val.n > PLUGIN_VALUE_MAX) {
        channel_context(plug, token, HILO_INVALID, (struct hilo_str){0}, 0);
        return;
    }
    rc = store_room(gw->store, STORE_NEW, &e);
    if (rc != HILO_OK) {
        channel_context(plug, token, rc == HILO_AGAIN ? HILO_FULL : rc, (struct hilo_str){0}, 0);
        return;
    }
    store_begin(gw->store);
    rc = store_record(gw->store, TABLE_PLUGIN, key_str(&k), &rec_desc_plugin_value, gw->arena, &v, &e);
    if (rc == HILO_NOTFOUND || rc == HILO_OK) {
        if (if_version != UINT64_MAX && if_version != v.version) {
            rc = HILO_STALE;
        } else {
            const struct ev_plugin_put ev = {.plugin = c->type, .subject = subject, .key = key, .value = val};
            const struct actor actor = {.kind = ACTOR_CHANNEL};
            rc = store_append(gw->store, &ev_desc_plugin_put, &ev, &actor, clock_wall_us(), &version, &e);
        }
    }
    store_end(gw->store);
    channel_context(plug, token, rc, rc == HILO_STALE ? v.value : (struct hilo_str){0},
                    rc == HILO_STALE ? v.version : version);
}

static void up_answer(void *arg, struct channel *plug, uint64_t request, const struct hilo_http *answer)
{
    const struct hosting *h = arg;

    h->hooks.answer(h->hooks.arg, channel_user(plug), request, answer);
}

static void up_media_get(void *arg, struct channel *plug, uint64_t token, struct hilo_id id)
{
    struct gateway *gw = gateway_of(arg);
    struct rec_media m;
    struct fault f;
    int fd = -1;

    if (media_get(gw, id, gw->arena, &m, &fd, &f) != 0)
        channel_media(plug, token, f.status == 404 ? HILO_NOTFOUND : HILO_TEMP, -1, (struct hilo_str){0},
                      (struct hilo_str){0}, 0);
    else
        channel_media(plug, token, HILO_OK, fd, m.mime, m.filename, m.size);
}

static void up_fetched(void *arg, struct channel *plug, uint64_t job, int32_t code, struct hilo_str mime,
                       struct hilo_str detail, int64_t retry_after_us)
{
    delivery_fetched(gateway_of(arg)->delivery, channel_user(plug), job, code, mime, detail, retry_after_us);
}

static void up_state(void *arg, struct channel *plug, enum channel_state state, struct hilo_str text)
{
    struct hosting *h = arg;
    struct gateway *gw = h->gateway;
    struct gw_channel *c = channel_user(plug);
    struct err e = {0};

    (void)text; /* the host has logged it */
    if (state == CHANNEL_UP && c->stopped) {
        /* What had stopped it is mended without an operator. */
        c->stopped = false;
        if (!c->paused)
            c->why[0] = '\0';
        log_event(gw->log, HILO_LOG_INFO, "channel.resumed",
                  "channel=%.*s note=\"it says that it works again\"", STR_FMT(c->name));
    }
    if (!channel_runs(plug)) {
        templates_drop(c);
        follow_end(gw->follows, c);
        channel_files_gone(gw->files, c);
        store_begin(gw->store);
        int32_t rc = delivery_gone(gw->delivery, c, &e);
        store_end(gw->store);
        if (rc != HILO_OK)
            log_event(gw->log, HILO_LOG_ERROR, "delivery.gone", "channel=%.*s error=%s", STR_FMT(c->name),
                      LOG_VALUE(str(e.text)));
        h->hooks.gone(h->hooks.arg, c);
    }
    delivery_kick(gw->delivery, c);
    delivery_fetch(gw->delivery, c);
    h->hooks.state(h->hooks.arg, c, state);
}

static void up_reconfigured(void *arg, struct channel *plug, int32_t code)
{
    struct hosting *h = arg;

    h->hooks.reconfigured(h->hooks.arg, channel_user(plug), code);
}

static void up_room(void *arg, struct channel *plug)
{
    struct gw_channel *c = channel_user(plug);

    delivery_kick(gateway_of(arg)->delivery, c);
    delivery_fetch(gateway_of(arg)->delivery, c);
}

static void up_template_begin(void *arg, struct channel *plug)
{
    (void)arg;
    templates_begin(channel_user(plug));
}

static void up_template_put(void *arg, struct channel *plug, struct hilo_str group)
{
    (void)arg;
    templates_put(channel_user(plug), group);
}

static void up_template_end(void *arg, struct channel *plug)
{
    (void)arg;
    templates_end(channel_user(plug));
}

static void up_api(void *arg, struct channel *plug, uint64_t token, const struct hilo_http *http)
{
    const struct hosting *h = arg;

    h->hooks.api(h->hooks.arg, channel_user(plug), token, http);
}

static void up_follow(void *arg, struct channel *plug, struct hilo_str types, struct hilo_str after)
{
    follow_begin(gateway_of(arg)->follows, channel_user(plug), types, after);
}

static void up_file_open(void *arg, struct channel *plug, uint64_t token, struct hilo_str name,
                         uint32_t flags)
{
    struct gateway *gw = gateway_of(arg);
    struct err e = {0};

    /* A file would take the room of the journal. */
    if ((flags & HILO_FILE_CREATE) && store_room(gw->store, STORE_NEW, &e) != HILO_OK)
        channel_file(plug, token, HILO_FULL, -1, 0);
    else
        channel_files_ask(gw->files, channel_user(plug), FILES_OPEN, token, name, flags);
}

static void up_file_remove(void *arg, struct channel *plug, uint64_t token, struct hilo_str name)
{
    channel_files_ask(gateway_of(arg)->files, channel_user(plug), FILES_REMOVE, token, name, 0);
}

static void up_file_list(void *arg, struct channel *plug, uint64_t token)
{
    channel_files_ask(gateway_of(arg)->files, channel_user(plug), FILES_LIST, token, (struct hilo_str){0}, 0);
}

void hosting_up(struct hosting *h, struct plug_up *out)
{
    *out = (struct plug_up){.arg = h,
                            .submit = up_submit,
                            .report = up_report,
                            .credit = up_credit,
                            .context_get = up_context_get,
                            .context_put = up_context_put,
                            .answer = up_answer,
                            .media_get = up_media_get,
                            .fetched = up_fetched,
                            .state = up_state,
                            .room = up_room,
                            .template_begin = up_template_begin,
                            .template_put = up_template_put,
                            .template_end = up_template_end,
                            .reconfigured = up_reconfigured,
                            .api = up_api,
                            .follow = up_follow,
                            .file_open = up_file_open,
                            .file_remove = up_file_remove,
                            .file_list = up_file_list};
}
