/*
 * The SMPP client's sessions: binds, windows, time, what is in doubt and what is not. The
 * test is the SMSC (sms_host.h).
 */
#include "sms_host.h"

static int setup(void **state)
{
    struct fake *f = calloc(1, sizeof *f);

    assert_non_null(f);
    fake_init(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fake_done(*state);
    free(*state);
    return 0;
}

static struct pdu p;

static void is_id(struct hilo_id id, unsigned n)
{
    struct hilo_id expect = id_of(n);

    assert_memory_equal(&id, &expect, sizeof id);
}

/* ---- binding ---------------------------------------------------------------------------------- */

static void a_bind_is_written_as_the_specification_has_it(void **state)
{
    static const uint8_t body[] = "hilo\0secret\0vma\0\x34\x01\x08"
                                  "^890";
    struct fake *f = *state;
    int fd;

    f->conf.system_type = str("vma");
    f->conf.address_ton = 1;
    f->conf.address_npi = 8;
    f->conf.address_range = str("^890");
    fake_open(f);
    assert_int_equal(f->state, HILO_DOWN);
    fd = peer_accept(f);
    peer_get(f, fd, 9, &p);
    assert_int_equal(p.status, 0);
    assert_int_equal(p.seq, 1);
    assert_int_equal(p.length, 16 + sizeof body);
    assert_memory_equal(p.body, body, sizeof body);
    assert_int_equal(f->credit, 0);
    peer_put(fd, 0x80000009u, 0, 1, "SMSC\0\x02\x10\x00\x01\x34", 10);
    RUN_UNTIL(f, f->state == HILO_OK);
    assert_int_equal(f->credit, 10);
    close(fd);
}

static void every_way_to_bind_has_its_connections(void **state)
{
    struct fake *f = *state;
    unsigned transmitters = 0, receivers = 0, i;
    int fd[4];

    f->conf.bind = SMS_BIND_AS_PAIR;
    f->conf.binds = 2;
    f->conf.window = 7;
    fake_open(f);
    for (i = 0; i < 4; i++) {
        uint8_t head[16], rest[64];

        fd[i] = peer_accept(f);
        run(f);
        assert_true(peer_exactly(f, fd[i], head, 16));
        assert_true(peer_exactly(f, fd[i], rest, be32(head) - 16));
        transmitters += be32(head + 4) == 2;
        receivers += be32(head + 4) == 1;
        if (be32(head + 4) == 1) { /* a receiver alone can't send */
            peer_put(fd[i], 0x80000001u, 0, be32(head + 12), "", 1);
            run(f);
        } else {
            unsigned credit = f->credit;

            peer_put(fd[i], 0x80000002u, 0, be32(head + 12), "", 1);
            RUN_UNTIL(f, f->credit == credit + 7);
        }
    }
    assert_int_equal(transmitters, 2);
    assert_int_equal(receivers, 2);
    assert_int_equal(f->credit, 14);
    for (i = 0; i < 4; i++)
        close(fd[i]);
}

static void a_refused_bind_says_what_to_do_and_comes_again_in_time(void **state)
{
    static const struct {
        uint32_t command, status;
        int32_t code;
        const char *says;
        int64_t least, most;
    } row[] = {
        {0x80000009u, 0x0e, HILO_CONFIG, "password is wrong", 300 * SECOND, 376 * SECOND},
        {0x80000009u, 0x0f, HILO_CONFIG, "system_id", 300 * SECOND, 376 * SECOND},
        {0x80000009u, 0x05, HILO_DOWN, "already bound", SECOND, 2 * SECOND},
        {0x80000009u, 0x0d, HILO_DOWN, "refused to bind", SECOND, 2 * SECOND},
        {0x80000009u, 0x08, HILO_DOWN, "error of its own", SECOND, 2 * SECOND},
        {0x80000000u, 0x03, HILO_CONFIG, "does not know this command", 300 * SECOND, 376 * SECOND},
        {0x80000009u, 0x417, HILO_DOWN, "0x417", SECOND, 2 * SECOND},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct fake *f = calloc(1, sizeof *f);
        int fd;

        fake_init(f);
        fake_open(f);
        fd = peer_accept(f);
        peer_get(f, fd, 9, &p);
        peer_put(fd, row[i].command, row[i].status, p.seq, "", 0);
        RUN_UNTIL(f, strstr(f->state_text, row[i].says));
        assert_int_equal(f->state, row[i].code);
        assert_null(strstr(f->state_text, "secret"));
        assert_in_range(next_timer(f), f->now + row[i].least, f->now + row[i].most);
        close(fd);
        fake_done(f);
        free(f);
    }
}

static void waits_between_tries_double_to_a_minute(void **state)
{
    struct fake *f = *state;
    int64_t wait = SECOND;
    unsigned i;

    fake_open(f);
    for (i = 0; i < 9; i++) {
        int fd = peer_accept(f);

        close(fd);
        RUN_UNTIL(f, !watches(f));
        assert_in_range(next_timer(f) - f->now, wait, wait + wait / 4);
        f->now = next_timer(f);
        wait = wait >= 32 * SECOND ? 60 * SECOND : 2 * wait;
    }
    i = (unsigned)peer_bind(f, 9); /* and it recovers by itself */
    assert_int_equal(f->credit, 10);
    close((int)i);
}

static void a_bind_that_nobody_answers_is_given_up(void **state)
{
    struct fake *f = *state;
    int fd;

    fake_open(f);
    fd = peer_accept(f);
    peer_get(f, fd, 9, &p);
    pass(f, 14 * SECOND);
    assert_non_null(strstr(f->state_text, "not bound yet"));
    pass(f, 2 * SECOND);
    assert_int_equal(f->state, HILO_DOWN);
    assert_non_null(strstr(f->state_text, "did not answer the bind"));
    peer_ended(f, fd);
    close(fd);
}

static void nobody_at_the_port_or_by_the_name_is_told(void **state)
{
    struct fake *f = *state;

    close(f->listening);
    f->listening = socket(AF_INET, SOCK_STREAM, 0);
    f->conf.host = str("localhost"); /* of /etc/hosts: its addresses in turn */
    fake_open(f);
    RUN_UNTIL(f, strstr(f->state_text, "does not take the connection"));
    fake_close(f);

    f->closed = false;
    f->conf.host =
        str("a-label-of-more-than-sixty-three-characters-is-none-that-dns-could-ever-have.example");
    fake_open(f);
    RUN_UNTIL(f, strstr(f->state_text, "its name is not known"));
}

/* ---- sending ------------------------------------------------------------------------------------ */

static void a_text_is_one_submit_and_its_answer_one_report(void **state)
{
    static const uint8_t body[] = "\0\x03\0"
                                  "890\0\x01\x01"
                                  "573001112233\0\0\0\0\0\0\x01\0\0\0\x05Hola\x02";
    struct fake *f = *state;
    int fd = fake_bound(f);

    send_text(f, 1, "Hola$");
    peer_get(f, fd, 4, &p);
    assert_int_equal(p.seq, 2);
    assert_int_equal(p.length, 16 + sizeof body - 1);
    assert_memory_equal(p.body, body, sizeof body - 1);
    assert_int_equal(f->n_report, 0);
    peer_answer(f, fd, 2, 0, "1514078209");
    RUN_UNTIL(f, f->n_report == 1);
    assert_int_equal(f->report[0].code, HILO_OK);
    assert_string_equal(f->report[0].ext, "1514078209");
    peer_answer(f, fd, 2, 0, "other"); /* twice: nobody waits for it */
    assert_int_equal(f->n_report, 1);
    close(fd);
}

static void what_a_turn_sends_leaves_in_one_segment(void **state)
{
    struct fake *f = *state;
    struct tcp_info before, after;
    socklen_t n = sizeof before;
    unsigned i;
    int fd;

    f->conf.window = 100;
    fd = fake_bound(f);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &before, &n), 0);
    for (i = 0; i < 100; i++)
        send_text(f, i, "Hola, esto es un texto de cierta longitud");
    for (i = 0; i < 100; i++)
        peer_get(f, fd, 4, &p);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &after, &n), 0);
    assert_int_equal(after.tcpi_data_segs_in - before.tcpi_data_segs_in, 1);
    close(fd);
}

