/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compose_impl.h"
#include "dkim.h"
#include "ical.h"
#include "mail_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REFERENCES_MAX = 11, NAME_MAX_ = 200 };

/* Whom it is between, as it is written. */
struct addresses {
    char *from, *reply_to, *to, *unsubscribe;
    bool utf8;
};

/* ---- parts --------------------------------------------------------------------------------------------- */

static GMimeObject *part_new(const char *type, const char *subtype, const char *bytes, size_t n,
                             GMimeContentEncoding encoding)
{
    GMimePart *part = g_mime_part_new_with_type(type, subtype);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes, n);
    GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, encoding);
    g_object_unref(content);
    g_object_unref(stream);
    return GMIME_OBJECT(part);
}

/* Text is never larger than it need be, and never has lines that a relay would break. */
static GMimeContentEncoding text_encoding(const GString *text)
{
    size_t i, line = 0;

    for (i = 0; i < text->len; i++) {
        line = text->str[i] == '\n' ? 0 : line + 1;
        if ((unsigned char)text->str[i] >= 0x80 || line > 900)
            return GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
    }
    return GMIME_CONTENT_ENCODING_7BIT;
}

/* text is taken. */
static GMimeObject *text_new(const char *subtype, GString *text)
{
    GMimeObject *part = part_new("text", subtype, text->str, text->len, text_encoding(text));

    g_mime_object_set_content_type_parameter(part, "charset", "utf-8");
    g_string_free(text, TRUE);
    return part;
}

static void add(GMimeMultipart *to, GMimeObject *part)
{
    g_mime_multipart_add(to, part);
    g_object_unref(part);
}

static bool token_good(const char *s)
{
    const char *c;

    for (c = s; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("!#$&-^_.+", *c))
            return false;
    return *s && strlen(s) <= 127;
}

/* Its type as it is written: nothing that would be taken apart on the way. */
static void type_of(struct hilo_str mime, char **type, char **subtype)
{
    char *s = g_strndup(mime.n ? mime.p : "", mime.n), *slash = strchr(s, '/');

    if (slash)
        *slash = '\0';
    if (!slash || !token_good(s) || !token_good(slash + 1) || g_ascii_strcasecmp(s, "multipart") == 0 ||
        g_ascii_strcasecmp(s, "message") == 0) {
        *type = g_strdup("application");
        *subtype = g_strdup("octet-stream");
    } else {
        *type = g_ascii_strdown(s, -1);
        *subtype = g_ascii_strdown(slash + 1, -1);
    }
    g_free(s);
}

static char *filename_of(const struct compose_file *f)
{
    char *name = compose_clean(f->filename, false), *c, *end;

    for (c = name; *c; c++)
        if (*c == '/' || *c == '\\')
            *c = '_';
    if (strlen(name) > NAME_MAX_) {
        for (end = name + NAME_MAX_; ((unsigned char)*end & 0xc0) == 0x80; end--)
            ;
        *end = '\0';
    }
    if (!*name) {
        g_free(name);
        name = g_strdup("file");
    }
    return name;
}

/* Its bytes, g_free(); NULL: they can't be read. */
static char *read_file(int fd, size_t *n)
{
    struct stat st;
    char *bytes;
    size_t at = 0;

    if (fstat(fd, &st) != 0 || st.st_size < 0)
        return NULL;
    *n = (size_t)st.st_size;
    bytes = g_try_malloc(*n + 1);
    while (bytes && at < *n) {
        ssize_t got = pread(fd, bytes + at, *n - at, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            g_free(bytes);
            return NULL;
        }
        at += (size_t)got;
    }
    return bytes;
}

static GMimeObject *file_new(const struct compose_mail *m, const struct compose_file *f)
{
    char *type, *subtype, *name, *bytes, *id;
    GMimeObject *part;
    size_t n;

    bytes = read_file(f->fd, &n);
    if (!bytes)
        return NULL;
    type_of(f->mime, &type, &subtype);
    part = part_new(type, subtype, bytes, n, GMIME_CONTENT_ENCODING_BASE64);
    name = filename_of(f);
    g_mime_object_set_disposition(part, compose_inline(m, f) ? "inline" : "attachment");
    g_mime_part_set_filename(GMIME_PART(part), name);
    if (compose_inline(m, f)) {
        id = g_strndup(f->content_id.p, f->content_id.n);
        g_mime_object_set_content_id(part, id);
        g_free(id);
    }
    g_free(name);
    g_free(type);
    g_free(subtype);
    g_free(bytes);
    return part;
}

/* ---- the body ---------------------------------------------------------------------------------------------
 *
 *   mixed
 *     alternative
 *       text/plain
 *       related          (where it shows images of its own)
 *         text/html
 *         image/… inline
 *       text/calendar    (an invitation)
 *     files
 *     invite.ics
 */

