/* Enrolment, connecting, whom it trusts, answers, and what is said when it does not work. */
#include "loop.h"
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int setup(void **state)
{
    *state = loop_new();
    return 0;
}

static int teardown(void **state)
{
    loop_free(*state);
    return 0;
}

static void not_enrolled_says_what_to_do(void **state)
{
    struct loop *l = *state;

    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_ENOTENROLLED);
    assert_non_null(strstr(l->e.text, "hilo pos enroll"));
    assert_int_equal(loop_status(l).line, HILOTILL_OFFLINE);
    assert_int_equal(hilotill_timeout(l->t), -1);
}

static void enrols_and_connects(void **state)
{
    struct loop *l = *state;
    struct hilotill_status s;
    struct stat st;
    char path[200];
    cJSON *p;

    loop_enrolled(l);
    s = loop_status(l);
    assert_string_equal(s.store, "CENTRO");
    assert_string_equal(s.terminal, "3");
    assert_true(s.certificate_ends > 0);
    snprintf(path, sizeof path, "%s/identity.pem", l->o.folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/pending.pem", l->o.folder);
    assert_int_not_equal(access(path, F_OK), 0);

    loop_online(l);
    s = loop_status(l);
    assert_string_equal(s.role, "clerk");
    assert_string_equal(s.country, "CO");
    assert_string_equal(s.reason, "");
    p = rig_request(l->rig, "hello", 0);
    assert_string_equal(cJSON_GetObjectItem(p, "software")->valuestring, "test 1");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(p, "capabilities")), 3);
    assert_null(cJSON_GetObjectItem(p, "last_push"));
    cJSON_Delete(p);
    /* Kept: a new start needs no code. */
    loop_close(l);
    loop_online(l);
    assert_int_equal(rig_requests(l->rig, "enroll"), 1);
}

/* The public key of a CSR, as text. */
static char *key_of(struct loop *l, unsigned i)
{
    cJSON *p = rig_request(l->rig, "enroll", i);
    BIO *in = BIO_new_mem_buf(cJSON_GetObjectItem(p, "csr")->valuestring, -1), *out = BIO_new(BIO_s_mem());
    X509_REQ *req = PEM_read_bio_X509_REQ(in, NULL, NULL, NULL);
    char *bytes, *text;
    long n;

    assert_non_null(req);
    assert_int_equal(PEM_write_bio_PUBKEY(out, X509_REQ_get0_pubkey(req)), 1);
    n = BIO_get_mem_data(out, &bytes);
    text = strndup(bytes, (size_t)n);
    X509_REQ_free(req);
    BIO_free(in);
    BIO_free(out);
    cJSON_Delete(p);
    return text;
}

static void enrolment_survives_a_lost_answer(void **state)
{
    struct loop *l = *state;
    char *a, *b;

    rig_mute(l->rig, "enroll", 1);
    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(hilotill_enroll(l->t, rig_code(l->rig, "127.0.0.1", false), &l->e), HILOTILL_OK);
    l->enrolled = 1;
    UNTIL(l, rig_requests(l->rig, "enroll") == 1);
    rig_hang_up(l->rig);
    UNTIL(l, l->enrolled <= 0);
    assert_int_equal(l->enrolled, HILOTILL_ELOST);
    /* A kill between: the same key is asked for. */
    loop_close(l);
    loop_enrolled(l);
    a = key_of(l, 0);
    b = key_of(l, 1);
    assert_string_equal(a, b);
    free(a);
    free(b);
    loop_online(l);
}

static int enrol_with(struct loop *l, const char *code)
{
    int rc = hilotill_enroll(l->t, code, &l->e);

    if (rc != HILOTILL_OK)
        return rc;
    l->enrolled = 1;
    UNTIL(l, l->enrolled <= 0);
    return l->enrolled;
}

