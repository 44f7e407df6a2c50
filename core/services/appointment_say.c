/*
 * What customers are told of their appointments: a confirmation with the choice to confirm, change or cancel,
 * reminders likewise, and that it was canceled. Each is an outbound message like any other, decided by
 * the same rules; what stands in its way becomes a notice with that fault's code and words.
 *
 * On a channel with a window, words of our own leave only while it is open. So a template that the operator
 * has named stands in for a confirmation when it is closed, and for each reminder there, as nobody knows
 * whether it will be open then.
 */
#include "services/appointment_say.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/zone.h"
#include "model/codec.h"
#include "services/consent_words.h"
#include "services/messages.h"
#include "services/spoken.h"
#include "store/keys.h"

enum { LOOK_BACK = 20, PARAMETERS_MAX = 20 };
static const int64_t LIFE_MIN_US = INT64_C(60) * 1000000;

/* ---- notices ---- */

struct hilo_str appointment_notices_pack(struct arena *a, const struct appointment_notices *x)
{
    struct hilo_writer w, one;

    arena_writer(a, &w);
    for (unsigned i = 0; i < x->count; i++) {
        arena_writer(a, &one);
        rec_pack(&rec_desc_notice, &x->n[i], &one);
        hilo_put_str(&w, 1, hilo_written(&one));
    }
    return hilo_written(&w);
}

void appointment_notices_read(struct hilo_str rest, struct appointment_notices *out)
{
    struct hilo_field f;

    out->count = 0;
    while (out->count < NOTICES_MAX && hilo_next(&rest, &f) == 1)
        if (f.tag == 1 && rec_unpack(&rec_desc_notice, f.val, &out->n[out->count], NULL) == HILO_OK)
            out->count++;
}

/* ---- words ---- */

struct words {
    struct hilo_str language; /* of the person, or the gateway's */
    bool spanish;
    struct hilo_str when, date, time, place, code, subject, name;
    struct hilo_str zone; /* of these hours, IANA; may be empty */
};

/* The first of these zones that there is; the machine's own is always there. */
static void local_time(const struct appointment_saying *s, const struct rec_customer *who, int64_t us,
                       struct zone_time *out, struct hilo_str *zone)
{
    const struct hilo_str zones[] = {
        s->r->time_zone, who->time_zone, s->gw->time_zone, {NULL, 0}, STR("UTC")};
    struct err e = {0};

    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        if ((zones[i].n || i >= 3) && zone_local(zones[i], us, out, &e) == HILO_OK) {
            *zone = zones[i];
            return;
        }
    *out = (struct zone_time){.year = 1970, .month = 1, .day = 1, .weekday = 4}; /* beyond any calendar */
}

static void words_of(const struct appointment_saying *s, const struct rec_customer *who, struct words *w)
{
    struct zone_time then, today;

    *w = (struct words){.language = who->language.n ? who->language : s->gw->language};
    w->spanish = str_starts(w->language, STR("es"));
    if (!w->spanish && !str_starts(w->language, STR("en"))) {
        w->language = s->gw->language;
        w->spanish = str_starts(w->language, STR("es"));
    }
    local_time(s, who, (int64_t)s->r->starts, &then, &w->zone);
    local_time(s, who, s->now, &today, &w->zone);
    w->when = spoken_when(s->arena, w->language, &then, today.year);
    w->date = spoken_date(s->arena, w->language, &then, today.year);
    w->time = spoken_time(s->arena, w->language, &then);
    w->place = s->r->place.n ? s->r->place : s->r->store;
    w->code = s->r->code;
    w->subject = s->r->subject;
    w->name = who->name;
}

