/* URLs of webhooks, read by libcurl's parser: the one that will connect. */
#include "services/outbox_url.h"
#include "base/check.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char bare[64];
    size_t n = strlen(host);

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (n < 3 || n >= sizeof bare || host[0] != '[')
        return false;
    memcpy(bare, host + 1, n - 2);
    bare[n - 2] = '\0';
    return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* A part of a URL, "" if it is not there; curl_free it. */
static char *part_of(CURLU *u, CURLUPart what)
{
    char *p = NULL;
    CURLUcode rc = curl_url_get(u, what, &p, 0);

    if (rc == CURLUE_OUT_OF_MEMORY)
        check_nomem();
    return rc == CURLUE_OK ? p : NULL;
}

static CURLU *url_parse(const char *url)
{
    CURLU *u = curl_url();

    if (!u)
        check_nomem();
    if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
        return u;
    curl_url_cleanup(u);
    return NULL;
}

static int32_t url_judge(CURLU *u, bool plain, struct err *e)
{
    char *scheme = part_of(u, CURLUPART_SCHEME), *host = part_of(u, CURLUPART_HOST);
    char *user = part_of(u, CURLUPART_USER), *fragment = part_of(u, CURLUPART_FRAGMENT);
    int32_t rc = HILO_OK;

    if (!scheme || !host)
        rc = err_set(e, HILO_INVALID, "it needs a scheme and a host: https://example.com/hooks");
    else if (user)
        rc = err_set(e, HILO_INVALID, "it must not hold a user or a password; the signature says who sends");
    else if (fragment)
        rc = err_set(e, HILO_INVALID, "it must not hold a fragment (#…), which is never sent");
    else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        rc = err_set(e, HILO_INVALID, "its scheme must be https");
    else if (strcmp(scheme, "http") == 0 && !plain && !is_loopback(host))
        rc = err_set(e, HILO_INVALID,
                     "it must be https: http is only for this machine itself, or where "
                     "webhooks.allow_http is set");
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(fragment);
    return rc;
}

int32_t outbox_url_check(struct hilo_str url, bool plain, struct err *e)
{
    char z[OUTBOX_URL_MAX + 1];
    CURLU *u = NULL;
    int32_t rc;

    if (url.n > OUTBOX_URL_MAX)
        return err_set(e, HILO_INVALID, "it is longer than %d bytes", OUTBOX_URL_MAX);
    for (uint64_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || (unsigned char)url.p[i] >= 0x7f)
            return err_set(e, HILO_INVALID,
                           "it holds a space, a control character or one beyond ASCII: "
                           "write it encoded (%%20, xn--…)");
    memcpy(z, url.p ? url.p : "", (size_t)url.n);
    z[url.n] = '\0';
    if (url.n)
        u = url_parse(z);
    if (!u)
        return err_set(e, HILO_INVALID, "it is no URL: https://example.com/hooks");
    rc = url_judge(u, plain, e);
    curl_url_cleanup(u);
    return rc;
}

/* Request line, Host and what else is the same each time. */
void outbox_url_head(struct hilo_str url, struct buf *out)
{
    char z[OUTBOX_URL_MAX + 1];
    CURLU *u;
    int32_t rc;

    CHECK(url.n <= OUTBOX_URL_MAX);
    memcpy(z, url.p, (size_t)url.n);
    z[url.n] = 0;
    u = url_parse(z);
    CHECK(u != NULL);
    char *host = part_of(u, CURLUPART_HOST), *port = part_of(u, CURLUPART_PORT);
    char *path = part_of(u, CURLUPART_PATH), *query = part_of(u, CURLUPART_QUERY);
    CHECK(host != NULL);
    rc = buf_fmt(
        out, "POST %s%s%s HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: Hilo/" HILO_VERSION "\r\nAccept: */*\r\n",
        path ? path : "/", query ? "?" : "", query ? query : "", host, port ? ":" : "", port ? port : "");
    if (rc != HILO_OK)
        check_nomem();
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(query);
    curl_url_cleanup(u);
}
