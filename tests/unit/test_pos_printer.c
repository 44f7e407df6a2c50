/*
 * Printers: options, status bytes, and what becomes of a job: printed only when the printer said so,
 * never twice unless told to, in order, and over a restart.
 */
#include "../../plugins/pos/printer_status.h"
#include "pos_printer_host.h"

#define SLIP "{\"title\":\"Hola\"}"
/* Of SLIP: init, page, centred, bold, double, the text, cut; and GS r behind it. */
#define SLIP_BYTES                                                                                           \
    "\x1b@\x1c.\x1bt\x13\x1b"                                                                                \
    "a\x01\x1b"                                                                                              \
    "E\x01\x1d!\x11Hola\n\x1dV\x42\x00"
#define ORDER "\x1dr\x01"

static void expect_slip(struct fake *f)
{
    peer_expect(f, SLIP_BYTES ORDER, sizeof SLIP_BYTES ORDER - 1);
}

static void expect_done(const struct fake *f, unsigned i, const char *id, enum pos_print_outcome outcome,
                        const char *reason, bool confirmed)
{
    assert_true(f->n_done > i);
    assert_string_equal(f->done[i].id, id);
    assert_string_equal(pos_print_outcome_name(f->done[i].outcome), pos_print_outcome_name(outcome));
    assert_string_equal(f->done[i].reason, reason);
    assert_int_equal(f->done[i].confirmed, confirmed);
    assert_string_equal(f->done[i].store, "CENTRO");
    assert_string_equal(f->done[i].terminal, "3");
    assert_string_equal(f->done[i].printer, "CENTRO/3");
}

static void expect_accepted(const struct fake *f, unsigned i, const char *id, int32_t code)
{
    assert_true(f->n_accepted > i);
    assert_string_equal(f->accepted[i].id, id);
    assert_int_equal(f->accepted[i].code, code);
}

/* As far as the slip, which is at the printer. */
static void printing(struct fake *f, const char *id)
{
    assert_int_equal(ask_print(f, "3", id, SLIP), HILO_OK);
    peer_accept(f);
    peer_status(f, WELL);
    expect_slip(f);
}

/* ---- options ------------------------------------------------------------------------------- */

static void test_what_the_option_may_say(void **state)
{
    static const char *const good[] = {
        "",
        "  \n",
        "CENTRO=10.0.0.5",
        "CENTRO=10.0.0.5:9100 CENTRO/3=10.0.0.6:9101/58mm/cp850=2",
        "N=[fd00::5]/raster/nostatus,M=[::1]:9100/asb/cut=full/unknown=again/confirm=status",
        "a.b-c_D/1=1.2.3.4/columns=42/dots=512/cp1252=71"};
    static const struct {
        const char *option, *word;
    } bad[] = {{"CENTRO", "STORE=ADDRESS"},
               {"=10.0.0.5", "STORE=ADDRESS"},
               {"CENTRO/=10.0.0.5", "STORE=ADDRESS"},
               {"CEN TRO=10.0.0.5", "STORE=ADDRESS"},
               {"CENTRO/3/4=10.0.0.5", "STORE=ADDRESS"},
               {"123456789012345678901234567890123=10.0.0.5", "STORE=ADDRESS"},
               {"CENTRO=printer.local", "in digits"},
               {"CENTRO=10.0.0.5:0", "in digits"},
               {"CENTRO=10.0.0.5:65536", "in digits"},
               {"CENTRO=10.0.0.5:91x", "in digits"},
               {"CENTRO=[fd00::5", "in digits"},
               {"CENTRO=fd00::5", "in digits"},
               {"CENTRO=10.0.0.5/60mm", "after the address"},
               {"CENTRO=10.0.0.5/", "after the address"},
               {"CENTRO=10.0.0.5/58mm=1", "after the address"},
               {"CENTRO=10.0.0.5/cp850=256", "code page"},
               {"CENTRO=10.0.0.5/columns=8", "columns=N"},
               {"CENTRO=10.0.0.5/dots=99999", "dots=N"},
               {"CENTRO=10.0.0.5/cut=half", "cut="},
               {"CENTRO=10.0.0.5/unknown=yes", "unknown="},
               {"CENTRO=10.0.0.5/asb/nostatus", "exclude"},
               {"CENTRO=10.0.0.5/columns=96/dots=192", "no room"},
               {"CENTRO=10.0.0.5 CENTRO=10.0.0.6", "twice"}};
    char many[POS_PRINTERS_MAX * 24 + 64];
    size_t i, n = 0;

    (void)state;
    for (i = 0; i < sizeof good / sizeof *good; i++)
        if (pos_printers_wrong(str(good[i])))
            fail_msg("%s: %s", good[i], pos_printers_wrong(str(good[i])));
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *wrong = pos_printers_wrong(str(bad[i].option));

        if (!wrong || strncmp(wrong, "printers: ", 10) != 0 || !strstr(wrong, bad[i].word))
            fail_msg("%s: %s", bad[i].option, wrong ? wrong : "taken");
    }
    for (i = 0; i <= POS_PRINTERS_MAX; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "S%zu=10.0.0.5 ", i);
    assert_string_equal(pos_printers_wrong(str(many)), "printers: 256 at most");
}