static void the_window_holds_the_rest_back_in_order(void **state)
{
    struct fake *f = *state;
    uint32_t seq[3];
    unsigned i;
    int fd;

    f->conf.window = 3;
    fd = fake_bound(f);
    for (i = 0; i < 5; i++) /* more than credited: the queue must not lose them */
        send_text(f, i, i == 3 ? "cuarto" : i == 4 ? "quinto" : "texto");
    for (i = 0; i < 3; i++) {
        peer_get(f, fd, 4, &p);
        seq[i] = p.seq;
    }
    peer_quiet(f, fd);
    peer_answer(f, fd, seq[1], 0, "b"); /* in any order */
    peer_get(f, fd, 4, &p);
    assert_memory_equal(p.body + p.length - 16 - 6, "cuarto", 6);
    peer_quiet(f, fd);
    peer_answer(f, fd, seq[2], 0, "c");
    peer_get(f, fd, 4, &p);
    assert_memory_equal(p.body + p.length - 16 - 6, "quinto", 6);
    assert_int_equal(f->n_report, 2);
    is_id(f->report[0].id, 1);
    close(fd);
}

static void several_binds_share_the_work(void **state)
{
    struct fake *f = *state;
    unsigned i;
    int a, b;

    f->conf.binds = 2;
    f->conf.window = 2;
    fake_open(f);
    a = peer_bind(f, 9);
    b = peer_bind(f, 9);
    RUN_UNTIL(f, f->credit == 4);
    for (i = 0; i < 4; i++)
        send_text(f, i, "x");
    for (i = 0; i < 2; i++) {
        peer_get(f, a, 4, &p);
        peer_get(f, b, 4, &p);
    }
    send_text(f, 4, "waits for the one that is left");
    close(a); /* two are in doubt, the fifth goes by the other */
    RUN_UNTIL(f, f->n_report == 2);
    assert_int_equal(f->report[0].code, HILO_IN_DOUBT);
    assert_int_equal(f->report[1].code, HILO_IN_DOUBT);
    assert_int_equal(f->state, HILO_OK);
    peer_quiet(f, b);
    peer_answer(f, b, p.seq, 0, "id");
    peer_get(f, b, 4, &p);
    assert_int_equal(f->n_report, 3);
    close(b);
}