static void a_code_is_refused_in_words(void **state)
{
    struct loop *l = *state;
    char code[800], *p;

    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(enrol_with(l, "HILO1-ABCDE-FGHJK"), HILOTILL_EARG);
    snprintf(code, sizeof code, "%s", rig_code(l->rig, "127.0.0.1", false));
    p = code + 20;
    *p = *p == '7' ? '8' : '7';
    assert_int_equal(enrol_with(l, code), HILOTILL_EARG);
    assert_non_null(strstr(l->e.text, "mistyped"));
    /* Another gateway than the code's: nothing is said to it. */
    assert_int_equal(enrol_with(l, rig_code(l->rig, "127.0.0.1", true)), HILOTILL_ETRUST);
    /* By the right CA, but for another host. */
    rig_server_name(l->rig, "198.51.100.7", false);
    assert_int_equal(enrol_with(l, rig_code(l->rig, "127.0.0.1", false)), HILOTILL_ETRUST);
    rig_server_name(l->rig, "127.0.0.1", true); /* or a terminal's */
    assert_int_equal(enrol_with(l, rig_code(l->rig, "127.0.0.1", false)), HILOTILL_ETRUST);
    rig_server_name(l->rig, "127.0.0.1", false);
    assert_int_equal(rig_requests(l->rig, "enroll"), 0);
    snprintf(code, sizeof code, "%s", rig_code(l->rig, "127.0.0.1", false));
    rig_script(l->rig, "enroll", false, NULL);
    rig_code(l->rig, "localhost", false); /* it expects another one now */
    assert_int_equal(enrol_with(l, code), HILOTILL_EREFUSED);
    assert_non_null(strstr(l->enrolled_why.text, "no such code"));
    assert_int_equal(loop_status(l).line, HILOTILL_OFFLINE);
}

static void typed_with_dashes_and_small_letters(void **state)
{
    struct loop *l = *state;
    const char *code = rig_code(l->rig, "127.0.0.1", false);
    char typed[1600];
    size_t i, n = 0;

    for (i = 6; code[i]; i++) {
        typed[n++] = code[i] == '0'   ? 'o'
                     : code[i] == '1' ? 'l'
                     : code[i] >= 'A' ? (char)(code[i] + 32)
                                      : code[i];
        if (i % 5 == 0)
            typed[n++] = i % 2 ? '-' : ' ';
    }
    typed[n] = 0;
    assert_int_equal(loop_open(l), HILOTILL_OK);
    memmove(typed + 6, typed, n + 1);
    memcpy(typed, "hilo1-", 6);
    assert_int_equal(enrol_with(l, typed), HILOTILL_OK);
}

static void a_server_for_another_name_is_not_trusted(void **state)
{
    struct loop *l = *state;

    loop_enrolled(l);
    rig_server_name(l->rig, "198.51.100.7", false);
    assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_OK);
    UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
    assert_non_null(strstr(loop_status(l).reason, "another name"));
    assert_int_equal(rig_requests(l->rig, "hello"), 0);
    rig_server_name(l->rig, "127.0.0.1", false);
    UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
}

/* A stolen terminal's certificate is by the same CA. */
static void a_terminal_is_no_server(void **state)
{
    struct loop *l = *state;

    loop_enrolled(l);
    rig_server_name(l->rig, "127.0.0.1", true);
    assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_OK);
    UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
    assert_non_null(strstr(loop_status(l).reason, "not the gateway"));
    assert_int_equal(rig_requests(l->rig, "hello"), 0);
}

static void another_ca_is_not_trusted(void **state)
{
    struct loop *l = *state;
    struct rig *other = rig_new();
    char host[64];

    loop_enrolled(l);
    loop_close(l);
    snprintf(host, sizeof host, "127.0.0.1:%u", rig_port(other));
    l->o.host = host;
    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_OK);
    UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
    assert_non_null(strstr(loop_status(l).reason, "not the gateway"));
    assert_int_equal(rig_requests(other, "hello"), 0);
    rig_free(&other);
}