static void test_a_terminals_own_printer_goes_before_its_stores(void **state)
{
    struct fake *f = up("/58mm/cp850=7 CENTRO=127.0.0.1:1/columns=42/dots=512");
    struct pos_paper paper = pos_printer_paper(f->ps, str("CENTRO/3"));
    char why[POS_SLIP_WORDS];

    (void)state;
    assert_memory_equal(pos_printer_of(f->ps, str("CENTRO"), str("3")).p, "CENTRO/3", 9);
    assert_memory_equal(pos_printer_of(f->ps, str("CENTRO"), str("4")).p, "CENTRO", 7);
    assert_memory_equal(pos_printer_of(f->ps, str("CENTRO"), str("")).p, "CENTRO", 7);
    assert_int_equal(pos_printer_of(f->ps, str("NORTE"), str("3")).n, 0);
    assert_int_equal(pos_printer_of(f->ps, str(""), str("3")).n, 0);
    assert_int_equal(paper.columns, 32);
    assert_int_equal(paper.page, 7);
    assert_int_equal(pos_printer_paper(f->ps, str("CENTRO")).dots, 512);
    assert_int_equal(pos_printer_paper(f->ps, str("x")).columns, 48);
    assert_int_equal(
        pos_print(f->ps,
                  &(struct pos_print_job){
                      .id = str("a"), .store = str("NORTE"), .terminal = str("3"), .slip = str(SLIP)},
                  why),
        HILO_NOTFOUND);
    down(f);
}

/* ---- status bytes --------------------------------------------------------------------------------- */

