/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mail_impl.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the walk is. */
struct walk {
    struct mail *m;
    GMimePart *text, *html; /* what is read; borrowed */
    unsigned parts;
    const char *why;
    char path[4 * MAIL_DEPTH_MAX];
};

/* ---- small things ------------------------------------------------------------------------------ */

char *mail_clean(const char *s, bool lines)
{
    char *valid = s ? g_utf8_make_valid(s, -1) : NULL, *out, *to, *at;

    if (!valid)
        return NULL;
    out = to = malloc(strlen(valid) + 1);
    for (at = valid; out && *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        size_t n = (size_t)(g_utf8_next_char(at) - at);

        if (c == '\r' && lines)
            continue;
        if (lines ? (c == '\n' || c == '\t') : false)
            *to++ = *at;
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xa0) || c == 0x2028 || c == 0x2029)
            *to++ = ' ';
        else
            to = (char *)memcpy(to, at, n) + n;
    }
    if (out)
        *to = '\0';
    g_free(valid);
    return out;
}

char *mail_header(GMimeMessage *message, const char *name)
{
    return mail_clean(g_mime_object_get_header(GMIME_OBJECT(message), name), false);
}

char *mail_part_text(GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    const char *charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
    GMimeStream *memory = g_mime_stream_mem_new(), *filtered = g_mime_stream_filter_new(memory);
    GMimeFilter *filter = charset ? g_mime_filter_charset_new(charset, "utf-8") : NULL;
    GByteArray *bytes;
    char *text;

    /* A charset that nobody knows, or none: UTF-8 where it is, else what Windows writes. */
    if (filter)
        g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), filter);
    if (content)
        (void)g_mime_data_wrapper_write_to_stream(content, filtered);
    (void)g_mime_stream_flush(filtered);
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
    if (!filter && !g_utf8_validate((char *)bytes->data, bytes->len, NULL)) {
        text = g_convert_with_fallback((char *)bytes->data, bytes->len, "utf-8", "windows-1252", "?", NULL,
                                       NULL, NULL);
        if (!text)
            text = g_strndup((char *)bytes->data, bytes->len);
    } else {
        text = g_strndup((char *)bytes->data, bytes->len); /* ends at a NUL, if there is one */
    }
    if (text && strlen(text) > MAIL_BODY_MAX)
        text[MAIL_BODY_MAX] = '\0';
    if (filter)
        g_object_unref(filter);
    g_object_unref(filtered);
    g_object_unref(memory);
    return text;
}

/* ---- addresses and headers ----------------------------------------------------------------------- */

/* The first mailbox of a list, groups looked into. */
static InternetAddressMailbox *first_mailbox(InternetAddressList *list, unsigned depth)
{
    int i, n = list ? internet_address_list_length(list) : 0;

    for (i = 0; i < n && depth < 4; i++) {
        InternetAddress *a = internet_address_list_get_address(list, i);
        InternetAddressMailbox *in;

        if (INTERNET_ADDRESS_IS_MAILBOX(a))
            return INTERNET_ADDRESS_MAILBOX(a);
        in = first_mailbox(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)), depth + 1);
        if (in)
            return in;
    }
    return NULL;
}

static bool address_of(InternetAddressMailbox *box, struct mail_address *out)
{
    const char *addr = box ? internet_address_mailbox_get_idn_addr(box) : NULL, *at, *c;
    char *p;

    memset(out, 0, sizeof *out);
    if (!addr || !(at = strrchr(addr, '@')) || at == addr || !at[1] || strlen(addr) > 254)
        return true;
    for (c = addr; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return true; /* no address that anybody could be written to */
    out->address = mail_clean(internet_address_mailbox_get_addr(box), false);
    if (!out->address)
        return false;
    p = strrchr(out->address, '@');
    if (p) {
        char *lower = g_utf8_strdown(p, -1);

        if (strlen(lower) <= strlen(p))
            (void)strcpy(p, lower);
        g_free(lower);
    }
    out->name = mail_clean(internet_address_get_name(INTERNET_ADDRESS(box)), false);
    return true;
}

static void address_done(struct mail_address *a)
{
    free(a->address);
    free(a->name);
}

enum { TO_MAX = 200 };

static bool add_to(InternetAddressList *list, struct mail *m, unsigned depth)
{
    int i, n = list ? internet_address_list_length(list) : 0;
    bool ok = true;

    for (i = 0; i < n && ok && m->n_to < TO_MAX && depth < 4; i++) {
        InternetAddress *a = internet_address_list_get_address(list, i);

        if (INTERNET_ADDRESS_IS_GROUP(a)) {
            ok = add_to(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)), m, depth + 1);
        } else {
            ok = address_of(INTERNET_ADDRESS_MAILBOX(a), &m->to[m->n_to]);
            m->n_to += m->to[m->n_to].address != NULL;
        }
    }
    return ok;
}

