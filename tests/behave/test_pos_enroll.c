/*
 * Terminals of shop counters come in, change their keys and go, as an operator and a till see it: the
 * operator by the program hilo, the till by the openssl program alone, which makes its key and request,
 * speaks TLS, and tells alerts.
 */
#include "harness.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct rig {
    struct scratch scratch;
    struct gate gate;
    int port;
    char lines[1024];
};

/* ---- shells ------------------------------------------------------------------------------------------- */

/* A shell command in the scratch folder; what it wrote to both outputs. It must end well. */
__attribute__((format(printf, 2, 3))) static const char *sh(struct rig *r, const char *fmt, ...)
{
    static char out[65536];
    char command[8192], whole[9000];
    va_list ap;
    size_t n;
    FILE *p;

    va_start(ap, fmt);
    (void)vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    (void)snprintf(whole, sizeof whole, "cd %s && {\n%s\n} 2>&1", r->scratch.dir, command);
    p = popen(whole, "r");
    assert_non_null(p);
    n = fread(out, 1, sizeof out - 1, p);
    out[n] = '\0';
    if (pclose(p) != 0)
        fail_msg("%s: %s", command, out);
    return out;
}

/* hilo pos … towards this gateway. */
#define HILO "%s/hilo pos %s --url %s --key %s"
static const char *hilo(struct rig *r, const char *words)
{
    char build[512];

    assert_non_null(realpath(harness_build(), build));
    return sh(r, HILO, build, words, r->gate.url, r->gate.key);
}

/* Of what hilo --json printed. */
static void hilo_says(struct rig *r, const char *words, const char *path, const char *want)
{
    char line[256];
    cJSON *json;
    const cJSON *v;

    (void)snprintf(line, sizeof line, "%s --json", words);
    json = cJSON_Parse(hilo(r, line));
    v = json_at(json, path);
    if (!cJSON_IsString(v) || strcmp(v->valuestring, want) != 0)
        fail_msg("hilo pos %s: %s is %s, not %s", words, path, cJSON_IsString(v) ? v->valuestring : "absent",
                 want);
    cJSON_Delete(json);
}

/* A code, in one of a few buffers. */
static const char *invite(struct rig *r, const char *words)
{
    static char codes[4][640];
    static unsigned turn;
    char line[256], *out = codes[turn++ % 4];

    (void)snprintf(line, sizeof line, "enroll %s -q", words);
    (void)snprintf(out, 640, "%s", hilo(r, line));
    out[strcspn(out, "\n")] = '\0';
    assert_int_equal(strncmp(out, "HILO1-", 6), 0);
    return out;
}

/* ---- a till that is the openssl program -------------------------------------------------------------------
 */

/* till.key and till.csr, by another name than till. */
static void make_key(struct rig *r, const char *name)
{
    (void)sh(r,
             "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out %s.csr "
             "-subj /CN=whatever",
             name, name);
}

/* {"jsonrpc":…,"params":{"code":…,"csr":…}} in a line of a file. code NULL: certificate.renew. */
static void csr_request(struct rig *r, const char *id, const char *code, const char *name, const char *to)
{
    cJSON *json = cJSON_CreateObject(), *params;
    char file[64], *csr, *text;

    (void)snprintf(file, sizeof file, "%s.csr", name);
    csr = file_read(scratch_path(&r->scratch, file), NULL);
    (void)cJSON_AddStringToObject(json, "jsonrpc", "2.0");
    (void)cJSON_AddStringToObject(json, "id", id);
    (void)cJSON_AddStringToObject(json, "method", code ? "enroll" : "certificate.renew");
    params = cJSON_AddObjectToObject(json, "params");
    if (code)
        (void)cJSON_AddStringToObject(params, "code", code);
    (void)cJSON_AddStringToObject(params, "csr", csr);
    text = cJSON_PrintUnformatted(json);
    (void)sh(r, "cat >>%s <<'EOF'\n%s\nEOF\n", to, text);
    cJSON_free(text);
    cJSON_Delete(json);
    free(csr);
}

