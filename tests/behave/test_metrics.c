/*
 * /metrics: the text is what Prometheus' format 0.0.4 says, to the letter; its numbers are
 * those of what happened; who may read it.
 */
#include "harness.h"
#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct world w;

/* ---- the format, strictly ---- */

struct family {
    char name[128], type[16];
    unsigned samples;
    bool closed;
    /* of a histogram, its present series */
    char labels[256];
    double last_le, last_n, count;
};

struct page {
    struct family family[256];
    unsigned n, wrong;
    char *seen; /* all series, one a line */
};

static void wrong(struct page *p, const char *line, const char *why)
{
    print_message("%s: %.*s\n", why, (int)strcspn(line, "\n"), line);
    p->wrong++;
}

static size_t name_length(const char *s, bool colon)
{
    size_t n = 0;

    while (isalnum((unsigned char)s[n]) || s[n] == '_' || (colon && s[n] == ':'))
        n++;
    return n && !isdigit((unsigned char)s[0]) ? n : 0;
}

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);

    return n >= m && strcmp(s + n - m, with) == 0;
}

static struct family *find(struct page *p, const char *name)
{
    for (unsigned i = 0; i < p->n; i++)
        if (strcmp(p->family[i].name, name) == 0)
            return &p->family[i];
    return NULL;
}

/* "# HELP name words" and, next, "# TYPE name type". */
static const char *read_head(struct page *p, const char *line)
{
    size_t n = name_length(line + 7, true), help = strcspn(line, "\n");
    struct family *f = &p->family[p->n];
    const char *type = line + help + 1;

    if (strncmp(line, "# HELP ", 7) != 0 || n == 0 || n >= sizeof f->name || line[7 + n] != ' ' ||
        help < 7 + n + 5 || line[help - 1] != '.') {
        wrong(p, line, "no proper HELP");
        return type;
    }
    *f = (struct family){.samples = 0};
    memcpy(f->name, line + 7, n);
    if (find(p, f->name))
        wrong(p, line, "a second time");
    assert_true(++p->n < 256);
    if (strncmp(type, "# TYPE ", 7) != 0 || strncmp(type + 7, f->name, n) != 0 || type[7 + n] != ' ') {
        wrong(p, type, "no TYPE after HELP");
        return type;
    }
    (void)snprintf(f->type, sizeof f->type, "%.*s", (int)strcspn(type + 8 + n, "\n"), type + 8 + n);
    bool counter = strcmp(f->type, "counter") == 0;
    if (!counter && strcmp(f->type, "gauge") != 0 && strcmp(f->type, "histogram") != 0)
        wrong(p, type, "unknown type");
    if (counter != ends(f->name, "_total"))
        wrong(p, type, "a counter, and nothing else, ends in _total");
    if (strncmp(f->name, "hilo_", 5) != 0 && strncmp(f->name, "process_", 8) != 0)
        wrong(p, type, "a foreign prefix");
    if (strstr(f->name, "microseconds") || strstr(f->name, "millis") || strstr(f->name, "_ms"))
        wrong(p, type, "no base unit");
    return type + strcspn(type, "\n") + 1;
}

/* {a="b",c="d"}; its end, NULL if it is malformed. le is cut out. */
static const char *read_labels(const char *s, char *labels, size_t cap, double *le)
{
    size_t used = 0;

    labels[0] = '\0';
    *le = NAN;
    if (*s != '{')
        return s;
    do {
        const char *name = ++s;
        size_t n = name_length(s, false);
        if (n == 0 || s[n] != '=' || s[n + 1] != '"')
            return NULL;
        const char *value = s + n + 2;
        for (s = value; *s != '"'; s++) {
            if (*s == '\\' && !strchr("\\\"n", *++s))
                return NULL;
            if (*s == '\n' || !*s)
                return NULL;
        }
        s++;
        if (n == 2 && strncmp(name, "le", 2) == 0)
            *le = strncmp(value, "+Inf\"", 5) == 0 ? HUGE_VAL : strtod(value, NULL);
        else
            used += (size_t)snprintf(labels + used, cap - used, "%.*s,", (int)(s - name), name);
        if (used >= cap)
            return NULL;
    } while (*s == ',');
    return *s == '}' ? s + 1 : NULL;
}