static int32_t add_files(const struct compose_mail *m, GMimeMultipart *to, bool inline_)
{
    GMimeObject *part;
    size_t i;

    for (i = 0; i < m->n_files; i++) {
        if (compose_inline(m, &m->file[i]) != inline_)
            continue;
        part = file_new(m, &m->file[i]);
        if (!part)
            return HILO_IO;
        add(to, part);
    }
    return HILO_OK;
}

static size_t count_inline(const struct compose_mail *m)
{
    size_t i, n = 0;

    for (i = 0; i < m->n_files; i++)
        n += compose_inline(m, &m->file[i]);
    return n;
}

static int32_t add_html(const struct compose_mail *m, GMimeMultipart *alternative)
{
    GMimeObject *html = text_new("html", compose_html(m));
    GMimeMultipart *related;
    int32_t rc;

    if (count_inline(m) == 0) {
        add(alternative, html);
        return HILO_OK;
    }
    related = g_mime_multipart_new_with_subtype("related");
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(related), "type", "text/html");
    add(related, html);
    rc = add_files(m, related, true);
    add(alternative, GMIME_OBJECT(related));
    return rc;
}

static const char *method_name(const struct compose_event *e)
{
    return e->method == COMPOSE_CANCEL ? "CANCEL" : "REQUEST";
}

static void add_calendar(const struct compose_event *e, const char *ics, GMimeMultipart *to)
{
    struct hilo_str s = {ics, strlen(ics)};
    char *lines = compose_clean(s, true);
    GMimeObject *part = text_new("calendar", g_string_new(lines));

    g_mime_object_set_content_type_parameter(part, "method", method_name(e));
    add(to, part);
    g_free(lines);
}

/* For those whose program does not show invitations. */
static void add_ics(const char *ics, GMimeMultipart *to)
{
    GMimeObject *part = part_new("application", "ics", ics, strlen(ics), GMIME_CONTENT_ENCODING_BASE64);

    g_mime_object_set_disposition(part, "attachment");
    g_mime_part_set_filename(GMIME_PART(part), "invite.ics");
    add(to, part);
}

static int32_t body_new(const struct compose_mail *m, const char *ics, GMimeObject **out)
{
    GMimeMultipart *alternative = g_mime_multipart_new_with_subtype("alternative"), *mixed;
    int32_t rc;

    add(alternative, text_new("plain", compose_text(m)));
    rc = add_html(m, alternative);
    if (ics)
        add_calendar(&m->event, ics, alternative);
    *out = GMIME_OBJECT(alternative);
    if (rc != HILO_OK || (m->n_files == count_inline(m) && !ics))
        return rc;
    mixed = g_mime_multipart_new_with_subtype("mixed");
    add(mixed, GMIME_OBJECT(alternative));
    *out = GMIME_OBJECT(mixed);
    rc = add_files(m, mixed, false);
    if (ics)
        add_ics(ics, mixed);
    return rc;
}

/* ---- headers --------------------------------------------------------------------------------------------
 */

static void head_references(GString *out, const struct compose_mail *m)
{
    struct hilo_str id[REFERENCES_MAX];
    size_t n = 0, skip, i;
    bool last = m->n_references && m->in_reply_to.n &&
                m->reference[m->n_references - 1].n == m->in_reply_to.n &&
                memcmp(m->reference[m->n_references - 1].p, m->in_reply_to.p, (size_t)m->in_reply_to.n) == 0;
    size_t room = REFERENCES_MAX - (m->in_reply_to.n && !last ? 1 : 0);

    /* The one that began the thread, and the newest. */
    skip = m->n_references > room ? m->n_references - room : 0;
    for (i = 0; i < m->n_references; i++)
        if (i == 0 || i > skip)
            id[n++] = m->reference[i];
    if (m->in_reply_to.n && !last)
        id[n++] = m->in_reply_to;
    compose_head_ids(out, "In-Reply-To", &m->in_reply_to, 1);
    compose_head_ids(out, "References", id, n);
}

