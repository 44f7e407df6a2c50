/*
 * What the email plugin makes of mails and messages: nothing is acknowledged before it is on disk, what
 * answers a message of ours is known by its token, reports become receipts, files go when they are not
 * needed, and each send is reported once.
 */
#include "email_flow_rig.h"

/* ---- mails -------------------------------------------------------------------------------------------- */

static char given[8][8192];
static const char *rcpts[8][2];

static bool replied(void)
{
    return rig->n_replies > 0 && rig->n_asked == 0;
}

/* A mail to this address; the bytes live on. */
static void deliver(uint64_t transaction, const char *from, const char *to, const char *bytes)
{
    struct lmtp_mail m = {.transaction = transaction, .from = from, .n_rcpt = 1};

    (void)snprintf(given[transaction], sizeof given[0], "%s", bytes);
    rcpts[transaction][0] = to;
    m.rcpt = rcpts[transaction];
    m.bytes = rig_str(given[transaction]);
    rig->hooks->take(rig->hooks_arg, &m);
}

static struct hilo_str message(unsigned n)
{
    assert_true(n < rig->n_messages);
    return (struct hilo_str){(const char *)rig->message[n], rig->message_n[n]};
}

static void str_is(struct hilo_str s, const char *text)
{
    if (s.n != strlen(text) || memcmp(s.p, text, (size_t)s.n) != 0)
        fail_msg("it is \"%.*s\", not \"%s\"", (int)s.n, s.p ? s.p : "", text);
}

#define CRLF "\r\n"
static const char plain[] =
    "From: =?UTF-8?Q?Ana_P=C3=A9rez?= <ana@example.com>" CRLF "To: soporte@tienda.example" CRLF
    "Subject: Re: su televisor" CRLF "Message-ID: <a1@example.com>" CRLF
    "Date: Fri, 28 Nov 2025 02:00:00 +0000" CRLF "MIME-Version: 1.0" CRLF
    "Content-Type: multipart/mixed; boundary=b" CRLF CRLF "--b" CRLF
    "Content-Type: text/plain; charset=utf-8" CRLF "Content-Transfer-Encoding: quoted-printable" CRLF CRLF
    "Va la foto." CRLF CRLF "El lunes, soporte escribi=C3=B3:" CRLF "> Hola Ana" CRLF "--b" CRLF
    "Content-Type: image/png; name=foto.png" CRLF "Content-Transfer-Encoding: base64" CRLF
    "Content-Disposition: attachment; filename=foto.png" CRLF CRLF "SG9sYQ==" CRLF "--b--" CRLF;

static bool submitted(void)
{
    return rig->n_messages == 1;
}

static void test_a_mail_is_answered_for_when_it_is_on_disk(void **state)
{
    struct hilo_str m, c, a;
    char names[RIG_MAX][128];

    (void)state;
    rig->commit_held = 1;
    deliver(1, "ana@example.com", "soporte@tienda.example", plain);
    rig_until(submitted);
    assert_int_equal(rig->n_replies, 0); /* not yet */
    assert_int_equal(rig_files(names), 1);
    rig->commit_held = 0;
    rig_until(replied);
    assert_string_equal(rig->reply[0], "1.0 250 2.0.0 Taken");
    m = message(0);
    c = hilo_content(m);
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_INBOUND);
    str_is(hilo_get_str(m, HILO_T_MSG_EXT_ID), "a1@example.com");
    str_is(hilo_get_str(hilo_get_str(m, HILO_T_MSG_PARTY), HILO_T_IDENT_VALUE), "ana@example.com");
    assert_int_equal(hilo_get_u64(hilo_get_str(m, HILO_T_MSG_PARTY), HILO_T_IDENT_VERIFIED), 0);
    str_is(hilo_get_str(m, HILO_T_MSG_PARTY_NAME), "Ana Pérez");
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_TIME), INT64_C(1764295200000000));
    str_is(hilo_get_str(c, HILO_T_CONTENT_SUBJECT), "su televisor");
    str_is(hilo_get_str(c, HILO_T_CONTENT_TEXT), "Va la foto.");
    assert_true(hilo_get_str(c, HILO_T_CONTENT_QUOTED).n > 0);
    a = hilo_get_str(c, HILO_T_CONTENT_ATTACHMENTS);
    str_is(hilo_get_str(a, HILO_T_ATTACHMENT_FILENAME), "foto.png");
    str_is(hilo_get_str(a, HILO_T_ATTACHMENT_MIME), "image/png");
    assert_int_equal(hilo_get_u64(a, HILO_T_ATTACHMENT_KIND), HILO_MEDIA_IMAGE);
    assert_int_equal(hilo_get_u64(a, HILO_T_ATTACHMENT_SIZE), 4);
    str_is(hilo_get_str(hilo_get_str(c, HILO_T_CONTENT_ORIGINAL), HILO_T_ATTACHMENT_MIME), "message/rfc822");
    assert_int_equal(hilo_get_id(m, HILO_T_MSG_REPLY_TO).b[0], 0);
}