/* openssl s_client with this file as what the till says; then it listens until the gateway ends it. */
static struct process *talk(struct rig *r, const char *alpn, const char *options, const char *says)
{
    char command[1024];

    (void)snprintf(command, sizeof command,
                   "cd %s && exec openssl s_client -quiet -alpn %s -connect 127.0.0.1:%d %s <%s "
                   "2>&1",
                   r->scratch.dir, alpn, r->port, options, says);
    return process_start((const char *const[]){"/bin/sh", "-c", command, NULL});
}

/* The next line that is an answer to this id; free with cJSON_Delete. */
static cJSON *answer_to(struct process *p, const char *id)
{
    char want[64];
    const char *line;
    cJSON *json;

    (void)snprintf(want, sizeof want, "\"id\":\"%s\"", id);
    line = process_wait_line(p, want, NULL);
    json = cJSON_Parse(strchr(line, '{'));
    assert_non_null(json);
    return json;
}

static const char *text_of(const cJSON *json, const char *path)
{
    const cJSON *v = json_at(json, path);

    return cJSON_IsString(v) ? v->valuestring : "";
}

/* A certificate and the CA out of a result, into name.pem and ca.pem. */
static void keep(struct rig *r, const cJSON *answer, const char *name)
{
    char file[64];

    if (!json_at(answer, "result"))
        fail_msg("%s", cJSON_Print(answer));
    (void)snprintf(file, sizeof file, "%s.pem", name);
    file_write(scratch_path(&r->scratch, file), text_of(answer, "result/certificate"));
    file_write(scratch_path(&r->scratch, "ca.pem"), text_of(answer, "result/ca"));
}

/* Enrols a key of this name by a code; its error's reason, "" if there is none. */
static const char *enroll(struct rig *r, const char *name, const char *code)
{
    static char reason[64];
    struct process *p;
    cJSON *a;

    (void)sh(r, "rm -f said.txt");
    csr_request(r, "e1", code, name, "said.txt");
    p = talk(r, "hilo-enroll/1", "", "said.txt");
    a = answer_to(p, "e1");
    (void)snprintf(reason, sizeof reason, "%s", text_of(a, "error/data/reason"));
    if (!reason[0])
        keep(r, a, name);
    cJSON_Delete(a);
    process_free(&p);
    return reason;
}

#define HELLO                                                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":\"h1\",\"method\":\"hello\",\"params\":{\"protocol\":1,\"software\":"       \
    "\"openssl\"}}\n"

/* A connection of this till, its hello sent. */
static struct process *connect_as(struct rig *r, const char *name)
{
    char options[256];

    file_write(scratch_path(&r->scratch, "hello.txt"), HELLO);
    (void)snprintf(options, sizeof options,
                   "-verify_return_error -CAfile ca.pem -verify_hostname localhost -cert %s.pem -key %s.key",
                   name, name);
    return talk(r, "hilo-pos/1", options, "hello.txt");
}

/* It is let in, as this store, terminal and role. */
static void is_let_in(struct rig *r, const char *name, const char *store, const char *terminal,
                      const char *role)
{
    struct process *p = connect_as(r, name);
    cJSON *a = answer_to(p, "h1");

    assert_string_equal(text_of(a, "result/store"), store);
    assert_string_equal(text_of(a, "result/terminal"), terminal);
    assert_string_equal(text_of(a, "result/role"), role);
    cJSON_Delete(a);
    process_free(&p);
}

/* It gets this alert (RFC 8446, 6.2), and the log has this reason. */
static void is_refused(struct rig *r, const char *name, int alert, const char *reason)
{
    char line[64];
    bool named = strcmp(reason, "unknown_ca") != 0 && strcmp(reason, "bad_name") != 0;
    struct process *p = connect_as(r, name);
    char *out = process_output(p);

    (void)snprintf(line, sizeof line, "SSL alert number %d\n", alert);
    if (!strstr(out, line))
        fail_msg("%s: alert %d was expected: %s", name, alert, out);
    free(out);
    process_free(&p);
    (void)snprintf(line, sizeof line, "pos.refused reason=%s ", reason);
    (void)process_wait_line(r->gate.process, line, named ? " store=" : "", named ? " terminal=" : "", NULL);
}

