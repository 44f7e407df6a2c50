/* See shop.h. */
#include "shop.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

void shop_up(struct shop *s, const char *more)
{
    char *pem;
    struct answer a;

    memset(s, 0, sizeof *s);
    (void)signal(SIGPIPE, SIG_IGN);
    scratch_init(&s->scratch);
    s->ca_key = cert_key();
    s->ca_cert = cert_make(s->ca_key, "A CA of the operator", NULL, -3600, 86400 * 365, NULL, NULL);
    pem = cert_pem(s->ca_cert);
    file_write(scratch_path(&s->scratch, "ca.pem"), pem);
    free(pem);
    pem = cert_key_pem(s->ca_key);
    file_write(scratch_path(&s->scratch, "ca.key"), pem);
    free(pem);
    s->port = free_port();
    (void)snprintf(s->lines, sizeof s->lines,
                   "    listen: 127.0.0.1:%d\n    names: 127.0.0.1\n    ca_cert: file:%s/ca.pem\n    ca_key: "
                   "file:%s/ca.key\n    finds_per_terminal: 0\n    finds_per_clerk: 0\n%s",
                   s->port, s->scratch.dir, s->scratch.dir, more);
    s->gate.type = "pos";
    s->gate.channel = s->lines;
    gate_start(&s->gate, &s->scratch, NULL);
    (void)process_wait_nth(s->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    a = gate_post(
        &s->gate, "/v1/customers",
        "{\"name\":\"Ana Ruiz\",\"identifiers\":[{\"scheme\":\"document\",\"value\":\"CO:CC:1020304050\"}]}");
    assert_int_equal(a.status, 201);
    (void)snprintf(s->customer, sizeof s->customer, "%s", answer_str(&a, "id"));
    answer_done(&a);
    a = gate_post(&s->gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", s->customer);
    assert_int_equal(a.status, 201);
    (void)snprintf(s->case_id, sizeof s->case_id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    till_enroll(&s->gate, s->port, "CENTRO", "1", NULL, &s->good);
}

struct till_dial shop_dial(const struct shop *s, const struct till_id *id)
{
    const struct till_dial d = {.port = s->port, .id = id, .ca = s->good.ca, .alpn = "hilo-pos/1"};

    return d;
}

/* A good till finds Ana by her document, on a line that stays open if it may. */
void shop_serves(struct shop *s)
{
    const struct till_dial d = shop_dial(s, &s->good);
    char id[32];
    cJSON *answer;

    (void)snprintf(id, sizeof id, "find-%u", ++s->finds);
    if (!s->line.ssl)
        till_hello(&s->line, &d);
    answer = till_call(&s->line, id, "customer.find",
                       "{\"by\":{\"document\":" DOCUMENT "},\"reason\":\"claim\",\"clerk\":\"luis\"}");
    if (!answer || !json_at(answer, "result/customer/name"))
        fail_msg("the good till is not served: %s", answer ? cJSON_Print(answer) : "its line has ended");
    assert_string_equal(cJSON_GetStringValue(json_at(answer, "result/customer/name")), "Ana Ruiz");
    cJSON_Delete(answer);
}

void shop_leave(struct shop *s)
{
    if (s->line.ssl)
        till_close(&s->line);
}

/* The gateway's log has a line of this refusal that was not there before. */
void shop_refused(struct shop *s, const char *reason)
{
    char word[80];

    (void)snprintf(word, sizeof word, "reason=%s ", reason);
    (void)process_wait_line(s->gate.process, "pos.refused", word, NULL);
}

void shop_down(struct shop *s)
{
    static const char *const reports[] = {"AddressSanitizer", "LeakSanitizer", "runtime error:", NULL};

    shop_serves(s);
    shop_leave(s);
    process_signal(s->gate.process, SIGTERM);
    assert_int_equal(process_wait(s->gate.process), 0);
    for (unsigned i = 0; reports[i]; i++)
        if (process_saw(s->gate.process, reports[i]))
            fail_msg("the gateway's log has \"%s\"", reports[i]);
    gate_check_store(&s->gate);
    process_free(&s->gate.process);
    till_id_done(&s->good);
    EVP_PKEY_free(s->ca_key);
    X509_free(s->ca_cert);
    scratch_done(&s->scratch);
}

char *shop_repeated(const char *before, const char *unit, size_t times, const char *after, size_t *n)
{
    size_t unit_n = strlen(unit), before_n = strlen(before), i;
    char *p = malloc(before_n + unit_n * times + strlen(after) + 1);

    assert_non_null(p);
    memcpy(p, before, before_n);
    for (i = 0; i < times; i++)
        memcpy(p + before_n + i * unit_n, unit, unit_n);
    (void)strcpy(p + before_n + times * unit_n, after);
    *n = strlen(p);
    return p;
}

int shop_group(void **state, const char *more)
{
    struct shop *s = calloc(1, sizeof *s);

    assert_non_null(s);
    shop_up(s, more);
    *state = s;
    return 0;
}

int shop_group_down(void **state)
{
    struct shop *s = *state;

    shop_down(s);
    free(s);
    return 0;
}
