/*
 * From JSON (cJSON checks nothing but its grammar) to steps: first all names, so that each may be named
 * before it is read, then each step's members by a table of which step has which. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "menu.h"

#include "prompts.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MENU_PLACE = 160, MENU_TEXT_MAX = 2000, MENU_TRIES_MAX = 9 };

struct reading {
    struct menu *menu;
    char *wrong;
    char place[MENU_PLACE]; /* "menu.main.keys.1" */
};

static struct hilo_str str_of(const char *s)
{
    struct hilo_str r = {s, s ? strlen(s) : 0};
    return r;
}

static bool fault(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fault(struct reading *r, const char *format, ...)
{
    va_list ap;
    int n = snprintf(r->wrong, MENU_WRONG, "%s: ", r->place);

    va_start(ap, format);
    (void)vsnprintf(r->wrong + n, MENU_WRONG - (size_t)n, format, ap);
    va_end(ap);
    return false;
}

/* Goes one down; the length to go back to by reading_up(). */
static size_t reading_down(struct reading *r, const char *name)
{
    size_t n = strlen(r->place);

    (void)snprintf(r->place + n, sizeof r->place - n, ".%.60s", name);
    return n;
}
static void reading_up(struct reading *r, size_t n)
{
    r->place[n] = 0;
}

/* ---- values ------------------------------------------------------------------------------------- */

static bool read_text(struct reading *r, const cJSON *v, struct hilo_str *out)
{
    if (!cJSON_IsString(v) || !v->valuestring[0])
        return fault(r, "a text is expected");
    if (strlen(v->valuestring) > MENU_TEXT_MAX)
        return fault(r, "longer than %d bytes", MENU_TEXT_MAX);
    *out = str_of(v->valuestring);
    return true;
}

static bool read_bool(struct reading *r, const cJSON *v, bool *out)
{
    if (!cJSON_IsBool(v))
        return fault(r, "true or false is expected");
    *out = cJSON_IsTrue(v);
    return true;
}

static bool read_duration(struct reading *r, const cJSON *v, int64_t min_us, int64_t max_us, int64_t *out)
{
    const char *s = cJSON_IsString(v) ? v->valuestring : "";
    char *end;
    int64_t unit;
    long n;

    if (s[0] < '0' || s[0] > '9')
        return fault(r, "a time like 5s, 500ms or 2m is expected");
    n = strtol(s, &end, 10);
    unit = strcmp(end, "ms") == 0  ? 1000
           : strcmp(end, "s") == 0 ? 1000000
           : strcmp(end, "m") == 0 ? 60000000
                                   : 0;
    if (unit == 0)
        return fault(r, "a time like 5s, 500ms or 2m is expected");
    if (n > max_us / unit || n * unit < min_us)
        return fault(r, "must be from %lld ms to %lld s", (long long)(min_us / 1000),
                     (long long)(max_us / 1000000));
    *out = n * unit;
    return true;
}

static bool read_step_name(struct reading *r, const cJSON *v, uint32_t *out)
{
    struct hilo_str name;

    if (!read_text(r, v, &name))
        return false;
    *out = menu_find(r->menu, name);
    return *out != MENU_NONE || fault(r, "there is no step '%.60s'", v->valuestring);
}

/* "file:/…": an absolute path; else words with places. */
static bool read_words(struct reading *r, const cJSON *v, struct hilo_str *out)
{
    char wrong[256];

    if (!read_text(r, v, out))
        return false;
    if (strncmp(out->p, "file:", 5) == 0)
        return out->p[5] == '/' || fault(r, "the path of a file must begin with a slash: file:/etc/…");
    return say_check(*out, wrong) || fault(r, "%s", wrong);
}

static bool read_prompt(struct reading *r, const cJSON *v, struct menu_prompt *out)
{
    static const char *const language[] = {"es", "en"};
    const cJSON *one;
    size_t at, i;

    if (cJSON_IsString(v)) {
        if (prompt_find(str_of(v->valuestring)) == PROMPT__END)
            return fault(r,
                         "there is no built-in prompt '%.40s'; words are written in both languages: {es: …, "
                         "en: …}",
                         v->valuestring);
        out->built_in = str_of(v->valuestring);
        return true;
    }
    if (!cJSON_IsObject(v))
        return fault(r, "words in both languages are expected: {es: …, en: …}");
    cJSON_ArrayForEach(one, v)
    {
        if (strcmp(one->string, "es") != 0 && strcmp(one->string, "en") != 0) {
            (void)reading_down(r, one->string);
            return fault(r, "the languages are es and en");
        }
    }
    for (i = 0; i < 2; i++) {
        one = cJSON_GetObjectItemCaseSensitive(v, language[i]);
        if (!one)
            return fault(r, "%s is lacking: who calls hears Spanish or English", language[i]);
        at = reading_down(r, language[i]);
        if (!read_words(r, one, i ? &out->en : &out->es))
            return false;
        reading_up(r, at);
    }
    return true;
}

bool menu_target_good(struct hilo_str s)
{
    static const char user[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+*#_.-";
    bool uri = s.n > 5 && (memcmp(s.p, "sip:", 4) == 0 || memcmp(s.p, "sips:", 5) == 0);
    bool tel = s.n > 4 && memcmp(s.p, "tel:", 4) == 0;
    uint64_t i, at = uri ? 4 : 0;

    if (s.n == 0 || s.n > 200)
        return false;
    if (tel) {
        for (i = 4; i < s.n; i++)
            if (!((s.p[i] >= '0' && s.p[i] <= '9') || strchr("+-.()", s.p[i])) || !s.p[i])
                return false;
        return true;
    }
    if (!uri) {
        for (i = 0; i < s.n; i++)
            if (!s.p[i] || !strchr(user, s.p[i]))
                return false;
        return s.n <= 64;
    }
    for (i = at; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f || strchr("<>\"\\^`{|}", s.p[i]))
            return false;
    return s.p[s.n - 1] != '@' && s.p[s.n - 1] != ':';
}

/* ---- keys --------------------------------------------------------------------------------------- */

/* Words alone, as a sentence is made around them. */
static bool read_label(struct reading *r, const cJSON *v, struct menu_prompt *out)
{
    if (!cJSON_IsObject(v))
        return fault(r, "words in both languages are expected: {es: …, en: …}");
    return read_prompt(r, v, out) &&
           ((strncmp(out->es.p, "file:", 5) != 0 && strncmp(out->en.p, "file:", 5) != 0) ||
            fault(r, "words are expected, no file"));
}

/* {to, label, choice} or a step's name alone. */
static bool read_key(struct reading *r, const cJSON *v, struct menu_key *k)
{
    const cJSON *m;
    size_t at;
    bool good;

    k->to = MENU_NONE;
    if (cJSON_IsString(v))
        return read_step_name(r, v, &k->to);
    if (!cJSON_IsObject(v))
        return fault(r, "a step's name, or {to: …, label: {es: …, en: …}} is expected");
    cJSON_ArrayForEach(m, v)
    {
        at = reading_down(r, m->string);
        if (strcmp(m->string, "to") == 0)
            good = read_step_name(r, m, &k->to);
        else if (strcmp(m->string, "label") == 0)
            good = read_label(r, m, &k->label);
        else if (strcmp(m->string, "choice") == 0)
            good = read_text(r, m, &k->choice) && (k->choice.n <= 64 || fault(r, "longer than 64 bytes"));
        else
            good = fault(r, "a key has to, label and choice");
        if (!good)
            return false;
        reading_up(r, at);
    }
    return k->to != MENU_NONE || fault(r, "where this key leads to is not said (to)");
}

static bool read_keys(struct reading *r, const cJSON *v, struct menu_step *s)
{
    const cJSON *one;
    size_t at;

    if (!cJSON_IsObject(v) || !v->child)
        return fault(r, "keys with where they lead are expected: {1: …, 2: …}");
    cJSON_ArrayForEach(one, v)
    {
        struct menu_key *k = &s->key[s->n_keys];

        at = reading_down(r, one->string);
        if (strlen(one->string) != 1 || !strchr("0123456789*#", one->string[0]))
            return fault(r, "a key is 0 to 9, * or #");
        s->n_keys++; /* each key once: the YAML refuses what comes twice, so 12 is the most */
        if (s->n_keys > MENU_KEYS_MAX)
            return fault(r, "there are no more than %d keys", MENU_KEYS_MAX);
        k->key = one->string[0];
        if (!read_key(r, one, k))
            return false;
        reading_up(r, at);
    }
    return true;
}

/* A list: what is chosen by 1, by 2 … The core says which. */
static bool read_choices(struct reading *r, const cJSON *v, struct menu_step *s)
{
    const cJSON *one;
    char place[16];
    size_t at;
    int i = 0;

    if (!cJSON_IsArray(v) || !v->child)
        return fault(r, "a list of choices is expected: [{choice: …, label: …, to: …}]");
    cJSON_ArrayForEach(one, v)
    {
        struct menu_key *k;

        (void)snprintf(place, sizeof place, "%d", i);
        at = reading_down(r, place);
        if (i == 9)
            return fault(r, "nine choices at most can be spoken");
        k = &s->key[s->n_keys++];
        k->key = (char)('1' + i++);
        if (!cJSON_IsObject(one))
            return fault(r, "{choice: …, label: {es: …, en: …}, to: …} is expected");
        if (!read_key(r, one, k))
            return false;
        if (k->choice.n == 0)
            return fault(r, "what it is called in the message is not said (choice)");
        if (k->label.es.n == 0)
            return fault(r, "its label is not said in words (label: {es: …, en: …})");
        reading_up(r, at);
    }
    return true;
}

/* ---- steps -------------------------------------------------------------------------------------- */

#define DO(x) (UINT32_C(1) << MENU_##x)
enum member_kind { M_PROMPT, M_STEP, M_KEYS, M_CHOICES, M_TEXT, M_BOOL, M_TIME, M_TRIES };
struct member {
    const char *name;
    enum member_kind kind;
    uint32_t of;   /* which steps may have it */
    uint32_t must; /* and which have to */
    size_t at;
    int64_t min_us, max_us;
};
#define AT(f)  offsetof(struct menu_step, f)
#define SECOND INT64_C(1000000)
static const struct member members[] = {
    {"say", M_PROMPT,
     DO(SAY) | DO(KEYS) | DO(IDENTIFY) | DO(TELL) | DO(CHOICES) | DO(CASE) | DO(RECORD) | DO(TRANSFER) |
         DO(HANGUP),
     DO(SAY) | DO(CHOICES), AT(prompt), 0, 0},
    {"next", M_STEP, DO(SAY) | DO(LANGUAGE) | DO(TELL) | DO(CASE) | DO(RECORD),
     DO(SAY) | DO(LANGUAGE) | DO(TELL) | DO(CASE) | DO(RECORD), AT(next), 0, 0},
    {"keys", M_KEYS, DO(KEYS), DO(KEYS), 0, 0, 0},
    {"choices", M_CHOICES, DO(CHOICES), DO(CHOICES), 0, 0, 0},
    {"no_key", M_STEP, DO(KEYS) | DO(CHOICES), DO(KEYS) | DO(CHOICES), AT(no_key), 0, 0},
    {"wrong_key", M_STEP, DO(KEYS) | DO(CHOICES), 0, AT(wrong_key), 0, 0},
    {"wait", M_TIME, DO(KEYS) | DO(CHOICES) | DO(IDENTIFY) | DO(LANGUAGE), 0, AT(wait_us), SECOND,
     60 * SECOND},
    {"tries", M_TRIES, DO(KEYS) | DO(CHOICES) | DO(IDENTIFY), 0, AT(tries), 0, 0},
    {"barge_in", M_BOOL, DO(SAY) | DO(KEYS) | DO(CHOICES), 0, AT(barge_in), 0, 0},
    {"caller_id", M_BOOL, DO(IDENTIFY), 0, AT(caller_id), 0, 0},
    {"document", M_TEXT, DO(IDENTIFY), 0, AT(document), 0, 0},
    {"found", M_STEP, DO(IDENTIFY), DO(IDENTIFY), AT(found), 0, 0},
    {"unknown", M_STEP, DO(IDENTIFY), DO(IDENTIFY), AT(unknown), 0, 0},
    {"subject", M_TEXT, DO(CASE), DO(CASE), AT(subject), 0, 0},
    {"new", M_BOOL, DO(CASE), 0, AT(fresh), 0, 0},
    {"max", M_TIME, DO(RECORD), 0, AT(max_us), 5 * SECOND, 600 * SECOND},
    {"silence", M_TIME, DO(RECORD), 0, AT(silence_us), SECOND, 60 * SECOND},
    {"review", M_BOOL, DO(RECORD), 0, AT(review), 0, 0},
    {"to", M_TEXT, DO(TRANSFER), DO(TRANSFER), AT(target), 0, 0},
    {"attended", M_BOOL, DO(TRANSFER), 0, AT(attended), 0, 0},
    {"busy", M_STEP, DO(TRANSFER), 0, AT(busy), 0, 0},
    {"no_answer", M_STEP, DO(TRANSFER), DO(TRANSFER), AT(no_answer), 0, 0},
    {"open", M_STEP, DO(HOURS), DO(HOURS), AT(open), 0, 0},
    {"closed", M_STEP, DO(HOURS), DO(HOURS), AT(closed), 0, 0},
    {"holiday", M_STEP, DO(HOURS), 0, AT(holiday), 0, 0},
};

static const struct {
    const char *name;
    enum menu_do what;
} dos[] = {{"say", MENU_SAY},           {"keys", MENU_KEYS},     {"language", MENU_LANGUAGE},
           {"identify", MENU_IDENTIFY}, {"tell", MENU_TELL},     {"choices", MENU_CHOICES},
           {"case", MENU_CASE},         {"record", MENU_RECORD}, {"transfer", MENU_TRANSFER},
           {"hours", MENU_HOURS},       {"hangup", MENU_HANGUP}};

static const char *do_name(enum menu_do what)
{
    size_t i;

    for (i = 0; i < sizeof dos / sizeof *dos; i++)
        if (dos[i].what == what)
            return dos[i].name;
    return "?";
}

static bool read_document(struct reading *r, struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (i == 2 ? s.p[i] != ':' : s.p[i] < 'A' || s.p[i] > 'Z')
            break;
    return (i == s.n && s.n >= 4 && s.n <= 12) ||
           fault(r, "a country and a kind of document are expected: CO:CC");
}

static bool read_member(struct reading *r, const cJSON *v, const struct member *m, struct menu_step *s)
{
    void *at = (char *)s + m->at;
    int64_t tries;

    switch (m->kind) {
    case M_PROMPT:
        return read_prompt(r, v, at);
    case M_STEP:
        return read_step_name(r, v, at);
    case M_KEYS:
        return read_keys(r, v, s);
    case M_CHOICES:
        return read_choices(r, v, s);
    case M_BOOL:
        if (m->at == AT(attended))
            s->attended_given = true;
        return read_bool(r, v, at);
    case M_TIME:
        return read_duration(r, v, m->min_us, m->max_us, at);
    case M_TRIES:
        tries = cJSON_IsNumber(v) ? (int64_t)v->valuedouble : 0;
        if (tries < 1 || tries > MENU_TRIES_MAX || (double)tries != v->valuedouble)
            return fault(r, "a number from 1 to %d is expected", MENU_TRIES_MAX);
        *(uint32_t *)at = (uint32_t)tries;
        return true;
    case M_TEXT:
        if (!read_text(r, v, at))
            return false;
        if (m->at == AT(target))
            return menu_target_good(s->target) ||
                   fault(r, "not a SIP target: sip:user@host, tel:+57…, or an extension is expected");
        return m->at == AT(document) ? read_document(r, s->document)
               : s->subject.n > 400  ? fault(r, "longer than 400 bytes")
                                     : true;
    }
    return false;
}

static bool read_do(struct reading *r, const cJSON *v, struct menu_step *s)
{
    const cJSON *what = cJSON_GetObjectItemCaseSensitive(v, "do");
    size_t i;

    if (!cJSON_IsString(what))
        return fault(r, "what this step does is not said (do: say, keys, identify …)");
    for (i = 0; i < sizeof dos / sizeof *dos; i++)
        if (strcmp(what->valuestring, dos[i].name) == 0)
            s->what = dos[i].what;
    if (s->what)
        return true;
    (void)reading_down(r, "do");
    return fault(r,
                 "'%.30s' is none of say, keys, language, identify, tell, choices, case, record, transfer, "
                 "hours, hangup",
                 what->valuestring);
}

static bool read_step(struct reading *r, const cJSON *v, struct menu_step *s)
{
    const struct member *m;
    const cJSON *one;
    size_t at, i;

    if (!read_do(r, v, s))
        return false;
    cJSON_ArrayForEach(one, v)
    {
        if (strcmp(one->string, "do") == 0)
            continue;
        for (i = 0, m = NULL; i < sizeof members / sizeof *members; i++)
            if (strcmp(one->string, members[i].name) == 0 && (members[i].of & (UINT32_C(1) << s->what)))
                m = &members[i];
        at = reading_down(r, one->string);
        if (!m)
            return fault(r, "a step that does '%s' has no such member", do_name(s->what));
        if (!read_member(r, one, m, s))
            return false;
        reading_up(r, at);
    }
    for (i = 0; i < sizeof members / sizeof *members; i++)
        if ((members[i].must & (UINT32_C(1) << s->what)) &&
            !cJSON_GetObjectItemCaseSensitive(v, members[i].name))
            return fault(r, "a step that does '%s' says '%s' too", do_name(s->what), members[i].name);
    return true;
}

static void step_defaults(struct menu_step *s)
{
    s->next = s->no_key = s->wrong_key = s->found = s->unknown = MENU_NONE;
    s->busy = s->no_answer = s->open = s->closed = s->holiday = MENU_NONE;
    s->tries = 3;
    s->barge_in = s->caller_id = s->review = true;
    s->wait_us = 6 * SECOND;
    s->max_us = 120 * SECOND;
    s->silence_us = 4 * SECOND;
}

/* ---- hours -------------------------------------------------------------------------------------- */

static bool read_holidays(struct reading *r, const cJSON *v, struct hours *h)
{
    const cJSON *one;
    char place[16];
    int32_t day;
    size_t at;
    int i = 0;

    if (!cJSON_IsArray(v))
        return fault(r, "a list of dates is expected");
    cJSON_ArrayForEach(one, v)
    {
        (void)snprintf(place, sizeof place, "%d", i++);
        at = reading_down(r, place);
        day = cJSON_IsString(one) ? hours_holiday(str_of(one->valuestring)) : 0;
        if (day == 0)
            return fault(r, "a date is expected: 2026-12-25, or 12-25 for each year");
        if (h->n_holidays == HOURS_HOLIDAYS_MAX)
            return fault(r, "more than %d dates", HOURS_HOLIDAYS_MAX);
        h->holiday[h->n_holidays++] = day;
        reading_up(r, at);
    }
    return true;
}

static bool read_hours(struct reading *r, const cJSON *v, struct hours *h)
{
    struct hours_span span[HOURS_SPANS_MAX];
    uint32_t days, seen = 0, d;
    const cJSON *one;
    char wrong[160];
    size_t at;

    if (!cJSON_IsObject(v))
        return fault(r, "days with their times are expected: {mon-fri: \"09:00-18:00\"}");
    cJSON_ArrayForEach(one, v)
    {
        at = reading_down(r, one->string);
        days = hours_days(str_of(one->string));
        if (strcmp(one->string, "time_zone") == 0) {
            if (!read_text(r, one, &h->time_zone))
                return false;
            if (!hours_zone_known(h->time_zone))
                return fault(r, "not a name of the IANA list: America/Bogota");
        } else if (strcmp(one->string, "holidays") == 0) {
            if (!read_holidays(r, one, h))
                return false;
        } else if (days == 0) {
            return fault(r, "days are sun, mon, tue, wed, thu, fri, sat, or some of them: mon-fri");
        } else if (days & seen) {
            return fault(r, "one of these days has times already");
        } else if (!cJSON_IsString(one)) {
            return fault(r, "times are expected: \"09:00-13:00 14:00-19:00\", or closed");
        } else if (!hours_spans(str_of(one->valuestring), span, wrong)) {
            return fault(r, "%s", wrong);
        }
        for (d = 0; d < 7; d++)
            if (days & (UINT32_C(1) << d))
                memcpy(h->day[d], span, sizeof span);
        seen |= days;
        reading_up(r, at);
    }
    return seen || fault(r, "no day has times");
}

/* ---- the whole ---------------------------------------------------------------------------------- */

uint32_t menu_find(const struct menu *m, struct hilo_str name)
{
    uint32_t i;

    for (i = 0; i < m->n_steps; i++)
        if (m->step[i].name.n == name.n && memcmp(m->step[i].name.p, name.p, name.n) == 0)
            return i;
    return MENU_NONE;
}

static bool is_step(const cJSON *v)
{
    return strcmp(v->string, "start") != 0 && strcmp(v->string, "hours") != 0;
}

static bool read_names(struct reading *r)
{
    struct menu *m = r->menu;
    const cJSON *one;
    size_t at;
    int n;

    if (!cJSON_IsObject(m->tree))
        return fault(r, "a mapping of steps is expected");
    n = cJSON_GetArraySize(m->tree);
    m->step = calloc((size_t)n + 1, sizeof *m->step);
    if (!m->step)
        return fault(r, "no memory");
    cJSON_ArrayForEach(one, m->tree)
    {
        if (!is_step(one))
            continue;
        at = reading_down(r, one->string);
        if (m->n_steps == MENU_STEPS_MAX)
            return fault(r, "more than %d steps", MENU_STEPS_MAX);
        if (!cJSON_IsObject(one))
            return fault(r, "a step is expected: {do: …}");
        m->step[m->n_steps].name = str_of(one->string);
        step_defaults(&m->step[m->n_steps++]);
        reading_up(r, at);
    }
    return m->n_steps > 0 || fault(r, "there is no step");
}

static bool read_all(struct reading *r)
{
    struct menu *m = r->menu;
    const cJSON *one;
    uint32_t i = 0;
    bool good = true;
    size_t at;

    m->start = MENU_NONE;
    cJSON_ArrayForEach(one, m->tree)
    {
        at = reading_down(r, one->string);
        if (strcmp(one->string, "start") == 0)
            good = read_step_name(r, one, &m->start);
        else if (strcmp(one->string, "hours") == 0)
            good = m->has_hours = read_hours(r, one, &m->hours);
        else
            good = read_step(r, one, &m->step[i++]);
        if (!good)
            return false;
        reading_up(r, at);
    }
    return m->start != MENU_NONE || fault(r, "where a call begins is not said (start)");
}

struct menu *menu_read(struct hilo_str json, struct hilo_str desk, char wrong[MENU_WRONG])
{
    struct menu *m = calloc(1, sizeof *m);
    struct reading r = {.menu = m, .wrong = wrong, .place = "menu"};
    bool built_in = json.n == 0;
    uint32_t i;

    if (!m) {
        (void)fault(&r, "no memory");
        return NULL;
    }
    if (built_in)
        json = menu_default(desk.n > 0);
    m->tree = cJSON_ParseWithLength(json.p, (size_t)json.n);
    if (!m->tree)
        (void)fault(&r, "not JSON");
    if (!m->tree || !read_names(&r) || !read_all(&r) || !menu_prove(m, wrong)) {
        menu_free(m);
        return NULL;
    }
    for (i = 0; built_in && i < m->n_steps; i++)
        if (m->step[i].what == MENU_TRANSFER)
            m->step[i].target = desk;
    return m;
}

void menu_free(struct menu *m)
{
    if (!m)
        return;
    cJSON_Delete(m->tree);
    free(m->step);
    free(m);
}