/* ---- a gateway
 * ------------------------------------------------------------------------------------------------ */

static void listening(struct rig *r)
{
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "text=\"listening\"", NULL);
}

/* more: lines of the channel. Waits until it listens. */
static struct rig *up(const char *more)
{
    static struct rig r;

    memset(&r, 0, sizeof r);
    scratch_init(&r.scratch);
    r.port = free_port();
    (void)snprintf(r.lines, sizeof r.lines,
                   "    listen: \"127.0.0.1:%d\"\n    names: localhost, 127.0.0.1\n%s", r.port, more);
    r.gate.type = "pos";
    r.gate.channel = r.lines;
    gate_start(&r.gate, &r.scratch, NULL);
    listening(&r);
    return &r;
}

static void down(struct rig *r)
{
    gate_stop(&r->gate);
    gate_check_store(&r->gate);
    process_free(&r->gate.process);
    scratch_done(&r->scratch);
}

static void crash(struct rig *r)
{
    gate_kill(&r->gate);
    gate_again(&r->gate);
    listening(r);
}

/* ---- the tests
 * --------------------------------------------------------------------------------------------------- */

/* The bytes of a code, by the text of PROTOCOL.md. */
static size_t code_bytes(const char *code, unsigned char *out)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned bits = 0, have = 0;
    size_t n = 0;

    for (code += 5; *code; code++) {
        if (*code == '-')
            continue;
        bits = (bits << 5 | (unsigned)(strchr(alphabet, *code) - alphabet)) & 0xfff;
        have += 5;
        if (have >= 8) {
            have -= 8;
            out[n++] = (unsigned char)(bits >> have);
        }
    }
    return n;
}

static void a_till_comes_in_by_a_code(void **state)
{
    struct rig *r = up("");
    const char *code = invite(r, "--store CENTRO --terminal 3");
    unsigned char bytes[512];
    char hex[33];
    size_t n = code_bytes(code, bytes), i;

    (void)state;
    /* The code knows the gateway by the last certificate that it shows. */
    assert_int_equal(n, 12 + 16 + 2 + strlen("localhost") + 3);
    assert_int_equal(bytes[28] << 8 | bytes[29], r->port);
    assert_memory_equal(bytes + 30, "localhost", 9);
    for (i = 0; i < 16; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[12 + i]);
    assert_non_null(strstr(
        sh(r,
           "openssl s_client -alpn hilo-enroll/1 -showcerts -connect 127.0.0.1:%d </dev/null 2>/dev/null "
           "| awk '/BEGIN CERT/{c=\"\"}{c=c $0 \"\\n\"}END{printf \"%%s\",c}' "
           "| openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum",
           r->port),
        hex));
    make_key(r, "till");
    assert_string_equal(enroll(r, "till", code), "");
    (void)process_wait_line(r->gate.process, "pos.enrolled store=CENTRO terminal=3 role=clerk", "by=key_",
                            NULL);
    assert_non_null(strstr(sh(r, "openssl verify -purpose sslclient -CAfile ca.pem till.pem"), "OK"));
    assert_non_null(
        strstr(sh(r, "openssl x509 -in till.pem -noout -ext subjectAltName"), "urn:hilo:pos:CENTRO:3"));
    is_let_in(r, "till", "CENTRO", "3", "clerk");
    hilo_says(r, "show CENTRO 3", "state", "active");
    /* Once: another key is refused, the same one (an answer got lost) is not; over a crash, too. */
    make_key(r, "thief");
    assert_string_equal(enroll(r, "thief", code), "code");
    (void)process_wait_line(r->gate.process, "pos.refused reason=code address=127.0.0.1", NULL);
    assert_string_equal(enroll(r, "till", code), "");
    crash(r);
    assert_string_equal(enroll(r, "thief", code), "code");
    assert_string_equal(enroll(r, "till", code), "");
    is_let_in(r, "till", "CENTRO", "3", "clerk");
    assert_false(process_saw(r->gate.process, code + 12)); /* no code is in the log */
    down(r);
}