static void revoked_in_the_handshake_or_by_a_push(void **state)
{
    struct loop *l = *state;
    const char *json;
    char id[HILOTILL_ID];
    int64_t as_of;

    loop_online(l);
    assert_int_equal(
        hilotill_request(l->t, "customer.find", "{\"by\":{\"customer\":\"cus_1\"}}", 1, id, &l->e), 0);
    UNTIL(l, loop_answer(l, id));
    assert_int_equal(
        hilotill_cached(l->t, "customer.find", "{\"by\":{\"customer\":\"cus_1\"}}", &json, &as_of, &l->e), 0);
    rig_push(l->rig, "p-1", "revoked", "{}");
    UNTIL(l, loop_status(l).line == HILOTILL_REVOKED);
    assert_non_null(strstr(loop_status(l).reason, "revoked"));
    /* What was kept of customers is gone. */
    assert_int_equal(
        hilotill_cached(l->t, "customer.find", "{\"by\":{\"customer\":\"cus_1\"}}", &json, &as_of, &l->e),
        HILOTILL_EARG);
    assert_int_equal(hilotill_timeout(l->t), -1);
    UNTIL(l, rig_acks(l->rig, "p-1") == 1);
    rig_revoke(l->rig);
    hilotill_hurry(l->t);
    UNTIL(l, rig_connections(l->rig) == 3 && loop_status(l).line == HILOTILL_REVOKED);
    assert_non_null(strstr(loop_status(l).reason, "revoked"));
}

static void answers_come_to_their_requests(void **state)
{
    struct loop *l = *state;
    char a[HILOTILL_ID], b[HILOTILL_ID];
    cJSON *p;

    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(hilotill_request(l->t, "customer.find", "{}", 0, a, &l->e), HILOTILL_EOFFLINE);
    rig_script(l->rig, "customer.find", false, "{\"customer\":null}");
    rig_script(l->rig, "media.get", true,
               "{\"code\":-32002,\"message\":\"no such media\",\"data\":{\"reason\":\"not_found\"}}");
    loop_online(l);
    assert_int_equal(hilotill_set_clerk(l->t, "ana", &l->e), HILOTILL_OK);
    assert_int_equal(
        hilotill_request(l->t, "customer.find", "{\"by\":{\"phone\":\"+573001112233\"}}", 0, a, &l->e), 0);
    assert_int_equal(
        hilotill_request(l->t, "media.get", "{\"media\":\"med_1\",\"clerk\":\"eva\"}", 0, b, &l->e), 0);
    UNTIL(l, loop_answer(l, a) && loop_answer(l, b));
    assert_string_equal(loop_answer(l, a)->result, "{\"customer\":null}");
    assert_int_equal(loop_answer(l, a)->queued, 0);
    assert_int_equal(loop_answer(l, b)->code, -32002);
    assert_string_equal(loop_answer(l, b)->error, "no such media");
    assert_string_equal(loop_answer(l, b)->data, "{\"reason\":\"not_found\"}");
    p = rig_request(l->rig, "customer.find", 0);
    assert_string_equal(cJSON_GetObjectItem(p, "clerk")->valuestring, "ana");
    cJSON_Delete(p);
    p = rig_request(l->rig, "media.get", 0);
    assert_string_equal(cJSON_GetObjectItem(p, "clerk")->valuestring, "eva");
    cJSON_Delete(p);
    /* Unanswered when the line ends: it is said, once. */
    rig_mute(l->rig, "customer.find", 1);
    assert_int_equal(hilotill_request(l->t, "customer.find", "{}", 0, a, &l->e), 0);
    UNTIL(l, rig_requests(l->rig, "customer.find") == 2);
    rig_hang_up(l->rig);
    UNTIL(l, loop_answer(l, a));
    assert_int_equal(loop_answer(l, a)->code, HILOTILL_ELOST);
    UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
    assert_int_equal(loop_answers(l, a), 1);
}

static void stale_answers_can_be_shown(void **state)
{
    struct loop *l = *state;
    const char *json;
    char id[HILOTILL_ID];
    int64_t as_of;

    rig_script(l->rig, "customer.find", false, "{\"as_of\":\"x\",\"customer\":{\"name\":\"Ana\"}}");
    loop_online(l);
    assert_int_equal(hilotill_request(l->t, "customer.find",
                                      "{\"by\":{\"phone\":\"+1\"},\"reason\":\"claim\"}", 1, id, &l->e),
                     0);
    UNTIL(l, loop_answer(l, id));
    loop_close(l);
    rig_listen(l->rig, false);
    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(hilotill_cached(l->t, "customer.find",
                                     "{\"by\":{\"phone\":\"+1\"},\"reason\":\"pickup\"}", &json, &as_of,
                                     &l->e),
                     0);
    assert_non_null(strstr(json, "Ana"));
    assert_true(as_of > INT64_C(1500000000000));
    assert_int_equal(
        hilotill_cached(l->t, "customer.find", "{\"by\":{\"phone\":\"+2\"}}", &json, &as_of, &l->e),
        HILOTILL_EARG);
}