static void read_bucket(struct page *p, struct family *f, const char *line, const char *labels, double le,
                        double v)
{
    if (isnan(le)) {
        wrong(p, line, "a bucket without le");
        return;
    }
    if (strcmp(f->labels, labels) == 0 && f->last_le > 0) {
        if (le <= f->last_le || v < f->last_n)
            wrong(p, line, "buckets do not grow");
    } else {
        (void)snprintf(f->labels, sizeof f->labels, "%s", labels);
    }
    f->last_le = le;
    f->last_n = v;
}

static void read_sample(struct page *p, const char *line)
{
    struct family *f = p->n ? &p->family[p->n - 1] : NULL;
    char name[160], labels[256];
    size_t n = name_length(line, true);
    double le, v;
    char *end;

    (void)snprintf(name, sizeof name, "%.*s", (int)n, line);
    const char *at = n ? read_labels(line + n, labels, sizeof labels, &le) : NULL;
    if (!f || !at || *at != ' ') {
        wrong(p, line, "malformed");
        return;
    }
    v = strtod(at + 1, &end);
    if (end == at + 1 || *end != '\n' || isnan(v) || v < 0)
        wrong(p, line, "no number");
    char series[600];
    (void)snprintf(series, sizeof series, "\n%.*s ", (int)(at - line), line);
    if (strstr(p->seen, series))
        wrong(p, line, "the same series twice");
    p->seen = realloc(p->seen, strlen(p->seen) + strlen(series) + 1);
    assert_non_null(p->seen);
    (void)strcat(p->seen, series);
    f->samples++;
    if (strcmp(f->type, "histogram") != 0) {
        if (strcmp(name, f->name) != 0 || !isnan(le))
            wrong(p, line, "not of the family above it");
        return;
    }
    size_t m = strlen(f->name);
    if (strncmp(name, f->name, m) != 0) {
        wrong(p, line, "not of the family above it");
    } else if (strcmp(name + m, "_bucket") == 0) {
        read_bucket(p, f, line, labels, le, v);
    } else if (strcmp(name + m, "_count") == 0) {
        if (f->last_le < HUGE_VAL || v != f->last_n || strcmp(labels, f->labels) != 0)
            wrong(p, line, "the count is not the bucket +Inf");
        f->last_le = 0;
    } else if (strcmp(name + m, "_sum") != 0) {
        wrong(p, line, "no part of a histogram");
    }
}

static void format_is_right(const char *text)
{
    struct page p = {.seen = strdup("\n")};
    const char *line = text;

    assert_non_null(p.seen);
    while (*line) {
        if (!strchr(line, '\n')) {
            wrong(&p, line, "the last line has no end");
            break;
        }
        if (*line == '#') {
            line = read_head(&p, line);
        } else {
            read_sample(&p, line);
            line = strchr(line, '\n') + 1;
        }
    }
    assert_true(p.n > 50);
    assert_int_equal(p.wrong, 0);
    free(p.seen);
}

/* ---- its numbers ---- */

static char *page(void)
{
    struct answer a = gate_get(&w.gate, "/metrics");

    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.headers, "text/plain; version=0.0.4"));
    char *text = a.body;
    a.body = NULL;
    answer_done(&a);
    return text;
}

/* Of one series, as it is written; -1: there is none. */
static double number(const char *series)
{
    char *text = page(), want[256];
    double v = -1;

    (void)snprintf(want, sizeof want, "\n%s ", series);
    const char *at = strstr(text, want);
    if (at)
        v = strtod(at + strlen(want), NULL);
    else
        print_message("%s is not there\n", series);
    free(text);
    return v;
}

