/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "dkim.h"

#include <glib.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RSA_BITS_MIN = 1024, FOLD = 72 };

/* Each that is there; those that begin with ! once more than they are there, so that none can be added. */
static const char *const signed_headers[] = {"!From",
                                             "!To",
                                             "!Subject",
                                             "!Date",
                                             "!Message-ID",
                                             "Reply-To",
                                             "In-Reply-To",
                                             "References",
                                             "MIME-Version",
                                             "Content-Type",
                                             "Content-Transfer-Encoding",
                                             "Content-Language",
                                             "Auto-Submitted",
                                             "List-Unsubscribe",
                                             "List-Unsubscribe-Post"};

/* ---- canonical forms (RFC 6376, section 3.4: relaxed)
 * ------------------------------------------------------ */

static bool is_wsp(char c)
{
    return c == ' ' || c == '\t';
}

/* A header with its continuation lines; n: without the last CRLF. */
static void relax_head(GString *out, const char *s, size_t n)
{
    const char *colon = memchr(s, ':', n), *c, *end = s + n;
    bool space = false, any = false;

    if (!colon)
        return;
    for (c = s; c < colon; c++)
        if (!is_wsp(*c))
            g_string_append_c(out, g_ascii_tolower(*c));
    g_string_append_c(out, ':');
    for (c = colon + 1; c < end; c++) {
        if (is_wsp(*c) || *c == '\r' || *c == '\n') {
            space = any;
            continue;
        }
        if (space)
            g_string_append_c(out, ' ');
        g_string_append_c(out, *c);
        space = false;
        any = true;
    }
}

/* Behind the headers, or the end where there is no body. */
static const char *body_of(struct hilo_str mail)
{
    const char *p = mail.n ? memmem(mail.p, (size_t)mail.n, "\r\n\r\n", 4) : NULL;

    return p ? p + 4 : mail.p + mail.n;
}

