/*
 * Email end to end, from outside: what the API is told becomes a mail at a relay; what answers it by LMTP,
 * from whatever address, is on the same case with its files; bounces come back as failed; and a kill at
 * any moment of a delivery loses and doubles nothing. The relay and the mail server are post.c.
 */
#include "harness.h"
#include "nospace.h"
#include "post.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const char ana[] = "ana@example.co";

struct office {
    struct world w;
    struct relay *relay;
    char channel[512], dir[64], socket[96];
};

/* It has its keys, and listens. */
static void wait_up(struct office *o)
{
    (void)process_wait_nth(o->w.gate.process, 1, "channel.state", "channel=mail", "state=up", "mails go",
                           NULL);
}

static void office_up(struct office *o, const char *isolation)
{
    memset(o, 0, sizeof *o);
    o->relay = relay_new();
    (void)snprintf(o->dir, sizeof o->dir, "/tmp/hilo-post-XXXXXX");
    assert_non_null(mkdtemp(o->dir));
    assert_int_equal(chmod(o->dir, 0777), 0); /* the process of a gateway that root started is nobody's */
    (void)snprintf(o->socket, sizeof o->socket, "%s/lmtp", o->dir);
    o->w.gate.isolation = isolation;
    o->w.gate.public_url = "https://hilo.example";
    (void)snprintf(o->channel, sizeof o->channel,
                   "  mail:\n    type: email\n    address: soporte@tienda.example\n    name: Tienda\n"
                   "    relay: smtp://127.0.0.1:%d\n    relay_tls: never\n    lmtp: unix:%s\n"
                   "    in_doubt: resend\n    retry_min: 10ms\n",
                   relay_port(o->relay), o->socket);
    world_up(&o->w, o->channel, NULL);
    wait_up(o);
}

static void office_again(struct office *o)
{
    gate_again(&o->w.gate);
    wait_up(o);
}

static void office_down(struct office *o)
{
    char command[128];

    world_down(&o->w);
    relay_free(o->relay);
    (void)snprintf(command, sizeof command, "rm -r '%s'", o->dir);
    assert_int_equal(system(command), 0);
}

static void member_is(const cJSON *json, const char *path, const char *value)
{
    const cJSON *at = json_at(json, path);

    if (!cJSON_IsString(at) || strcmp(at->valuestring, value) != 0)
        fail_msg("%s is %s, not %s", path, cJSON_IsString(at) ? at->valuestring : "not there", value);
}

/* Sends to an address; the message's id (64 bytes). */
static void send_mail(struct office *o, const char *to, const char *content, const char *more, char *id)
{
    struct answer a =
        gate_post(&o->w.gate, "/v1/messages",
                  "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"content\":%s%s}", to, content, more);

    if (a.status != 202)
        fail_msg("%ld %s", a.status, a.body);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

static const char *customer_of(struct office *o, const char *email)
{
    static char id[64];
    struct answer a = gate_post(&o->w.gate, "/v1/customers/search", "{\"email\":\"%s\"}", email);
    const char *found = answer_str(&a, "customers/0/id");

    (void)snprintf(id, sizeof id, "%s", found ? found : "");
    answer_done(&a);
    return id;
}

static struct answer thread_of(struct office *o, const char *email)
{
    struct answer a = gate_get(&o->w.gate, "/v1/customers/%s/timeline?limit=100", customer_of(o, email));

    assert_int_equal(a.status, 200);
    return a;
}

static int messages_of(struct office *o, const char *email)
{
    struct answer a = thread_of(o, email);
    int n = cJSON_GetArraySize(json_at(a.json, "messages"));

    answer_done(&a);
    return n;
}

/* What is between < and >, or all of it. */
static const char *bare(const char *s)
{
    static char out[4][512];
    static unsigned next;
    char *to = out[next++ % 4];
    const char *from = strchr(s, '<');

    (void)snprintf(to, sizeof out[0], "%s", from ? from + 1 : s);
    to[strcspn(to, ">")] = 0;
    return to;
}

static unsigned files_of(struct office *o)
{
    DIR *d = opendir(scratch_path(&o->w.scratch, "data/files/mail"));
    struct dirent *one;
    unsigned n = 0;

    while (d && (one = readdir(d)))
        n += one->d_name[0] != '.';
    if (d)
        (void)closedir(d);
    return n;
}

/* Waits until no mail's file is left. */
static void wait_no_files(struct office *o)
{
    int fd = inotify_init1(IN_CLOEXEC);
    char event[4096];

    assert_true(inotify_add_watch(fd, scratch_path(&o->w.scratch, "data/files/mail"), IN_DELETE) >= 0);
    while (files_of(o)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, DEADLINE_S * 1000) != 1)
            fail_msg("%u files of mails are left", files_of(o));
        assert_true(read(fd, event, sizeof event) > 0);
    }
    (void)close(fd);
}

