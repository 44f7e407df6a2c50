/*
 * Slips at a counter, from outside: a till (hilo-till --json) asks, the gateway prints at a simulated printer
 * (tools/sim/printer), and the till hears what became of it: printed, waiting for paper, or unknown because
 * the gateway was killed in the middle. Never printed twice.
 */
#include "harness.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

struct shop {
    struct scratch scratch;
    struct gate gate;
    struct sim printer;
    int paper; /* its port */
    struct process *till;
    int to_till;
    char channel[512], customer[64], appointment[64], said[64];
};

/* ---- the printer ------------------------------------------------------------------------------ */

static void printer_start(struct shop *s)
{
    char bin[256];
    const char *argv[] = {bin, NULL}, *line;

    (void)snprintf(bin, sizeof bin, "%s/sim/hilo-sim-printer", harness_build());
    s->printer.process = process_start(argv);
    line = process_wait_line(s->printer.process, "ready port=", NULL);
    s->printer.port = atoi(strstr(line, " port=") + 6);
    s->paper = atoi(strstr(line, " printer=") + 9);
    (void)snprintf(s->printer.url, sizeof s->printer.url, "http://127.0.0.1:%d", s->printer.port);
}

/* Waits until so many slips lie there, and nothing is wrong with any. */
static struct answer printed(struct shop *s, unsigned n)
{
    struct answer a = sim_get(&s->printer, "/_sim/receipts?min=%u&wait_ms=%d", n, DEADLINE_S * 1000);

    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "receipts")), n);
    if (answer_num(&a, "violations") != 0)
        fail_msg("the printer was told what it does not know: %s", answer_str(&a, "violated"));
    assert_true(answer_num(&a, "kicks") == 0);
    return a;
}

static void paper(struct shop *s, const char *state)
{
    sim_set(&s->printer, "/_sim/state", "%s", state);
}

/* ---- the till ------------------------------------------------------------------------------------- */

static void till_run(struct shop *s)
{
    char command[512];
    const char *argv[] = {"/bin/sh", "-c", command, NULL};

    (void)unlink(scratch_path(&s->scratch, "till.in"));
    assert_int_equal(mkfifo(scratch_path(&s->scratch, "till.in"), 0600), 0);
    (void)snprintf(command, sizeof command,
                   "exec %s/hilo-till --state %s/till --clerk ana --ack --json <%s/till.in", harness_build(),
                   s->scratch.dir, s->scratch.dir);
    s->till = process_start(argv);
    s->to_till = open(scratch_path(&s->scratch, "till.in"), O_WRONLY | O_CLOEXEC);
    assert_true(s->to_till >= 0);
    (void)process_wait_line(s->till, "\"line\":\"online\"", NULL);
}

static void till_enroll(struct shop *s)
{
    struct answer a =
        gate_post(&s->gate, "/v1/channels/wa/admin/enrollments", "{\"store\":\"CENTRO\",\"terminal\":\"3\"}");
    char bin[256], state[256], code[600];
    const char *argv[] = {bin, "--state", state, "enroll", code, NULL};
    struct process *p;
    char *out;

    assert_int_equal(a.status, 201);
    (void)snprintf(code, sizeof code, "%s", answer_str(&a, "code"));
    answer_done(&a);
    (void)snprintf(bin, sizeof bin, "%s/hilo-till", harness_build());
    (void)snprintf(state, sizeof state, "%s/till", s->scratch.dir);
    p = process_start(argv);
    out = process_output(p);
    if (process_wait(p) != 0)
        fail_msg("it was not enrolled: %s", out);
    free(out);
    process_free(&p);
}