static void answered(int32_t commit, const char *reply, unsigned files)
{
    rig->commit = commit;
    rig->n_replies = 0;
    deliver(1, "ana@example.com", "soporte@tienda.example", plain);
    rig_until(replied);
    assert_string_equal(rig->reply[0], reply);
    assert_int_equal(rig_files(NULL), files);
}

static void test_what_the_gateway_says_is_what_its_server_hears(void **state)
{
    (void)state;
    answered(HILO_DUPLICATE, "1.0 250 2.0.0 Taken", 0);
    answered(HILO_FULL, "1.0 452 4.3.1 No room now, come again later", 0);
    answered(HILO_INVALID, "1.0 554 5.6.0 The mail can't be read", 0);
    answered(HILO_IO, "1.0 451 4.3.0 It can't be taken now, come again later", 0);
    answered(HILO_OK, "1.0 250 2.0.0 Taken", 1);
    rig->open_code = HILO_FULL;
    answered(HILO_OK, "1.0 452 4.3.1 No room now, come again later", 1);
    assert_int_equal(rig->n_messages, 5); /* that one was never submitted */
}

static void test_only_our_addresses_are_taken(void **state)
{
    static const struct {
        const char *address;
        int32_t taken;
    } all[] = {
        {"soporte@tienda.example", 1},  {"SOPORTE@Tienda.Example", 1},   {"soporte+r0abc@tienda.example", 1},
        {"ventas+x@tienda.example", 1}, {"soporte@otra.example", 0},     {"otro@tienda.example", 0},
        {"soport@tienda.example", 0},   {"+soporte@tienda.example", 0},  {"soporte", 0},
        {"@tienda.example", 0},         {"soporte-x@tienda.example", 0}, {"", 0}};
    char why[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        if ((rig->hooks->rcpt(rig->hooks_arg, all[i].address, why) == 0) != all[i].taken)
            fail_msg("%s", all[i].address);
        if (!all[i].taken)
            assert_memory_equal(why, "550 5.1.1 ", 10);
    }
}

/* ---- tokens ------------------------------------------------------------------------------------------- */

static const struct hilo_id ours = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static const char *token_of(enum token_kind kind)
{
    static char token[3][TOKEN_MAX];
    char *out = token[kind == TOKEN_BOUNCE ? 1 : kind == TOKEN_EVENT ? 2 : 0];
    const struct rig_kv *keys = rig_kv("mail-co", "token-keys");

    assert_non_null(keys);
    assert_int_equal(keys->n, TOKEN_KEY);
    token_make(kind, ours, (const uint8_t *)keys->val, out);
    return out;
}