/* Waits until so many media were stored, since the gateway's start. */
static void wait_stored(struct office *o, unsigned n)
{
    (void)process_wait_nth(o->w.gate.process, n, "media.stored", "channel=mail", NULL);
}

static void media_is(struct office *o, const cJSON *json, const char *path, const char *bytes)
{
    const cJSON *id = json_at(json, path);

    assert_true(cJSON_IsString(id));
    struct answer a = gate_get(&o->w.gate, "/v1/media/%s", id->valuestring);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, bytes);
    answer_done(&a);
}

#define PHOTO                                                                                                \
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"                          \
    "Content-Type: text/plain; charset=utf-8\r\n\r\nAqu\xc3\xad va la foto.\r\n\r\n> Hola Ana\r\n--b\r\n"    \
    "Content-Type: image/png; name=foto.png\r\nContent-Transfer-Encoding: base64\r\n"                        \
    "Content-Disposition: attachment; filename=foto.png\r\n\r\nUE5HLWJ5dGVz\r\n--b--\r\n"

/* ---- a conversation ------------------------------------------------------------------------ */

static void test_an_answer_is_on_the_case_with_its_files(void **state)
{
    struct office o;
    char id[64], one[64], more[128], reply_to[512], mail[2048];
    const struct letter_in *l;

    office_up(&o, *state);
    struct answer a =
        gate_post(&o.w.gate, "/v1/customers",
                  "{\"name\":\"Ana\",\"identifiers\":[{\"scheme\":\"email\",\"value\":\"%s\"}]}", ana);
    assert_int_equal(a.status, 201);
    answer_done(&a);
    for (unsigned i = 0; i < 2; i++) { /* an answer that names none would go to none of two */
        a = gate_post(&o.w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor\"}",
                      customer_of(&o, ana));
        (void)snprintf(one, sizeof one, "%s", answer_str(&a, "id"));
        answer_done(&a);
    }
    (void)snprintf(more, sizeof more, ",\"case\":\"%s\"", one);
    send_mail(&o, ana, "{\"type\":\"text\",\"subject\":\"Su televisor\",\"text\":\"Hola Ana\"}", more, id);
    l = relay_wait(o.relay, 0);
    assert_string_equal(l->to, ana);
    assert_string_equal(letter_header(l, "Subject"), "Su televisor");
    assert_string_equal(bare(letter_header(l, "From")), "soporte@tienda.example");
    assert_string_equal(bare(letter_header(l, "To")), ana);
    assert_non_null(strstr(l->data, "Hola Ana"));
    assert_memory_equal(l->from, "soporte+b0", 10);
    (void)snprintf(reply_to, sizeof reply_to, "%s", bare(letter_header(l, "Reply-To")));
    assert_memory_equal(reply_to, "soporte+r0", 10);
    gate_wait_status(&o.w.gate, id, "sent");
    a = gate_get(&o.w.gate, "/v1/messages/%s", id);
    member_is(a.json, "provider_id", bare(letter_header(l, "Message-ID")));
    answer_done(&a);

    /* She answers from her office. */
    (void)snprintf(mail, sizeof mail,
                   "From: Ana <ana@oficina.example>\r\nTo: %s\r\nSubject: Re: Su televisor\r\n"
                   "Message-ID: <1@oficina.example>\r\n" PHOTO,
                   reply_to);
    assert_memory_equal(lmtp_deliver(o.socket, "ana@oficina.example", reply_to, mail), "250 ", 4);
    wait_stored(&o, 2);
    a = thread_of(&o, ana);
    member_is(a.json, "messages/0/content/text", "Aquí va la foto.");
    member_is(a.json, "messages/0/content/subject", "Su televisor");
    member_is(a.json, "messages/0/case", one);
    member_is(a.json, "messages/0/reply_to", id);
    member_is(a.json, "messages/0/party/0/value", "ana@oficina.example");
    assert_true(cJSON_IsTrue(json_at(a.json, "messages/0/other_sender")));
    member_is(a.json, "messages/0/content/attachments/0/filename", "foto.png");
    media_is(&o, a.json, "messages/0/content/attachments/0/media", "PNG-bytes");
    media_is(&o, a.json, "messages/0/content/original/media", mail);
    answer_done(&a);
    assert_string_equal(customer_of(&o, "ana@oficina.example"), "");
    wait_no_files(&o);

    /* And is answered in the thread. */
    send_mail(&o, ana, "{\"type\":\"text\",\"text\":\"Gracias\"}", more, id);
    l = relay_wait(o.relay, 1);
    assert_string_equal(letter_header(l, "Subject"), "Re: Su televisor");
    assert_string_equal(letter_header(l, "In-Reply-To"), "<1@oficina.example>");
    assert_non_null(strstr(letter_header(l, "References"), "<1@oficina.example>"));
    gate_wait_status(&o.w.gate, id, "sent");
    office_down(&o);
}