static void is(const char *series, double wanted)
{
    double v = number(series);

    if (v != wanted)
        print_message("%s is %g, not %g\n", series, v, wanted);
    assert_true(v == wanted);
}

static void up(const char *http)
{
    memset(&w, 0, sizeof w);
    (void)snprintf(w.gate.extra_http, sizeof w.gate.extra_http, "%s", http);
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
}

static void the_format_is_right_and_the_numbers_are(void **state)
{
    char id[64];

    (void)state;
    up("");
    char *text = page();
    format_is_right(text);
    free(text);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"accepted\"}", 0);
    double commits = number("hilo_store_commit_seconds_count");

    gate_send_text(&w.gate, "+573001112233", "uno", id);
    gate_wait_status(&w.gate, id, "read");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"error:131026\",\"count\":1}");
    gate_send_text(&w.gate, "+573001112234", "dos", id);
    gate_wait_status(&w.gate, id, "failed");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"500\",\"count\":1}");
    gate_send_text(&w.gate, "+573001112235", "tres", id);
    gate_wait_status(&w.gate, id, "read");
    sim_text(&w.sim, "573001112233", "hola", NULL);
    sim_set(&w.sim, "/_sim/post", "{\"body\":\"x\",\"signature\":\"bad\"}");
    sim_quiet(&w.sim);
    struct answer a = gate_post(&w.gate, "/v1/channels/wa/pause", "{}");
    answer_done(&a);
    gate_send_text(&w.gate, "+573001112236", "cuatro", id);
    gate_send_text(&w.gate, "+573001112236", "cinco", id);
    char path[128];
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    a = gate_do(&w.gate, "DELETE", path, NULL);
    answer_done(&a);

    text = page();
    format_is_right(text);
    free(text);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"accepted\"}", 5);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"sent\"}", 2);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"delivered\"}", 2);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"read\"}", 2);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"failed\"}", 1);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"canceled\"}", 1);
    is("hilo_channel_attempts_total{channel=\"wa\",outcome=\"sent\"}", 2);
    is("hilo_channel_attempts_total{channel=\"wa\",outcome=\"permanent\"}", 1);
    is("hilo_channel_attempts_total{channel=\"wa\",outcome=\"temporary\"}", 1);
    assert_true(number("hilo_channel_send_seconds_count{channel=\"wa\"}") >= 2); /* a receipt may be faster */
    is("hilo_channel_received_total{channel=\"wa\"}", 1);
    is("hilo_channel_queued{channel=\"wa\"}", 1);
    is("hilo_channel_in_flight{channel=\"wa\"}", 0);
    is("hilo_channel_paused{channel=\"wa\"}", 1);
    is("hilo_channel_state{channel=\"wa\",state=\"up\"}", 1);
    is("hilo_channel_state{channel=\"wa\",state=\"down\"}", 0);
    assert_true(number("hilo_channel_oldest_due_seconds{channel=\"wa\"}") > 0);
    assert_true(number("hilo_channel_requests_total{channel=\"wa\",status=\"2xx\"}") >= 3);
    is("hilo_channel_requests_total{channel=\"wa\",status=\"4xx\"}", 1);
    is("hilo_http_requests_total{method=\"POST\",route=\"/v1/messages\",status=\"2xx\"}", 5);
    is("hilo_http_request_seconds_count{method=\"POST\",route=\"/v1/messages\"}", 5);
    assert_true(number("hilo_store_commit_seconds_count") > commits);
    assert_true(number("hilo_store_commit_events_sum") > 10);
    assert_true(number("process_open_fds") > 5);
    assert_true(number("process_resident_memory_bytes") > 1e6);
    assert_true(number("process_threads") >= 3);
    assert_true(number("hilo_store_disk_free_bytes") > 0);
    is("hilo_store_accepting", 1);
    is("hilo_clock_jumps_total", 0);
    world_down(&w);
}