static void each_refusal_has_its_report(void **state)
{
    static const struct {
        uint32_t command, status;
        int32_t code;
        const char *reason;
        uint32_t scope;
    } row[] = {
        {0x80000004u, 0x0a, HILO_PERM, "invalid_sender", HILO_SCOPE_MESSAGE},
        {0x80000004u, 0x0b, HILO_PERM, "invalid_recipient", HILO_SCOPE_MESSAGE},
        {0x80000004u, 0x08, HILO_TEMP, "provider_error", HILO_SCOPE_MESSAGE},
        {0x80000004u, 0x45, HILO_TEMP, "submit_failed", HILO_SCOPE_MESSAGE},
        {0x80000004u, 0x64, HILO_TEMP, "provider_error", HILO_SCOPE_MESSAGE},
        {0x80000004u, 0x401, HILO_PERM, "provider_code", HILO_SCOPE_MESSAGE},
        {0x80000000u, 0x03, HILO_PERM, "not_supported", HILO_SCOPE_MESSAGE},
        {0x80000000u, 0x00, HILO_PERM, "not_supported", HILO_SCOPE_MESSAGE},
        {0x80000004u, 0x14, HILO_AGAIN, "queue_full", HILO_SCOPE_CHANNEL},
        {0x80000004u, 0x58, HILO_AGAIN, "rate_limited", HILO_SCOPE_CHANNEL},
    };
    struct fake *f = *state;
    int fd = fake_bound(f);
    unsigned i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        send_text(f, i, "texto");
        pass(f, 120 * SECOND < f->conf.enquire_link_us ? 0 : 2 * SECOND); /* a pause before is over */
        peer_get(f, fd, 4, &p);
        peer_put(fd, row[i].command, row[i].status, p.seq, NULL, 0);
        RUN_UNTIL(f, f->n_report == i + 1);
        assert_int_equal(f->report[i].code, row[i].code);
        assert_string_equal(f->report[i].reason, row[i].reason);
        assert_int_equal(f->report[i].scope, row[i].scope);
        assert_int_equal(f->report[i].retry_us > 0, row[i].scope == HILO_SCOPE_CHANNEL);
    }
    assert_string_equal(f->report[0].provider_code, "0x0a");
    close(fd);
}

static void throttled_it_pauses_longer_each_time_and_recovers(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    uint32_t seq[2];

    send_text(f, 1, "a");
    send_text(f, 2, "b");
    peer_get(f, fd, 4, &p);
    seq[0] = p.seq;
    peer_get(f, fd, 4, &p);
    seq[1] = p.seq;
    peer_answer(f, fd, seq[0], 0x58, NULL);
    peer_answer(f, fd, seq[1], 0x58, NULL); /* the same complaint */
    RUN_UNTIL(f, f->n_report == 2);
    assert_int_equal(f->report[0].retry_us, SECOND);
    assert_int_equal(f->report[1].retry_us, SECOND);
    send_text(f, 3, "c");
    peer_quiet(f, fd);
    pass(f, SECOND);
    peer_get(f, fd, 4, &p);
    peer_answer(f, fd, p.seq, 0x58, NULL);
    RUN_UNTIL(f, f->n_report == 3);
    assert_int_equal(f->report[2].retry_us, 2 * SECOND);
    pass(f, 2 * SECOND);
    send_text(f, 4, "d");
    peer_get(f, fd, 4, &p);
    peer_answer(f, fd, p.seq, 0, "taken");
    send_text(f, 5, "e");
    peer_get(f, fd, 4, &p);
    peer_answer(f, fd, p.seq, 0x14, NULL);
    RUN_UNTIL(f, f->n_report == 5);
    assert_int_equal(f->report[4].retry_us, SECOND); /* all was well in between */
    close(fd);
}