/* A token that somebody made up is none: the mail is of whoever wrote it. */
static void test_a_forged_token_begins_a_conversation(void **state)
{
    struct office o;
    char id[64], forged[512], mail[1024];
    const struct letter_in *l;

    office_up(&o, *state);
    send_mail(&o, ana, "{\"type\":\"text\",\"text\":\"Hola Ana\"}", "", id);
    l = relay_wait(o.relay, 0);
    (void)snprintf(forged, sizeof forged, "%s", bare(letter_header(l, "Reply-To")));
    char *last = strchr(forged, '@') - 1;
    *last = *last == 'x' ? 'y' : 'x';
    (void)snprintf(mail, sizeof mail,
                   "From: mala@example.org\r\nMessage-ID: <2@example.org>\r\n\r\nSoy Ana\r\n");
    assert_memory_equal(lmtp_deliver(o.socket, "mala@example.org", forged, mail), "250 ", 4);
    assert_int_equal(messages_of(&o, ana), 1);
    assert_int_equal(messages_of(&o, "mala@example.org"), 1);
    assert_memory_equal(lmtp_deliver(o.socket, "mala@example.org", "otro@tienda.example", mail), "550 5.1.1",
                        9);
    /* The same mail again is the same mail. */
    assert_memory_equal(lmtp_deliver(o.socket, "mala@example.org", "soporte@tienda.example", mail), "250 ",
                        4);
    assert_int_equal(messages_of(&o, "mala@example.org"), 1);
    office_down(&o);
}

/* ---- what does not arrive -------------------------------------------------------------------- */

static void failed_is(struct office *o, const char *id, const char *reason, const char *code)
{
    gate_wait_status(&o->w.gate, id, "failed");
    struct answer a = gate_get(&o->w.gate, "/v1/messages/%s", id);
    member_is(a.json, "status", "failed");
    member_is(a.json, "reason", reason);
    member_is(a.json, "provider_code", code);
    assert_null(strstr(answer_str(&a, "detail"), "@"));
    answer_done(&a);
}