static void test_the_four_answers(void **state)
{
    static const struct {
        const char *four;
        uint32_t state;
        const char *name;
    } all[] = {
        {WELL, 0, "ok"},
        {"\x16\x12\x12\x12", 0, "ok"}, /* the drawer's pin says nothing of the printer */
        {"\x1a\x12\x12\x12", POS_PRINTER_OFFLINE, "offline"},
        {COVER, POS_PRINTER_OFFLINE | POS_PRINTER_COVER, "cover_open"},
        {PAPER_OUT, POS_PRINTER_OFFLINE | POS_PRINTER_PAPER_OUT, "paper_out"},
        {"\x12\x12\x12\x72", POS_PRINTER_PAPER_OUT, "paper_out"},
        {PAPER_LOW, POS_PRINTER_PAPER_LOW, "paper_low"},
        {"\x1a\x52\x1a\x12", POS_PRINTER_OFFLINE | POS_PRINTER_CUTTER, "cutter"},
        {"\x1a\x52\x32\x12", POS_PRINTER_OFFLINE | POS_PRINTER_ERROR, "error"},
        {"\x1a\x52\x52\x12", POS_PRINTER_OFFLINE | POS_PRINTER_HOT, "hot"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        struct pos_status s = {0};

        pos_status_asked(&s);
        pos_status_feed(&s, (const uint8_t *)all[i].four, 3);
        assert_false(s.known);
        pos_status_feed(&s, (const uint8_t *)all[i].four + 3, 1);
        assert_true(s.known);
        assert_int_equal(s.state, all[i].state);
        assert_string_equal(pos_printer_state_name(s.state), all[i].name);
    }
}

static void test_answers_come_in_any_mixture(void **state)
{
    struct pos_status s = {0};

    (void)state;
    /* ASB of an open cover between the answers, XON before, GS r's answer behind. */
    pos_status_asked(&s);
    pos_status_order_asked(&s);
    pos_status_feed(&s, (const uint8_t *)"\x11\x12\x12\x38\x00\x00\x0f\x12\x12\x00", 10);
    assert_true(s.order_answered);
    assert_int_equal(s.asked, 0);
    assert_int_equal(s.state, 0);
    assert_int_equal(s.strange, 1);
    pos_status_feed(&s, (const uint8_t *)"\x38\x00\x03", 3);
    assert_int_equal(s.state, 0); /* three bytes of four */
    pos_status_feed(&s, (const uint8_t *)"\x0f", 1);
    assert_int_equal(s.state, POS_PRINTER_OFFLINE | POS_PRINTER_COVER | POS_PRINTER_PAPER_LOW);
    pos_status_feed(&s, (const uint8_t *)"\x18\x08\x0c\x0f", 4);
    assert_int_equal(s.state, POS_PRINTER_OFFLINE | POS_PRINTER_CUTTER | POS_PRINTER_PAPER_OUT);
    /* What nobody asked for is nothing. */
    pos_status_feed(&s, (const uint8_t *)"\x72\x00\xff\x93", 4);
    assert_int_equal(s.strange, 5);
    assert_int_equal(s.state, POS_PRINTER_OFFLINE | POS_PRINTER_CUTTER | POS_PRINTER_PAPER_OUT);
}

/* ---- a job --------------------------------------------------------------------------------------------- */

static void test_printed_is_what_the_printer_says_is(void **state)
{
    struct fake *f = up("");

    (void)state;
    peer_nobody(f);
    assert_int_equal(ask_print(f, "3", "job-1", SLIP), HILO_OK);
    assert_int_equal(f->n_accepted, 0); /* it is on its way to the disk */
    run(f);
    expect_accepted(f, 0, "job-1", HILO_OK);
    assert_non_null(strstr(on_disk(f, "CENTRO/3"), "\"state\":\"queued\""));
    peer_accept(f);
    f->disk_waits = true;
    peer_status(f, WELL);
    peer_silence(f); /* "printing" is not on disk yet: nothing of it leaves */
    f->disk_waits = false;
    expect_slip(f);
    assert_non_null(strstr(on_disk(f, "CENTRO/3"), "\"state\":\"printing\""));
    assert_int_equal(f->n_done, 0);
    peer_say(f, "\x00", 1);
    assert_int_equal(f->n_done, 0); /* and how is it now? */
    peer_status(f, PAPER_LOW);
    expect_done(f, 0, "job-1", POS_PRINT_PRINTED, "", true);
    assert_int_equal(f->n_done, 1);
    peer_gone(f); /* others print there too */
    assert_non_null(strstr(on_disk(f, "CENTRO/3"), "\"state\":\"printed\""));
    assert_null(strstr(on_disk(f, "CENTRO/3"), "Hola")); /* nothing of it is kept */
    assert_int_equal(f->n_state, 2);
    assert_string_equal(f->state[0], "ok");
    assert_string_equal(f->state[1], "paper_low");
    assert_int_equal(f->timer, 0);
    down(f);
}

static void test_a_job_waits_for_paper_and_nothing_of_it_leaves(void **state)
{
    struct fake *f = up("");
    int i;

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    for (i = 0; i < 3; i++) {
        peer_accept(f);
        peer_status(f, PAPER_OUT);
        peer_gone(f);
        assert_int_equal(f->n_state, 1); /* said once */
        assert_string_equal(f->state[0], "paper_out");
        assert_int_equal(f->n_waits, 1);
        assert_string_equal(f->waits[0].id, "a");
        assert_string_equal(f->waits[0].reason, "paper_out");
        peer_nobody(f);
        pass(f, SECOND << i); /* longer each time */
    }
    peer_accept(f);
    peer_status(f, WELL);
    expect_slip(f);
    peer_say(f, "\x00", 1);
    peer_status(f, WELL);
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", true);
    assert_string_equal(f->state[1], "ok");
    down(f);
}

static void test_each_job_that_waits_hears_why(void **state)
{
    struct fake *f = up("");

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    peer_accept(f);
    peer_status(f, PAPER_OUT);
    peer_gone(f);
    assert_int_equal(f->n_waits, 1);
    /* Somebody else asks: it is looked at once more, at once. */
    assert_int_equal(ask_print(f, "3", "b", SLIP), HILO_OK);
    run(f);
    assert_int_equal(f->n_waits, 1);
    peer_accept(f);
    peer_status(f, PAPER_OUT);
    peer_gone(f);
    assert_int_equal(f->n_waits, 2);
    assert_string_equal(f->waits[1].id, "b");
    assert_int_equal(f->n_state, 1);
    /* Another reason is told to both. */
    pass(f, 2 * SECOND);
    peer_accept(f);
    peer_status(f, COVER);
    assert_int_equal(f->n_waits, 4);
    assert_string_equal(f->waits[3].reason, "cover_open");
    assert_int_equal(f->n_state, 2);
    down(f);
}

static void test_a_job_that_could_not_be_begun_has_failed_in_the_end(void **state)
{
    struct fake *f = up("");

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    peer_accept(f);
    peer_status(f, COVER);
    peer_gone(f);
    (void)close(f->listening);
    f->listening = -1;
    pass(f, 599 * SECOND);
    assert_int_equal(f->n_done, 0);
    assert_string_equal(f->state[f->n_state - 1], "unreachable");
    pass(f, 2 * SECOND);
    expect_done(f, 0, "a", POS_PRINT_FAILED, "unreachable", false);
    /* Nothing waits: nothing is tried. */
    pass(f, SECOND);
    assert_int_equal(f->timer, 0);
    down(f);
}

static void test_a_slip_that_meets_the_end_of_the_paper(void **state)
{
    struct fake *f = up("");
    int i;

    (void)state;
    printing(f, "a");
    for (i = 0; i < 40; i++) { /* more than the minute that one has who is well */
        pass(f, 2 * SECOND);
        peer_status(f, PAPER_OUT);
    }
    assert_int_equal(f->n_done, 0);
    assert_string_equal(f->state[f->n_state - 1], "paper_out");
    /* Paper is put in, and it goes on where it was. */
    pass(f, 2 * SECOND);
    peer_status(f, WELL);
    peer_say(f, "\x00", 1);
    peer_status(f, WELL);
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", true);
    down(f);
}

static void test_nobody_puts_paper_in(void **state)
{
    struct fake *f = up("");
    int i;

    (void)state;
    printing(f, "a");
    for (i = 0; i < 299; i++) {
        pass(f, 2 * SECOND);
        peer_status(f, PAPER_OUT);
    }
    assert_int_equal(f->n_done, 0);
    pass(f, 4 * SECOND);
    expect_done(f, 0, "a", POS_PRINT_UNKNOWN, "paper_out", false);
    down(f);
}

static void test_no_answer_is_not_a_print(void **state)
{
    struct fake *f = up("");

    (void)state;
    printing(f, "a");
    pass(f, 59 * SECOND);
    assert_int_equal(f->n_done, 0);
    pass(f, 2 * SECOND);
    expect_done(f, 0, "a", POS_PRINT_UNKNOWN, "no_answer", false);
    /* And it is not printed again by itself. */
    pass(f, 100 * SECOND);
    (void)close(f->peer);
    f->peer = -1;
    peer_nobody(f);
    down(f);
}

static void test_a_connection_that_ends_in_the_middle(void **state)
{
    struct fake *f = up("");

    (void)state;
    printing(f, "a");
    assert_int_equal(ask_print(f, "3", "b", SLIP), HILO_OK);
    run(f);
    peer_close(f);
    expect_done(f, 0, "a", POS_PRINT_UNKNOWN, "connection_lost", false);
    /* The next one comes: b, not a again. */
    pass(f, 2 * SECOND);
    peer_accept(f);
    peer_status(f, WELL);
    expect_slip(f);
    peer_say(f, "\x0f", 1);
    peer_status(f, WELL);
    expect_done(f, 1, "b", POS_PRINT_PRINTED, "", true);
    peer_gone(f);
    peer_nobody(f);
    down(f);
}

static void test_a_connection_that_ends_before_the_slip_costs_nothing(void **state)
{
    struct fake *f = up("");

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    peer_accept(f);
    peer_expect(f, "\x10\x04\x01", 3);
    peer_close(f);
    assert_int_equal(f->n_done, 0);
    pass(f, 2 * SECOND);
    peer_accept(f);
    /* On the way to disk. */
    f->disk_waits = true;
    peer_status(f, WELL);
    peer_close(f);
    f->disk_waits = false;
    pass(f, 3 * SECOND);
    assert_non_null(strstr(on_disk(f, "CENTRO/3"), "\"state\":\"queued\""));
    peer_accept(f);
    peer_status(f, WELL);
    expect_slip(f);
    peer_say(f, "\x00", 1);
    peer_close(f); /* it had said that it is printed */
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", true);
    assert_int_equal(f->n_done, 1);
    down(f);
}

static void test_again_is_for_who_asked_for_it_and_not_for_ever(void **state)
{
    struct fake *f = up("/unknown=again");
    int i;

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    for (i = 0; i < 3; i++) {
        assert_int_equal(f->n_done, 0);
        peer_accept(f);
        peer_status(f, WELL);
        expect_slip(f);
        peer_close(f);
        pass(f, 2 * SECOND);
    }
    expect_done(f, 0, "a", POS_PRINT_UNKNOWN, "connection_lost", false);
    peer_nobody(f);
    down(f);
}

static void test_a_printer_that_takes_connections_and_says_nothing(void **state)
{
    struct fake *f = up("");

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    peer_accept(f);
    pass(f, 6 * SECOND);
    assert_string_equal(f->state[0], "unreachable");
    peer_expect(f, "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", 12);
    peer_gone(f); /* no slip */
    down(f);
    f = up("/nostatus");
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    peer_accept(f);
    peer_expect(f, SLIP_BYTES, sizeof SLIP_BYTES - 1);
    peer_silence(f);
    assert_int_equal(f->n_done, 0);
    peer_acked(f);
    pass(f, SECOND);
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", false); /* as far as anybody can tell */
    peer_gone(f);
    down(f);
}

static void test_one_that_takes_no_bytes_any_more(void **state)
{
    static const int small = 2048;
    struct fake *f = up("/nostatus/raster");
    char slip[4096];
    size_t n;

    (void)state;
    assert_int_equal(setsockopt(f->listening, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    /* More than its kernel holds for a reader that does not read. */
    n = (size_t)sprintf(slip, "{\"lines\":[{\"text\":\"");
    memset(slip + n, 'x', 1900);
    (void)sprintf(slip + n + 1900, "\"}],\"qr\":\"x\"}");
    assert_int_equal(ask_print(f, "3", "a", slip), HILO_OK);
    peer_accept(f);
    pass(f, 30 * SECOND);
    assert_int_equal(f->n_done, 0);
    pass(f, 62 * SECOND);
    expect_done(f, 0, "a", POS_PRINT_UNKNOWN, "no_answer", false);
    down(f);
}

static void test_status_alone_can_confirm(void **state)
{
    struct fake *f = up("/confirm=status");

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    peer_accept(f);
    peer_status(f, WELL);
    peer_expect(f, SLIP_BYTES, sizeof SLIP_BYTES - 1);
    peer_silence(f);
    peer_acked(f);
    pass(f, SECOND);
    peer_status(f, PAPER_OUT);
    assert_int_equal(f->n_done, 0);
    pass(f, 2 * SECOND);
    peer_status(f, WELL);
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", true);
    down(f);
}

static void test_what_is_cut_is_the_printers_to_say(void **state)
{
    struct fake *f = up("/cut=none/58mm");

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", "{\"title\":\"x\",\"cut\":\"full\"}"), HILO_OK);
    peer_accept(f);
    peer_status(f, WELL);
    peer_wait(f, 20);
    assert_non_null(memmem(f->got, f->n_got,
                           "\x1b"
                           "d\x04\x1dr",
                           5));
    assert_null(memmem(f->got, f->n_got, "\x1dV", 2));
    down(f);
}

/* ---- the queue
 * ---------------------------------------------------------------------------------------------- */

static void test_jobs_are_printed_in_order_and_so_many_wait(void **state)
{
    struct fake *f = up("");
    char id[16], slip[64], seen[64];
    unsigned i;

    (void)state;
    for (i = 0; i < POS_PRINT_QUEUE; i++) {
        (void)snprintf(id, sizeof id, "job-%u", i);
        (void)snprintf(slip, sizeof slip, "{\"lines\":[{\"text\":\"Slip %u.\"}]}", i);
        assert_int_equal(ask_print(f, "3", id, slip), HILO_OK);
    }
    assert_int_equal(ask_print(f, "3", "one-more", SLIP), HILO_FULL);
    assert_int_equal(ask_print(f, "3", "job-7", SLIP), HILO_DUPLICATE);
    assert_int_equal(ask_print(f, "3", "bad", "{\"drawer\":true}"), HILO_INVALID);
    assert_int_equal(ask_print(f, "3", "b a d", SLIP), HILO_INVALID);
    assert_int_equal(ask_print(f, "3", "", SLIP), HILO_INVALID);
    peer_accept(f); /* one connection for all of them */
    for (i = 0; i < POS_PRINT_QUEUE; i++) {
        peer_status(f, WELL);
        (void)snprintf(seen, sizeof seen, "\x1b@\x1c.\x1bt\x13Slip %u.\n", i);
        peer_expect(f, seen, strlen(seen));
        f->seen += 4; /* the cut */
        peer_expect(f, ORDER, 3);
        peer_say(f, "\x00", 1);
        peer_status(f, WELL);
        (void)snprintf(id, sizeof id, "job-%u", i);
        expect_done(f, i, id, POS_PRINT_PRINTED, "", true);
    }
    peer_gone(f);
    assert_int_equal(f->n_done, POS_PRINT_QUEUE);
    assert_int_equal(f->n_accepted, POS_PRINT_QUEUE);
    /* Done is done; but not for ever, so that what is kept has an end. */
    assert_int_equal(ask_print(f, "3", "job-31", SLIP), HILO_DUPLICATE);
    assert_true(strlen(on_disk(f, "CENTRO/3")) < 8192);
    assert_int_equal(ask_print(f, "3", "one-more", SLIP), HILO_OK);
    down(f);
}

static void test_an_id_is_its_terminals(void **state)
{
    struct fake *f = up(" CENTRO=127.0.0.1:1");

    (void)state;
    assert_int_equal(ask_print(f, "4", "1", SLIP), HILO_OK);
    assert_int_equal(ask_print(f, "5", "1", SLIP), HILO_OK);
    assert_int_equal(ask_print(f, "4", "1", SLIP), HILO_DUPLICATE);
    run(f);
    assert_int_equal(f->n_accepted, 2);
    assert_non_null(strstr(on_disk(f, "CENTRO"), "\"terminal\":\"5\""));
    down(f);
}

static void test_accepted_is_what_is_on_disk_not_what_is_on_its_way(void **state)
{
    struct fake *f = up("");

    (void)state;
    f->disk_waits = true;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    assert_int_equal(ask_print(f, "3", "b", SLIP), HILO_OK);
    assert_int_equal(f->n_ask, 1);
    fake_disk(f, 1); /* written before b was asked for */
    assert_int_equal(f->n_accepted, 1);
    expect_accepted(f, 0, "a", HILO_OK);
    fake_disk(f, 1);
    expect_accepted(f, 1, "b", HILO_OK);
    assert_int_equal(f->n_accepted, 2);
    down(f);
}

static void test_large_slips_fill_the_queue_sooner(void **state)
{
    struct fake *f = up("");
    static char slip[POS_SLIP_JSON_MAX];
    size_t n = (size_t)sprintf(slip, "{\"lines\":["), i;
    unsigned taken = 0;
    char id[16];

    (void)state;
    for (i = 0; i < 100; i++)
        n += (size_t)sprintf(slip + n, "%s{\"text\":\"%0120d\"}", i ? "," : "", 7);
    (void)sprintf(slip + n, "]}");
    for (;;) {
        (void)snprintf(id, sizeof id, "job-%u", taken);
        if (ask_print(f, "3", id, slip) != HILO_OK)
            break;
        run(f);
        taken++;
    }
    assert_in_range(taken, 2, 4);
    assert_int_equal(f->n_accepted, taken);
    assert_true(strlen(on_disk(f, "CENTRO/3")) < 64 * 1024);
    down(f);
}

static void test_a_job_may_ask_for_the_next_one(void **state)
{
    struct fake *f = up("");
    char next[] = "b";

    (void)state;
    printing(f, "a");
    f->print_on_done = next;
    peer_say(f, "\x00", 1);
    peer_status(f, WELL);
    peer_accept(f);
    peer_status(f, WELL);
    peer_wait(f, 20);
    assert_non_null(memmem(f->got, f->n_got, "next", 4));
    expect_accepted(f, 1, "b", HILO_OK);
    down(f);
}

/* ---- over a restart
 * ------------------------------------------------------------------------------------------ */

static void test_what_was_accepted_is_printed_after_a_restart(void **state)
{
    struct fake *f = up("");

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    run(f);
    expect_accepted(f, 0, "a", HILO_OK);
    peer_accept(f);
    end(f);
    begin(f);
    assert_int_equal(f->n_accepted, 1);
    peer_accept(f);
    peer_status(f, WELL);
    expect_slip(f);
    peer_say(f, "\x00", 1);
    peer_status(f, WELL);
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", true);
    /* And it stays told. */
    end(f);
    begin(f);
    assert_int_equal(f->n_done, 1);
    peer_nobody(f);
    down(f);
}

static void test_what_was_being_printed_is_unknown_after_a_restart(void **state)
{
    struct fake *f = up("");

    (void)state;
    printing(f, "a");
    end(f);
    begin(f);
    expect_done(f, 0, "a", POS_PRINT_UNKNOWN, "restarted", false);
    pass(f, 100 * SECOND);
    peer_nobody(f);
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_DUPLICATE);
    end(f);
    begin(f);
    assert_int_equal(f->n_done, 1);
    down(f);
}

static void test_an_end_that_was_not_told_is_told_after_a_restart(void **state)
{
    struct fake *f = up("");

    (void)state;
    printing(f, "a");
    peer_say(f, "\x00", 1);
    f->disk_waits = true;
    peer_status(f, WELL);
    assert_int_equal(f->n_done, 0); /* "printed" is not on disk: nobody hears of it */
    f->disk_waits = false;
    f->ps = (pos_printers_free(&f->ps), NULL); /* the write arrives, the gateway does not live to see it */
    fake_disk(f, CALLS);
    begin(f);
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", true);
    down(f);
}

static void test_a_disk_that_takes_nothing(void **state)
{
    struct fake *f = up("");

    (void)state;
    f->disk_rc = HILO_FULL;
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    run(f);
    expect_accepted(f, 0, "a", HILO_FULL);
    peer_nobody(f);
    /* A link that is full is no answer: it is tried again. */
    f->disk_rc = HILO_OK;
    f->call_rc = HILO_FULL;
    assert_int_equal(ask_print(f, "3", "b", SLIP), HILO_OK);
    pass(f, 2 * SECOND);
    assert_int_equal(f->n_accepted, 1);
    f->call_rc = HILO_OK;
    pos_printers_woken(f->ps);
    run(f);
    expect_accepted(f, 1, "b", HILO_OK);
    /* An end that the disk does not take is told once it does. */
    peer_accept(f);
    peer_status(f, WELL);
    expect_slip(f);
    f->disk_rc = HILO_FULL;
    peer_say(f, "\x00", 1);
    peer_status(f, WELL);
    pass(f, 5 * SECOND);
    assert_int_equal(f->n_done, 0);
    f->disk_rc = HILO_OK;
    pass(f, 2 * SECOND);
    expect_done(f, 0, "b", POS_PRINT_PRINTED, "", true);
    down(f);
}

static void test_jobs_of_before_the_queue_was_read_come_after_it(void **state)
{
    struct fake *f = up("");

    (void)state;
    assert_int_equal(ask_print(f, "3", "a", "{\"title\":\"one\"}"), HILO_OK);
    run(f);
    peer_accept(f);
    end(f);
    f->disk_waits = true;
    begin(f);
    assert_int_equal(ask_print(f, "3", "b", SLIP), HILO_OK);
    assert_int_equal(ask_print(f, "3", "a", "{\"title\":\"one\"}"), HILO_OK);
    peer_nobody(f);
    f->disk_waits = false;
    run(f);
    assert_int_equal(f->n_accepted, 3);
    expect_accepted(f, 1, "a", HILO_DUPLICATE);
    expect_accepted(f, 2, "b", HILO_OK);
    peer_accept(f);
    peer_status(f, WELL);
    peer_wait(f, 20);
    assert_non_null(memmem(f->got, f->n_got, "one", 3));
    down(f);
}

/* ---- more
 * ------------------------------------------------------------------------------------------------------- */

static void test_asb_tells_without_being_asked(void **state)
{
    struct fake *f = up("/asb");

    (void)state;
    /* It is connected with no job at all. */
    peer_accept(f);
    peer_expect(f,
                "\x1d"
                "a\x0e",
                3);
    peer_status(f, WELL);
    assert_string_equal(f->state[0], "ok");
    peer_say(f, "\x38\x00\x00\x0f", 4);
    assert_string_equal(f->state[1], "cover_open");
    /* A job waits for the cover on this same connection. */
    assert_int_equal(ask_print(f, "3", "a", SLIP), HILO_OK);
    peer_status(f, COVER);
    peer_silence(f);
    peer_say(f, "\x10\x00\x00\x0f", 4);
    peer_expect(f, SLIP_BYTES, sizeof SLIP_BYTES - 1);
    peer_expect(f,
                "\x1d"
                "a\x0e" ORDER,
                6);
    peer_say(f, "\x00", 1);
    peer_status(f, WELL);
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", true);
    peer_silence(f); /* and stays */
    peer_close(f);
    pass(f, 2 * SECOND);
    peer_accept(f);
    down(f);
}

static void test_a_drain_ends_what_was_begun_and_begins_nothing(void **state)
{
    struct fake *f = up("");

    (void)state;
    printing(f, "a");
    assert_int_equal(ask_print(f, "3", "b", SLIP), HILO_OK);
    run(f);
    assert_false(pos_printers_drain(f->ps));
    assert_int_equal(ask_print(f, "3", "c", SLIP), HILO_FULL);
    peer_say(f, "\x00", 1);
    peer_status(f, WELL);
    run(f);
    expect_done(f, 0, "a", POS_PRINT_PRINTED, "", true);
    assert_true(pos_printers_drain(f->ps));
    peer_gone(f);
    peer_nobody(f);
    end(f);
    begin(f);
    peer_accept(f); /* b */
    down(f);
}

static void test_whose_callbacks_they_are(void **state)
{
    struct fake *f = up("");

    (void)state;
    assert_false(pos_printers_on_fd(f->ps, 0, HILO_READ));
    assert_false(pos_printers_on_timer(f->ps, TIMER + 1));
    assert_false(pos_printers_on_context(f->ps, TOKENS - 1, HILO_OK, str(""), 0));
    assert_false(pos_printers_on_context(f->ps, TOKENS + 2, HILO_OK, str(""), 0));
    down(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_option_may_say),
        cmocka_unit_test(test_a_terminals_own_printer_goes_before_its_stores),
        cmocka_unit_test(test_the_four_answers),
        cmocka_unit_test(test_answers_come_in_any_mixture),
        cmocka_unit_test(test_printed_is_what_the_printer_says_is),
        cmocka_unit_test(test_a_job_waits_for_paper_and_nothing_of_it_leaves),
        cmocka_unit_test(test_each_job_that_waits_hears_why),
        cmocka_unit_test(test_a_job_that_could_not_be_begun_has_failed_in_the_end),
        cmocka_unit_test(test_a_slip_that_meets_the_end_of_the_paper),
        cmocka_unit_test(test_nobody_puts_paper_in),
        cmocka_unit_test(test_no_answer_is_not_a_print),
        cmocka_unit_test(test_a_connection_that_ends_in_the_middle),
        cmocka_unit_test(test_a_connection_that_ends_before_the_slip_costs_nothing),
        cmocka_unit_test(test_again_is_for_who_asked_for_it_and_not_for_ever),
        cmocka_unit_test(test_a_printer_that_takes_connections_and_says_nothing),
        cmocka_unit_test(test_one_that_takes_no_bytes_any_more),
        cmocka_unit_test(test_status_alone_can_confirm),
        cmocka_unit_test(test_what_is_cut_is_the_printers_to_say),
        cmocka_unit_test(test_jobs_are_printed_in_order_and_so_many_wait),
        cmocka_unit_test(test_an_id_is_its_terminals),
        cmocka_unit_test(test_accepted_is_what_is_on_disk_not_what_is_on_its_way),
        cmocka_unit_test(test_large_slips_fill_the_queue_sooner),
        cmocka_unit_test(test_a_job_may_ask_for_the_next_one),
        cmocka_unit_test(test_what_was_accepted_is_printed_after_a_restart),
        cmocka_unit_test(test_what_was_being_printed_is_unknown_after_a_restart),
        cmocka_unit_test(test_an_end_that_was_not_told_is_told_after_a_restart),
        cmocka_unit_test(test_a_disk_that_takes_nothing),
        cmocka_unit_test(test_jobs_of_before_the_queue_was_read_come_after_it),
        cmocka_unit_test(test_asb_tells_without_being_asked),
        cmocka_unit_test(test_a_drain_ends_what_was_begun_and_begins_nothing),
        cmocka_unit_test(test_whose_callbacks_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
