/*
 * Sendsms: from Kannel's parameters to messages, one a receiver, and Kannel's answers.
 *
 * What Kannel would put into the PDU as it came and Hilo has no field for (UDH, 8-bit data,
 * message class 2 and 3, MWI, PID, RPI, alt-dcs, compression) is refused
 * in words: nothing is silently left out. account, binfo and meta-data go into the
 * callback's address only.
 */
#include "services/sendsms.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/address.h"
#include "model/codec.h"
#include "services/messages.h"
#include <openssl/sha.h>

static const int64_t MINUTE_US = INT64_C(60000000);
enum { VALIDITY_MAX = 30 * 24 * 60, DEFERRED_MAX = 30 * 24 * 60, ACCOUNT_MAX = 64, META_MAX = 1024 };

struct job {
    struct gateway *gw;
    const struct sendsms_user *user;
    const struct sendsms_request *r;
    struct arena *arena;
    struct actor actor;
    struct message_request wanted;
    struct sendsms_escapes escapes;
    int64_t mask;
    struct hilo_str dlr_url;
    struct gw_channel *channel; /* of the last one accepted */
    struct fault fault;         /* of the last one refused */
};

static bool refuse(struct sendsms_answer *out, uint32_t status, const char *text)
{
    *out = (struct sendsms_answer){status, str(text)};
    return false;
}

/* ---- who ---- */

/* As long for every user, whether there is one of this name or not. */
const struct sendsms_user *sendsms_user(const struct gateway *gw, const struct sendsms_request *r)
{
    const struct sendsms_user *found = NULL;
    uint8_t given[SHA256_DIGEST_LENGTH], wanted[SHA256_DIGEST_LENGTH];

    (void)SHA256((const unsigned char *)(r->password.p ? r->password.p : ""), (size_t)r->password.n, given);
    for (const struct sendsms_user *u = gw->sendsms; u; u = u->next) {
        (void)SHA256((const unsigned char *)u->password.p, (size_t)u->password.n, wanted);
        const bool same = str_eq_secret(str_n(given, sizeof given), str_n(wanted, sizeof wanted));
        if (same && r->password.p && str_eq(u->username, r->username))
            found = u;
    }
    return found && sendsms_ip(r->client, found->allow_ip, found->deny_ip) ? found : NULL;
}

/* In the journal a user stands as a key whose id is made of the name. */
static struct actor actor_of(const struct sendsms_user *u, const struct hilo_id *cause)
{
    struct actor actor = {.kind = ACTOR_KEY, .cause = *cause};
    uint8_t hash[SHA256_DIGEST_LENGTH];

    (void)SHA256((const unsigned char *)u->username.p, (size_t)u->username.n, hash);
    memcpy(actor.id.b, hash, sizeof actor.id.b);
    return actor;
}

/* ---- what ---- */

/* A number as sscanf's %d reads it: what is none counts as not given. */
static int64_t number(struct hilo_str s)
{
    const bool minus = s.n && s.p[0] == '-';
    uint64_t i = minus, v = 0;

    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && v < 1000000000)
        v = v * 10 + (uint64_t)(s.p[i++] - '0');
    if (i == (uint64_t)minus)
        return SENDSMS_UNSET;
    return minus ? -(int64_t)v : (int64_t)v;
}

static bool numbers(struct job *j, struct sendsms_answer *out)
{
    const struct sendsms_request *r = j->r;
    struct sendsms_escapes *e = &j->escapes;
    int64_t priority = number(r->priority);

    e->mclass = number(r->mclass);
    e->mwi = number(r->mwi);
    e->coding = number(r->coding);
    e->validity = number(r->validity);
    e->deferred = number(r->deferred);
    j->mask = number(r->dlr_mask);
    if (j->mask < SENDSMS_UNSET)
        return refuse(out, 400, "DLR-Mask field misformed, rejected");
    if (e->mclass < SENDSMS_UNSET || e->mclass > 3)
        return refuse(out, 400, "MClass field misformed, rejected");
    if (e->mclass > 1)
        return refuse(out, 400, "MClass 2 and 3 are not supported, rejected");
    if (e->coding < SENDSMS_UNSET || e->coding > 2)
        return refuse(out, 400, "Coding field misformed, rejected");
    if (e->validity < SENDSMS_UNSET || e->validity > VALIDITY_MAX)
        return refuse(out, 400, "Validity field misformed, rejected");
    if (e->deferred < SENDSMS_UNSET || e->deferred > DEFERRED_MAX)
        return refuse(out, 400, "Deferred field misformed, rejected");
    if (e->deferred > 0 && e->validity > 0 && e->validity <= e->deferred)
        return refuse(out, 400, "Validity is over before the deferred time, rejected");
    if (priority < SENDSMS_UNSET || priority > 3)
        return refuse(out, 400, "Priority field misformed, rejected");
    if (e->mwi != SENDSMS_UNSET || number(r->pid) > 0 || number(r->rpi) > 0 || number(r->alt_dcs) > 0 ||
        number(r->compress) > 0)
        return refuse(out, 400, "mwi, pid, rpi, alt-dcs and compress are not supported, rejected");
    j->wanted.flash = e->mclass == 0;
    j->wanted.priority = priority >= 2 ? 0 : 1;
    if (e->deferred > 0)
        j->wanted.send_at = clock_wall_us() + e->deferred * MINUTE_US;
    if (e->validity > 0) /* of both Kannel counts from now */
        j->wanted.expires_in_us = (e->validity - (e->deferred > 0 ? e->deferred : 0)) * MINUTE_US;
    return true;
}