static void test_bounces_and_refusals_are_failures_with_their_reason(void **state)
{
    struct office o;
    char id[64], bounce[2048];
    const struct letter_in *l;

    office_up(&o, *state);
    send_mail(&o, "nobody@example.co", "{\"type\":\"text\",\"text\":\"Hola\"}", "", id);
    failed_is(&o, id, "no_such_mailbox", "5.1.1");
    assert_int_equal(relay_count(o.relay), 0);

    send_mail(&o, ana, "{\"type\":\"text\",\"text\":\"Hola\"}", "", id);
    l = relay_wait(o.relay, 0);
    gate_wait_status(&o.w.gate, id, "sent");
    (void)snprintf(
        bounce, sizeof bounce,
        "From: MAILER-DAEMON@relay.test\r\nAuto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
        " boundary=b\r\n\r\n--b\r\n\r\nIt did not go.\r\n--b\r\nContent-Type: message/delivery-status\r\n"
        "\r\nReporting-MTA: dns; relay.test\r\n\r\nFinal-Recipient: rfc822; %s\r\nAction: failed\r\n"
        "Status: 5.2.2\r\nDiagnostic-Code: smtp; 552 5.2.2 <%s>: over quota\r\n--b--\r\n",
        ana, ana);
    /* To where anybody can write, it says nothing. */
    assert_memory_equal(lmtp_deliver(o.socket, "", "soporte@tienda.example", bounce), "250 ", 4);
    assert_string_equal(gate_status(&o.w.gate, id), "sent");
    assert_memory_equal(lmtp_deliver(o.socket, "", l->from, bounce), "250 ", 4);
    failed_is(&o, id, "mailbox_full", "5.2.2");
    office_down(&o);
}

/* A relay that took it and did not say so gets it again, under the same name. */
static void test_in_doubt_it_goes_again_under_the_same_name(void **state)
{
    struct office o;
    char id[64], name[512];

    office_up(&o, *state);
    relay_drop_next(o.relay);
    send_mail(&o, ana, "{\"type\":\"text\",\"text\":\"Hola\"}", "", id);
    (void)snprintf(name, sizeof name, "%s", letter_header(relay_wait(o.relay, 0), "Message-ID"));
    assert_string_equal(letter_header(relay_wait(o.relay, 1), "Message-ID"), name);
    gate_wait_status(&o.w.gate, id, "sent");
    office_down(&o);
}

/* ---- what is more than text -------------------------------------------------------------------- */

/* Of the mail's part in base64 that begins with this line: its bytes, decoded. Static. */
static const char *part_of(const struct letter_in *l, const char *type)
{
    static char out[16384];
    const char *at = strstr(l->data, type), *body = at ? strstr(at, "\r\n\r\n") : NULL;
    size_t n = 0;
    unsigned bits = 0, have = 0;

    if (!body)
        fail_msg("no %s in the mail", type);
    if (!memmem(at, (size_t)(body - at), "base64", 6)) {
        const char *end = strstr(body, "\r\n--");
        (void)snprintf(out, sizeof out, "%.*s", (int)((end ? end : body + strlen(body)) - body - 4),
                       body + 4);
        return out;
    }
    for (body += 4; *body && *body != '-' && n + 1 < sizeof out; body++) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *d = strchr(digits, *body);
        if (!d)
            continue;
        bits = bits << 6 | (unsigned)(d - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have);
        }
    }
    out[n] = 0;
    return out;
}