static int32_t read_to(GMimeMessage *message, struct mail *m)
{
    InternetAddressList *all = g_mime_message_get_all_recipients(message);
    bool ok = true;

    if (all) {
        m->to = calloc(TO_MAX, sizeof *m->to);
        ok = m->to && add_to(all, m, 0);
        g_object_unref(all);
    }
    return ok ? HILO_OK : HILO_NOMEM;
}

/* Without the marks of answers and copies, in the languages that are met here. */
static const char *subject_bare(const char *s)
{
    static const char *const marks[] = {"re", "rv", "fw", "fwd", "aw", "wg", "res", "enc", "ref", NULL};
    size_t i, n;

    for (;;) {
        while (*s == ' ' || *s == '\t')
            s++;
        for (i = 0; marks[i]; i++) {
            n = strlen(marks[i]);
            if (g_ascii_strncasecmp(s, marks[i], n) == 0 &&
                (s[n] == ':' || (s[n] == '[' && isdigit((unsigned char)s[n + 1]))))
                break;
        }
        if (!marks[i])
            return s;
        s = strchr(s + n, ':');
        if (!s++)
            return "";
    }
}

static bool id_good(const char *id)
{
    const char *p;

    for (p = id; p && *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '<' || *p == '>')
            return false;
    return id && *id && strlen(id) <= 500;
}

static int32_t read_references(GMimeMessage *message, struct mail *m)
{
    const char *in = g_mime_object_get_header(GMIME_OBJECT(message), "In-Reply-To"),
               *refs = g_mime_object_get_header(GMIME_OBJECT(message), "References");
    GMimeReferences *list;
    int i, n;

    if (in) {
        list = g_mime_references_parse(NULL, in);
        for (i = 0; list && i < g_mime_references_length(list) && !m->in_reply_to; i++)
            if (id_good(g_mime_references_get_message_id(list, i)))
                m->in_reply_to = mail_clean(g_mime_references_get_message_id(list, i), false);
        if (list)
            g_mime_references_free(list);
    }
    list = refs ? g_mime_references_parse(NULL, refs) : NULL;
    n = list ? g_mime_references_length(list) : 0;
    /* Of too many the newest, which come last. */
    for (i = n > MAIL_REFERENCES_MAX ? n - MAIL_REFERENCES_MAX : 0; i < n; i++) {
        if (!m->reference)
            m->reference = calloc(MAIL_REFERENCES_MAX, sizeof *m->reference);
        if (!m->reference)
            break;
        if (id_good(g_mime_references_get_message_id(list, i)) &&
            (m->reference[m->n_references] = mail_clean(g_mime_references_get_message_id(list, i), false)))
            m->n_references++;
    }
    if (list)
        g_mime_references_free(list);
    return n && !m->reference ? HILO_NOMEM : HILO_OK;
}

/* One that has no Message-ID, or one that is none, is known by what it is: so it is taken once. */
static char *digest_id(struct hilo_str bytes)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char *id = malloc(2 * 20 + sizeof "@digest.invalid");
    unsigned n = 0, i;

    if (!id || EVP_Digest(bytes.p, bytes.n, digest, &n, EVP_sha256(), NULL) != 1) {
        free(id);
        return NULL;
    }
    for (i = 0; i < 20; i++)
        (void)snprintf(id + 2 * i, 3, "%02x", digest[i]);
    (void)strcpy(id + 40, "@digest.invalid");
    return id;
}