static void deliver_fmt(const char *from, const char *to, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void deliver_fmt(const char *from, const char *to, const char *fmt, ...)
{
    static char bytes[8192];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(bytes, sizeof bytes, fmt, ap);
    va_end(ap);
    rig->n_replies = 0;
    deliver(2, from, to, bytes);
    rig_until(replied);
}

static void reply_to_is(unsigned n, bool ours_too)
{
    struct hilo_id id = hilo_get_id(message(n), HILO_T_MSG_REPLY_TO);
    const struct hilo_id none = {{0}};

    assert_memory_equal(&id, ours_too ? &ours : &none, sizeof id);
}

static void test_an_answer_is_known_by_its_token_and_by_no_other(void **state)
{
    char to[256], forged[256];

    (void)state;
    (void)snprintf(to, sizeof to, "soporte+%s@tienda.example", token_of(TOKEN_REPLY));
    (void)snprintf(forged, sizeof forged, "%s", to);
    forged[20] = forged[20] == 'x' ? 'y' : 'x';
    deliver_fmt("x@y.example", to, "From: otra@example.org\r\nMessage-ID: <1@a.example>\r\n\r\nSí\r\n");
    reply_to_is(0, true);
    deliver_fmt("x@y.example", forged, "From: mala@example.org\r\nMessage-ID: <2@a.example>\r\n\r\nSí\r\n");
    assert_string_equal(rig->reply[0], "2.0 250 2.0.0 Taken"); /* a conversation of its own */
    reply_to_is(1, false);
    /* The address was lost, and the thread was not. */
    deliver_fmt("x@y.example", "soporte@tienda.example",
                "From: ana@example.com\r\nMessage-ID: <3@a.example>\r\nIn-Reply-To: <%s@tienda.example>\r\n"
                "\r\nSí\r\n",
                token_of(TOKEN_REPLY));
    reply_to_is(2, true);
    deliver_fmt("x@y.example", "soporte@tienda.example",
                "From: ana@example.com\r\nMessage-ID: <4@a.example>\r\nIn-Reply-To: <9@otra.example>\r\n"
                "References: <a@x.example>\r\n <%s@tienda.example> <9@otra.example>\r\n\r\nSí\r\n",
                token_of(TOKEN_REPLY));
    reply_to_is(3, true);
    str_is(hilo_get_str(message(3), HILO_T_MSG_REPLY_EXT), "9@otra.example");
    /* Where bounces go no answer is believed. */
    (void)snprintf(to, sizeof to, "soporte+%s@tienda.example", token_of(TOKEN_BOUNCE));
    deliver_fmt("x@y.example", to, "From: ana@example.com\r\nMessage-ID: <5@a.example>\r\n\r\nSí\r\n");
    reply_to_is(4, false);
}

#define BOUNCE                                                                                               \
    "From: MAILER-DAEMON@mx.example\r\nTo: x\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"       \
    "Content-Type: multipart/report; report-type=delivery-status; "                                          \
    "boundary=b\r\n\r\n--b\r\n\r\nno\r\n--b\r\n"                                                             \
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"                    \
    "Final-Recipient: rfc822; ana@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"                        \
    "Diagnostic-Code: smtp; 550 5.1.1 <ana@example.com> unknown\r\n--b--\r\n"

static void test_a_bounce_is_a_receipt_of_the_message_that_it_is_about(void **state)
{
    struct hilo_str r;
    struct hilo_id id;
    char to[256];

    (void)state;
    (void)snprintf(to, sizeof to, "soporte+%s@tienda.example", token_of(TOKEN_BOUNCE));
    deliver_fmt("", to, BOUNCE);
    assert_string_equal(rig->reply[0], "2.0 250 2.0.0 Taken");
    assert_int_equal(hilo_get_u64(message(0), HILO_T_MSG_KIND), HILO_KIND_RECEIPT);
    r = hilo_get_str(message(0), HILO_T_MSG_RECEIPT);
    assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), HILO_STATUS_FAILED);
    id = hilo_get_id(r, HILO_T_RECEIPT_ECHO);
    assert_memory_equal(&id, &ours, sizeof id);
    str_is(hilo_get_str(r, HILO_T_RECEIPT_CODE), "5.1.1");
    str_is(hilo_get_str(r, HILO_T_RECEIPT_REASON), "no_such_mailbox");
    str_is(hilo_get_str(r, HILO_T_RECEIPT_DETAIL), "El buzón no existe: smtp; 550 5.1.1 <…> unknown");
    assert_int_equal(rig_files(NULL), 0);
    /* In words that nobody knows, it is one all the same, and a warning is none. */
    deliver_fmt("", to, "From: MAILER-DAEMON@mx.example\r\nSubject: Oh dear\r\n\r\nEs tut uns leid.\r\n");
    r = hilo_get_str(message(1), HILO_T_MSG_RECEIPT);
    assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), HILO_STATUS_FAILED);
    str_is(hilo_get_str(r, HILO_T_RECEIPT_DETAIL), "El servidor no lo aceptó: Oh dear");
    deliver_fmt("", to, "From: MAILER-DAEMON@mx.example\r\nSubject: Delayed mail\r\n\r\nEs dauert.\r\n");
    assert_int_equal(rig->n_messages, 2);
    /* Backscatter: anybody can write such a thing. */
    deliver_fmt("", "soporte@tienda.example", BOUNCE);
    assert_string_equal(rig->reply[0], "2.0 250 2.0.0 Taken");
    assert_int_equal(rig->n_messages, 2);
}

static const char *complaint_api(const char *line, uint32_t *status)
{
    *status = 200;
    return strncmp(line, "GET ", 4) == 0 ? "{\"customer\":\"cus_01J00000000000000000000000\"}" : "{}";
}

static void test_a_complaint_ends_advertising(void **state)
{
    char to[256];

    (void)state;
    rig->answer = complaint_api;
    (void)snprintf(to, sizeof to, "soporte+%s@tienda.example", token_of(TOKEN_BOUNCE));
    deliver_fmt(
        "fbl@isp.example", to,
        "From: fbl@isp.example\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
        "--b--\r\n");
    assert_string_equal(rig->reply[0], "2.0 250 2.0.0 Taken");
    assert_int_equal(rig->n_messages, 0);
    assert_int_equal(rig->n_api, 2);
    assert_string_equal(rig->api[1],
                        "PUT /v1/customers/cus_01J00000000000000000000000/consents/promotional "
                        "{\"state\":\"denied\",\"channel\":\"mail-co\",\"proof\":\"complaint (ARF) about "
                        "msg_01081G81860W40J2GB1G6GW3RG\"}");
}

static void test_what_runs_in_circles_is_dropped(void **state)
{
    (void)state;
    deliver_fmt("x@y.example", "soporte@tienda.example",
                "From: ana@example.com\r\nX-Hilo-Loop: %s\r\n\r\nhola\r\n",
                ((struct email *)rig->inst)->loop_mark);
    assert_string_equal(rig->reply[0], "2.0 250 2.0.0 Taken");
    deliver_fmt("x@y.example", "soporte@tienda.example", "From: Ventas@tienda.example\r\n\r\nhola\r\n");
    assert_string_equal(rig->reply[0], "2.0 250 2.0.0 Taken");
    assert_int_equal(rig->n_messages, 0);
    deliver_fmt(
        "x@y.example", "soporte@tienda.example",
        "From: ana@example.com\r\nX-Hilo-Loop: otra\r\nAuto-Submitted: auto-replied\r\n\r\nfuera\r\n");
    assert_int_equal(rig->n_messages, 1);
    str_is(hilo_get_str(message(0), HILO_T_MSG_EXTRA), "{\"automatic\":\"auto-submitted\"}");
}