static void till_say(struct shop *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void till_say(struct shop *s, const char *format, ...)
{
    char line[1024];
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(line, sizeof line - 1, format, ap);
    va_end(ap);
    line[n++] = '\n';
    assert_int_equal(write(s->to_till, line, (size_t)n), n);
}

static void till_find(struct shop *s)
{
    till_say(s, "{\"method\":\"customer.find\",\"tag\":\"find\",\"params\":{\"by\":{\"document\":{"
                "\"country\":\"CO\",\"type\":\"CC\","
                "\"number\":\"1.020.304.050\"}},\"reason\":\"pickup\",\"clerk\":\"ana\"}}");
    (void)process_wait_line(s->till, "\"event\":\"answer\"", "\"tag\":\"find\"", s->customer, NULL);
}

/* Asks for the appointment's slip; it is on the gateway's disk then. */
static void till_print(struct shop *s, const char *tag)
{
    char words[64];
    const char *line;

    till_say(s,
             "{\"method\":\"slip.print\",\"queue\":true,\"tag\":\"%s\",\"params\":{\"kind\":\"appointment\","
             "\"id\":\"%s\",\"customer\":\"%s\"}}",
             tag, s->appointment, s->customer);
    (void)snprintf(words, sizeof words, "\"tag\":\"%s\"", tag);
    line = process_wait_line(s->till, "\"event\":\"answer\"", words, NULL);
    if (!strstr(line, "\"status\":\"queued\"") || !strstr(line, "\"printer\":\"CENTRO\""))
        fail_msg("slip.print: %s", line);
}

static void till_hears(struct shop *s, const char *status, const char *reason)
{
    char a[64], b[64] = "";

    (void)snprintf(a, sizeof a, "\"status\":\"%s\"", status);
    if (reason)
        (void)snprintf(b, sizeof b, "\"reason\":\"%s\"", reason);
    (void)process_wait_line(s->till, "\"event\":\"push\"", "print.status", a, b, NULL);
}

/* ---- the shop ---------------------------------------------------------------------------------------- */

/* Tomorrow, at half past three in Bogotá. */
static void tomorrow(char starts[32], char said[64])
{
    static const char *const day[] = {"domingo", "lunes",   "martes", "miércoles",
                                      "jueves",  "viernes", "sábado"},
                             *const month[] = {"enero",      "febrero", "marzo",     "abril",
                                               "mayo",       "junio",   "julio",     "agosto",
                                               "septiembre", "octubre", "noviembre", "diciembre"};
    time_t t = time(NULL) + 86400;
    struct tm tm;

    assert_non_null(gmtime_r(&t, &tm));
    (void)strftime(starts, 32, "%Y-%m-%dT20:30:00Z", &tm);
    (void)snprintf(said, 64, "%s, %d de %s", day[tm.tm_wday], tm.tm_mday, month[tm.tm_mon]);
}

static void make_customer(struct shop *s)
{
    char starts[32];
    struct answer a = gate_post(&s->gate, "/v1/customers",
                                "{\"name\":\"Ana Ruiz\",\"identifiers\":[{\"scheme\":\"document\","
                                "\"value\":\"CO:CC:1020304050\"}]}");

    assert_int_equal(a.status, 201);
    (void)snprintf(s->customer, sizeof s->customer, "%s", answer_str(&a, "id"));
    answer_done(&a);
    tomorrow(starts, s->said);
    a = gate_post(&s->gate, "/v1/appointments",
                  "{\"customer\":\"%s\",\"store\":\"CENTRO\",\"place\":\"Tienda Señorial\","
                  "\"starts_at\":\"%s\",\"time_zone\":\"America/Bogota\","
                  "\"subject\":\"Televisor que no enciende\",\"confirm\":false}",
                  s->customer, starts);
    if (a.status != 201)
        fail_msg("%ld %s", a.status, a.body);
    (void)snprintf(s->appointment, sizeof s->appointment, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

static struct shop *up(const char *printers)
{
    struct shop *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->to_till = -1;
    scratch_init(&s->scratch);
    printer_start(s);
    (void)snprintf(
        s->channel, sizeof s->channel,
        "    listen: 127.0.0.1:%d\n    names: 127.0.0.1\n    printers: \"CENTRO=127.0.0.1:%d%s\"\n",
        free_port(), s->paper, printers);
    s->gate.type = "pos";
    s->gate.channel = s->channel;
    gate_start(&s->gate, &s->scratch, NULL);
    (void)process_wait_nth(s->gate.process, 1, "channel", "listening", NULL);
    make_customer(s);
    till_enroll(s);
    till_run(s);
    till_find(s);
    return s;
}

static void down(struct shop *s)
{
    (void)close(s->to_till);
    (void)process_wait(s->till);
    process_free(&s->till);
    gate_stop(&s->gate);
    process_free(&s->gate.process);
    gate_check_store(&s->gate);
    process_signal(s->printer.process, SIGTERM);
    (void)process_wait(s->printer.process);
    process_free(&s->printer.process);
    scratch_done(&s->scratch);
    free(s);
}

/* ---- */

static void test_a_slip_comes_out_of_the_stores_printer(void **state)
{
    struct shop *s = up("/58mm");
    const char *text, *code;
    char wanted[256];
    struct answer a;

    (void)state;
    till_print(s, "one");
    till_hears(s, "printed", NULL);
    a = printed(s, 1);
    (void)snprintf(wanted, sizeof wanted,
                   "Su cita\n%s\n15:30\nTienda Señorial\nTelevisor que no enciende\n"
                   "Muestre este código al llegar:\n",
                   s->said);
    text = answer_str(&a, "receipts/0/text");
    assert_memory_equal(text, wanted, strlen(wanted));
    assert_string_equal(answer_str(&a, "receipts/0/kind"), "qr");
    code = answer_str(&a, "receipts/0/code");
    assert_int_equal(strlen(code), 6);
    assert_memory_equal(text + strlen(wanted), code, 6); /* in letters too */
    assert_string_equal(answer_str(&a, "receipts/0/cut"), "partial");
    answer_done(&a);
    down(s);
}

static void test_who_waits_for_paper_hears_it(void **state)
{
    struct shop *s = up("");
    struct answer a;

    (void)state;
    paper(s, "{\"paper_out\":true}");
    till_print(s, "one");
    till_hears(s, "queued", "paper_out");
    a = printed(s, 0);
    answer_done(&a);
    (void)process_wait_nth(s->gate.process, 1, "printer.state", "state=paper_out", NULL);
    paper(s, "{\"paper_out\":false}");
    till_hears(s, "printed", NULL);
    a = printed(s, 1);
    answer_done(&a);
    down(s);
}

static void test_what_was_accepted_survives_a_kill(void **state)
{
    struct shop *s = up("");
    struct answer a;

    (void)state;
    paper(s, "{\"cover_open\":true}");
    till_print(s, "one");
    till_hears(s, "queued", "cover_open");
    till_print(s, "two");
    till_hears(s, "queued", "cover_open");
    gate_kill(&s->gate);
    paper(s, "{\"cover_open\":false}");
    gate_again(&s->gate);
    till_hears(s, "printed", NULL);
    till_hears(s, "printed", NULL);
    a = printed(s, 2);
    answer_done(&a);
    down(s);
}

static void test_killed_in_the_middle_it_is_unknown_and_not_printed_again(void **state)
{
    struct shop *s = up("");
    struct answer a;

    (void)state;
    /* The paper ends behind the second line. */
    paper(s, "{\"rows\":2}");
    till_print(s, "one");
    till_hears(s, "queued", "paper_out");
    (void)process_wait_nth(s->gate.process, 1, "printer.state", "state=paper_out", NULL);
    gate_kill(&s->gate);
    gate_again(&s->gate);
    till_hears(s, "unknown", "restarted");
    /* New paper: what the printer had in its memory comes out, once. */
    paper(s, "{\"paper_out\":false}");
    a = printed(s, 1);
    answer_done(&a);
    till_find(s);
    till_print(s, "two");
    till_hears(s, "printed", NULL);
    a = printed(s, 2);
    answer_done(&a);
    down(s);
}

static void test_the_forms_of_a_slip(void **state)
{
    static const char *const forms[] = {"text", "png", "escpos"};
    struct shop *s = up("");
    const char *line;
    unsigned i;

    (void)state;
    for (i = 0; i < 3; i++) {
        char words[64];

        till_say(s,
                 "{\"method\":\"slip.render\",\"tag\":\"%s\",\"params\":{\"kind\":\"appointment\",\"id\":\"%"
                 "s\",\"customer\":\"%s\","
                 "\"format\":\"%s\",\"columns\":32,\"language\":\"es-CO\"}}",
                 forms[i], s->appointment, s->customer, forms[i]);
        (void)snprintf(words, sizeof words, "\"tag\":\"%s\"", forms[i]);
        line = process_wait_line(s->till, "\"event\":\"answer\"", words, NULL);
        if (!strstr(line, i == 0   ? "ICAgICAgICAgICAgU3UgY2l0YQo" /* "            Su cita" */
                          : i == 1 ? "\"data\":\"iVBORw0KGgo"      /* PNG */
                                   : "\"data\":\"G0AcLht0"))       /* ESC @ FS . ESC */
            fail_msg("%s: %s", forms[i], line);
    }
    /* A customer who is not attended here has none. */
    till_say(
        s,
        "{\"method\":\"slip.render\",\"tag\":\"other\",\"params\":{\"kind\":\"appointment\",\"id\":\"%s\","
        "\"customer\":\"cus_00000000000000000000000000\",\"format\":\"text\"}}",
        s->appointment);
    line = process_wait_line(s->till, "\"event\":\"answer\"", "\"tag\":\"other\"", NULL);
    assert_non_null(strstr(line, "not_attended"));
    down(s);
}

static void test_a_case_and_a_wish_have_slips_too(void **state)
{
    struct shop *s = up("");
    char id[64], wanted[128];
    struct answer a;

    (void)state;
    a = gate_post(&s->gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor que no enciende\"}",
                  s->customer);
    assert_int_equal(a.status, 201);
    (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    till_say(s,
             "{\"method\":\"slip.print\",\"queue\":true,\"tag\":\"case\",\"params\":{\"kind\":\"case\","
             "\"id\":\"%s\",\"customer\":\"%s\",\"language\":\"en-US\"}}",
             id, s->customer);
    till_hears(s, "printed", NULL);
    a = printed(s, 1);
    assert_memory_equal(answer_str(&a, "receipts/0/text"), "Your case\nTelevisor que no enciende\nOpened",
                        42);
    assert_string_equal(answer_str(&a, "receipts/0/code"), id);
    answer_done(&a);
    a = gate_post(&s->gate, "/v1/stock/CAM-042/subscriptions",
                  "{\"customer\":\"%s\",\"size\":\"M\",\"colour\":\"azul\",\"store\":\"CENTRO\"}",
                  s->customer);
    assert_int_equal(a.status, 201);
    (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    till_say(s,
             "{\"method\":\"slip.print\",\"queue\":true,\"tag\":\"wish\",\"params\":{\"kind\":\"wish\","
             "\"id\":\"%s\",\"customer\":\"%s\"}}",
             id, s->customer);
    till_hears(s, "printed", NULL);
    a = printed(s, 2);
    (void)snprintf(wanted, sizeof wanted, "Le avisaremos\nReferencia%31sCAM-042\n", "");
    assert_memory_equal(answer_str(&a, "receipts/1/text"), wanted, strlen(wanted));
    assert_string_equal(answer_str(&a, "receipts/1/code"), id);
    answer_done(&a);
    down(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slip_comes_out_of_the_stores_printer),
        cmocka_unit_test(test_who_waits_for_paper_hears_it),
        cmocka_unit_test(test_what_was_accepted_survives_a_kill),
        cmocka_unit_test(test_killed_in_the_middle_it_is_unknown_and_not_printed_again),
        cmocka_unit_test(test_a_case_and_a_wish_have_slips_too),
        cmocka_unit_test(test_the_forms_of_a_slip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