static void a_code_outlives_a_crash_and_may_be_withdrawn(void **state)
{
    struct rig *r = up("");
    const char *code = invite(r, "--store CENTRO --terminal 4 --role kiosk"), *other;
    char line[64];
    cJSON *json;

    (void)state;
    crash(r);
    make_key(r, "till");
    assert_string_equal(enroll(r, "till", code), "");
    is_let_in(r, "till", "CENTRO", "4", "kiosk");
    json = cJSON_Parse(hilo(r, "enroll --store CENTRO --terminal 5 --json"));
    (void)snprintf(line, sizeof line, "withdraw %s", text_of(json, "id"));
    (void)hilo(r, line);
    make_key(r, "late");
    assert_string_equal(enroll(r, "late", text_of(json, "code")), "code");
    cJSON_Delete(json);
    other = invite(r, "--store CENTRO --terminal 5");
    assert_string_equal(enroll(r, "late", other), "");
    hilo_says(r, "list", "terminals/0/terminal", "4");
    hilo_says(r, "list", "terminals/1/terminal", "5");
    down(r);
}

static void who_guesses_codes_waits(void **state)
{
    struct rig *r = up("");
    const char *good = invite(r, "--store CENTRO --terminal 3");
    unsigned i, refused = 0, limited = 0;

    (void)state;
    make_key(r, "till");
    for (i = 0; i < 14; i++) {
        const char *reason = enroll(r, "till", i % 2 ? "rubbish" : "HILO1-Y3RZ5-WZMYQ");

        refused += strcmp(reason, "code") == 0;
        limited += strcmp(reason, "rate") == 0;
    }
    assert_int_equal(refused, 10);
    assert_int_equal(limited, 4);
    /* The right one does not get through behind that many, and is not used up. */
    assert_string_equal(enroll(r, "till", good), "rate");
    (void)process_wait_line(r->gate.process, "pos.refused reason=rate", NULL);
    /* A line a try that was judged, and one a minute of the rest. */
    assert_int_equal(process_count(r->gate.process, "pos.refused reason=code"), 10);
    assert_int_equal(process_count(r->gate.process, "pos.refused reason=rate"), 1);
    crash(r); /* who may guess is forgotten, what may be guessed is not */
    assert_string_equal(enroll(r, "till", good), "");
    is_let_in(r, "till", "CENTRO", "3", "clerk");
    down(r);
}

static void revoked_while_it_is_connected(void **state)
{
    struct rig *r = up("");
    struct process *p;
    char *out;

    (void)state;
    make_key(r, "till");
    assert_string_equal(enroll(r, "till", invite(r, "--store CENTRO --terminal 3")), "");
    p = connect_as(r, "till");
    cJSON_Delete(answer_to(p, "h1"));
    hilo_says(r, "revoke CENTRO 3", "state", "revoked");
    (void)process_wait_line(p, "\"method\":\"revoked\"", NULL);
    out = process_output(p); /* it ends */
    free(out);
    process_free(&p);
    (void)process_wait_line(r->gate.process, "pos.revoked store=CENTRO terminal=3", "by=key_", NULL);
    is_refused(r, "till", 44, "revoked");
    crash(r);
    is_refused(r, "till", 44, "revoked");
    hilo_says(r, "list --state revoked", "terminals/0/store", "CENTRO");
    /* Only a new code brings it back, with a new key. */
    make_key(r, "again");
    assert_string_equal(enroll(r, "again", invite(r, "--store CENTRO --terminal 3")), "");
    is_let_in(r, "again", "CENTRO", "3", "clerk");
    is_refused(r, "till", 46, "other_key");
    (void)hilo(r, "remove CENTRO 3");
    is_refused(r, "again", 46, "not_registered");
    down(r);
}