static void test_an_answer_to_an_invitation_is_a_choice(void **state)
{
    struct hilo_str c;
    char to[256];

    (void)state;
    (void)snprintf(to, sizeof to, "soporte+%s@tienda.example", token_of(TOKEN_REPLY));
    deliver_fmt("ana@example.com", to,
                "From: ana@example.com\r\nMIME-Version: 1.0\r\n"
                "Content-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
                "METHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:apt_1@tienda.example\r\nSEQUENCE:0\r\n"
                "ATTENDEE;PARTSTAT=DECLINED:mailto:ana@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    reply_to_is(0, true);
    c = hilo_content(message(0));
    assert_int_equal(hilo_get_u64(c, HILO_T_CONTENT_TYPE), HILO_CONTENT_CHOICE_REPLY);
    str_is(hilo_get_str(c, HILO_T_CONTENT_CHOICE), "cancel");
}

static const char *event_api(const char *line, uint32_t *status)
{
    *status = 200;
    if (strncmp(line, "GET /v1/appointments/apt_01081G81860W40J2GB1G6GW3RG ", 52) == 0)
        return "{\"messages\":[{\"kind\":\"reminder\",\"code\":\"too_late\"},{\"kind\":\"confirmation\","
               "\"id\":"
               "\"msg_01081G81860W40J2GB1G6GW3RG\"},{\"kind\":\"confirmation\",\"id\":"
               "\"msg_00000000000000000000000001\"}]}";
    assert_non_null(strstr(line, "/v1/messages/msg_01081G81860W40J2GB1G6GW3RG"));
    return "{\"id\":\"msg_01081G81860W40J2GB1G6GW3RG\",\"content\":{\"invitation\":{\"sequence\":2}}}";
}

/* A calendar answers to the organizer, and says no more than which event. */
static void test_an_invitation_is_known_by_its_uid(void **state)
{
    static const char reply[] = "From: ana@example.com\r\nMessage-ID: <%s@a.example>\r\nMIME-Version: 1.0\r\n"
                                "Content-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\n"
                                "VERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:%s@tienda.example\r\n"
                                "SEQUENCE:%s\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:ana@example.com\r\n"
                                "END:VEVENT\r\nEND:VCALENDAR\r\n";
    char forged[TOKEN_MAX];

    (void)state;
    rig->answer = event_api;
    deliver_fmt("ana@example.com", "soporte@tienda.example", reply, "1", token_of(TOKEN_EVENT), "2");
    reply_to_is(0, true);
    assert_int_equal(hilo_get_u64(hilo_content(message(0)), HILO_T_CONTENT_TYPE), HILO_CONTENT_CHOICE_REPLY);
    str_is(hilo_get_str(hilo_content(message(0)), HILO_T_CONTENT_CHOICE), "confirm");
    /* To the time before it was moved. */
    deliver_fmt("ana@example.com", "soporte@tienda.example", reply, "2", token_of(TOKEN_EVENT), "1");
    reply_to_is(1, false);
    assert_int_equal(hilo_get_u64(hilo_content(message(1)), HILO_T_CONTENT_TYPE), HILO_CONTENT_TEXT);
    /* Of an appointment that somebody guessed. */
    (void)snprintf(forged, sizeof forged, "%s", token_of(TOKEN_EVENT));
    forged[40] = forged[40] == 'x' ? 'y' : 'x';
    rig->n_api = 0;
    deliver_fmt("ana@example.com", "soporte@tienda.example", reply, "3", forged, "2");
    reply_to_is(2, false);
    assert_int_equal(rig->n_api, 0);
}

/* ---- files -------------------------------------------------------------------------------------------- */

static bool all_fetched(void)
{
    return rig->n_fetched == 2 && rig->n_asked == 0;
}

static uint64_t wanted;
static bool done(void)
{
    return rig->n_fetched > 0 && rig->fetched[rig->n_fetched - 1].job == wanted && rig->n_asked == 0;
}

static void fetch(uint64_t job, struct hilo_str which, char *out, size_t n)
{
    uint8_t buf[8192];
    struct hilo_writer w;
    struct hilo_str c = hilo_content(message(0)), rest = c;
    struct hilo_field f;
    struct hilo_id id = {{9}};
    int fd[2];

    /* The message as the gateway has it: with its id, and an id for each media. */
    hilo_writer_init(&w, buf, sizeof buf);
    hilo_put_id(&w, HILO_T_MSG_ID, ours);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    while (hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_ATTACHMENTS && f.tag != HILO_T_CONTENT_ORIGINAL)
            continue;
        id.b[1]++;
        hilo_open(&w, f.tag);
        hilo_put_id(&w, HILO_T_ATTACHMENT_MEDIA, id);
        hilo_put_str(&w, HILO_T_ATTACHMENT_EXT_MEDIA, hilo_get_str(f.val, HILO_T_ATTACHMENT_EXT_MEDIA));
        hilo_close(&w);
    }
    hilo_close(&w);
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    hilo_plugin_v1.fetch(rig->inst, job, hilo_written(&w), which, fd[1]);
    wanted = job;
    rig_until(done);
    ssize_t got = read(fd[0], out, n - 1);
    out[got > 0 ? got : 0] = '\0';
    close(fd[0]);
}