static bool callback(struct job *j, struct sendsms_answer *out)
{
    struct hilo_str url = j->r->dlr_url.n ? j->r->dlr_url : j->user->dlr_url;

    if (url.n && (url.n < 8 || !(str_eq_nocase(str_n(url.p, 7), STR("http://")) ||
                                 str_eq_nocase(str_n(url.p, 8), STR("https://")))))
        return refuse(out, 400, "DLR-URL field misformed, rejected");
    if (url.n > SENDSMS_URL_MAX)
        return refuse(out, 400, "DLR-URL field is too long, rejected");
    for (uint64_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return refuse(out, 400, "DLR-URL field misformed, rejected");
    j->dlr_url = url;
    j->mask = j->mask > 0 && url.n ? j->mask & CALLBACK_KINDS : 0;
    return true;
}

static bool content(struct job *j, struct sendsms_answer *out)
{
    const struct sendsms_request *r = j->r;
    struct hilo_writer w;
    struct hilo_str text;
    const char *wrong;

    if (r->udh.n)
        return refuse(out, 400, "UDH is not supported: send the text, it is cut by itself, rejected");
    if (!r->text.n)
        return refuse(out, 400, "Empty text not allowed, rejected");
    wrong = sendsms_text(j->arena, r->text, r->charset, j->escapes.coding, &text);
    if (wrong)
        return refuse(out, 400, wrong);
    arena_writer(j->arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, text);
    j->wanted.content = hilo_written(&w);
    return true;
}

/* The channel of an smsc-id, whose name hilo kannel convert has made of it: small letters, digits and
 * single hyphens. Empty: there is none, and the routes say where it goes, as by Kannel, which
 * sends what names an unknown smsc-id by any connection. */
static struct hilo_str channel_wanted(struct job *j, struct hilo_str smsc)
{
    char *name = arena_alloc(j->arena, (size_t)smsc.n + 1);
    struct hilo_str wanted;
    size_t n = 0;

    if (gateway_channel(j->gw, smsc))
        return smsc;
    for (uint64_t i = 0; i < smsc.n; i++) {
        const char c = smsc.p[i];
        if (c >= 'A' && c <= 'Z')
            name[n++] = (char)(c - 'A' + 'a');
        else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            name[n++] = c;
        else if (n && name[n - 1] != '-')
            name[n++] = '-';
    }
    wanted = str_n(name, n && name[n - 1] == '-' ? n - 1 : n);
    return gateway_channel(j->gw, wanted) ? wanted : (struct hilo_str){NULL, 0};
}

static bool fields(struct job *j, struct sendsms_answer *out)
{
    const struct sendsms_request *r = j->r;
    const struct sendsms_user *u = j->user;
    struct hilo_str sender = u->sender.n ? u->sender : r->from.n ? r->from : u->default_sender;
    struct hilo_str smsc = u->channel.n ? u->channel : r->smsc.n ? r->smsc : u->default_channel;

    if (sender.n > 32 || !str_utf8_valid(sender))
        return refuse(out, 400, "Sender misformed or too long, rejected");
    for (uint64_t i = 0; i < r->account.n; i++)
        if (!r->account.p[i] || strchr("[]\n\r", r->account.p[i]))
            return refuse(out, 400, "Account field misformed or too long, rejected");
    if (r->account.n > ACCOUNT_MAX || r->binfo.n > META_MAX || r->meta_data.n > META_MAX)
        return refuse(out, 400, "Account field misformed or too long, rejected");
    j->wanted.sender = sender;
    j->wanted.sender_if_able = true; /* every user has one, whatever the channel */
    if (smsc.n)
        j->wanted.channel = channel_wanted(j, smsc);
    j->escapes.sender = sender;
    j->escapes.service = u->username;
    j->escapes.account = r->account;
    j->escapes.binfo = r->binfo;
    j->escapes.meta_data = r->meta_data;
    j->escapes.charset = r->charset;
    j->escapes.dlr_url = j->dlr_url;
    return true;
}

/* ---- to whom ---- */

/* International numbers, with +, with 00, or the digits alone, as Kannel's applications have it. */
static bool receiver(struct job *j, struct hilo_str to)
{
    char e164[ADDRESS_PHONE];
    struct hilo_str number =
        to.p[0] == '+' || str_starts(to, STR("00")) ? to : arena_fmt(j->arena, "+%.*s", STR_FMT(to));

    for (uint64_t i = 0; i < to.n; i++)
        if (!to.p[i] || !strchr("0123456789+-", to.p[i]))
            return false;
    if (address_phone(number, e164, NULL) != HILO_OK)
        return false;
    j->wanted.to = (struct identifier){.scheme = HILO_SCHEME_PHONE, .value = arena_str(j->arena, str(e164))};
    j->escapes.receiver = to;
    return true;
}

/* 0: queued. -1: it was refused, j->fault says why. */
static int one(struct job *j)
{
    struct message_plan plan = {0};
    struct ev_callback_asked asked = {.mask = (uint64_t)j->mask};
    struct buf url = {0};
    struct err e = {0};
    char id[ID_TEXT];
    int32_t rc;

    if (message_accept(j->gw, &j->actor, &j->wanted, j->arena, &plan, &j->fault) != 0)
        return -1;
    j->channel = plan.channel;
    if (!j->mask)
        return 0;
    id_format("msg", plan.id, id);
    j->escapes.id = str(id);
    j->escapes.smsc = j->r->smsc.n && !j->user->channel.n ? j->r->smsc : plan.channel->name;
    rc = sendsms_url_asked(j->dlr_url, &j->escapes, &url);
    asked.id = plan.id;
    asked.url = buf_str(&url);
    if (rc == HILO_OK)
        rc =
            store_append(j->gw->store, &ev_desc_callback_asked, &asked, &j->actor, clock_wall_us(), NULL, &e);
    buf_done(&url);
    /* The message is queued: it is not refused for that, but nobody would be told of it either. */
    return rc == HILO_OK ? 0 : fault_store(&j->fault, rc, &e);
}

/* What the refusal of the only receiver is in Kannel's terms. */
static void refused(const struct job *j, struct sendsms_answer *out)
{
    const struct fault *f = &j->fault;

    if (f->status == 429 || f->status >= 500)
        *out = (struct sendsms_answer){503, STR("Temporal failure, try again later.")};
    else if (strcmp(f->code, "unknown_channel") == 0 || strcmp(f->code, "no_route") == 0)
        *out = (struct sendsms_answer){403, STR("Not routable. Do not try again.")};
    else
        *out = (struct sendsms_answer){400, arena_fmt(j->arena, "%s, rejected", f->text)};
}

static bool receivers(struct job *j, struct sendsms_answer *out)
{
    struct hilo_str left = j->r->to, to, denied = {NULL, 0};
    unsigned n = 0, ok = 0, wrong = 0;

    while (left.n) {
        (void)str_cut(left, ' ', &to, &left);
        if (!to.n)
            continue;
        if (n++ == SENDSMS_RECEIVERS)
            break;
        if (!receiver(j, to))
            wrong++;
        else if (one(j) == 0) {
            ok++;
            continue;
        }
        if (to.n <= 32) // no more of what may be anything
            denied = arena_fmt(j->arena, "%.*s %.*s", STR_FMT(denied), STR_FMT(to));
    }
    if (n > SENDSMS_RECEIVERS && !ok)
        return refuse(out, 400, "Too many receivers, rejected");
    if (ok && !denied.n)
        *out = (struct sendsms_answer){202, channel_state(j->channel->plug, NULL) == CHANNEL_UP
                                                ? STR("0: Accepted for delivery")
                                                : STR("3: Queued for later delivery")};
    else if (ok)
        *out = (struct sendsms_answer){
            202, arena_fmt(j->arena, "Sent. Denied receivers are:%.*s", STR_FMT(denied))};
    else if (n == 0)
        (void)refuse(out, 400, "Empty receiver number not allowed, rejected");
    else if (wrong == n)
        (void)refuse(out, 400, "Number(s) has/have been denied by white- and/or black-lists.");
    else
        refused(j, out);
    return ok > 0;
}

bool sendsms_accept(struct gateway *gw, const struct sendsms_user *user, const struct hilo_id *cause,
                    const struct sendsms_request *r, struct arena *arena, struct sendsms_answer *out)
{
    struct job j = {.gw = gw, .user = user, .r = r, .arena = arena, .actor = actor_of(user, cause)};

    if (!r->to.p)
        return refuse(out, 400, "Missing receiver number, rejected");
    return numbers(&j, out) && callback(&j, out) && content(&j, out) && fields(&j, out) && receivers(&j, out);
}