static void sessions_are_resumed(void **state)
{
    struct loop *l = *state;
    unsigned i;

    loop_online(l);
    for (i = 2; i <= 4; i++) {
        /* Tickets come after the handshake, with the first bytes. */
        rig_hang_up(l->rig);
        UNTIL(l, rig_hellos(l->rig) == i && loop_status(l).line == HILOTILL_ONLINE);
    }
    assert_int_equal(rig_resumed(l->rig), 3);
}

static void what_is_no_protocol_ends_the_line(void **state)
{
    static const char *const bad[] = {"GET / HTTP/1.1\n",
                                      "{}\n",
                                      "[]\n",
                                      "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n",
                                      "{\"jsonrpc\":\"2.0\",\"id\":\"x\"}\n",
                                      "\xff\n"};
    struct loop *l = *state;
    char *huge = malloc(80001);
    unsigned i;

    loop_online(l);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig_raw(l->rig, bad[i]);
        UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
        assert_non_null(strstr(loop_status(l).reason, "protocol"));
        UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
    }
    memset(huge, ' ', 80000);
    huge[80000] = 0;
    rig_raw(l->rig, huge);
    UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
    assert_non_null(strstr(loop_status(l).reason, "64 KiB"));
    UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
    free(huge);
    /* Empty lines, a CR, an answer nobody waits for: nothing. */
    rig_raw(l->rig, "\n\r\n{\"jsonrpc\":\"2.0\",\"id\":\"none\",\"result\":{}}\r\n{\"jsonrpc\":\"2.0\","
                    "\"id\":\"p-9\",\"method\":\"ping\",\"params\":{}}\n");
    i = rig_hellos(l->rig);
    rig_push(l->rig, "p-8", "ping", "{}");
    UNTIL(l, rig_acks(l->rig, "p-8") == 1);
    assert_int_equal(rig_hellos(l->rig), i);
}

static void renews_by_itself(void **state)
{
    struct loop *l = *state;
    int64_t before;

    rig_old(l->rig, 61);
    rig_days(l->rig, 29);
    loop_enrolled(l);
    before = loop_status(l).certificate_ends;
    rig_days(l->rig, 90);
    loop_online(l);
    UNTIL(l, loop_status(l).certificate_ends > before + 50 * 86400);
    assert_int_equal(rig_requests(l->rig, "certificate.renew"), 1);
    /* The new one is the one used. */
    rig_hang_up(l->rig);
    UNTIL(l, rig_hellos(l->rig) == 2 && loop_status(l).line == HILOTILL_ONLINE);
    loop_close(l);
    loop_online(l);
    assert_int_equal(rig_requests(l->rig, "certificate.renew"), 1);
    assert_int_equal(rig_requests(l->rig, "enroll"), 1);
}

static void renews_when_it_is_told_to(void **state)
{
    struct loop *l = *state;
    int64_t before;

    rig_days(l->rig, 60);
    loop_online(l);
    before = loop_status(l).certificate_ends;
    rig_days(l->rig, 90);
    rig_push(l->rig, "p-1", "certificate.rotate", "{}");
    UNTIL(l, loop_status(l).certificate_ends > before + 20 * 86400);
    assert_int_equal(rig_acks(l->rig, "p-1"), 1);
    assert_int_equal(rig_requests(l->rig, "certificate.renew"), 1);
    assert_int_equal(l->n_pushes, 0);
}

