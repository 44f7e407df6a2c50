/*
 * From a description in JSON to the mail that the email plugin makes of it: what tests/peers/email.mjs gives
 * to readers that others wrote.
 *
 *   mail < mail.json > mail.eml
 */
#include "../../plugins/email/compose.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20, LIST_MAX = 64 };

static struct hilo_str get(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsString(v) ? (struct hilo_str){v->valuestring, strlen(v->valuestring)}
                             : (struct hilo_str){NULL, 0};
}
static double number(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

static size_t lists(const cJSON *in, struct compose_file *file, struct compose_link *link,
                    struct compose_dkim *dkim, struct hilo_str *reference, struct compose_mail *m)
{
    const cJSON *o;
    size_t bad = 0;

    cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(in, "files"))
    {
        file[m->n_files] = (struct compose_file){.fd = open(get(o, "path").p, O_RDONLY | O_CLOEXEC),
                                                 .filename = get(o, "filename"),
                                                 .mime = get(o, "mime"),
                                                 .content_id = get(o, "content_id")};
        bad += file[m->n_files++].fd < 0;
    }
    cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(in, "links")) link[m->n_links++] =
        (struct compose_link){get(o, "title"), get(o, "url")};
    cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(in, "dkim")) dkim[m->n_dkim++] =
        (struct compose_dkim){get(o, "domain"), get(o, "selector"), get(o, "key")};
    cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(in, "references")) reference[m->n_references++] =
        (struct hilo_str){o->valuestring, strlen(o->valuestring)};
    m->file = file;
    m->link = link;
    m->dkim = dkim;
    m->reference = reference;
    return bad;
}

static void event(const cJSON *o, struct compose_event *e)
{
    if (!o)
        return;
    e->method =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "cancel")) ? COMPOSE_CANCEL : COMPOSE_REQUEST;
    e->uid = get(o, "uid");
    e->summary = get(o, "summary");
    e->description = get(o, "description");
    e->location = get(o, "location");
    e->time_zone = get(o, "time_zone");
    e->organizer_name = get(o, "organizer_name");
    e->starts_us = (int64_t)number(o, "starts") * 1000000;
    e->ends_us = (int64_t)number(o, "ends") * 1000000;
    e->stamp_us = (int64_t)number(o, "stamp") * 1000000;
    e->sequence = (uint32_t)number(o, "sequence");
}

int main(void)
{
    static char input[INPUT_MAX];
    struct compose_file file[LIST_MAX];
    struct compose_link link[LIST_MAX];
    struct compose_dkim dkim[LIST_MAX];
    struct hilo_str reference[LIST_MAX];
    struct compose_mail m = {.automatic = false};
    struct compose_out out;
    const char *why = "the input is no JSON";
    cJSON *in;
    int32_t rc;
    size_t i;

    input[fread(input, 1, sizeof input - 1, stdin)] = '\0';
    in = cJSON_Parse(input);
    if (!in || lists(in, file, link, dkim, reference, &m)) {
        (void)fprintf(stderr, "%s\n", why);
        return 2;
    }
    m.from = get(in, "from");
    m.from_name = get(in, "from_name");
    m.reply_to = get(in, "reply_to");
    m.to = get(in, "to");
    m.to_name = get(in, "to_name");
    m.subject = get(in, "subject");
    m.text = get(in, "text");
    m.html = get(in, "html");
    m.message_id = get(in, "message_id");
    m.in_reply_to = get(in, "in_reply_to");
    m.language = get(in, "language");
    m.loop_mark = get(in, "loop_mark");
    m.unsubscribe_url = get(in, "unsubscribe_url");
    m.unsubscribe_mail = get(in, "unsubscribe_mail");
    m.pixel_url = get(in, "pixel_url");
    m.automatic = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "automatic"));
    m.date_us = (int64_t)number(in, "date") * 1000000;
    event(cJSON_GetObjectItemCaseSensitive(in, "event"), &m.event);
    rc = compose_mail(&m, &out, &why);
    if (rc == HILO_OK)
        (void)fwrite(out.bytes, 1, out.n, stdout);
    else
        (void)fprintf(stderr, "%d %s\n", (int)rc, why);
    for (i = 0; i < m.n_files; i++)
        (void)close(file[i].fd);
    free(out.bytes);
    cJSON_Delete(in);
    return rc == HILO_OK ? 0 : 1;
}