static void stored(const char *media)
{
    char event[512];

    (void)snprintf(event, sizeof event,
                   "{\"type\":\"hilo.media.stored\",\"data\":{\"id\":\"%s\",\"message\":"
                   "\"msg_01081G81860W40J2GB1G6GW3RG\",\"channel\":\"mail-co\"}}",
                   media);
    hilo_plugin_v1.on_event(rig->inst, rig_str("evt_1"), rig_str(event));
}

static bool quiet(void)
{
    return rig->n_asked == 0;
}

static void test_its_parts_are_given_and_then_the_file_goes(void **state)
{
    char out[8192];
    struct hilo_str c;

    (void)state;
    deliver(1, "ana@example.com", "soporte@tienda.example", plain);
    rig_until(replied);
    c = hilo_content(message(0));
    fetch(1, hilo_get_str(hilo_get_str(c, HILO_T_CONTENT_ATTACHMENTS), HILO_T_ATTACHMENT_EXT_MEDIA), out,
          sizeof out);
    assert_int_equal(rig->fetched[0].code, HILO_OK);
    assert_string_equal(out, "Hola");
    stored("med_09040000000000000000000000");
    rig_until(quiet);
    assert_int_equal(rig_files(NULL), 1); /* the original is still to come */
    fetch(2, hilo_get_str(hilo_get_str(c, HILO_T_CONTENT_ORIGINAL), HILO_T_ATTACHMENT_EXT_MEDIA), out,
          sizeof out);
    assert_true(all_fetched());
    assert_string_equal(out, plain);
    stored("med_09080000000000000000000000");
    rig_until(quiet);
    assert_int_equal(rig_files(NULL), 0);
    fetch(3, rig_str("m-0-0.eml/1"), out, sizeof out);
    assert_int_equal(rig->fetched[2].code, HILO_PERM);
}

static const char *media_state;
static const char *sweep_api(const char *line, uint32_t *status)
{
    *status = 200;
    if (strncmp(line, "GET /v1/messages/msg_", 21) == 0)
        return "{\"content\":{\"attachments\":[{\"media\":\"med_09040000000000000000000000\"}],"
               "\"original\":{\"media\":\"med_09080000000000000000000000\"}}}";
    return strstr(line, "med_09040000000000000000000000") ? "{\"state\":\"stored\"}" : media_state;
}

static void test_what_a_crash_left_is_looked_up(void **state)
{
    char out[8192];
    struct hilo_str c;

    (void)state;
    deliver(1, "ana@example.com", "soporte@tienda.example", plain);
    rig_until(replied);
    c = hilo_content(message(0));
    fetch(1, hilo_get_str(hilo_get_str(c, HILO_T_CONTENT_ATTACHMENTS), HILO_T_ATTACHMENT_EXT_MEDIA), out,
          sizeof out);
    rig_end(); /* and nothing was heard of what became of them */
    rig->answer = sweep_api;
    media_state = "{\"state\":\"pending\"}";
    rig_start();
    rig_until(rig_is_up);
    assert_int_equal(rig_files(NULL), 1);
    fetch(2, hilo_get_str(hilo_get_str(c, HILO_T_CONTENT_ORIGINAL), HILO_T_ATTACHMENT_EXT_MEDIA), out,
          sizeof out);
    assert_string_equal(out, plain);
    rig_end();
    media_state = "{\"state\":\"stored\"}";
    rig_start();
    rig_until(rig_is_up);
    assert_int_equal(rig_files(NULL), 0);
}

static bool gone(void)
{
    return rig->n_asked == 0 && rig_files(NULL) == 0;
}

static void test_a_file_that_nobody_asks_for_goes_at_the_second_look(void **state)
{
    (void)state;
    deliver(1, "ana@example.com", "soporte@tienda.example", plain);
    rig_until(replied);
    rig_end();
    rig_start();
    rig_until(rig_is_up);
    assert_int_equal(rig_files(NULL), 1); /* the gateway may yet ask */
    hilo_plugin_v1.on_timer(rig->inst, EMAIL_TIMER_SWEEP);
    rig_until(gone);
}

/* ---- messages ----------------------------------------------------------------------------------------- */