/* A gateway that was restored from before a renewal knows the key before it. */
static void goes_back_to_the_key_before(void **state)
{
    struct loop *l = *state;
    char path[200];
    int64_t before;

    rig_old(l->rig, 61);
    rig_days(l->rig, 29);
    loop_enrolled(l);
    snprintf(path, sizeof path, "%s/previous.pem", l->o.folder);
    before = loop_status(l).certificate_ends;
    rig_days(l->rig, 90);
    loop_online(l);
    UNTIL(l, loop_status(l).certificate_ends > before + 50 * 86400);
    assert_int_equal(access(path, F_OK), 0);
    rig_forget_last(l->rig);
    loop_close(l); /* and its session */
    loop_online(l);
    UNTIL(l, rig_requests(l->rig, "certificate.renew") == 2 &&
                 loop_status(l).certificate_ends > before + 50 * 86400);
    /* Once the new one was let in, the one before is gone. */
    loop_close(l);
    loop_online(l);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void short_lives_are_renewed_in_their_last_third(void **state)
{
    struct loop *l = *state;

    rig_days(l->rig, 3);
    loop_online(l);
    loop_note(l, "0", NULL);
    UNTIL(l, loop_status(l).waiting == 0);
    assert_int_equal(rig_requests(l->rig, "certificate.renew"), 0);
}

static void one_process_a_folder(void **state)
{
    struct loop *l = *state;
    struct hilotill *second = NULL;

    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(hilotill_open(&l->o, &second, &l->e), HILOTILL_EINUSE);
    assert_non_null(strstr(l->e.text, "in use by another program"));
    assert_null(second);
}

static void spoil(const char *path, long at, const char *bytes)
{
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0);
    assert_true(pwrite(fd, bytes, strlen(bytes), at) > 0);
    close(fd);
}

static void damage_is_told_and_nothing_is_overwritten(void **state)
{
    struct loop *l = *state;
    char path[200];

    loop_enrolled(l);
    loop_close(l);
    snprintf(path, sizeof path, "%s/till.db", l->o.folder);
    spoil(path, 0, "this is no database");
    assert_int_equal(loop_open(l), HILOTILL_EDAMAGED);
    assert_non_null(strstr(l->e.text, "till.db is damaged"));
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/identity.pem", l->o.folder);
    spoil(path, 60, "!!!!");
    assert_int_equal(loop_open(l), HILOTILL_EDAMAGED);
    assert_non_null(strstr(l->e.text, "identity.pem is damaged"));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(loop_open(l), HILOTILL_EDISK);
    assert_non_null(strstr(l->e.text, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    l->o.language = "es";
    assert_int_equal(loop_open(l), HILOTILL_EDAMAGED);
    assert_non_null(strstr(l->e.text, "está dañado"));
}

static void no_gateway_is_said_in_words(void **state)
{
    struct loop *l = *state;

    loop_enrolled(l);
    rig_listen(l->rig, false);
    assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_OK);
    UNTIL(l, loop_status(l).line == HILOTILL_WAITING);
    assert_non_null(strstr(loop_status(l).reason, "no line to 127.0.0.1"));
    rig_listen(l->rig, true);
    UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
    hilotill_disconnect(l->t);
    UNTIL(l, loop_status(l).line == HILOTILL_OFFLINE);
    assert_int_equal(hilotill_timeout(l->t), -1);
}

/* ---- names --------------------------------------------------------------------------------------------- */

static unsigned datagrams; /* of this process; c-ares sends by this symbol, too */

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    socklen_t len = sizeof(int);
    int type = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM)
        datagrams++;
    return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

/* A shop whose DNS is away still has its gateway in the next room. */
static void an_address_is_asked_of_nobody(void **state)
{
    struct loop *l = *state;

    datagrams = 0;
    loop_online(l);
    assert_int_equal(datagrams, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_address_is_asked_of_nobody),
        T(not_enrolled_says_what_to_do),
        T(enrols_and_connects),
        T(enrolment_survives_a_lost_answer),
        T(a_code_is_refused_in_words),
        T(typed_with_dashes_and_small_letters),
        T(a_server_for_another_name_is_not_trusted),
        T(a_terminal_is_no_server),
        T(another_ca_is_not_trusted),
        T(revoked_in_the_handshake_or_by_a_push),
        T(answers_come_to_their_requests),
        T(stale_answers_can_be_shown),
        T(sessions_are_resumed),
        T(what_is_no_protocol_ends_the_line),
        T(renews_by_itself),
        T(renews_when_it_is_told_to),
        T(goes_back_to_the_key_before),
        T(short_lives_are_renewed_in_their_last_third),
        T(one_process_a_folder),
        T(damage_is_told_and_nothing_is_overwritten),
        T(no_gateway_is_said_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