static int32_t read_headers(GMimeMessage *message, struct hilo_str bytes, struct mail *m)
{
    const char *id = g_mime_message_get_message_id(message), *subject = g_mime_message_get_subject(message);
    InternetAddressMailbox *from = first_mailbox(g_mime_message_get_from(message), 0),
                           *sender = first_mailbox(g_mime_message_get_sender(message), 0),
                           *reply = first_mailbox(g_mime_message_get_reply_to(message), 0);
    GDateTime *date = g_mime_message_get_date(message);
    char *clean = mail_clean(subject ? subject : "", false);

    if (clean) {
        size_t n = strlen(clean);

        while (n && clean[n - 1] == ' ')
            clean[--n] = '\0';
        m->subject = strdup(subject_bare(clean));
        free(clean);
    }
    m->message_id = id_good(id) ? mail_clean(id, false) : digest_id(bytes);
    m->language = mail_header(message, "Content-Language");
    if (date)
        m->date_us = g_date_time_to_unix(date) * 1000000;
    if (!m->subject || !m->message_id || !address_of(from, &m->from) ||
        !address_of(reply ? reply : sender, &m->sender))
        return HILO_NOMEM;
    if (m->sender.address && m->from.address && strcasecmp(m->sender.address, m->from.address) == 0) {
        address_done(&m->sender);
        memset(&m->sender, 0, sizeof m->sender);
    }
    return read_to(message, m) == HILO_OK ? read_references(message, m) : HILO_NOMEM;
}

/* ---- parts ----------------------------------------------------------------------------------------- */

/* No folders, no leading dots, no reserved characters; "adjunto.bin" for nothing. */
static char *file_name(const char *given, const char *mime)
{
    const char *base = given, *at;
    char *clean, *p, *out;

    for (at = given; at && *at; at++)
        if (*at == '/' || *at == '\\')
            base = at + 1;
    clean = mail_clean(base ? base : "", false);
    if (!clean)
        return NULL;
    for (p = clean; *p; p++)
        if (strchr(":*?\"<>|", *p))
            *p = '_';
    for (p = clean; *p == '.' || *p == ' ';)
        p++;
    if (strlen(p) > 200) { /* its end says what it is */
        const char *cut = p + strlen(p) - 200;

        while (((unsigned char)*cut & 0xc0) == 0x80)
            cut++;
        out = strdup(cut);
    } else if (*p) {
        out = strdup(p);
    } else {
        out = strdup(g_str_has_prefix(mime, "message/") ? "adjunto.eml" : "adjunto.bin");
    }
    free(clean);
    return out;
}

static bool add_part(struct walk *w, GMimeObject *object, const char *given, int64_t size, bool inside)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    char *mime = type ? g_mime_content_type_get_mime_type(type) : NULL,
         *lower = mime ? g_ascii_strdown(mime, -1) : NULL;
    const char *cid = g_mime_object_get_content_id(object);
    struct mail_part *part, *grown = realloc(w->m->part, (w->m->n_parts + 1) * sizeof *grown);
    bool ok = false;

    if (grown) {
        w->m->part = grown;
        part = &grown[w->m->n_parts++];
        memset(part, 0, sizeof *part);
        part->path = strdup(w->path);
        part->mime = mail_clean(lower && strlen(lower) < 128 ? lower : "application/octet-stream", false);
        part->filename = file_name(given, part->mime ? part->mime : "");
        part->content_id = id_good(cid) ? mail_clean(cid, false) : NULL;
        part->size = size > 0 ? (uint64_t)size : 0;
        part->inline_ = inside && part->content_id && part->mime && g_str_has_prefix(part->mime, "image/");
        ok = part->path && part->mime && part->filename;
    }
    g_free(mime);
    g_free(lower);
    if (!ok)
        w->why = "no memory";
    return ok;
}