bool dkim_body_digest(struct hilo_str mail, uint8_t out[DKIM_DIGEST])
{
    const char *s = body_of(mail), *end = mail.p + mail.n, *eol, *c;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    GString *line = g_string_new(NULL);
    size_t empty = 0;
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    for (; ok && s < end; s = eol + 2 <= end ? eol + 2 : end) {
        bool space = false;

        eol = memmem(s, (size_t)(end - s), "\r\n", 2);
        if (!eol)
            eol = end;
        g_string_truncate(line, 0);
        for (c = s; c < eol; c++) {
            if (is_wsp(*c)) {
                space = true;
                continue;
            }
            if (space)
                g_string_append_c(line, ' ');
            g_string_append_c(line, *c);
            space = false;
        }
        if (!line->len) {
            empty++; /* counts only when something follows */
            continue;
        }
        for (; ok && empty; empty--)
            ok = EVP_DigestUpdate(ctx, "\r\n", 2) == 1;
        g_string_append(line, "\r\n");
        ok = ok && EVP_DigestUpdate(ctx, line->str, line->len) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    g_string_free(line, TRUE);
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* The header at s: its end, before its last CRLF. */
static const char *head_end(const char *s, const char *end)
{
    const char *eol = s;

    for (;;) {
        eol = memmem(eol, (size_t)(end - eol), "\r\n", 2);
        if (!eol)
            return end;
        if (eol + 2 >= end || !is_wsp(eol[2]))
            return eol;
        eol += 2;
    }
}

/* "Name:", or as of old "Name :". */
static bool is_named(const char *s, size_t n, const char *name, size_t n_name)
{
    if (n <= n_name || strncasecmp(s, name, n_name) != 0)
        return false;
    while (n_name < n && is_wsp(s[n_name]))
        n_name++;
    return n_name < n && s[n_name] == ':';
}

/* The skip-th of that name from below; NULL: there is none. */
static const char *find_head(struct hilo_str mail, const char *name, size_t n_name, size_t skip, size_t *n)
{
    const char *end = body_of(mail), *s, *eol, *found = NULL;
    size_t count = 0, at = 0;
    int pass;

    for (pass = 0; pass < 2; pass++) {
        for (s = mail.p; s < end; s = eol + 2) {
            eol = head_end(s, end);
            if (!is_named(s, (size_t)(eol - s), name, n_name))
                continue;
            if (pass == 0)
                count++;
            else if (++at == count - skip) {
                found = s;
                *n = (size_t)(eol - s);
            }
        }
        if (count <= skip)
            return NULL;
    }
    return found;
}

bool dkim_head_digest(struct hilo_str mail, const char *list, const char *signature, uint8_t out[DKIM_DIGEST])
{
    GString *all = g_string_new(NULL);
    const char *name = list, *other;
    bool ok;

    while (*name) {
        size_t n = strcspn(name, ":"), n_head, skip = 0;
        const char *head;

        for (other = list; other < name; other += strcspn(other, ":") + 1)
            skip += strcspn(other, ":") == n && strncasecmp(other, name, n) == 0;
        head = find_head(mail, name, n, skip, &n_head);
        if (head) {
            relax_head(all, head, n_head);
            g_string_append(all, "\r\n");
        }
        name += n;
        name += *name == ':';
    }
    relax_head(all, signature, strlen(signature));
    ok = EVP_Digest(all->str, all->len, out, NULL, EVP_sha256(), NULL) == 1;
    g_string_free(all, TRUE);
    return ok;
}

/* ---- signatures
 * --------------------------------------------------------------------------------------------- */

static EVP_PKEY *read_key(struct hilo_str pem, const char **why)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    char none[1] = ""; /* never asks for a password */
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, none) : NULL;

    BIO_free(bio);
    *why = NULL;
    if (!key)
        *why = "the DKIM key is no private key in PEM";
    else if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
        *why = "the DKIM key is RSA of less than 1024 bits, which nobody accepts";
    else if (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "ED25519"))
        *why = "the DKIM key is neither RSA nor Ed25519";
    if (*why) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