struct outgoing {
    uint8_t b[8192];
    struct hilo_writer w;
};
static void out_begin(struct outgoing *o, uint64_t category)
{
    hilo_writer_init(&o->w, o->b, sizeof o->b);
    hilo_put_u64(&o->w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_put_id(&o->w, HILO_T_MSG_ID, ours);
    hilo_put_id(&o->w, HILO_T_MSG_CUSTOMER, ours);
    hilo_put_u64(&o->w, HILO_T_MSG_CATEGORY, category);
    hilo_open(&o->w, HILO_T_MSG_PARTY);
    hilo_put_u64(&o->w, HILO_T_IDENT_SCHEME, HILO_SCHEME_EMAIL);
    hilo_put_str(&o->w, HILO_T_IDENT_VALUE, rig_str("ana@example.com"));
    hilo_close(&o->w);
    hilo_open(&o->w, HILO_T_MSG_CONTENT);
}
static void out_text(struct outgoing *o, uint64_t type, const char *text)
{
    hilo_put_u64(&o->w, HILO_T_CONTENT_TYPE, type);
    hilo_put_str(&o->w, HILO_T_CONTENT_TEXT, rig_str(text));
}
static unsigned before;
static bool came(void)
{
    return rig->n_out + rig->n_reports > before;
}

static void out_send(struct outgoing *o)
{
    before = rig->n_out + rig->n_reports;

    hilo_close(&o->w);
    assert_false(o->w.failed);
    assert_int_equal(hilo_plugin_v1.send(rig->inst, ours, hilo_written(&o->w)), HILO_OK);
    rig_until(came);
}

static const char *thread_api(const char *line, uint32_t *status)
{
    *status = 200;
    assert_non_null(strstr(line, "/timeline?limit="));
    return "{\"messages\":["
           "{\"id\":\"msg_9\",\"kind\":\"outbound\",\"channel\":\"sms\",\"provider_id\":\"7@sms\"},"
           "{\"id\":\"msg_3\",\"kind\":\"outbound\",\"channel\":\"mail-co\",\"provider_id\":\"o2@tienda."
           "example\","
           "\"content\":{\"subject\":\"Re: su televisor\"}},"
           "{\"id\":\"msg_2\",\"kind\":\"inbound\",\"channel\":\"mail-co\",\"provider_id\":\"a1@example."
           "com\","
           "\"content\":{\"subject\":\"su televisor\"}},"
           "{\"id\":\"msg_1\",\"kind\":\"outbound\",\"channel\":\"mail-co\",\"provider_id\":\"o1@tienda."
           "example\"}]}";
}

static void outcome(int32_t code, uint32_t status, const char *enhanced, const char *words)
{
    const struct smtp_outcome o = {
        .code = code, .status = status, .enhanced = rig_str(enhanced), .words = rig_str(words)};

    rig->done(rig->done_arg, rig->out[rig->n_out - 1].token, &o);
}

static void test_a_message_is_a_mail_of_its_thread(void **state)
{
    struct outgoing o;
    char expected[256];

    (void)state;
    assert_int_equal(rig->credit, 8);
    rig->answer = thread_api;
    out_begin(&o, HILO_CATEGORY_SERVICE);
    out_text(&o, HILO_CONTENT_TEXT, "Hola Ana");
    out_send(&o);
    assert_string_equal(rig->composed.subject, "Re: su televisor");
    assert_string_equal(rig->composed.text, "Hola Ana");
    assert_string_equal(rig->composed.in_reply_to, "a1@example.com");
    assert_string_equal(rig->composed.references, "o1@tienda.example a1@example.com o2@tienda.example ");
    assert_false(rig->composed.automatic);
    assert_int_equal(strlen(rig->composed.loop), 32);
    (void)snprintf(expected, sizeof expected, "%s@tienda.example", token_of(TOKEN_REPLY));
    assert_string_equal(rig->composed.message_id, expected);
    (void)snprintf(expected, sizeof expected, "soporte+%s@tienda.example", token_of(TOKEN_REPLY));
    assert_string_equal(rig->composed.reply_to, expected);
    (void)snprintf(expected, sizeof expected, "soporte+%s@tienda.example", token_of(TOKEN_BOUNCE));
    assert_string_equal(rig->out[0].from, expected);
    assert_string_equal(rig->out[0].to, "ana@example.com");
    assert_int_equal(rig->n_reports, 0);
    outcome(HILO_OK, 250, "2.0.0", "ok");
    assert_int_equal(rig->n_reports, 1);
    assert_int_equal(rig->report[0].code, HILO_OK);
    assert_string_equal(rig->report[0].ext_id, rig->composed.message_id);
    outcome(HILO_OK, 250, "2.0.0", "again"); /* a second answer is nobody's */
    assert_int_equal(rig->n_reports, 1);
}

static void test_of_another_subject_it_begins_anew(void **state)
{
    struct outgoing o;

    (void)state;
    rig->answer = thread_api;
    out_begin(&o, HILO_CATEGORY_SERVICE);
    out_text(&o, HILO_CONTENT_TEXT, "Hola Ana");
    hilo_put_str(&o.w, HILO_T_CONTENT_SUBJECT, rig_str("Su nevera"));
    out_send(&o);
    assert_string_equal(rig->composed.subject, "Su nevera");
    assert_string_equal(rig->composed.in_reply_to, "");
    assert_string_equal(rig->composed.references, "");
}

static void test_what_relays_say_is_reported_in_words(void **state)
{
    static const struct {
        int32_t code;
        uint32_t status;
        const char *enhanced, *words, *reason, *provider_code, *detail;
    } all[] = {{HILO_PERM, 550, "5.1.1", "550 5.1.1 <ana@example.com>: no", "no_such_mailbox", "5.1.1",
                "El buzón no existe: 550 5.1.1 <…>: no"},
               {HILO_PERM, 552, "5.2.2", "552 5.2.2 full", "mailbox_full", "5.2.2",
                "El buzón está lleno: 552 5.2.2 full"},
               {HILO_TEMP, 451, "", "451 greylisted", "deferred", "451",
                "El servidor lo recibirá más tarde: 451 greylisted"},
               {HILO_IN_DOUBT, 0, "", "", "in_doubt", "",
                "El servidor no respondió después de recibir el correo entero"}};
    struct outgoing o;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        out_begin(&o, HILO_CATEGORY_TRANSACTIONAL);
        out_text(&o, HILO_CONTENT_TEXT, "Su factura");
        out_send(&o);
        assert_true(rig->composed.automatic);
        outcome(all[i].code, all[i].status, all[i].enhanced, all[i].words);
        assert_int_equal(rig->report[i].code, all[i].code);
        assert_string_equal(rig->report[i].reason, all[i].reason);
        assert_string_equal(rig->report[i].provider_code, all[i].provider_code);
        assert_string_equal(rig->report[i].detail, all[i].detail);
        /* In doubt it goes again under the same name, by which its receiver knows it. */
        if (all[i].code == HILO_IN_DOUBT)
            assert_string_equal(rig->report[i].ext_id, rig->composed.message_id);
    }
}