/* Bytes that writing it would make. */
static int64_t part_size(GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *null = g_mime_stream_null_new();
    ssize_t n = content ? g_mime_data_wrapper_write_to_stream(content, null) : 0;

    g_object_unref(null);
    return n;
}

static bool walk_leaf(struct walk *w, GMimeObject *object, bool related)
{
    GMimePart *part = GMIME_PART(object);
    GMimeContentType *type = g_mime_object_get_content_type(object);
    GMimeContentDisposition *how = g_mime_object_get_content_disposition(object);
    const char *name = g_mime_part_get_filename(part);
    bool attached = how && g_mime_content_disposition_is_attachment(how);

    if (!attached && !name && g_mime_content_type_is_type(type, "text", "plain") && !w->text) {
        w->text = part;
        return true;
    }
    if (!attached && !name && g_mime_content_type_is_type(type, "text", "html") && !w->html) {
        w->html = part;
        return true;
    }
    if (g_mime_content_type_is_type(type, "text", "calendar") && w->m->reply.partstat == MAIL_NO_REPLY) {
        char *text = mail_part_text(part);

        if (!text || mail_calendar(text, &w->m->reply) != HILO_OK)
            w->why = "no memory";
        g_free(text);
        if (!name)
            name = "invite.ics";
    }
    return !w->why && add_part(w, object, name, part_size(part), related || !attached);
}

static bool walk_object(struct walk *w, GMimeObject *object, unsigned depth, bool related);

static bool walk_children(struct walk *w, GMimeMultipart *multi, unsigned depth, bool related)
{
    size_t end = strlen(w->path);
    int i, n = g_mime_multipart_get_count(multi);

    for (i = 0; i < n; i++) {
        (void)snprintf(w->path + end, sizeof w->path - end, "%s%d", end ? "." : "", i + 1);
        if (!walk_object(w, g_mime_multipart_get_part(multi, i), depth + 1, related))
            return false;
    }
    w->path[end] = '\0';
    return true;
}

static bool walk_object(struct walk *w, GMimeObject *object, unsigned depth, bool related)
{
    if (!object)
        return true;
    if (depth > MAIL_DEPTH_MAX || ++w->parts > MAIL_PARTS_MAX) {
        w->why = depth > MAIL_DEPTH_MAX ? "it is nested too deeply" : "it has too many parts";
        return false;
    }
    if (GMIME_IS_MULTIPART(object)) {
        const char *report = g_mime_object_get_content_type_parameter(object, "report-type");
        GMimeContentType *type = g_mime_object_get_content_type(object);

        if (g_mime_content_type_is_type(type, "multipart", "report") && depth == 0 &&
            mail_about_report(GMIME_MULTIPART(object), report, &w->m->about) != HILO_OK) {
            w->why = "no memory";
            return false;
        }
        return walk_children(w, GMIME_MULTIPART(object), depth,
                             g_mime_content_type_is_type(type, "multipart", "related"));
    }
    if (GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage *in = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
        const char *subject = in ? g_mime_message_get_subject(in) : NULL;
        GMimeStream *null = g_mime_stream_null_new();
        ssize_t n = in ? g_mime_object_write_to_stream(GMIME_OBJECT(in), NULL, null) : 0;
        char *name = g_strdup_printf("%s.eml", subject && *subject ? subject : "mensaje");
        bool ok = add_part(w, object, name, n, false);

        g_object_unref(null);
        g_free(name);
        return ok;
    }
    if (GMIME_IS_PART(object))
        return walk_leaf(w, object, related);
    return add_part(w, object, NULL, 0, false); /* message/partial and what else there may be */
}

/* ---- the text ---------------------------------------------------------------------------------------- */

static bool blank(const char *s)
{
    while (*s == ' ' || *s == '\n' || *s == '\t' || *s == '\r')
        s++;
    return !*s;
}