static void what_has_not_left_can_be_taken_back(void **state)
{
    struct fake *f = *state;
    int fd;

    f->conf.window = 1;
    fd = fake_bound(f);
    send_text(f, 1, "a");
    send_text(f, 2, "b");
    hilo_plugin_v1.revoke(f->inst, id_of(1)); /* it has left */
    assert_int_equal(f->n_report, 0);
    hilo_plugin_v1.revoke(f->inst, id_of(2));
    assert_int_equal(f->n_report, 1);
    assert_int_equal(f->report[0].code, HILO_AGAIN);
    assert_string_equal(f->report[0].reason, "revoked");
    peer_get(f, fd, 4, &p);
    peer_answer(f, fd, p.seq, 0, "x");
    peer_quiet(f, fd);
    close(fd);
}

/* ---- several segments ----------------------------------------------------------------------------- */

static const char *long_text(unsigned n)
{
    static char text[40000];

    assert_true(n < sizeof text);
    memset(text, 'a', n);
    text[n] = 0;
    return text;
}

static void all_ids_of_a_long_message_are_reported(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    uint32_t seq[3];
    unsigned i;

    send_text(f, 1, long_text(400));
    for (i = 0; i < 3; i++) {
        peer_get(f, fd, 4, &p);
        seq[i] = p.seq;
        assert_int_equal(p.body[22], 0x40); /* esm_class */
    }
    peer_answer(f, fd, seq[2], 0, "c");
    peer_answer(f, fd, seq[0], 0, "a");
    assert_int_equal(f->n_report, 0);
    peer_answer(f, fd, seq[1], 0, "b");
    RUN_UNTIL(f, f->n_report == 1);
    assert_int_equal(f->report[0].code, HILO_OK);
    assert_string_equal(f->report[0].ext, "a");
    assert_int_equal(f->report[0].n_more, 2);
    assert_string_equal(f->report[0].more[0], "b");
    assert_string_equal(f->report[0].more[1], "c");
    close(fd);
}

static void a_segment_that_was_throttled_goes_again_alone(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    uint8_t second[300];
    uint32_t seq[3], length = 16;
    unsigned i;

    send_text(f, 1, long_text(400));
    for (i = 0; i < 3; i++) {
        peer_get(f, fd, 4, &p);
        seq[i] = p.seq;
        if (i == 1)
            memcpy(second, p.body, p.length - 16);
        if (i == 1)
            length = p.length;
    }
    peer_answer(f, fd, seq[0], 0, "a");
    peer_answer(f, fd, seq[1], 0x58, NULL);
    peer_answer(f, fd, seq[2], 0, "c");
    peer_quiet(f, fd);
    assert_int_equal(f->n_report, 0);
    pass(f, SECOND);
    peer_get(f, fd, 4, &p);
    assert_int_equal(p.length, length);
    assert_memory_equal(p.body, second, length - 16); /* the same part of the same message */
    peer_answer(f, fd, p.seq, 0, "b");
    RUN_UNTIL(f, f->n_report == 1);
    assert_int_equal(f->report[0].code, HILO_OK);
    assert_string_equal(f->report[0].more[0], "b");
    close(fd);
}

static void nothing_of_a_long_message_taken_is_nothing_sent(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    uint32_t seq[2];
    unsigned i;

    send_text(f, 1, long_text(200));
    for (i = 0; i < 2; i++) {
        peer_get(f, fd, 4, &p);
        seq[i] = p.seq;
    }
    peer_answer(f, fd, seq[0], 0x58, NULL);
    peer_answer(f, fd, seq[1], 0x58, NULL);
    RUN_UNTIL(f, f->n_report == 1);
    assert_int_equal(f->report[0].code, HILO_AGAIN);
    assert_int_equal(f->report[0].scope, HILO_SCOPE_CHANNEL);
    assert_int_equal(f->report[0].n_more, 0);
    close(fd);
}