static void test_choices_are_links_and_files_go_along(void **state)
{
    struct outgoing o;

    (void)state;
    out_begin(&o, HILO_CATEGORY_PROMOTIONAL);
    out_text(&o, HILO_CONTENT_CHOICES, "¿Cambio?");
    hilo_put_str(&o.w, HILO_T_CONTENT_HEADER, rig_str("Su televisor"));
    hilo_open(&o.w, HILO_T_CONTENT_CHOICES);
    hilo_put_str(&o.w, HILO_T_CHOICE_TITLE, rig_str("Sí"));
    hilo_put_str(&o.w, HILO_T_CHOICE_URL, rig_str("https://h.example/c/1"));
    hilo_close(&o.w);
    hilo_open(&o.w, HILO_T_CONTENT_ATTACHMENTS);
    hilo_put_id(&o.w, HILO_T_ATTACHMENT_MEDIA, ours);
    hilo_close(&o.w);
    hilo_open(&o.w, HILO_T_CONTENT_INVITATION);
    hilo_put_str(&o.w, HILO_T_INVITATION_UID, rig_str("apt_01081G81860W40J2GB1G6GW3RG"));
    hilo_put_str(&o.w, HILO_T_INVITATION_STATUS, rig_str("canceled"));
    hilo_close(&o.w);
    hilo_close(&o.w);
    hilo_put_str(&o.w, HILO_T_MSG_UNSUBSCRIBE_URL, rig_str("https://h.example/u/1"));
    hilo_open(&o.w, HILO_T_MSG_RECEIPT); /* closed by out_send */
    out_send(&o);
    assert_string_equal(rig->composed.text, "Su televisor\n\n¿Cambio?");
    assert_string_equal(rig->composed.links, "Sí=https://h.example/c/1 ");
    assert_string_equal(rig->composed.files, "foto.png ");
    assert_string_equal(rig->composed.unsubscribe, "https://h.example/u/1");
    char uid[64];
    (void)snprintf(uid, sizeof uid, "%s@tienda.example", token_of(TOKEN_EVENT));
    assert_string_equal(rig->composed.uid, uid);
    assert_int_equal(rig->composed.method, COMPOSE_CANCEL);
    assert_string_equal(rig->composed.subject, "Tienda");
    assert_int_equal(rig->n_api, 0); /* advertising has no thread */
}

static bool two(void)
{
    return rig->n_reports == 2;
}