static int32_t read_text(struct walk *w)
{
    char *raw = w->text ? mail_part_text(w->text) : NULL, *whole = NULL;
    int32_t rc;

    if (raw && !blank(raw))
        whole = mail_clean(raw, true);
    g_free(raw);
    if (!whole && w->html) {
        raw = mail_part_text(w->html);
        whole = raw ? mail_html_text(raw, strlen(raw)) : NULL;
        g_free(raw);
        if (!whole)
            return HILO_NOMEM;
        w->m->from_html = true;
    }
    rc = mail_quote(whole ? whole : "", w->m);
    if (rc == HILO_OK && w->m->about.report == MAIL_NO_REPORT && w->m->why_automatic && whole)
        rc = mail_about_words(whole, &w->m->about);
    free(whole);
    return rc;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

/* Before a parser works on it: how many parts there can be. Its work grows with each of them and with the
 * boundaries that are open, and it can't be stopped on its way. */
enum { BOUNDARIES_MAX = 60 };
struct boundaries {
    struct hilo_str of[BOUNDARIES_MAX];
    size_t n;
};

static bool white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value behind a "boundary=", whose '=' is at; false: too many, or written in pieces (RFC 2231), as
 * nobody does. */
static bool boundary_at(struct boundaries *b, const char *begin, const char *at, const char *end)
{
    static const char name[] = "boundary";
    const char *p = at, *v = at + 1;

    while (p > begin && white(p[-1]))
        p--;
    while (p > begin && (p[-1] == '*' || isdigit((unsigned char)p[-1])))
        p--;
    if (p - begin < 8 || strncasecmp(p - 8, name, 8) != 0)
        return true;
    if (*p == '*' || b->n == BOUNDARIES_MAX)
        return false;
    while (v < end && white(*v))
        v++;
    v += v < end && *v == '"';
    for (p = v; p < end && p - v < 200 && !white(*p) && *p != '"' && *p != ';'; p++)
        ;
    b->of[b->n].p = v;
    b->of[b->n++].n = (uint64_t)(p - v);
    return true;
}

static bool too_many_parts(struct hilo_str bytes)
{
    const char *at, *end = bytes.p + bytes.n;
    struct boundaries b = {.n = 0};
    size_t lines = 0, i;

    for (at = bytes.p; at < end && (at = memchr(at, '=', (size_t)(end - at))); at++)
        if (!boundary_at(&b, bytes.p, at, end))
            return true;
    for (at = bytes.p; b.n && at < end && (at = memchr(at, '-', (size_t)(end - at))); at++) {
        if (end - at < 3 || at[1] != '-' || (at > bytes.p && at[-1] != '\n'))
            continue;
        for (i = 0; i < b.n; i++)
            if ((uint64_t)(end - at - 2) >= b.of[i].n && memcmp(at + 2, b.of[i].p, b.of[i].n) == 0) {
                lines++;
                break;
            }
        if (lines > 2 * MAIL_PARTS_MAX)
            return true;
    }
    return false;
}

/* The longest block of headers at its beginning. */
static bool headers_too_long(struct hilo_str bytes)
{
    const char *end = memmem(bytes.p, bytes.n, "\n\r\n", 3), *lf = memmem(bytes.p, bytes.n, "\n\n", 2);
    size_t n = bytes.n;

    if (end)
        n = (size_t)(end - bytes.p);
    if (lf && (size_t)(lf - bytes.p) < n)
        n = (size_t)(lf - bytes.p);
    return n > MAIL_HEADER_MAX;
}

static void gmime_begin(void)
{
    g_mime_init();
}

void mail_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* the library's own, as curl_global_init is */

    (void)pthread_once(&once, gmime_begin);
}

static GMimeMessage *parse(struct hilo_str bytes)
{
    static const char *charsets[] = {"utf-8", "windows-1252", NULL};
    GMimeParserOptions *options;
    GMimeMessage *message;
    GMimeParser *parser;
    GMimeStream *stream;

    mail_library();
    options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(options, charsets);
    stream = g_mime_stream_mem_new_with_buffer(bytes.p, bytes.n);
    parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
    message = g_mime_parser_construct_message(parser, options);
    g_object_unref(parser);
    g_object_unref(stream);
    g_mime_parser_options_free(options);
    return message;
}