/* Counted anew from the store at each start. */
static void what_is_held_in_doubt_is_known_after_a_start(void **state)
{
    char id[64], queued[64];

    (void)state;
    up("");
    is("hilo_messages_held", 0);
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"drop_after_accept\",\"count\":1,\"statuses\":[]}");
    gate_send_text(&w.gate, "+573001112233", "uno", id);
    gate_wait_status(&w.gate, id, "in_doubt");
    is("hilo_messages_held", 1);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"in_doubt\"}", 1);
    struct answer a = gate_post(&w.gate, "/v1/channels/wa/pause", "{}");
    answer_done(&a);
    gate_send_text(&w.gate, "+573001112234", "dos", queued);
    gate_send_text(&w.gate, "+573001112234", "tres", queued);
    gate_stop(&w.gate);
    gate_again(&w.gate);
    is("hilo_messages_held", 1);
    is("hilo_channel_queued{channel=\"wa\"}", 2);
    struct answer sent = sim_messages(&w.sim, 1);
    sim_set(&w.sim, "/_sim/status", "{\"id\":\"%s\",\"status\":\"delivered\"}",
            answer_str(&sent, "messages/0/id"));
    answer_done(&sent);
    gate_wait_status(&w.gate, id, "delivered");
    is("hilo_messages_held", 0);
    is("hilo_channel_messages_total{channel=\"wa\",status=\"delivered\"}", 1);
    world_down(&w);
}

static void a_key_is_needed_unless_it_is_public(void **state)
{
    char url[128];

    (void)state;
    up("");
    (void)snprintf(url, sizeof url, "%s/metrics", w.gate.url);
    struct answer a = http_do("GET", url, NULL, NULL, NULL);
    answer_is(&a, 401, "unauthorized", NULL);
    answer_done(&a);
    (void)snprintf(w.gate.extra_http, sizeof w.gate.extra_http, "  metrics_public: true\n");
    gate_configure(&w.gate);
    a = gate_do(&w.gate, "POST", "/v1/config/reload", NULL);
    assert_string_equal(answer_str(&a, "changed/0"), "http.metrics_public");
    answer_done(&a);
    a = http_do("GET", url, NULL, NULL, NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    (void)snprintf(url, sizeof url, "%s/v1/channels", w.gate.url); /* that, and nothing else */
    a = http_do("GET", url, NULL, NULL, NULL);
    answer_is(&a, 401, "unauthorized", NULL);
    answer_done(&a);
    world_down(&w);
}

/* Every name that the example rules ask for is served. */
static void the_example_alerts_know_what_is_served(void **state)
{
    unsigned names = 0;

    (void)state;
    up("");
    char *text = page(), *rules = file_read("conf/hilo.rules.yml", NULL);
    for (const char *at = rules; (at = strpbrk(at, "hp")) != NULL; at++) {
        if ((at > rules && (isalnum((unsigned char)at[-1]) || at[-1] == '_')) ||
            (strncmp(at, "hilo_", 5) != 0 && strncmp(at, "process_", 8) != 0))
            continue;
        char want[160];
        size_t n = name_length(at, true);
        (void)snprintf(want, sizeof want, "\n%.*s", (int)n, at);
        const char *found = strstr(text, want);
        if (!found || (found[n + 1] != '{' && found[n + 1] != ' '))
            print_message("the rules ask for %s\n", want + 1);
        assert_true(found && (found[n + 1] == '{' || found[n + 1] == ' '));
        names++;
        at += n - 1;
    }
    assert_true(names >= 10);
    free(rules);
    free(text);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_format_is_right_and_the_numbers_are),
        cmocka_unit_test(what_is_held_in_doubt_is_known_after_a_start),
        cmocka_unit_test(a_key_is_needed_unless_it_is_public),
        cmocka_unit_test(the_example_alerts_know_what_is_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