static void a_long_message_that_is_refused_in_part_has_failed(void **state)
{
    struct fake *f = *state;
    uint32_t seq[2];
    int fd;

    f->conf.window = 2; /* the third waits here */
    fd = fake_bound(f);
    send_text(f, 1, long_text(400));
    peer_get(f, fd, 4, &p);
    seq[0] = p.seq;
    peer_get(f, fd, 4, &p);
    seq[1] = p.seq;
    peer_answer(f, fd, seq[1], 0x0b, NULL);
    peer_answer(f, fd, seq[0], 0, "a");
    RUN_UNTIL(f, f->n_report == 1);
    assert_int_equal(f->report[0].code, HILO_PERM);
    assert_string_equal(f->report[0].reason, "invalid_recipient");
    assert_string_equal(f->report[0].ext, "a");
    assert_int_equal(f->report[0].n_more, 2);
    assert_string_equal(f->report[0].more[0], "");
    peer_quiet(f, fd); /* the third is of no use any more */
    close(fd);
}

/* ---- in doubt ---------------------------------------------------------------------------------------- */

static void no_answer_is_in_doubt_and_a_late_one_resolves_it(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    struct hilo_str r;
    uint32_t seq;

    send_text(f, 7, "texto");
    peer_get(f, fd, 4, &p);
    seq = p.seq;
    pass(f, 9 * SECOND);
    assert_int_equal(f->n_report, 0);
    pass(f, 2 * SECOND);
    assert_int_equal(f->n_report, 1);
    assert_int_equal(f->report[0].code, HILO_IN_DOUBT);
    send_text(f, 8, "the link goes on");
    peer_get(f, fd, 4, &p);
    peer_answer(f, fd, seq, 0, "spät");
    RUN_UNTIL(f, f->n_submit == 1);
    r = submitted(f, 0);
    assert_int_equal(hilo_get_u64(r, HILO_T_MSG_KIND), HILO_KIND_RECEIPT);
    is(hilo_get_str(r, HILO_T_MSG_EXT_ID), "spät");
    r = hilo_get_str(r, HILO_T_MSG_RECEIPT);
    assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), HILO_STATUS_SENT);
    is_id(hilo_get_id(r, HILO_T_RECEIPT_ECHO), 7);
    commit(f, 0, HILO_OK);
    peer_answer(f, fd, seq, 0, "spät"); /* once */
    assert_int_equal(f->n_submit, 1);
    close(fd);
}

static void a_late_refusal_is_a_failure(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    struct hilo_str r;

    send_text(f, 7, "texto");
    peer_get(f, fd, 4, &p);
    pass(f, 11 * SECOND);
    f->submit_rc = HILO_FULL; /* and the link has no room at first */
    peer_answer(f, fd, p.seq, 0x0b, NULL);
    f->submit_rc = HILO_OK;
    RUN_UNTIL(f, f->n_report == 1);
    run(f);
    hilo_plugin_v1.woken(f->inst);
    assert_int_equal(f->n_submit, 1);
    r = hilo_get_str(submitted(f, 0), HILO_T_MSG_RECEIPT);
    assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), HILO_STATUS_FAILED);
    is(hilo_get_str(r, HILO_T_RECEIPT_REASON), "invalid_recipient");
    close(fd);
}

static void a_link_that_breaks_leaves_in_doubt_what_had_left(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    struct linger rst = {1, 0};

    send_text(f, 1, "a");
    peer_get(f, fd, 4, &p);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof rst), 0);
    close(fd);
    RUN_UNTIL(f, f->n_report == 1);
    assert_int_equal(f->report[0].code, HILO_IN_DOUBT);
    assert_int_equal(f->state, HILO_DOWN);
    assert_int_equal(send_with(f, 2, "+573001112233", str("b"), 0), HILO_DOWN); /* nothing to send it with */
    pass(f, 2 * SECOND);
    fd = peer_bind(f, 9);
    assert_int_equal(f->credit, 10); /* the credit is given back by reports, not anew */
    send_text(f, 3, "c");
    peer_get(f, fd, 4, &p);
    assert_int_equal(p.seq, 2); /* a new session counts anew */
    close(fd);
}