/* What a word of a text or of a template's parameters stands for; NULL: nothing. */
static const struct hilo_str *word_of(const struct words *w, struct hilo_str name)
{
    const struct {
        const char *name;
        const struct hilo_str *value;
    } all[] = {{"when", &w->when}, {"date", &w->date},       {"time", &w->time}, {"place", &w->place},
               {"code", &w->code}, {"subject", &w->subject}, {"name", &w->name}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (str_eqz(name, all[i].name))
            return all[i].value;
    return NULL;
}

/* "… {place} …" with its words filled in; what is no word stays as it is. */
static struct hilo_str filled(struct arena *a, struct hilo_str text, const struct words *w)
{
    struct hilo_str out = {NULL, 0}, head, rest = text;

    while (str_cut(rest, '{', &head, &rest)) {
        struct hilo_str name, after;
        const struct hilo_str *value = str_cut(rest, '}', &name, &after) ? word_of(w, name) : NULL;
        out = value ? arena_fmt(a, "%.*s%.*s%.*s", STR_FMT(out), STR_FMT(head), STR_FMT(*value))
                    : arena_fmt(a, "%.*s%.*s{", STR_FMT(out), STR_FMT(head));
        if (value)
            rest = after;
    }
    return arena_fmt(a, "%.*s%.*s", STR_FMT(out), STR_FMT(head));
}

static struct hilo_str text_of(const struct appointment_saying *s, uint64_t kind, const struct words *w)
{
    /* Without letters that SMS would pay for with another alphabet; lines, as a time may end with a dot. */
    static const struct {
        const char *confirmation, *moved, *reminder, *cancellation;
    } texts[] = {{"Tu cita en {place}:\n{when}\nMuestra {code} al llegar.",
                  "Tu cita en {place} es ahora:\n{when}\nMuestra {code} al llegar.",
                  "Te recordamos tu cita en {place}:\n{when}\nMuestra {code} al llegar.",
                  "Tu cita en {place} fue cancelada:\n{when}"},
                 {"Your appointment at {place}:\n{when}\nShow {code} when you arrive.",
                  "Your appointment at {place} is now:\n{when}\nShow {code} when you arrive.",
                  "A reminder of your appointment at {place}:\n{when}\nShow {code} when you arrive.",
                  "Your appointment at {place} has been canceled:\n{when}"}};
    const struct gw_appointments *set = &s->gw->appointments;
    const struct hilo_str own = kind == NOTICE_CONFIRMATION && !s->moved ? set->confirmation_text
                                : kind == NOTICE_REMINDER                ? set->reminder_text
                                                                         : (struct hilo_str){NULL, 0};
    const unsigned language = w->spanish ? 0 : 1;
    const char *text = kind == NOTICE_REMINDER       ? texts[language].reminder
                       : kind == NOTICE_CANCELLATION ? texts[language].cancellation
                       : s->moved                    ? texts[language].moved
                                                     : texts[language].confirmation;

    if (own.n)
        return filled(s->arena, own, w);
    return filled(s->arena, w->subject.n ? arena_fmt(s->arena, "{subject}. %s", text) : str(text), w);
}

/* ---- contents ---- */

static void choice_put(struct hilo_writer *w, const char *id, const char *title)
{
    hilo_open(w, HILO_T_CONTENT_CHOICES);
    hilo_put_str(w, HILO_T_CHOICE_ID, str(id));
    hilo_put_str(w, HILO_T_CHOICE_TITLE, str(title));
    hilo_close(w);
}

static struct hilo_str content_ours(const struct appointment_saying *s, uint64_t kind, const struct words *x)
{
    struct hilo_writer w;
    const bool asks = kind != NOTICE_CANCELLATION;

    arena_writer(s->arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, asks ? HILO_CONTENT_CHOICES : HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, text_of(s, kind, x));
    if (asks) {
        choice_put(&w, "confirm", x->spanish ? "Confirmar" : "Confirm");
        choice_put(&w, "change", x->spanish ? "Cambiar" : "Change");
        choice_put(&w, "cancel", x->spanish ? "Cancelar" : "Cancel");
    }
    return hilo_written(&w);
}

/* The template that the operator has named for this kind; empty: none. */
static struct hilo_str template_name(const struct gateway *gw, uint64_t kind)
{
    return kind == NOTICE_CONFIRMATION ? gw->appointments.confirmation_template
           : kind == NOTICE_REMINDER   ? gw->appointments.reminder_template
                                       : (struct hilo_str){NULL, 0};
}

/* "date,time, place" */
static void parameter_next(struct hilo_str *rest, struct hilo_str *word)
{
    (void)str_cut(*rest, ',', word, rest);
    while (word->n && word->p[0] == ' ')
        *word = str_n(word->p + 1, (size_t)word->n - 1);
    while (word->n && word->p[word->n - 1] == ' ')
        word->n--;
}

/* template_parameters: "date,time,place", or "fecha=date" where the template's go by name. */
static struct hilo_str content_template(const struct appointment_saying *s, uint64_t kind,
                                        const struct words *x)
{
    const struct gw_appointments *set = &s->gw->appointments;
    struct hilo_str rest = set->template_parameters, word, name, of;
    struct hilo_writer w;

    arena_writer(s->arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEMPLATE);
    hilo_put_str(&w, HILO_T_CONTENT_NAME, template_name(s->gw, kind));
    hilo_put_str(&w, HILO_T_CONTENT_LANGUAGE,
                 set->template_language.n ? set->template_language
                 : x->spanish             ? STR("es")
                                          : STR("en"));
    hilo_open(&w, HILO_T_CONTENT_PARAMETERS);
    while (rest.n) {
        parameter_next(&rest, &word);
        const bool named = str_cut(word, '=', &name, &of);
        const struct hilo_str *value = word_of(x, named ? of : word);
        if (!value) /* the configuration was checked */
            continue;
        hilo_open(&w, HILO_T_PARAMS_BODY);
        hilo_put_str(&w, HILO_T_PARAM_TEXT, value->n ? *value : STR("-")); /* none may be empty */
        if (named)
            hilo_put_str(&w, HILO_T_PARAM_NAME, name);
        hilo_close(&w);
    }
    hilo_close(&w);
    return hilo_written(&w);
}

bool appointment_parameters_check(struct hilo_str rest, struct hilo_str *unknown_out)
{
    static const struct words none;
    struct hilo_str word, name, of;
    unsigned n = 0;

    while (rest.n) {
        parameter_next(&rest, &word);
        if (!word_of(&none, str_cut(word, '=', &name, &of) ? of : word) || ++n > PARAMETERS_MAX) {
            *unknown_out = word;
            return false;
        }
    }
    return true;
}

/* ---- calendars ---- */

/* One line, as calendars and headers have it. */
static struct hilo_str line(struct arena *a, struct hilo_str s)
{
    char *p = arena_dup(a, s.n ? s.p : "", (size_t)s.n);

    for (uint64_t i = 0; i < s.n; i++)
        if ((uint8_t)p[i] < ' ' || p[i] == 0x7f)
            p[i] = ' ';
    return str_n(p, (size_t)s.n);
}

static void line_put(struct hilo_writer *w, struct arena *a, uint32_t tag, struct hilo_str s)
{
    if (s.n)
        hilo_put_str(w, tag, line(a, s));
}

/* The content with what a calendar wants to know of the appointment, if it is of a type that has it. */
static struct hilo_str invited(const struct appointment_saying *s, uint64_t kind, const struct words *x,
                               struct hilo_str content)
{
    const uint64_t type = hilo_get_u64(content, HILO_T_CONTENT_TYPE);
    const struct rec_appointment *r = s->r;
    struct hilo_str title = x->subject, out, place = line(s->arena, x->place);
    struct hilo_writer w;
    char uid[ID_TEXT];
    struct err e = {0};

    if ((type != HILO_CONTENT_TEXT && type != HILO_CONTENT_CHOICES && type != HILO_CONTENT_APPOINTMENT) ||
        hilo_find(content, HILO_T_CONTENT_INVITATION, &out))
        return content;
    if (title.n == 0)
        title = arena_fmt(s->arena, x->spanish ? "Cita en %.*s" : "Appointment at %.*s", STR_FMT(place));
    id_format("apt", s->id, uid);
    arena_writer(s->arena, &w);
    hilo_put_str(&w, HILO_T_INVITATION_UID, str(uid));
    hilo_put_u64(&w, HILO_T_INVITATION_SEQUENCE, r->sequence);
    hilo_put_str(&w, HILO_T_INVITATION_STATUS,
                 kind == NOTICE_CANCELLATION          ? STR("canceled")
                 : r->status == APPOINTMENT_CONFIRMED ? STR("confirmed")
                                                      : STR("booked"));
    hilo_put_u64(&w, HILO_T_INVITATION_STARTS, r->starts);
    if (r->ends)
        hilo_put_u64(&w, HILO_T_INVITATION_ENDS, r->ends);
    line_put(&w, s->arena, HILO_T_INVITATION_TIME_ZONE, x->zone);
    line_put(&w, s->arena, HILO_T_INVITATION_TITLE, title);
    line_put(&w, s->arena, HILO_T_INVITATION_PLACE, place);
    line_put(&w, s->arena, HILO_T_INVITATION_ORGANIZER, s->gw->name);
    line_put(&w, s->arena, HILO_T_INVITATION_CODE, x->code);
    if (kind != NOTICE_CANCELLATION)
        hilo_put_u64(&w, HILO_T_INVITATION_ASKS, 1);
    const struct model_change c = change_str(HILO_T_CONTENT_INVITATION, hilo_written(&w));
    return model_edit(s->arena, content, &c, 1, &out, &e) == HILO_OK ? out : content;
}

/* ---- the channel ---- */

/* The one by which the customer has written last, of those that can carry a text to her. */
static struct hilo_str channel_usual(const struct appointment_saying *s)
{
    struct key k = key_of_id(s->r->customer);
    struct rec_message m;
    struct rec_thread t;
    struct err e = {0};

    if (store_record(s->gw->store, TABLE_THREAD, key_str(&k), &rec_desc_thread, s->arena, &t, &e) != HILO_OK)
        return (struct hilo_str){NULL, 0};
    struct hilo_id at = t.newest;
    for (unsigned i = 0; i < LOOK_BACK && !id_none(at); i++, at = m.before) {
        k = key_of_id(at);
        if (store_record(s->gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, s->arena, &m, &e) !=
            HILO_OK)
            break;
        const struct gw_channel *c = m.kind == HILO_KIND_INBOUND ? gateway_channel(s->gw, m.channel) : NULL;
        if (c && c->plug && (c->provides & HILO_CAN_SEND) && (c->able->contents >> HILO_CONTENT_TEXT & 1))
            return c->name;
    }
    return (struct hilo_str){NULL, 0};
}

static struct hilo_str channel_of(const struct appointment_saying *s)
{
    if (s->r->channel.n)
        return s->r->channel;
    return s->gw->appointments.channel.n ? s->gw->appointments.channel : channel_usual(s);
}

/* ---- sending ---- */

static void notice_fault(struct rec_notice *n, struct arena *a, const struct fault *f)
{
    n->code = arena_str(a, str(f->code));
    n->detail = arena_str(a, str(f->text));
}

/* Decides what of it there is to say, and says it. */
static void notice_send(const struct appointment_saying *s, uint64_t kind, struct hilo_str given,
                        struct rec_notice *n)
{
    struct message_request rq = {.to = s->to,
                                 .customer = s->r->customer,
                                 .channel = channel_of(s),
                                 .case_id = s->r->case_id,
                                 .category = HILO_CATEGORY_TRANSACTIONAL,
                                 .priority = 1,
                                 .send_at = (int64_t)n->due,
                                 .send_at_any = true,
                                 .content = given};
    struct message_outlook look;
    struct message_plan plan;
    struct rec_customer who;
    struct words words;
    struct fault f = {0};

    if (customer_get(s->gw, s->r->customer, s->arena, &who, &f) != 0) {
        notice_fault(n, s->arena, &f);
        return;
    }
    words_of(s, &who, &words);
    rq.language = words.language;
    const int64_t life = (int64_t)s->r->starts - (n->due ? (int64_t)n->due : s->now);
    if (kind != NOTICE_CANCELLATION && (n->due || life < s->gw->expires_us))
        rq.expires_in_us = life > LIFE_MIN_US ? life : LIFE_MIN_US; /* when it has begun, it is no news */
    if (given.n)
        rq.content = invited(s, kind, &words, given);
    if (given.n == 0) {
        rq.content = invited(s, kind, &words, content_ours(s, kind, &words));
        const int rc = message_outlook(s->gw, &rq, s->arena, &look, &f);
        const bool closed = rc != 0 && str_eqz(str(f.code), "window_closed");
        if (template_name(s->gw, kind).n && (closed || (rc == 0 && n->due && look.window_needed)))
            rq.content = content_template(s, kind, &words);
    }
    if (hilo_get_u64(rq.content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_TEMPLATE)
        rq.category = 0; /* the template's own */
    memset(&plan, 0, sizeof plan);
    if (message_accept(s->gw, s->actor, &rq, s->arena, &plan, &f) != 0) {
        n->due = 0;
        notice_fault(n, s->arena, &f);
        return;
    }
    n->message = plan.id;
    n->due = (uint64_t)plan.due;
    if (plan.suppressed) {
        n->code = STR("opted_out");
        n->detail = STR("the customer wants no such messages; tell her yourself");
    } else if (plan.due && (plan.channel->able->flags & HILO_ABLE_WINDOW) && !plan.channel->provider_window &&
               hilo_get_u64(rq.content, HILO_T_CONTENT_TYPE) != HILO_CONTENT_TEMPLATE) {
        n->code = STR("needs_window");
        n->detail = STR("it leaves only if the customer writes in the 24 hours before; give a template as "
                        "reminder, or configure appointments.reminder_template");
    }
}

static void notice_add(const struct appointment_saying *s, uint64_t kind, uint64_t due, uint64_t before,
                       struct hilo_str given, struct appointment_notices *out)
{
    struct rec_notice n = {.kind = kind, .due = due, .before = before};

    if (out->count == NOTICES_MAX)
        return;
    if (kind != NOTICE_CANCELLATION && (int64_t)(before ? due : s->r->starts) <= s->now) {
        n.due = 0;
        n.code = STR("too_late");
        n.detail = before ? STR("its time was over when the appointment was made")
                          : STR("the appointment had begun when it came here");
    } else {
        notice_send(s, kind, given, &n);
    }
    out->n[out->count++] = n;
}

void appointment_say(const struct appointment_saying *s, uint64_t kind, struct hilo_str given,
                     struct appointment_notices *out)
{
    notice_add(s, kind, 0, 0, given, out);
}

void appointment_remind(const struct appointment_saying *s, struct hilo_str given,
                        struct appointment_notices *out)
{
    struct hilo_str rest = s->r->remind;
    struct hilo_field f;

    while (hilo_next(&rest, &f) == 1) {
        const uint64_t before = hilo_u64(f.val);
        if (f.tag == 1 && before && before < s->r->starts)
            notice_add(s, NOTICE_REMINDER, s->r->starts - before, before, given, out);
    }
}

/* ---- answers ---- */

static uint64_t word_meaning(struct hilo_str said, struct arena *a)
{
    static const struct {
        const char *word;
        uint64_t means;
    } words[] = {{"confirm", APPOINTMENT_ANSWER_CONFIRM},    {"confirmar", APPOINTMENT_ANSWER_CONFIRM},
                 {"confirmo", APPOINTMENT_ANSWER_CONFIRM},   {"change", APPOINTMENT_ANSWER_CHANGE},
                 {"cambiar", APPOINTMENT_ANSWER_CHANGE},     {"reschedule", APPOINTMENT_ANSWER_CHANGE},
                 {"reprogramar", APPOINTMENT_ANSWER_CHANGE}, {"cancel", APPOINTMENT_ANSWER_CANCEL},
                 {"cancelar", APPOINTMENT_ANSWER_CANCEL}};
    const struct hilo_str folded = word_fold(a, said);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eqz(folded, words[i].word))
            return words[i].means;
    return 0;
}

uint64_t appointment_meaning(struct hilo_str content, struct arena *a)
{
    uint64_t means;

    if (hilo_get_u64(content, HILO_T_CONTENT_TYPE) != HILO_CONTENT_CHOICE_REPLY)
        return 0;
    means = word_meaning(hilo_get_str(content, HILO_T_CONTENT_CHOICE), a);
    return means ? means : word_meaning(hilo_get_str(content, HILO_T_CONTENT_TITLE), a);
}