int32_t mail_read(struct hilo_str bytes, const char *envelope_from, const char *own_mark, struct mail *out,
                  const char **why)
{
    struct walk w = {.m = out};
    GMimeMessage *message = NULL;
    int32_t rc = HILO_INVALID;

    memset(out, 0, sizeof *out);
    *why = "it is no mail";
    if (bytes.n == 0)
        return rc;
    if (headers_too_long(bytes))
        w.why = "its headers are too long";
    else if (too_many_parts(bytes))
        w.why = "it has too many parts";
    if (!w.why) {
        message = parse(bytes);
        if (!message)
            goto out;
        rc = read_headers(message, bytes, out);
        if (rc == HILO_OK)
            mail_automatic(message, envelope_from, own_mark, out);
        if (rc == HILO_OK && !walk_object(&w, g_mime_message_get_mime_part(message), 0, false))
            rc = w.why && strcmp(w.why, "no memory") == 0 ? HILO_NOMEM : HILO_INVALID;
        if (rc == HILO_OK)
            rc = read_text(&w);
    }
out:
    if (w.why)
        *why = w.why;
    if (message)
        g_object_unref(message);
    if (rc != HILO_OK)
        mail_done(out);
    return rc;
}

void mail_done(struct mail *m)
{
    size_t i;

    address_done(&m->from);
    address_done(&m->sender);
    for (i = 0; i < m->n_to; i++)
        address_done(&m->to[i]);
    free(m->to);
    for (i = 0; i < m->n_references; i++)
        free(m->reference[i]);
    free(m->reference);
    for (i = 0; i < m->n_parts; i++) {
        free(m->part[i].path);
        free(m->part[i].filename);
        free(m->part[i].mime);
        free(m->part[i].content_id);
    }
    free(m->part);
    free(m->subject);
    free(m->message_id);
    free(m->in_reply_to);
    free(m->language);
    free(m->text);
    free(m->quoted);
    free(m->signature);
    free(m->about.message_id);
    free(m->about.recipient);
    free(m->about.status);
    free(m->about.diagnostic);
    free(m->reply.uid);
    memset(m, 0, sizeof *m);
}

/* ---- a part's bytes ------------------------------------------------------------------------------------ */

static GMimeObject *find(GMimeObject *object, const char *path)
{
    unsigned depth = 0;

    while (object && *path && depth++ <= MAIL_DEPTH_MAX) {
        char *end;
        long i = strtol(path, &end, 10);

        path = end;
        if (!GMIME_IS_MULTIPART(object) || i < 1 || i > g_mime_multipart_get_count(GMIME_MULTIPART(object)))
            return NULL;
        object = g_mime_multipart_get_part(GMIME_MULTIPART(object), (int)i - 1);
        if (*path == '.')
            path++;
    }
    return object;
}

static bool put(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n) {
        ssize_t k = write(fd, at, n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        at += k;
        n -= (size_t)k;
    }
    return true;
}

int32_t mail_part_write(struct hilo_str bytes, const char *path, int fd)
{
    GMimeMessage *message = headers_too_long(bytes) || too_many_parts(bytes) ? NULL : parse(bytes), *in;
    GMimeObject *object = message ? find(g_mime_message_get_mime_part(message), path) : NULL;
    GMimeStream *memory = g_mime_stream_mem_new();
    GMimeDataWrapper *content;
    int32_t rc = HILO_NOTFOUND;
    GByteArray *array;

    if (object && GMIME_IS_PART(object)) {
        content = g_mime_part_get_content(GMIME_PART(object));
        if (content)
            (void)g_mime_data_wrapper_write_to_stream(content, memory);
        rc = HILO_OK;
    } else if (object && GMIME_IS_MESSAGE_PART(object)) {
        in = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
        if (in)
            (void)g_mime_object_write_to_stream(GMIME_OBJECT(in), NULL, memory);
        rc = HILO_OK;
    } else if (object && !GMIME_IS_MULTIPART(object)) {
        rc = HILO_OK;
    }
    array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
    if (rc == HILO_OK && !put(fd, array->data, array->len))
        rc = HILO_IO;
    g_object_unref(memory);
    if (message)
        g_object_unref(message);
    return rc;
}