static void head_unsubscribe(GString *out, const struct compose_mail *m, const char *mail)
{
    struct hilo_str url = m->unsubscribe_url;
    bool one_click = compose_url_good(url) && g_ascii_strncasecmp(url.p, "https://", 8) == 0;

    if (!one_click && !mail)
        return;
    g_string_append(out, "List-Unsubscribe: ");
    if (one_click)
        g_string_append_printf(out, "<%.*s>", (int)url.n, url.p);
    if (mail)
        g_string_append_printf(out, one_click ? ",\r\n <mailto:%s>" : "<mailto:%s>", mail);
    g_string_append(out, "\r\n");
    if (one_click)
        g_string_append(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
}

static void head_marks(GString *out, const struct compose_mail *m)
{
    if (m->language.n)
        compose_head_text(out, "Content-Language", m->language);
    if (m->automatic) {
        compose_head_text(out, "Auto-Submitted", (struct hilo_str){"auto-generated", 14});
        compose_head_text(out, "X-Auto-Response-Suppress", (struct hilo_str){"OOF, AutoReply", 14});
    }
    if (m->loop_mark.n)
        compose_head_text(out, "X-Hilo-Loop", m->loop_mark);
}

static GString *head_new(const struct compose_mail *m, const struct addresses *a)
{
    GString *out = g_string_new(NULL);
    struct hilo_str none = {NULL, 0};

    compose_head_date(out, m->date_us);
    compose_head_mailbox(out, "From", m->from_name, a->from);
    compose_head_mailbox(out, "To", m->to_name, a->to);
    if (a->reply_to)
        compose_head_mailbox(out, "Reply-To", none, a->reply_to);
    compose_head_text(out, "Subject", m->subject);
    compose_head_ids(out, "Message-ID", &m->message_id, 1);
    head_references(out, m);
    head_marks(out, m);
    head_unsubscribe(out, m, a->unsubscribe);
    g_string_append(out, "MIME-Version: 1.0\r\n");
    return out;
}

/* ---- the mail ---------------------------------------------------------------------------------------- */

static bool one_address(struct hilo_str s, char **out, bool *utf8)
{
    if (s.n)
        *out = compose_address(s, utf8);
    return !s.n || *out;
}

static const char *read_addresses(const struct compose_mail *m, struct addresses *a)
{
    if (!m->from.n || !one_address(m->from, &a->from, &a->utf8))
        return "the sender's address is none";
    if (!m->to.n || !one_address(m->to, &a->to, &a->utf8))
        return "the recipient's address is none";
    if (!one_address(m->reply_to, &a->reply_to, &a->utf8))
        return "the address for answers is none";
    if (!one_address(m->unsubscribe_mail, &a->unsubscribe, &a->utf8))
        return "the address for opting out is none";
    if (!compose_id_good(m->message_id))
        return "the Message-ID is none";
    return NULL;
}

static void addresses_done(struct addresses *a)
{
    g_free(a->from);
    g_free(a->reply_to);
    g_free(a->to);
    g_free(a->unsubscribe);
}

/* What its files make at least: told before they are read. */
static bool files_too_large(const struct compose_mail *m)
{
    uint64_t all = 0;
    struct stat st;
    size_t i;

    for (i = 0; i < m->n_files; i++)
        if (fstat(m->file[i].fd, &st) == 0 && st.st_size > 0)
            all += (uint64_t)st.st_size;
    return m->size_max && all / 3 * 4 > m->size_max;
}

static int32_t write_out(GString *head, GMimeObject *body, struct compose_out *out)
{
    GMimeFormatOptions *options = g_mime_format_options_new();
    GMimeStream *stream = g_mime_stream_mem_new();
    GByteArray *bytes;
    bool ok;

    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    ok = g_mime_object_write_to_stream(body, options, stream) >= 0;
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    out->n = head->len + bytes->len;
    out->bytes = ok ? malloc(out->n + 1) : NULL;
    if (out->bytes) {
        memcpy(out->bytes, head->str, head->len);
        memcpy(out->bytes + head->len, bytes->data, bytes->len);
        out->bytes[out->n] = '\0';
    }
    g_object_unref(stream);
    g_mime_format_options_free(options);
    return out->bytes ? HILO_OK : HILO_NOMEM;
}

int32_t compose_mail(const struct compose_mail *m, struct compose_out *out, const char **why)
{
    struct addresses a = {.utf8 = false};
    GMimeObject *body = NULL;
    GString *head = NULL;
    char *ics = NULL;
    int32_t rc = HILO_INVALID;

    memset(out, 0, sizeof *out);
    mail_library();
    *why = read_addresses(m, &a);
    if (!*why && files_too_large(m))
        *why = "the mail is larger than the relay takes";
    if (*why)
        goto out;
    if (m->event.method != COMPOSE_NO_EVENT) {
        rc = ical_write(&m->event, a.from, a.to, &ics, why);
        if (rc != HILO_OK)
            goto out;
    }
    rc = body_new(m, ics, &body);
    if (rc != HILO_OK) {
        *why = "a file that goes along can't be read";
        goto out;
    }
    head = head_new(m, &a);
    rc = write_out(head, body, out);
    if (rc == HILO_OK)
        rc = dkim_sign(m, out, why);
    if (rc == HILO_OK && m->size_max && out->n > m->size_max) {
        *why = "the mail is larger than the relay takes";
        rc = HILO_INVALID;
    }
    out->utf8 = a.utf8;
out:
    if (rc != HILO_OK) {
        free(out->bytes);
        memset(out, 0, sizeof *out);
    }
    if (head)
        g_string_free(head, TRUE);
    if (body)
        g_object_unref(body);
    free(ics);
    addresses_done(&a);
    return rc;
}
