/* A gateway with letters (letter.h). */
#include "letter.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static void wait_up(struct letters *l)
{
    (void)process_wait_nth(l->w.gate.process, 1, "channel.state", "channel=mail", "state=up", NULL);
}

void letters_up(struct letters *l, const char *isolation, const char *yaml)
{
    char build[256];

    memset(l, 0, sizeof *l);
    l->w.gate.isolation = isolation;
    l->w.gate.public_url = LETTER_URL;
    assert_non_null(realpath(harness_build(), build));
    /* The scratch folder is made by world_up; its name is not known before. */
    (void)snprintf(l->channel, sizeof l->channel,
                   "  mail:\n    type: letter\n    plugin: %s/tests/plugins/letter.so\n    out: %s\n", build,
                   "${LETTER_OUT}");
    static char out[2][160];
    char dir[] = "/tmp/hilo-letter-XXXXXX";
    assert_non_null(mkdtemp(dir));
    /* The process of a gateway that root started is nobody's. */
    assert_int_equal(chmod(dir, 0777), 0);
    (void)snprintf(out[0], sizeof out[0], "LETTER_OUT=%s/out", dir);
    l->w.gate.env[0] = out[0];
    world_up(&l->w, l->channel, yaml);
    wait_up(l);
}

void letters_again(struct letters *l)
{
    gate_again(&l->w.gate);
    wait_up(l);
}

static const char *out_path(const struct letters *l)
{
    return l->w.gate.env[0] + strlen("LETTER_OUT=");
}

void letters_down(struct letters *l)
{
    char command[256];

    world_down(&l->w);
    (void)snprintf(command, sizeof command, "rm -r \"$(dirname '%s')\"", out_path(l));
    assert_int_equal(system(command), 0);
}

/* ---- out ---- */

void letter_send(struct letters *l, const char *to, const char *content, const char *more, char *id)
{
    struct answer a =
        gate_post(&l->w.gate, "/v1/messages",
                  "{\"to\":{\"email\":\"%s\"},\"channel\":\"mail\",\"content\":%s%s}", to, content, more);

    if (a.status != 202)
        fail_msg("%ld %s", a.status, a.body);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&l->w.gate, id, "sent");
}

const char *letter_line(struct letters *l, const char *head)
{
    static char line[4][4096];
    static unsigned n;
    char *out = line[n++ % 4];
    size_t size;
    char *all = file_read(out_path(l), &size), *rest = all, *one;

    *out = 0;
    while ((one = strsep(&rest, "\n")))
        if (strncmp(one, head, strlen(head)) == 0)
            (void)snprintf(out, sizeof line[0], "%s", one + strlen(head));
    free(all);
    return out;
}

unsigned letter_count(struct letters *l, const char *head)
{
    size_t size;
    char *all = file_read(out_path(l), &size), *rest = all, *one;
    unsigned n = 0;

    while ((one = strsep(&rest, "\n")))
        n += strncmp(one, head, strlen(head)) == 0;
    free(all);
    return n;
}

void letter_upload(struct letters *l, const char *name, const char *mime, const char *bytes, char *id)
{
    char url[128], type[128], file[160];
    const char *const headers[] = {type, NULL};

    (void)snprintf(url, sizeof url, "%s/v1/media?filename=%s", l->w.gate.url, name);
    (void)snprintf(type, sizeof type, "Content-Type: %s", mime);
    (void)file;
    struct answer a = http_bytes("POST", url, l->w.gate.key, bytes, strlen(bytes), headers);
    if (a.status != 201)
        fail_msg("%ld %s", a.status, a.body);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

/* ---- in ---- */

struct hilo_id id_of(const char *text)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    struct hilo_id id = {{0}};
    unsigned bits = 0, n = 0;
    uint32_t acc = 0;

    assert_int_equal(strlen(text), 30);
    /* 26 digits of 5 bits are 130: the first has but 3. */
    for (const char *p = text + 4; *p; p++) {
        const char *at = strchr(digits, *p);
        assert_non_null(at);
        acc = acc << 5 | (uint32_t)(at - digits);
        bits += p == text + 4 ? 3 : 5;
        if (bits >= 8) {
            bits -= 8;
            id.b[n++] = (uint8_t)(acc >> bits);
        }
    }
    assert_int_equal(n, 16);
    return id;
}

void mail_begin(struct mail *m, const char *ext_id, const char *from, const char *reply_to)
{
    const struct hilo_str who = {from, strlen(from)}, ext = {ext_id, strlen(ext_id)};

    hilo_writer_init(&m->w, m->b, sizeof m->b);
    hilo_put_u64(&m->w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&m->w, HILO_T_MSG_EXT_ID, ext);
    if (reply_to)
        hilo_put_id(&m->w, HILO_T_MSG_REPLY_TO, id_of(reply_to));
    hilo_open(&m->w, HILO_T_MSG_PARTY);
    hilo_put_u64(&m->w, HILO_T_IDENT_SCHEME, HILO_SCHEME_EMAIL);
    hilo_put_str(&m->w, HILO_T_IDENT_VALUE, who);
    hilo_close(&m->w);
    hilo_open(&m->w, HILO_T_MSG_CONTENT);
}

static void put_z(struct mail *m, uint32_t tag, const char *text)
{
    hilo_put_str(&m->w, tag, (struct hilo_str){text, strlen(text)});
}

void mail_text(struct mail *m, const char *text)
{
    hilo_put_u64(&m->w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    put_z(m, HILO_T_CONTENT_SUBJECT, "Re: su televisor");
    put_z(m, HILO_T_CONTENT_TEXT, text);
    put_z(m, HILO_T_CONTENT_QUOTED, "El lunes escribimos: hola");
}

void mail_attach(struct mail *m, uint32_t tag, const char *which, const char *name, const char *mime)
{
    hilo_open(&m->w, tag);
    put_z(m, HILO_T_ATTACHMENT_EXT_MEDIA, which);
    put_z(m, HILO_T_ATTACHMENT_FILENAME, name);
    put_z(m, HILO_T_ATTACHMENT_MIME, mime);
    hilo_close(&m->w);
}

int mail_give(struct letters *l, struct mail *m)
{
    char url[128];
    struct hilo_str bytes;
    int code;

    hilo_close(&m->w);
    bytes = hilo_written(&m->w);
    assert_false(m->w.failed);
    (void)snprintf(url, sizeof url, "%s/hooks/mail", l->w.gate.url);
    struct answer a = http_bytes("POST", url, NULL, bytes.p, (size_t)bytes.n, NULL);
    assert_true(a.status == 200 || a.status == 422);
    code = atoi(a.body);
    answer_done(&a);
    return code;
}

/* ---- what is known ---- */

const char *customer_of(struct letters *l, const char *email)
{
    static char id[4][64];
    static unsigned n;
    char *out = id[n++ % 4];
    struct answer a = gate_post(&l->w.gate, "/v1/customers/search", "{\"email\":\"%s\"}", email);
    const char *found = answer_str(&a, "customers/0/id");

    assert_int_equal(a.status, 200);
    (void)snprintf(out, 64, "%s", found ? found : "");
    answer_done(&a);
    return out;
}

struct answer thread_of(struct letters *l, const char *email)
{
    struct answer a = gate_get(&l->w.gate, "/v1/customers/%s/timeline?limit=100", customer_of(l, email));

    assert_int_equal(a.status, 200);
    return a;
}