/* A connection that was let in and has said nothing yet is none the better for it. */
static void revoked_between_handshake_and_hello(void **state)
{
    struct rig *r = up("");
    struct process *p;
    const char *pipe;
    char *out;
    bool seen = false;
    cJSON *json;
    int fd;

    (void)state;
    make_key(r, "till");
    assert_string_equal(enroll(r, "till", invite(r, "--store CENTRO --terminal 3")), "");
    pipe = scratch_path(&r->scratch, "pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    fd = open(pipe, O_RDWR);
    assert_true(fd >= 0);
    p = talk(r, "hilo-pos/1", "-verify_return_error -CAfile ca.pem -cert till.pem -key till.key", "pipe");
    while (!seen) { /* until the handshake is through */
        json = cJSON_Parse(hilo(r, "show CENTRO 3 --json"));
        seen = json_at(json, "seen") != NULL;
        cJSON_Delete(json);
    }
    hilo_says(r, "revoke CENTRO 3", "state", "revoked");
    assert_int_equal(write(fd, HELLO, sizeof HELLO - 1), sizeof HELLO - 1);
    json = answer_to(p, "h1");
    assert_string_equal(text_of(json, "error/data/reason"), "revoked");
    cJSON_Delete(json);
    (void)close(fd);
    out = process_output(p); /* it ends */
    free(out);
    process_free(&p);
    down(r);
}

static void asked_to_rotate(void **state)
{
    struct rig *r = up("");
    struct process *p;
    cJSON *a;
    char options[] =
        "-verify_return_error -CAfile ca.pem -verify_hostname localhost -cert old.pem -key old.key";

    (void)state;
    make_key(r, "old");
    assert_string_equal(enroll(r, "old", invite(r, "--store CENTRO --terminal 3")), "");
    p = connect_as(r, "old");
    cJSON_Delete(answer_to(p, "h1"));
    (void)hilo(r, "rotate CENTRO 3");
    (void)process_wait_line(p, "\"method\":\"certificate.rotate\"", NULL);
    process_free(&p);
    make_key(r, "new");
    file_write(scratch_path(&r->scratch, "renew.txt"), HELLO);
    csr_request(r, "r1", NULL, "new", "renew.txt");
    p = talk(r, "hilo-pos/1", options, "renew.txt");
    a = answer_to(p, "r1");
    keep(r, a, "new");
    cJSON_Delete(a);
    process_free(&p);
    is_let_in(r, "old", "CENTRO", "3", "clerk"); /* until the new one was used */
    crash(r);
    is_let_in(r, "old", "CENTRO", "3", "clerk");
    is_let_in(r, "new", "CENTRO", "3", "clerk");
    is_refused(r, "old", 46, "other_key");
    crash(r);
    is_refused(r, "old", 46, "other_key");
    is_let_in(r, "new", "CENTRO", "3", "clerk");
    hilo_says(r, "role CENTRO 3 cashier", "role", "cashier");
    is_let_in(r, "new", "CENTRO", "3", "cashier");
    down(r);
}

/* Look-ups have a limit for each clerk (two at once here) and for each till (three), and a refusal says
 * neither whom nor by what. */
static void look_ups_are_limited(void **state)
{
    static const struct {
        const char *id, *clerk, *number;
        int code; /* 0: answered */
    } finds[] = {
        {"f1", "ana", "1.020.304.050", 0},   {"f2", "ana", "1020304051", 0},
        {"f3", "ana", "1020304052", -32003}, {"f4", "eva", "1020304053", 0},
        {"f5", "eva", "1020304054", -32003}, /* the till's three are used up */
        {"f6", "zoe", "1020304055", -32003}, {"f7", "zoe", "10203*", -32602},
        {"f8", "zoe", "1020304O50", -32602},
    };
    struct rig *r = up("    finds_per_clerk: 1\n    finds_per_terminal: 6\n");
    char said[8192];
    struct process *p;
    size_t i, n;

    (void)state;
    make_key(r, "till");
    assert_string_equal(enroll(r, "till", invite(r, "--store CENTRO --terminal 3")), "");
    n = (size_t)snprintf(said, sizeof said, "%s", HELLO);
    for (i = 0; i < sizeof finds / sizeof *finds; i++)
        n += (size_t)snprintf(
            said + n, sizeof said - n,
            "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"customer.find\",\"params\":{\"by\":{"
            "\"document\":{\"country\":\"CO\",\"type\":\"CC\",\"number\":\"%s\"}},\"reason\":\"claim\","
            "\"clerk\":\"%s\"}}\n",
            finds[i].id, finds[i].number, finds[i].clerk);
    file_write(scratch_path(&r->scratch, "finds.txt"), said);
    p = talk(r, "hilo-pos/1", "-verify_return_error -CAfile ca.pem -cert till.pem -key till.key",
             "finds.txt");
    for (i = 0; i < sizeof finds / sizeof *finds; i++) {
        char want[32];
        cJSON *a;
        const cJSON *code;

        (void)snprintf(want, sizeof want, "\"id\":\"%s\"", finds[i].id);
        a = cJSON_Parse(strchr(process_wait_nth(p, 1, want, NULL), '{'));
        code = json_at(a, "error/code");
        if ((cJSON_IsNumber(code) ? code->valueint : 0) != finds[i].code)
            fail_msg("%s: %s", finds[i].id, cJSON_Print(a));
        if (finds[i].code == -32003)
            assert_true(json_at(a, "error/data/retry_after_ms")->valuedouble > 0);
        cJSON_Delete(a);
    }
    process_free(&p);
    (void)process_wait_line(r->gate.process, "pos.refused reason=rate ", "store=CENTRO", "terminal=3", NULL);
    assert_false(process_saw(r->gate.process, "1020304")); /* whole or not, no document */
    down(r);
}

/* The till's own program, which shares nothing with the gateway but PROTOCOL.md, reads the code, finds the
 * gateway by it, and trusts nobody else. */
static void hilo_till_comes_in(void **state)
{
    struct rig *r = up("");
    const char *code = invite(r, "--store CENTRO --terminal 3 --role cashier");
    char build[512], other[640];
    const char *out;
    cJSON *json;

    (void)state;
    assert_non_null(realpath(harness_build(), build));
    /* One character of the fingerprint is another's: mistyped. */
    (void)snprintf(other, sizeof other, "%s", code);
    other[35] = other[35] == 'A' ? 'B' : 'A';
    (void)sh(r, "! %s/hilo-till --state till --lang es enroll %s", build, other);
    (void)sh(r, "%s/hilo-till --state till enroll %s", build, code);
    (void)process_wait_line(r->gate.process, "pos.enrolled store=CENTRO terminal=3 role=cashier", NULL);
    hilo_says(r, "show CENTRO 3", "role", "cashier");
    out = sh(r, "echo '{\"id\":\"q1\",\"method\":\"ping\",\"params\":{}}' | %s/hilo-till --state till --json",
             build);
    assert_non_null(strstr(out, "\"time\""));
    json = cJSON_Parse(hilo(r, "show CENTRO 3 --json"));
    assert_non_null(json_at(json, "seen"));
    cJSON_Delete(json);
    /* The same code at another till is used up. */
    (void)sh(r, "! %s/hilo-till --state stolen enroll %s", build, code);
    (void)process_wait_line(r->gate.process, "pos.refused reason=code", NULL);
    down(r);
}

/* A certificate for this key by the openssl program: -startdate and -enddate as it takes them. */
static void sign(struct rig *r, const char *ca, const char *key, const char *name, const char *uri,
                 const char *dates)
{
    (void)sh(
        r,
        "rm -rf db && mkdir db && touch db/index && "
        "printf "
        "'[ca]\\ndefault_ca=c\\n[c]\\ndatabase=db/index\\nnew_certs_dir=db\\ndefault_md=sha256\\npolicy=p\\n"
        "rand_serial=yes\\nunique_subject=no\\nx509_extensions=e\\n[p]\\ncommonName=optional\\n[e]\\n"
        "extendedKeyUsage=clientAuth\\nsubjectAltName=URI:%s\\n' >ca.cnf && "
        "openssl req -new -key %s.key -subj /CN=x -out x.csr && "
        "openssl ca -batch -config ca.cnf -cert %s.pem -keyfile %s.key -in x.csr -out %s.pem -notext %s && "
        "cp %s.key %s.key",
        uri, key, ca, ca, name, dates, key, name);
}

static void an_operators_ca_and_what_it_may_sign(void **state)
{
    static struct rig r0;
    struct rig *r;
    char more[512];

    (void)state;
    scratch_init(&r0.scratch);
    (void)sh(&r0, "for n in op strange; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
                  "-nodes -keyout "
                  "$n.key -out $n.pem -days 300 -subj /CN=$n -addext keyUsage=keyCertSign; done");
    (void)snprintf(more, sizeof more, "    ca_cert: file:%s/op.pem\n    ca_key: file:%s/op.key\n",
                   r0.scratch.dir, r0.scratch.dir);
    r = up(more);
    make_key(r, "till");
    make_key(r, "other");
    assert_string_equal(enroll(r, "till", invite(r, "--store CENTRO --terminal 3")), "");
    assert_non_null(strstr(sh(r, "openssl verify -CAfile %s/op.pem till.pem", r0.scratch.dir), "OK"));
    is_let_in(r, "till", "CENTRO", "3", "clerk");
    assert_string_equal(enroll(r, "other", invite(r, "--store NORTE --terminal 3")), "");
    (void)sh(r, "cp %s/*.pem %s/*.key .", r0.scratch.dir, r0.scratch.dir);
    /* By the operator's own hand: good for the key that is registered, and for nothing else. */
    sign(r, "op", "till", "hand", "urn:hilo:pos:CENTRO:3", "-days 2");
    is_let_in(r, "hand", "CENTRO", "3", "clerk");
    sign(r, "op", "till", "past", "urn:hilo:pos:CENTRO:3",
         "-startdate 20240101000000Z -enddate 20250101000000Z");
    is_refused(r, "past", 45, "expired");
    sign(r, "op", "till", "future", "urn:hilo:pos:CENTRO:3",
         "-startdate 20390101000000Z -enddate 20400101000000Z");
    is_refused(r, "future", 42, "not_yet_valid");
    sign(r, "strange", "till", "foreign", "urn:hilo:pos:CENTRO:3", "-days 2");
    is_refused(r, "foreign", 48, "unknown_ca");
    sign(r, "op", "till", "elsewhere", "urn:hilo:pos:NORTE:3", "-days 2");
    is_refused(r, "elsewhere", 46, "other_key");
    sign(r, "op", "till", "nowhere", "urn:hilo:pos:CENTRO:99", "-days 2");
    is_refused(r, "nowhere", 46, "not_registered");
    sign(r, "op", "till", "nameless", "https://www.example", "-days 2");
    is_refused(r, "nameless", 42, "bad_name");
    {
        struct process *p;
        char *out;

        file_write(scratch_path(&r->scratch, "hello.txt"), HELLO);
        p = talk(r, "hilo-pos/1", "-verify_return_error -CAfile ca.pem", "hello.txt");
        out = process_output(p);
        assert_non_null(strstr(out, "SSL alert number 116\n"));
        free(out);
        process_free(&p);
        (void)process_wait_line(r->gate.process, "pos.refused reason=no_certificate ", NULL);
        p = talk(r, "hilo-pos/1", "-verify_return_error -CAfile ca.pem -cert till.pem -key till.key -tls1_2",
                 "hello.txt");
        out = process_output(p);
        assert_non_null(strstr(out, "SSL alert number 70\n"));
        free(out);
        process_free(&p);
        (void)process_wait_line(r->gate.process, "pos.refused reason=tls_version ", NULL);
    }
    hilo_says(r, "ca", "kind", "operator");
    is_let_in(r, "till", "CENTRO", "3", "clerk");
    is_let_in(r, "other", "NORTE", "3", "clerk");
    down(r);
    scratch_done(&r0.scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_till_comes_in_by_a_code),
        cmocka_unit_test(a_code_outlives_a_crash_and_may_be_withdrawn),
        cmocka_unit_test(who_guesses_codes_waits),
        cmocka_unit_test(revoked_while_it_is_connected),
        cmocka_unit_test(revoked_between_handshake_and_hello),
        cmocka_unit_test(asked_to_rotate),
        cmocka_unit_test(look_ups_are_limited),
        cmocka_unit_test(hilo_till_comes_in),
        cmocka_unit_test(an_operators_ca_and_what_it_may_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