/* Base64 of the signature of a digest, g_free(); NULL: it can't be made. */
static char *sign_digest(EVP_PKEY *key, const uint8_t digest[DKIM_DIGEST])
{
    unsigned char *bytes = g_malloc((size_t)EVP_PKEY_get_size(key));
    size_t n = (size_t)EVP_PKEY_get_size(key);
    EVP_PKEY_CTX *ctx = NULL;
    EVP_MD_CTX *md = NULL;
    char *text = NULL;
    bool ok;

    if (EVP_PKEY_is_a(key, "RSA")) {
        ctx = EVP_PKEY_CTX_new(key, NULL);
        ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
             EVP_PKEY_sign(ctx, bytes, &n, digest, DKIM_DIGEST) == 1;
    } else {
        md = EVP_MD_CTX_new();
        ok = md && EVP_DigestSignInit(md, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestSign(md, bytes, &n, digest, DKIM_DIGEST) == 1;
    }
    if (ok)
        text = g_base64_encode(bytes, n);
    EVP_PKEY_CTX_free(ctx);
    EVP_MD_CTX_free(md);
    g_free(bytes);
    return text;
}

static bool name_good(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (!g_ascii_isalnum(s.p[i]) && !memchr("-._", s.p[i], 3))
            return false;
    return s.n > 0 && s.n <= 253;
}

/* The names of what is signed, as h= has them. */
static char *list_new(struct hilo_str mail)
{
    GString *list = g_string_new(NULL);
    size_t i, k, n;

    for (i = 0; i < sizeof signed_headers / sizeof *signed_headers; i++) {
        const bool once_more = signed_headers[i][0] == '!';
        const char *name = signed_headers[i] + once_more;

        for (k = 0; find_head(mail, name, strlen(name), k, &n) || (once_more && k >= 1); k++) {
            g_string_append_printf(list, list->len ? ":%s" : "%s", name);
            if (!find_head(mail, name, strlen(name), k, &n))
                break;
        }
    }
    return g_string_free(list, FALSE);
}

/* Folded where a tag's value may be: before a colon's name, or anywhere in base64. */
static void append_list(GString *out, const char *list)
{
    size_t column = 3;

    while (*list) {
        size_t n = strcspn(list, ":");

        if (column + n + 1 > FOLD) {
            g_string_append(out, "\r\n\t ");
            column = 9;
        }
        g_string_append_len(out, list, (gssize)n);
        list += n;
        column += n + 1;
        if (*list) {
            g_string_append_c(out, ':');
            list++;
        }
    }
}

static void append_base64(GString *out, const char *text)
{
    while (strlen(text) > FOLD) {
        g_string_append_len(out, text, FOLD);
        g_string_append(out, "\r\n\t ");
        text += FOLD;
    }
    g_string_append(out, text);
}

/* One signature, with its CRLF, behind what is in heads. */
static int32_t sign_one(const struct compose_dkim *d, struct hilo_str mail, int64_t date_us, GString *heads,
                        const char **why)
{
    uint8_t digest[DKIM_DIGEST];
    EVP_PKEY *key = NULL;
    GString *head = NULL;
    char *list = NULL, *body = NULL, *signature = NULL;
    int32_t rc = HILO_INVALID;

    *why = "the DKIM domain or selector is none";
    if (!name_good(d->domain) || !name_good(d->selector))
        goto out;
    key = read_key(d->key, why);
    if (!key)
        goto out;
    rc = HILO_NOMEM;
    *why = "the DKIM signature can't be made";
    if (!dkim_body_digest(mail, digest))
        goto out;
    body = g_base64_encode(digest, DKIM_DIGEST);
    list = list_new(mail);
    head = g_string_new(NULL);
    g_string_append_printf(
        head, "DKIM-Signature: v=1; a=%s-sha256; c=relaxed/relaxed;\r\n\td=%.*s; s=%.*s; t=%lld;\r\n\th=",
        EVP_PKEY_is_a(key, "RSA") ? "rsa" : "ed25519", (int)d->domain.n, d->domain.p, (int)d->selector.n,
        d->selector.p, (long long)(date_us / 1000000));
    append_list(head, list);
    g_string_append_printf(head, ";\r\n\tbh=%s;\r\n\tb=", body);
    if (!dkim_head_digest(mail, list, head->str, digest))
        goto out;
    signature = sign_digest(key, digest);
    if (!signature)
        goto out;
    append_base64(head, signature);
    g_string_append(head, "\r\n");
    g_string_append_len(heads, head->str, (gssize)head->len);
    *why = NULL;
    rc = HILO_OK;
out:
    if (head)
        g_string_free(head, TRUE);
    g_free(signature);
    g_free(body);
    g_free(list);
    EVP_PKEY_free(key);
    return rc;
}

int32_t dkim_sign(const struct compose_mail *m, struct compose_out *out, const char **why)
{
    struct hilo_str mail = {out->bytes, out->n};
    GString *heads;
    int32_t rc = HILO_OK;
    char *longer;
    size_t i;

    if (!m->n_dkim)
        return HILO_OK;
    heads = g_string_new(NULL);
    for (i = 0; i < m->n_dkim && rc == HILO_OK; i++)
        rc = sign_one(&m->dkim[i], mail, m->date_us, heads, why);
    longer = rc == HILO_OK ? malloc(heads->len + out->n + 1) : NULL;
    if (longer) {
        memcpy(longer, heads->str, heads->len);
        memcpy(longer + heads->len, out->bytes, out->n + 1);
        free(out->bytes);
        out->bytes = longer;
        out->n += heads->len;
    } else if (rc == HILO_OK) {
        rc = HILO_NOMEM;
    }
    g_string_free(heads, TRUE);
    return rc;
}