static void test_an_invitation_is_accepted_in_the_calendar(void **state)
{
    struct office o;
    char id[64], uid[256], reply[2048], when[40];
    const char *ics;
    time_t tomorrow = time(NULL) + 86400;
    struct tm tm;

    office_up(&o, *state);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:00:00Z", gmtime_r(&tomorrow, &tm));
    struct answer a = gate_post(&o.w.gate, "/v1/appointments",
                                "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"store\":\"centro\","
                                "\"subject\":\"Revisión\",\"starts_at\":\"%s\",\"remind_before\":[]}",
                                ana, when);
    if (a.status != 201)
        fail_msg("%ld %s", a.status, a.body);
    (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
    member_is(a.json, "status", "booked");
    answer_done(&a);
    ics = part_of(relay_wait(o.relay, 0), "Content-Type: text/calendar");
    assert_non_null(strstr(ics, "METHOD:REQUEST"));
    assert_non_null(strstr(ics, "UID:a0"));
    (void)snprintf(uid, sizeof uid, "%s", strstr(ics, "UID:a0") + 4);
    uid[strcspn(uid, "\r\n")] = 0;
    (void)snprintf(reply, sizeof reply,
                   "From: Ana <%s>\r\nTo: soporte@tienda.example\r\nSubject: Aceptado\r\n"
                   "Message-ID: <c@calendar.example>\r\nMIME-Version: 1.0\r\n"
                   "Content-Type: text/calendar; method=REPLY; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\n"
                   "VERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:%s\r\nSEQUENCE:0\r\n"
                   "ATTENDEE;PARTSTAT=ACCEPTED:mailto:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
                   ana, uid, ana);
    assert_memory_equal(lmtp_deliver(o.socket, ana, "soporte@tienda.example", reply), "250 ", 4);
    a = gate_get(&o.w.gate, "/v1/appointments/%s", id);
    member_is(a.json, "status", "confirmed");
    member_is(a.json, "answer", "confirm");
    answer_done(&a);
    office_down(&o);
}

/* An advertisement can be ended by one click, and is by a complaint. */
static void test_a_complaint_ends_advertising(void **state)
{
    static const char advertisement[] = "{\"type\":\"text\",\"text\":\"Oferta\"}",
                      promotional[] = ",\"category\":\"promotional\"";
    struct office o;
    char id[64], report[2048];
    const struct letter_in *l;

    office_up(&o, *state);
    send_mail(&o, ana, advertisement, promotional, id);
    l = relay_wait(o.relay, 0);
    assert_non_null(strstr(letter_header(l, "List-Unsubscribe"), "<https://hilo.example/u/"));
    assert_string_equal(letter_header(l, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_string_equal(letter_header(l, "Auto-Submitted"), "auto-generated");
    gate_wait_status(&o.w.gate, id, "sent");
    (void)snprintf(report, sizeof report,
                   "From: fbl@isp.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n"
                   " report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nSpam.\r\n--b\r\n"
                   "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
                   "User-Agent: x\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: %s\r\n\r\nx\r\n"
                   "--b--\r\n",
                   letter_header(l, "Message-ID"));
    assert_memory_equal(lmtp_deliver(o.socket, "fbl@isp.example", "soporte@tienda.example", report), "250 ",
                        4);
    struct answer a = gate_post(&o.w.gate, "/v1/messages",
                                "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"content\":%s%s}", ana,
                                advertisement, promotional);
    member_is(a.json, "status", "suppressed");
    answer_done(&a);
    send_mail(&o, ana, "{\"type\":\"text\",\"text\":\"Su factura\"}", "", id); /* what she needs goes on */
    gate_wait_status(&o.w.gate, id, "sent");
    office_down(&o);
}

/* The bill as a file, a picture within the HTML, and a question whose answers are links. */
static void test_files_and_choices_go_out(void **state)
{
    struct office o;
    char id[64], url[160], bill[64], content[512];
    const struct letter_in *l;

    office_up(&o, *state);
    (void)snprintf(url, sizeof url, "%s/v1/media?filename=factura.pdf", o.w.gate.url);
    static const char *const type[] = {"Content-Type: application/pdf", NULL};
    struct answer a = http_bytes("POST", url, o.w.gate.key, "PDF-bytes", 9, type);
    assert_int_equal(a.status, 201);
    (void)snprintf(bill, sizeof bill, "%s", answer_str(&a, "id"));
    answer_done(&a);
    (void)snprintf(content, sizeof content,
                   "{\"type\":\"choices\",\"text\":\"¿Cambio o devolución?\",\"choices\":[{\"id\":\"c\","
                   "\"title\":\"Cambio\"},{\"id\":\"d\",\"title\":\"Devolución\"}],"
                   "\"attachments\":[{\"media\":\"%s\"}]}",
                   bill);
    send_mail(&o, ana, content, "", id);
    l = relay_wait(o.relay, 0);
    assert_string_equal(part_of(l, "Content-Type: application/pdf"), "PDF-bytes");
    assert_non_null(strstr(part_of(l, "Content-Type: text/html"), "https://hilo.example/c/"));
    gate_wait_status(&o.w.gate, id, "sent");
    office_down(&o);
}

/* A channel that has no relay takes nothing to send, and says so. */
static void test_without_a_relay_nothing_is_taken_to_send(void **state)
{
    struct world w = {.gate.isolation = *state};
    char channel[256];
    struct answer a;

    (void)snprintf(channel, sizeof channel,
                   "  mail:\n    type: email\n    address: soporte@tienda.example\n    lmtp: 127.0.0.1:%d\n",
                   free_port());
    world_up(&w, channel, NULL);
    a = gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"content\":{\"type\":\"text\","
                  "\"text\":\"Hola\"}}",
                  ana);
    if (a.status != 422)
        fail_msg("%ld %s", a.status, a.body);
    answer_is(&a, 422, "not_supported", NULL);
    answer_done(&a);
    world_down(&w);
}

/* ---- no room --------------------------------------------------------------------------------- */

/* clang's AddressSanitizer can't be preloaded before. */
#if defined(__clang__)
#if __has_feature(address_sanitizer)
#define PRELOAD_IS_BEHIND 1
#endif
#endif
#ifdef PRELOAD_IS_BEHIND
static const bool preload_works = false;
#else
static const bool preload_works = true;
#endif

static const char *deliver_numbered(struct office *o, unsigned n)
{
    char mail[1024];

    (void)snprintf(mail, sizeof mail, "From: ana@example.co\r\nMessage-ID: <f%u@example.co>\r\n" PHOTO, n);
    return lmtp_deliver(o->socket, ana, "soporte@tienda.example", mail);
}

/* Its server is told to come again, and does. */
static void test_a_full_disk_is_said_to_the_mail_server(void **state)
{
    static char env[3][256];
    const char *reply = "";
    struct nospace *shared;
    struct office o;
    unsigned n;
    int fd, taken = 0;

    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    office_up(&o, *state);
    gate_stop(&o.w.gate);
    fd = open(scratch_path(&o.w.scratch, "nospace"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *shared), 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    (void)close(fd);
    (void)snprintf(shared->dir, sizeof shared->dir, "%s", scratch_path(&o.w.scratch, "data/files"));
    (void)snprintf(env[0], sizeof env[0], "LD_PRELOAD=%s/tests/behave/nospace.so", harness_build());
    (void)snprintf(env[1], sizeof env[1], "HILO_NOSPACE=%s", scratch_path(&o.w.scratch, "nospace"));
    const char *asan = getenv("ASAN_OPTIONS");
    (void)snprintf(env[2], sizeof env[2], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    for (unsigned i = 0; i < 3; i++)
        o.w.gate.env[i] = env[i];
    office_again(&o);
    /* No file can be made; then one can, and the mail does not fit. */
    atomic_store(&shared->full, 1);
    assert_memory_equal(deliver_numbered(&o, 0), "452 ", 4);
    assert_string_equal(customer_of(&o, ana), "");
    atomic_store(&shared->full, 0);
    for (n = 1; strncmp(shared->what, "write ", 6) != 0; n++) {
        assert_true(n < 10);
        atomic_store(&shared->at, atomic_load(&shared->calls) + n);
        reply = deliver_numbered(&o, n);
        taken += *reply == '2';
        assert_true(*reply == '2' || strncmp(reply, "452 ", 4) == 0);
    }
    assert_memory_equal(reply, "452 ", 4);
    atomic_store(&shared->at, 0);
    assert_memory_equal(deliver_numbered(&o, n - 1), "250 ", 4);
    assert_int_equal(messages_of(&o, ana), taken + 1);
    office_down(&o);
    assert_int_equal(munmap(shared, sizeof *shared), 0);
}

/* ---- kills --------------------------------------------------------------------------------- */

static void test_a_kill_in_a_delivery_loses_and_doubles_nothing(void **state)
{
    struct office o;
    struct lmtp_client c;
    static const char mail[] = "From: ana@example.co\r\nMessage-ID: <k@example.co>\r\n" PHOTO;

    office_up(&o, *state);
    /* In the middle of the mail. */
    lmtp_open(&c, o.socket);
    lmtp_line(&c, "MAIL FROM:<%s>\r\nRCPT TO:<soporte@tienda.example>\r\nDATA", ana);
    assert_memory_equal(lmtp_reply(&c), "250 ", 4);
    assert_memory_equal(lmtp_reply(&c), "250 ", 4);
    assert_memory_equal(lmtp_reply(&c), "354 ", 4);
    lmtp_say(&c, mail, sizeof mail / 2);
    gate_kill(&o.w.gate);
    assert_string_equal(lmtp_reply(&c), "");
    lmtp_close(&c);
    office_again(&o);
    assert_string_equal(customer_of(&o, ana), "");
    /* When it was whole: its server can't know whether it is here, and comes again. */
    lmtp_open(&c, o.socket);
    lmtp_line(&c, "MAIL FROM:<%s>\r\nRCPT TO:<soporte@tienda.example>\r\nDATA", ana);
    assert_memory_equal(lmtp_reply(&c), "250 ", 4);
    assert_memory_equal(lmtp_reply(&c), "250 ", 4);
    assert_memory_equal(lmtp_reply(&c), "354 ", 4);
    lmtp_say(&c, mail, sizeof mail - 1);
    lmtp_say(&c, ".\r\n", 3);
    gate_kill(&o.w.gate);
    lmtp_close(&c);
    office_again(&o);
    assert_memory_equal(lmtp_deliver(o.socket, ana, "soporte@tienda.example", mail), "250 ", 4);
    assert_int_equal(messages_of(&o, ana), 1);
    /* Right behind the answer: it is here, and its files come. */
    static const char next[] = "From: ana@example.co\r\nMessage-ID: <l@example.co>\r\n" PHOTO;
    assert_memory_equal(lmtp_deliver(o.socket, ana, "soporte@tienda.example", next), "250 ", 4);
    gate_kill(&o.w.gate);
    office_again(&o);
    assert_int_equal(messages_of(&o, ana), 2);
    struct answer a = thread_of(&o, ana);
    const char *media = answer_str(&a, "messages/0/content/attachments/0/media");
    struct answer m = gate_get(&o.w.gate, "/v1/media/%s?info", media);
    for (unsigned i = 1; strcmp(answer_str(&m, "state"), "stored") != 0; i++) {
        wait_stored(&o, i);
        answer_done(&m);
        m = gate_get(&o.w.gate, "/v1/media/%s?info", media);
    }
    answer_done(&m);
    media_is(&o, a.json, "messages/0/content/attachments/0/media", "PNG-bytes");
    answer_done(&a);
    office_down(&o);
}

int main(void)
{
    static char thread[] = "thread", process[] = "process";
#define IN(f, isolation)                                                                                     \
    {                                                                                                        \
#f " in a " #isolation, f, NULL, NULL, isolation                                                     \
    }
    const struct CMUnitTest tests[] = {
        IN(test_an_answer_is_on_the_case_with_its_files, thread),
        IN(test_an_answer_is_on_the_case_with_its_files, process),
        IN(test_a_forged_token_begins_a_conversation, thread),
        IN(test_bounces_and_refusals_are_failures_with_their_reason, thread),
        IN(test_in_doubt_it_goes_again_under_the_same_name, thread),
        IN(test_an_invitation_is_accepted_in_the_calendar, thread),
        IN(test_a_complaint_ends_advertising, process),
        IN(test_files_and_choices_go_out, thread),
        IN(test_without_a_relay_nothing_is_taken_to_send, thread),
        IN(test_a_full_disk_is_said_to_the_mail_server, thread),
        IN(test_a_kill_in_a_delivery_loses_and_doubles_nothing, thread),
        IN(test_a_kill_in_a_delivery_loses_and_doubles_nothing, process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