static void test_each_send_is_reported_once(void **state)
{
    struct outgoing o;

    (void)state;
    rig->compose_code = HILO_INVALID;
    out_begin(&o, HILO_CATEGORY_TRANSACTIONAL);
    out_text(&o, HILO_CONTENT_TEXT, "x");
    out_send(&o);
    assert_int_equal(rig->n_reports, 1);
    assert_int_equal(rig->report[0].code, HILO_PERM);
    assert_string_equal(rig->report[0].detail, "it is too large");
    /* Taken back before it left. */
    rig->compose_code = HILO_OK;
    rig->answer = thread_api;
    out_begin(&o, HILO_CATEGORY_SERVICE);
    out_text(&o, HILO_CONTENT_TEXT, "x");
    hilo_close(&o.w);
    assert_int_equal(hilo_plugin_v1.send(rig->inst, ours, hilo_written(&o.w)), HILO_OK);
    hilo_plugin_v1.revoke(rig->inst, ours);
    rig_until(two);
    assert_int_equal(rig->report[1].code, HILO_AGAIN);
    assert_string_equal(rig->report[1].reason, "revoked");
    assert_int_equal(rig->n_out, 0);
    /* What leaves the channel stops all. */
    out_begin(&o, HILO_CATEGORY_TRANSACTIONAL);
    out_text(&o, HILO_CONTENT_TEXT, "x");
    out_send(&o);
    outcome(HILO_CONFIG, 535, "5.7.8", "535 5.7.8 authentication failed");
    assert_int_equal(rig->report[2].code, HILO_CONFIG);
    assert_int_equal(rig->state, HILO_CONFIG);
    hilo_plugin_v1.drain(rig->inst, rig->now_us);
    out_begin(&o, HILO_CATEGORY_TRANSACTIONAL);
    out_text(&o, HILO_CONTENT_TEXT, "x");
    hilo_close(&o.w);
    assert_int_equal(hilo_plugin_v1.send(rig->inst, ours, hilo_written(&o.w)), HILO_AGAIN);
}

/* ---- keys, sockets and mailboxes
 * ------------------------------------------------------------------------------- */

static void test_keys_are_made_once(void **state)
{
    char first[256];
    struct rig_kv *kv = rig_kv("mail-co", "token-keys");

    (void)state;
    assert_non_null(kv);
    memcpy(first, kv->val, TOKEN_KEY);
    rig_end();
    rig_start();
    rig_until(rig_is_up);
    assert_memory_equal(first, rig_kv("mail-co", "token-keys")->val, TOKEN_KEY);
    assert_memory_equal(first, ((struct email *)rig->inst)->keys[0], TOKEN_KEY);
}

static bool down(void)
{
    return rig->state == HILO_DOWN;
}

static void test_where_it_cant_listen_it_says_so_and_tries_again(void **state)
{
    (void)state;
    rig_end();
    rig->lmtp_fails = 1;
    rig_start();
    rig->state = HILO_OK;
    rig_until(down);
    assert_string_equal(rig->state_text, "LMTP can't listen: the address is in use");
    rig->lmtp_fails = 0;
    hilo_plugin_v1.on_timer(rig->inst, EMAIL_TIMER_LISTEN);
    rig_until(rig_is_up);
}

static bool both(void)
{
    return strlen(rig->taken) >= 10 && rig->n_asked == 0;
}

static bool known(void)
{
    return rig->cursor_validity == 7 && rig->n_asked == 0;
}

static void test_a_mailbox_goes_on_where_it_was(void **state)
{
    (void)state;
    rig_end();
    rig_set(&rig->conf.imap, "imaps://mail.example:993/INBOX");
    rig_set(&rig->conf.imap_user, "soporte");
    rig_set(&rig->conf.imap_password, "x");
    rig->event[0] = (struct imap_event){.type = IMAP_UP};
    rig->event[1] = (struct imap_event){
        .type = IMAP_MAIL, .uidvalidity = 7, .uid = 41, .cursor = 40, .bytes = rig_str(plain)};
    rig->event[2] = (struct imap_event){
        .type = IMAP_MAIL, .uidvalidity = 7, .uid = 42, .cursor = 40, .bytes = rig_str("")};
    rig->n_events = 3;
    rig_start();
    rig_until(both);
    assert_int_equal(rig->n_messages, 1);
    assert_non_null(strstr(rig->taken, "41:1 "));
    assert_non_null(strstr(rig->taken, "42:1 ")); /* it is none, and stays where it is */
    rig_end();
    rig->n_events = 0;
    rig_start();
    rig_until(known);
    assert_int_equal(rig->cursor_uid, 40); /* as the mailbox said, not what was taken last */
}

int main(void)
{
#define ONE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
    const struct CMUnitTest tests[] = {
        ONE(test_a_mail_is_answered_for_when_it_is_on_disk),
        ONE(test_what_the_gateway_says_is_what_its_server_hears),
        ONE(test_only_our_addresses_are_taken),
        ONE(test_an_answer_is_known_by_its_token_and_by_no_other),
        ONE(test_a_bounce_is_a_receipt_of_the_message_that_it_is_about),
        ONE(test_a_complaint_ends_advertising),
        ONE(test_what_runs_in_circles_is_dropped),
        ONE(test_an_answer_to_an_invitation_is_a_choice),
        ONE(test_an_invitation_is_known_by_its_uid),
        ONE(test_its_parts_are_given_and_then_the_file_goes),
        ONE(test_what_a_crash_left_is_looked_up),
        ONE(test_a_file_that_nobody_asks_for_goes_at_the_second_look),
        ONE(test_a_message_is_a_mail_of_its_thread),
        ONE(test_of_another_subject_it_begins_anew),
        ONE(test_what_relays_say_is_reported_in_words),
        ONE(test_choices_are_links_and_files_go_along),
        ONE(test_each_send_is_reported_once),
        ONE(test_keys_are_made_once),
        ONE(test_where_it_cant_listen_it_says_so_and_tries_again),
        ONE(test_a_mailbox_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