/* A peer that does not read: what the kernel has not taken has not left. */
static void what_was_never_written_goes_back(void **state)
{
    struct fake *f = *state;
    unsigned i, again = 0, doubt = 0, n = 100;
    int small = 4096, fd;

    assert_int_equal(setsockopt(f->listening, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    f->conf.window = 255;
    f->conf.long_messages = SMS_LONG_PAYLOAD;
    f->conf.segments_max = 255;
    fd = fake_bound(f);
    for (i = 0; i < n; i++)
        send_text(f, i, long_text(38000));
    run(f);
    close(fd);
    RUN_UNTIL(f, f->n_report == n);
    for (i = 0; i < n; i++) {
        again += f->report[i].code == HILO_AGAIN;
        doubt += f->report[i].code == HILO_IN_DOUBT;
    }
    assert_int_equal(again + doubt, n);
    assert_true(again > 0 && doubt > 0);
    for (i = 0; i < n; i++) /* those that left are the first */
        assert_int_equal(f->report[i].code, i < doubt ? HILO_IN_DOUBT : HILO_AGAIN);
}

/* The rest of a message goes when there is a link again; but nobody waits for that for ever. */
static void a_message_that_left_in_part_goes_on_or_is_in_doubt(void **state)
{
    struct fake *f = *state;
    uint32_t seq;
    int fd;

    f->conf.window = 1;
    fd = fake_bound(f);
    send_text(f, 1, long_text(200));
    peer_get(f, fd, 4, &p);
    peer_answer(f, fd, p.seq, 0x58, NULL); /* nothing of it is taken: it goes back, as it is */
    RUN_UNTIL(f, f->n_report == 1);
    assert_int_equal(f->report[0].code, HILO_AGAIN);
    pass(f, SECOND);
    send_text(f, 2, long_text(200));
    peer_get(f, fd, 4, &p);
    seq = p.seq;
    peer_put(fd, 0x80000004u, 0, seq, "a", 2);
    peer_get(f, fd, 4, &p);
    peer_answer(f, fd, p.seq, 0x14, NULL); /* waits for its second try */
    close(fd);
    RUN_UNTIL(f, f->state == HILO_DOWN);
    assert_int_equal(f->n_report, 1);
    pass(f, 2 * SECOND);
    fd = peer_bind(f, 9);
    peer_get(f, fd, 4, &p);
    assert_int_equal(p.body[22 + 15], 2); /* UDH: of two the second */
    peer_answer(f, fd, p.seq, 0x14, NULL);
    close(fd);
    RUN_UNTIL(f, f->state == HILO_DOWN);
    close(f->listening);
    f->listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(f->n_report, 1);
    pass(f, 5 * SECOND);
    assert_int_equal(f->n_report, 1);
    pass(f, 6 * SECOND);
    assert_int_equal(f->n_report, 2);
    assert_int_equal(f->report[1].code, HILO_IN_DOUBT);
    assert_string_equal(f->report[1].ext, "a");
    assert_string_equal(f->report[1].more[0], "");
}

/* ---- the link ------------------------------------------------------------------------------------------ */

static void an_idle_bind_wakes_once_an_enquire_link(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    unsigned fired, i;
    int64_t at;

    run(f);
    for (i = 0; i < 5; i++) {
        fired = f->n_timer_fired;
        at = next_timer(f);
        assert_true(at >= f->now + 29 * SECOND);
        f->now = at;
        peer_get(f, fd, 0x15, &p);
        peer_put(fd, 0x80000015u, 0, p.seq, NULL, 0);
        run(f);
        /* the turn's end that sends it, the timer itself, and one for the answer that came */
        assert_true(f->n_timer_fired - fired <= 3);
    }
    assert_int_equal(f->state, HILO_OK);
    close(fd);
}

static void a_link_that_gives_no_sign_of_life_is_given_up(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);

    pass(f, 31 * SECOND);
    peer_get(f, fd, 0x15, &p);
    pass(f, 11 * SECOND);
    peer_get(f, fd, 0x15, &p); /* once more */
    assert_int_equal(f->state, HILO_OK);
    pass(f, 11 * SECOND);
    assert_int_equal(f->state, HILO_DOWN);
    assert_non_null(strstr(f->state_text, "enquire_link"));
    peer_ended(f, fd);
    close(fd);
    pass(f, 2 * SECOND);
    close(peer_bind(f, 9));
}

static void what_the_smsc_asks_is_answered(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);

    peer_put(fd, 0x15, 0, 77, NULL, 0);
    peer_get(f, fd, 0x80000015u, &p);
    assert_int_equal(p.seq, 77);
    assert_int_equal(p.status, 0);
    peer_put(fd, 0x0b, 0, 78, "smsc\0pw", 8); /* outbind */
    peer_put(fd, 0x102, 0, 79,
             "\1\1"
             "57\0\1\1"
             "890",
             11); /* alert_notification */
    peer_quiet(f, fd);
    peer_put(fd, 0x7777, 0, 80, "x", 1);
    peer_get(f, fd, 0x80000000u, &p);
    assert_int_equal(p.seq, 80);
    assert_int_equal(p.status, 3);
    peer_put(fd, 5, 0, 81, "\0\1", 2); /* a deliver_sm whose fields end too early */
    peer_get(f, fd, 0x80000005u, &p);
    assert_int_equal(p.seq, 81);
    assert_int_equal(p.status, 2);
    assert_int_equal(f->state, HILO_OK);
    close(fd);
}

static void bytes_in_any_portions_are_the_same_pdus(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    uint8_t two[32];
    unsigned i;

    put32(two, 16);
    put32(two + 4, 0x15);
    put32(two + 8, 0);
    put32(two + 12, 5);
    memcpy(two + 16, two, 16);
    put32(two + 28, 6);
    peer_bytes(fd, two, 32);
    for (i = 0; i < 2; i++)
        peer_get(f, fd, 0x80000015u, &p);
    assert_int_equal(p.seq, 6);
    for (i = 0; i < 31; i++) {
        peer_bytes(fd, two + i, 1);
        run(f);
    }
    peer_get(f, fd, 0x80000015u, &p);
    assert_int_equal(p.seq, 5);
    peer_read(f, fd);
    peer_bytes(fd, two + 31, 1);
    peer_get(f, fd, 0x80000015u, &p);
    close(fd);
}

/* A peer that asks and asks, and reads no answer: it isn't read from any more, and memory stays small. */
static void who_does_not_read_is_not_read(void **state)
{
    static uint8_t many[16 * 1024];
    struct fake *f = *state;
    size_t sent = 0, part = 0, got = 0, limit = 64 << 20, i;
    int small = 4096, fd, stalled = 0;

    assert_int_equal(setsockopt(f->listening, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    fd = fake_bound(f);
    for (i = 0; i < sizeof many; i += 16) {
        put32(many + i, 16);
        put32(many + i + 4, 0x15);
        put32(many + i + 12, 1);
    }
    while (sent < limit && stalled < 20) {
        ssize_t rc = send(fd, many + part, sizeof many - part, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (rc > 0) {
            sent += (size_t)rc;
            part = (part + (size_t)rc) % sizeof many;
            stalled = 0;
        } else {
            stalled += !fake_turn(f, 5);
        }
    }
    assert_true(sent < limit); /* it would take all, else */
    sent -= sent % 16;         /* whole requests */
    while (got < sent) {       /* and each of them is answered once the peer reads */
        uint8_t head[16];

        assert_true(peer_exactly(f, fd, head, 16));
        assert_int_equal(be32(head + 4), 0x80000015u);
        got += 16;
    }
    assert_int_equal(f->state, HILO_OK);
    close(fd);
}

static void answers_to_nothing_are_passed_by(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    uint32_t seq;

    send_text(f, 1, "texto");
    peer_get(f, fd, 4, &p);
    seq = p.seq;
    peer_put(fd, 0x80000004u, 0, seq + 1, "x", 2);    /* of a number that was not given */
    peer_put(fd, 0x80000004u, 0, seq + 1024, "x", 2); /* nor one that shares its place */
    peer_put(fd, 0x80000015u, 0, seq, NULL, 0);       /* another command's */
    peer_put(fd, 0x80000009u, 0x0e, seq, NULL, 0);    /* a bind's, though it is bound */
    peer_put(fd, 0x80000006u, 0, 77, NULL, 0);        /* nobody unbinds */
    peer_quiet(f, fd);
    assert_int_equal(f->n_report, 0);
    assert_int_equal(f->state, HILO_OK);
    peer_answer(f, fd, seq, 0, "right");
    RUN_UNTIL(f, f->n_report == 1);
    assert_string_equal(f->report[0].ext, "right");
    close(fd);
}

static void a_bind_that_the_smsc_has_forgotten_is_made_anew(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);

    send_text(f, 1, "texto");
    peer_get(f, fd, 4, &p);
    peer_answer(f, fd, p.seq, 0x04, NULL);
    RUN_UNTIL(f, f->state == HILO_DOWN);
    assert_int_equal(f->n_report, 1);
    assert_int_equal(f->report[0].code, HILO_AGAIN);
    peer_ended(f, fd);
    close(fd);
    pass(f, 2 * SECOND);
    close(peer_bind(f, 9));
}

static void an_impossible_length_ends_the_session(void **state)
{
    static const uint32_t lengths[] = {0, 15, 0x7fffffff, 0xffffffffu};
    unsigned i;

    (void)state;
    for (i = 0; i < 4; i++) {
        struct fake *f = calloc(1, sizeof *f);
        uint8_t head[16] = {0};
        int fd;

        fake_init(f);
        fd = fake_bound(f);
        put32(head, lengths[i]);
        peer_bytes(fd, head, 16);
        RUN_UNTIL(f, f->state == HILO_DOWN);
        assert_non_null(strstr(f->state_text, "impossible length"));
        peer_ended(f, fd);
        close(fd);
        fake_done(f);
        free(f);
    }
}

static void the_smscs_unbind_is_answered_and_it_binds_again(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);

    peer_put(fd, 6, 0, 9, NULL, 0);
    peer_get(f, fd, 0x80000006u, &p);
    assert_int_equal(p.seq, 9);
    peer_ended(f, fd);
    assert_int_equal(f->state, HILO_DOWN);
    close(fd);
    pass(f, 2 * SECOND);
    close(peer_bind(f, 9));
}

static void closing_says_unbind_and_leaves_nothing(void **state)
{
    struct fake *f = *state;
    int fd;

    f->conf.window = 1;
    fd = fake_bound(f);
    send_text(f, 1, "left");
    send_text(f, 2, "waits");
    run(f);
    hilo_plugin_v1.drain(f->inst, f->now + 5 * SECOND);
    assert_int_equal(f->n_report, 1); /* what waits goes back at once */
    assert_int_equal(f->report[0].code, HILO_AGAIN);
    fake_close(f);
    assert_int_equal(f->n_report, 2);
    assert_int_equal(f->report[1].code, HILO_IN_DOUBT);
    assert_true(peer_exactly(f, fd, p.body, 16));
    assert_int_equal(be32(p.body + 4), 4);
    assert_true(peer_exactly(f, fd, p.body + 16, be32(p.body) - 16));
    assert_true(peer_exactly(f, fd, p.body, 16));
    assert_int_equal(be32(p.body + 4), 6);
    close(fd);
}

static void a_new_password_is_tried_at_once(void **state)
{
    struct fake *f = *state;
    struct sms_conf conf;
    int fd;

    fake_open(f);
    fd = peer_accept(f);
    peer_get(f, fd, 9, &p);
    peer_put(fd, 0x80000009u, 0x0e, p.seq, NULL, 0);
    RUN_UNTIL(f, f->state == HILO_CONFIG);
    close(fd);
    conf = f->conf;
    conf.password = str("better");
    assert_int_equal(hilo_plugin_v1.reconfigure(f->inst, &conf), HILO_OK);
    fd = peer_accept(f);
    peer_get(f, fd, 9, &p);
    assert_memory_equal(p.body, "hilo\0better", 12);
    peer_put(fd, 0x80000009u, 0, p.seq, "", 1);
    RUN_UNTIL(f, f->state == HILO_OK);
    conf.password = str("third");
    assert_int_equal(hilo_plugin_v1.reconfigure(f->inst, &conf), HILO_NOSUP); /* bound: opened anew */
    close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_bind_is_written_as_the_specification_has_it),
        T(every_way_to_bind_has_its_connections),
        T(a_refused_bind_says_what_to_do_and_comes_again_in_time),
        T(waits_between_tries_double_to_a_minute),
        T(a_bind_that_nobody_answers_is_given_up),
        T(nobody_at_the_port_or_by_the_name_is_told),
        T(a_text_is_one_submit_and_its_answer_one_report),
        T(what_a_turn_sends_leaves_in_one_segment),
        T(the_window_holds_the_rest_back_in_order),
        T(several_binds_share_the_work),
        T(each_refusal_has_its_report),
        T(throttled_it_pauses_longer_each_time_and_recovers),
        T(what_has_not_left_can_be_taken_back),
        T(all_ids_of_a_long_message_are_reported),
        T(a_segment_that_was_throttled_goes_again_alone),
        T(nothing_of_a_long_message_taken_is_nothing_sent),
        T(a_long_message_that_is_refused_in_part_has_failed),
        T(no_answer_is_in_doubt_and_a_late_one_resolves_it),
        T(a_late_refusal_is_a_failure),
        T(a_link_that_breaks_leaves_in_doubt_what_had_left),
        T(what_was_never_written_goes_back),
        T(a_message_that_left_in_part_goes_on_or_is_in_doubt),
        T(an_idle_bind_wakes_once_an_enquire_link),
        T(a_link_that_gives_no_sign_of_life_is_given_up),
        T(what_the_smsc_asks_is_answered),
        T(bytes_in_any_portions_are_the_same_pdus),
        T(who_does_not_read_is_not_read),
        T(answers_to_nothing_are_passed_by),
        T(a_bind_that_the_smsc_has_forgotten_is_made_anew),
        T(an_impossible_length_ends_the_session),
        T(the_smscs_unbind_is_answered_and_it_binds_again),
        T(closing_says_unbind_and_leaves_nothing),
        T(a_new_password_is_tried_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
